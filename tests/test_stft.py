import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.signal.stft import STFT, InverseSTFT, frame_count, hann, overlap_add


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def run(samples, window, hop, sizes=(), batch=None):
    """Push pieces of the given sizes, then the rest."""
    state, frames, begin = STFT(window, hop, batch), [], 0
    for size in sizes:
        frames += state.push(samples[begin : begin + size])
        begin += size
    frames += state.push(samples[begin:])
    frames += state.flush()
    return np.concatenate(frames) if frames else np.zeros((0, len(window) // 2 + 1), np.complex64)


def test_hann_is_periodic():
    np.testing.assert_allclose(hann(4), [0, 0.5, 1, 0.5], atol=1e-7)
    np.testing.assert_allclose(hann(1024)[:512] + hann(1024)[512:], 1, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 400),
    window=st.integers(2, 70),
    hop=st.one_of(st.integers(1, 90), st.floats(1, 90)),
    sizes=st.lists(st.integers(0, 100), max_size=8),
    batch=st.one_of(st.none(), st.integers(1, 7)),
)
def test_agrees_with_the_definition_whatever_the_blocks(length, window, hop, sizes, batch):
    samples = noise(length)
    found = run(samples, hann(window), hop, sizes, batch)
    assert found.dtype == np.complex64
    expected = naive.stft(samples, hann(window), hop) if length else np.zeros((0, window // 2 + 1))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_same_bits_whatever_the_blocks():
    samples = noise(30000)
    whole = run(samples, hann(1024), 220.5)
    for size in (1, 333, 4096):
        sizes = [size] * (3000 // size)
        assert run(samples, hann(1024), 220.5, sizes).tobytes() == whole.tobytes()
        assert run(samples, hann(1024), 220.5, sizes, batch=1).tobytes() == whole.tobytes()


def test_frame_is_centred_at_n_hop():
    samples = np.zeros(1000, np.float32)
    samples[300] = 1
    magnitudes = np.abs(run(samples, hann(64), 10)).sum(axis=1)
    assert magnitudes.argmax() == 30
    assert np.flatnonzero(magnitudes > 1e-6).tolist() == list(range(27, 34))


def test_sine_has_its_peak_in_its_bin():
    # FMP, Section 2.5.3: F_coef(k) = k · F_s / N; 1000 Hz is bin 32 at 8000 Hz and N = 256.
    t = np.arange(8000) / 8000
    spectra = run(np.sin(2 * np.pi * 1000 * t).astype(np.float32), hann(256), 128)
    assert set(np.abs(spectra[2:-2]).argmax(axis=1)) == {32}
    np.testing.assert_allclose(np.abs(spectra[2:-2, 32]), hann(256).sum() / 2, rtol=1e-5)


def test_frames_come_as_soon_as_their_samples():
    state = STFT(hann(8), 2, batch=1)
    assert [len(state.push(np.ones(1, np.float32))) for _ in range(8)] == [0, 0, 0, 1, 0, 1, 0, 1]


def test_batches_are_bounded():
    state = STFT(hann(4096), 441)
    batches = state.push(noise(200000))
    assert {len(batch) for batch in batches} == {state.batch} == {32}


def test_frames_up_to_the_very_end():
    assert [frame_count(n, 10) for n in (0, 1, 9, 10, 11, 20)] == [0, 1, 1, 2, 2, 3]
    assert frame_count(22050, 22050 / 49) == 50
    assert len(run(noise(50000), hann(512), 256)) == frame_count(50000, 256) == 196


def test_bad_input():
    with pytest.raises(ParameterError, match="at least one sample"):
        STFT(hann(8), 0.5)
    with pytest.raises(ParameterError, match="two samples"):
        STFT(hann(1), 1)
    with pytest.raises(ParameterError, match="at least one frame"):
        STFT(hann(8), 1, 0)
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(DataError, match="not finite"):
            STFT(hann(8), 2).push(np.array([0, value, 0], np.float32))


def back(samples, window, hop, batch=None):
    """Transform channels (C × n) and bring them back."""
    states, inverse = [STFT(window, hop, batch) for _ in samples], InverseSTFT(window, hop)
    batches = [state.push(channel) + state.flush() for state, channel in zip(states, samples, strict=True)]
    pieces = [inverse.push(np.stack(batch)) for batch in zip(*batches, strict=True)]
    return np.concatenate([*pieces, inverse.flush(samples.shape[1])], axis=-1)


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 500),
    window=st.integers(8, 70),
    overlap=st.floats(3, 8),
    channels=st.integers(1, 3),
    batch=st.one_of(st.none(), st.integers(1, 7)),
)
def test_the_inverse_gives_the_sound_back(length, window, overlap, channels, batch):
    samples = noise((channels, length))
    found = back(samples, hann(window), max(int(window / overlap), 1), batch)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, samples, atol=1e-4)


def test_the_inverse_is_exact_at_the_usual_sizes():
    samples = noise((2, 50000))
    for hop in (256, 512, 600):
        assert np.abs(back(samples, hann(2048), hop) - samples).max() < 1e-5


def test_the_inverse_of_one_channel_and_of_no_frames():
    inverse = InverseSTFT(hann(8), 2)
    assert inverse.push(np.zeros((3, 5), np.complex64)).shape == (2,)
    assert inverse.flush(4).shape == (2,)
    assert InverseSTFT(hann(8), 2).flush(0).shape == (0,)


def test_frames_are_added_up():
    frames = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    assert overlap_add(frames, 1).tolist() == [1, 5, 9, 6]
    assert overlap_add(frames, 2).tolist() == [1, 2, 3, 4, 5, 6]
    assert overlap_add(frames, 3).tolist() == [1, 2, 0, 3, 4, 0, 5, 6]


def test_hops_without_a_way_back():
    for hop, words in ((2.5, "whole samples"), (9, "1 to 8"), (8, "too little")):
        with pytest.raises(ParameterError, match=words):
            InverseSTFT(hann(8), hop)
