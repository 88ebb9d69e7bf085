import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chroma import RATE, chord_notes, notes

from mirtool.errors import ParameterError
from mirtool.features.enhancement import EnhancementState
from mirtool.features.novelty import NoveltyState, novelty
from mirtool.features.parameters import NOVELTY_METHODS, NoveltyParameters
from mirtool.signal.stft import hann
from mirtool.types import Audio

ONSETS = np.arange(0.3, 2.9, 0.31)


def parameters(**changes):
    """Return parameters of the book's methods, each curve with the norm max."""
    common = {"method": "spectral", "analysis_rate": RATE, "window_length": 1024, "compression": 100.0}
    common |= {"average": 0.1, "norm": "max"}
    return NoveltyParameters(**{**common, **changes})


def struck(frequency=440.0, seconds=3.2):
    """Decaying tones at ONSETS."""
    samples = np.zeros(int(seconds * RATE))
    for onset in ONSETS:
        t = np.arange(len(samples) - round(onset * RATE)) / RATE
        samples[-len(t) :] += 0.3 * np.exp(-t / 0.1) * np.sin(2 * np.pi * frequency * t)
    return Audio(samples, RATE)


def impulses():
    samples = np.zeros(int(3.2 * RATE))
    samples[np.round(ONSETS * RATE).astype(int)] = 1
    return Audio(samples, RATE)


def peaks(curve, rate=100):
    """Times of the largest value around each onset (s)."""
    found = []
    for onset in ONSETS:
        low = int((onset - 0.1) * rate)
        found.append((low + curve[low : low + 20].argmax()) / rate)
    return np.array(found)


@pytest.mark.parametrize("method", ["energy", "spectral", "complex"])
@pytest.mark.parametrize("source", [struck, impulses])
def test_peaks_at_the_onsets(method, source):
    curve = novelty(source(), parameters(method=method)).data[0]
    np.testing.assert_allclose(peaks(curve), ONSETS, atol=0.0101)
    assert curve.max() == 1
    between = np.abs(np.arange(len(curve))[:, None] / 100 - ONSETS).min(axis=1) > 0.06
    assert curve[between].max() < 0.1


def test_phase_and_complex_agree_with_the_definitions():
    samples = np.random.default_rng(0).standard_normal(1500).astype(np.float32)
    # A hop of 64 in windows of 128: the turn of the phase from frame to frame is a whole number of half circles, …
    X = naive.stft(samples, hann(128) * (2 / hann(128).sum()), 64)
    common = {"analysis_rate": 8000, "window_length": 128, "feature_rate": 125.0, "average": 0.0, "norm": "none"}
    phase = novelty(Audio(samples, 8000), NoveltyParameters(**common, method="phase")).data[0]
    complex_ = novelty(Audio(samples, 8000), NoveltyParameters(**common, method="complex", compression=10)).data[0]
    # … so that it does not matter whether it is taken away. The first two frames have nothing to be predicted from.
    np.testing.assert_allclose(phase, np.append([0, 0], naive.phase_novelty(X)), rtol=1e-3)
    np.testing.assert_allclose(complex_, np.append([0, 0], naive.complex_novelty(X, 10)), rtol=1e-3)


def test_complex_is_still_in_a_steady_tone():
    t = np.arange(2 * RATE) / RATE
    curve = novelty(
        Audio(0.5 * np.sin(2 * np.pi * 431 * t), RATE), parameters(method="complex", average=0.0, norm="none")
    )
    assert curve.data[0, 10:-10].max() < 0.02 * curve.data.max()


def test_spectral_agrees_with_the_definition():
    samples = np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    found = novelty(
        Audio(samples, 8000), parameters(analysis_rate=8000, window_length=256, compression=10, average=0.05)
    )
    Y = np.log(1 + 10 * np.abs(naive.stft(samples, hann(256) * (2 / hann(256).sum()), 80)))
    rise = np.maximum(np.diff(Y, axis=0, prepend=Y[:1]), 0).sum(axis=1)
    expected = np.maximum(rise - naive.local_average(rise, 5), 0)
    np.testing.assert_allclose(found.data[0], expected / expected.max(), atol=1e-5)


