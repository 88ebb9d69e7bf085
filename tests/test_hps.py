import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool import threads
from mirtool.errors import DataError, ParameterError
from mirtool.signal.hps import Resolution, channels_of, split
from mirtool.signal.stft import frame_count
from mirtool.types import Audio

pytestmark = compiled
SMALL = Resolution(64, 16, 5, 3)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def larger(over_time, over_frequency):
    return [(over_time >= over_frequency).astype(np.float32)]


def run(samples, resolution=SMALL, masking=larger, sizes=(1000,)):
    """Split samples (channels × n) that come in pieces of the given sizes, over and over."""
    cuts = np.cumsum(np.resize(sizes, samples.shape[1] // min(sizes) + 1))
    pieces = list(split(np.split(samples, cuts[cuts < samples.shape[1]], axis=1), len(samples), resolution, masking))
    parts = [np.concatenate(part, axis=1) for part in zip(*(piece.parts for piece in pieces), strict=True)]
    masks = [np.concatenate(mask) for mask in zip(*(piece.masks for piece in pieces), strict=True)]
    return parts, masks


def naive_mask(samples, resolution, masking):
    """Masks by the definition: whole spectrogram, mirrored at its edges."""
    size, hop, half = resolution.size, resolution.hop, resolution.frames // 2
    last = samples.shape[1] // hop
    padded = np.pad(samples, ((0, 0), (size, 2 * size)))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    frames = [padded[:, n * hop + size // 2 :][:, :size] * window for n in range(last + 1)]
    energy = (np.abs(np.fft.rfft(frames)) ** 2).sum(axis=1)
    in_time = np.pad(energy, ((half, half), (0, 0)), mode="reflect" if last else "edge")
    over_time = np.array([np.median(in_time[n : n + resolution.frames], axis=0) for n in range(last + 1)])
    over_frequency = np.empty_like(energy)
    for k in range(energy.shape[1]):
        width = resolution.bass_bins if k < resolution.bass else resolution.bins
        in_frequency = np.pad(energy, ((0, 0), (width // 2,) * 2), mode="reflect")
        over_frequency[:, k] = np.median(in_frequency[:, k : k + width], axis=1)
    return masking(over_time, over_frequency)[0]


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(1, 4000),
    channels=st.integers(1, 3),
    frames=st.integers(0, 12),
    bins=st.integers(0, 9),
    bass=st.integers(0, 40),
    bass_bins=st.integers(0, 9),
)
@example(length=1985, channels=1, frames=0, bins=0, bass=0, bass_bins=0)  # one sample follows the last whole block
def test_masks_agree_with_the_definition(length, channels, frames, bins, bass, bass_bins):
    resolution = Resolution(64, 16, 2 * frames + 1, 2 * bins + 1, bass, 2 * bass_bins + 1)
    samples = noise(channels, length)

    def soft(over_time, over_frequency):
        return [over_time / (over_time + over_frequency)]

    _, masks = run(samples, resolution, soft)
    assert len(masks[0]) == frame_count(length, 16)
    np.testing.assert_allclose(masks[0], naive_mask(samples, resolution, soft), atol=1e-3)


@pytest.mark.parametrize("hop", [16, 13, 8])
def test_a_mask_of_ones_takes_everything(hop):
    samples = noise(2, 3000)
    parts, _ = run(samples, Resolution(64, hop, 5, 3), lambda a, b: [np.ones_like(a)])
    np.testing.assert_allclose(parts[0], samples, atol=1e-5)
    assert np.abs(parts[1]).max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20000), st.lists(st.integers(1, 5000), min_size=1, max_size=4))
def test_parts_sum_to_the_sound_and_blocks_do_not_matter(length, sizes):
    samples = noise(2, length)
    parts, _ = run(samples, sizes=sizes)
    np.testing.assert_allclose(sum(parts), samples, atol=1e-5)
    for part, again in zip(parts, run(samples)[0], strict=True):
        assert part.tobytes() == again.tobytes()


def test_threads_do_not_change_a_bit(monkeypatch):
    samples = noise(2, 60000)
    results = []
    for workers in (1, 2, 5):
        monkeypatch.setattr(threads, "count", lambda workers=workers: workers)
        results.append(np.stack(run(samples)[0]).tobytes())
    assert len(set(results)) == 1


def test_silence_stays_silence_and_channels_share_their_mask():
    parts, _ = run(np.zeros((1, 500), np.float32))
    assert not np.any(parts)
    mono = noise(1, 5000)
    parts, _ = run(np.concatenate((mono, -0.5 * mono)))
    for part in parts:
        np.testing.assert_allclose(part[1], -0.5 * part[0], atol=1e-6)


def test_what_begins_with_the_recording_is_no_attack():
    t = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)[None]
    (harmonic, _), _ = run(tone, Resolution(256, 64, 17, 9))
    np.testing.assert_allclose(harmonic[:, 256:-256], tone[:, 256:-256], atol=1e-3)
    assert np.abs(harmonic[:, :256]).max() > 0.9


def test_bad_input():
    for bad in ((64, 17, 3, 3), (64, 0, 3, 3), (63, 8, 3, 3), (64, 16, 4, 3), (64, 16, 3, 0)):
        with pytest.raises(ParameterError):
            Resolution(*bad)
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match="not finite"):
            list(channels_of(Audio(np.array([0, value], np.float32), 8000)))


def test_memory_does_not_grow_with_length():
    def peak(seconds):
        chunks = (noise(2, 8000, seed=second) for second in range(seconds))
        tracemalloc.start()
        frames = sum(piece.parts[0].shape[1] for piece in split(chunks, 2, Resolution(256, 64, 9, 9), larger))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert frames == seconds * 8000
        return size

    peak(5)
    assert peak(90) - peak(30) < 3e6  # sound, parts and masks of a minute are 15 MB