def test_energy_is_that_of_the_windowed_sound():
    # FMP, Section 6.1.1, with the local energy Σ (x w)² scaled such that a sine at full scale has 1.
    samples = np.random.default_rng(0).standard_normal(2001).astype(np.float32)
    for N in (200, 201):
        found = novelty(
            Audio(samples, 8000),
            NoveltyParameters(
                analysis_rate=8000, window_length=N, method="energy", compression=0.0, average=0.0, norm="none"
            ),
        )
        padded, window = np.pad(samples.astype(float), N), hann(N)
        energy = [((padded[n - N // 2 + N :][:N] * window) ** 2).sum() for n in range(0, 2001, 80)]
        expected = np.maximum(np.diff(energy, prepend=energy[0]), 0) * 4 / window.sum() ** 2 * N / 3
        np.testing.assert_allclose(found.data[0], expected, rtol=1e-3, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 10, width=32), max_size=40), st.integers(1, 12))
def test_local_average(values, reach):
    curve = np.array(values, np.float32)
    expected = np.maximum(curve - naive.local_average(curve, reach), 0)
    np.testing.assert_allclose(enhanced([curve], average=reach / 100, norm="none"), expected, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 10, width=32), min_size=1, max_size=40), st.integers(0, 12), st.integers(0, 40))
def test_local_norm(values, ahead, cut):
    curve = np.array(values, np.float32)
    expected = naive.locally_normalized(curve, 300, ahead, 2.0)
    found = enhanced([curve[:cut], curve[cut:]], 2.0, average=0.0, norm="local", lookahead=ahead / 100)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def enhanced(pieces, usual=1.0, **changes):
    state = EnhancementState(parameters(**changes), usual)
    return np.concatenate([*(state.push(piece) for piece in pieces), state.flush()])


def test_the_local_norm_makes_soft_passages_louder_but_not_as_loud():
    curve = np.zeros(4000, np.float32)
    curve[100:2000:50], curve[2000::50] = 1.0, 0.01
    found = enhanced([curve], 0.01, average=0.0, norm="local")
    assert found[3950] / found[1000] == pytest.approx(0.1, rel=0.05)  # the square root of 1 : 100


@pytest.mark.parametrize("method", NOVELTY_METHODS)
def test_the_same_bits_whatever_the_blocks(method):
    audio, settings = struck(), parameters(method=method, average=0.0, norm="none")
    state = NoveltyState(settings)
    values = [batch for block in audio.blocks(777) for batch in state.push(block[:, 0])]
    assert np.concatenate([*values, *state.flush()]).tobytes() == novelty(audio, settings).data.tobytes()


def test_notes():
    score = notes((0.5, 1, 60, 127), (0.5, 1, 64, 127), (1.0, 1.2, 60, 64), (1.996, 1.997, 60, 32))
    found = novelty(score, parameters(average=0.0))
    assert (found.kind, found.data.shape) == ("novelty", (1, 201))
    assert np.flatnonzero(found.data[0]).tolist() == [50, 100, 200]
    np.testing.assert_allclose(found.data[0, [50, 100, 200]], [1, 64 / 254, 32 / 254])


@pytest.mark.parametrize("method", NOVELTY_METHODS)
def test_silence_and_nothing(method):
    assert not novelty(Audio(np.zeros(RATE), RATE), parameters(method=method)).data.any()
    assert novelty(Audio(np.zeros(0), RATE), parameters(method=method)).data.shape == (1, 0)
    assert novelty(Audio(np.ones(1), RATE), parameters(method=method)).data.shape == (1, 1)
    assert novelty(notes(), parameters(method=method)).data.shape == (1, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"method": "x"}, "novelty method x"), ({"average": -1.0}, "local average"), ({"norm": "l2"}, "no norm l2")],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        novelty(struck(), parameters(**changes))


def test_chords_begin_together():
    curve = novelty(chord_notes(), parameters()).data[0]
    assert np.flatnonzero(curve).tolist() == [0, 100, 200, 300]
