import os
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.blocks import reblocked
from mirtool.errors import DataError, ParameterError
from mirtool.signal._kernels import lock_phases
from mirtool.signal.parameters import TimeScaleParameters
from mirtool.signal.tsm import METHODS, TimeScaled
from mirtool.types import Audio, AudioSource

RATE = 22050
compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes of uncompiled loops")


def decibels(ratio):
    return 20 * np.log10(max(float(ratio), 1e-12))


def level(samples):
    return np.sqrt(np.mean(np.square(samples, dtype=np.float64)))


def scaled(samples, factor, method="hps", shift=0.0, rate=RATE, size=8192):
    source = Audio(samples, rate)
    result = TimeScaled(
        source, lambda t: t * factor + shift, lambda t: (t - shift) / factor, TimeScaleParameters(tsm=method)
    )
    joined = np.concatenate(list(result.blocks(size)))
    assert len(joined) == result.frames == round((source.frames / rate * factor + shift) * rate)
    assert joined.shape[1] == source.channels
    assert joined.dtype == np.float32
    return joined


def music(seconds=2.0, rate=RATE):
    """A vibrato tone, a noise bed and some clicks, in stereo."""
    t = np.arange(int(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * 330 * t + 2 * np.sin(2 * np.pi * 5 * t))
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(t))
    clicks = (np.arange(len(t)) % (rate // 3) == 500) * 0.5
    return np.stack([tone + noise, 0.5 * tone + clicks], axis=1).astype(np.float32)


@compiled
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_slope_one_gives_back_the_input(method, shift):
    x = music()
    y = scaled(x, 1.0, method, shift=shift)
    begin = len(y) - len(x)
    assert decibels(np.abs(y[:begin]).max(initial=0.0)) < -100
    assert decibels(np.abs(y[begin:] - x).max()) < -100


@compiled
def test_a_negative_shift_cuts_the_beginning():
    x = music()
    y = scaled(x, 1.0, shift=-0.5)
    assert decibels(np.abs(y - x[len(x) - len(y) :]).max()) < -100


@compiled
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.7])
def test_a_sine_keeps_its_frequency_and_level(method, factor):
    t = np.arange(3 * RATE) / RATE
    x = 0.5 * np.sin(2 * np.pi * 441.7 * t)
    y = scaled(x, factor, method)[RATE // 4 : -RATE // 4, 0]
    assert decibels(level(y) / (0.5 / np.sqrt(2))) == pytest.approx(0, abs=0.1)
    loudness = [level(piece) for piece in np.array_split(y, len(y) // 1000)]
    assert decibels(max(loudness) / min(loudness)) < 0.2
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 20))
    assert np.argmax(spectrum) * RATE / (1 << 20) == pytest.approx(441.7, abs=0.1)


@compiled
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.7])
@pytest.mark.parametrize("rate", [22050, 44100])
def test_clicks_stay_single_and_come_on_time(factor, rate):
    times = np.array([0.3, 0.5, 1.0, 1.1, 1.17, 1.6])
    x = np.zeros(2 * rate)
    grain = np.exp(-np.arange(rate // 500) / (rate / 4000)) * np.cos(np.arange(rate // 500) * 0.8)
    for at in np.round(times * rate).astype(int):
        x[at : at + len(grain)] += grain
    y = np.abs(scaled(x, factor, rate=rate)[:, 0])
    for time in times * factor:
        lower, upper = (round((time + side * 0.03 * factor) * rate) for side in (-1, 1))
        near = y[lower:upper]
        assert lower + np.argmax(near) == pytest.approx(time * rate, abs=rate / 1000)
        assert near.max() == pytest.approx(1, abs=0.02)
        near[abs(np.arange(lower, upper) - time * rate) < rate * 0.003] = 0
        assert near.max() < 0.01


@compiled
def test_clicks_on_a_tone_stay_in_time_along_a_bent_map():
    x, y = np.array([0.0, 1.0, 1.5, 3.0]), np.array([0.2, 1.0, 2.2, 3.0])
    t = np.arange(3 * RATE) / RATE
    sound = 0.1 * np.sin(2 * np.pi * 300 * t)
    times = np.array([0.5, 1.2, 1.4, 2.0, 2.7])
    sound[np.round(times * RATE).astype(int)] += 1
    result = TimeScaled(Audio(sound, RATE), lambda s: np.interp(s, x, y), lambda s: np.interp(s, y, x))
    samples = np.concatenate(list(result.blocks(1000)))[:, 0]
    assert len(samples) == 3 * RATE
    for time in np.interp(times, x, y):
        at = round(time * RATE)
        assert abs(np.argmax(samples[at - 500 : at + 500]) - 500) <= RATE / 1000


@compiled
@pytest.mark.parametrize("method", METHODS)
def test_silence_stays_silence(method):
    assert not scaled(np.zeros((RATE, 2)), 1.3, method).any()


@compiled
@pytest.mark.parametrize("method", METHODS)
def test_channels_keep_their_phases(method):
    x = music()[:, :1]
    both = scaled(np.concatenate((x, -0.5 * x), axis=1), 1.3, method)
    np.testing.assert_allclose(both[:, 1], -0.5 * both[:, 0], atol=2e-6)


@compiled
@pytest.mark.parametrize("rate", [8000, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_rate_and_any_number_of_channels(rate, channels):
    x = np.repeat(music(0.5, rate)[:, :1], channels, axis=1)
    y = scaled(x, 1.1, rate=rate)
    assert decibels(level(y) / level(x)) == pytest.approx(0, abs=1)


@compiled
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [0, 1, 100, 3000])
def test_short_sounds(method, length):
    scaled(music()[:length], 1.7, method)


@compiled
def test_time_that_stands_still_holds_the_tone():
    t = np.arange(2 * RATE) / RATE
    x, y = np.array([0.0, 1.0, 1.0001, 2.0]), np.array([0.0, 1.0, 4.0, 5.0])
    tone = 0.5 * np.sin(2 * np.pi * 440 * t)
    result = TimeScaled(Audio(tone, RATE), lambda s: np.interp(s, x, y), lambda s: np.interp(s, y, x))
    samples = np.concatenate(list(result.blocks(4096)))
    assert result.frames == 5 * RATE
    for second in range(1, 4):
        piece = samples[second * RATE : (second + 1) * RATE]
        assert decibels(level(piece) / level(tone)) == pytest.approx(0, abs=0.2)


@compiled
@settings(deadline=None, max_examples=15)
@given(st.integers(100, 50_000), st.floats(0, 0.9), st.floats(0.3, 3.0), st.sampled_from(sorted(METHODS)))
def test_blocks_do_not_matter(size, share, factor, method):
    source = Audio(music(0.7), RATE)
    result = TimeScaled(source, lambda t: t * factor, lambda t: t / factor, TimeScaleParameters(tsm=method))
    assert isinstance(result, AudioSource)
    overlap = int(share * size)
    blocks = list(result.blocks(size, overlap))
    assert all(len(block) == size for block in blocks[:-1])
    assert all(np.array_equal(a[len(a) - overlap :], b[:overlap]) for a, b in pairwise(blocks))
    joined = np.concatenate([blocks[0], *(block[overlap:] for block in blocks[1:])])
    np.testing.assert_array_equal(joined, scaled(source.samples, factor, method))


class Endless:
    """Noise of unknown length, made while it is read."""

    sample_rate, channels, frames = 8000, 1, None

    def __init__(self, seconds):
        self.seconds = seconds

    def blocks(self, size, overlap=0):
        rng = np.random.default_rng(0)
        seconds = (rng.uniform(-0.5, 0.5, (8000, 1)).astype(np.float32) for _ in range(self.seconds))
        return reblocked(seconds, size, overlap)


@compiled
@pytest.mark.parametrize("method", METHODS)
def test_memory_does_not_grow_with_length(method):
    def peak(seconds):
        source = TimeScaled(Endless(seconds), lambda t: t * 1.2, lambda t: t / 1.2, TimeScaleParameters(tsm=method))
        assert source.frames is None
        tracemalloc.start()
        frames = sum(len(block) for block in source.blocks(8192))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert frames == seconds * 8000 * 1.2
        return size

    peak(5)
    assert peak(150) - peak(30) < 3e6  # two more minutes of sound, and as much result, are 8 MB


def spectra(*shape):
    rng = np.random.default_rng(5)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def test_locked_phases_continue_an_unchanged_sound_unchanged():
    X, Y = spectra(2, 6, 40), np.empty((2, 5, 40), dtype=np.complex64)
    last = X[:, 0].copy()
    lock_phases(X, np.arange(1, 6), np.arange(5), Y, last)
    np.testing.assert_allclose(Y, X[:, 1:], atol=1e-5)
    np.testing.assert_array_equal(last, Y[:, -1])


def test_one_rotation_for_each_peak_and_all_channels():
    X, Y, last = spectra(2, 2, 40), np.empty((2, 1, 40), dtype=np.complex64), spectra(2, 40)
    lock_phases(X, np.array([1]), np.array([0]), Y, last.copy())
    rotation = Y[:, 0] / X[:, 1]
    np.testing.assert_allclose(np.abs(rotation), 1, atol=1e-5)
    np.testing.assert_allclose(rotation[0], rotation[1], atol=1e-5)
    power = (np.abs(X[:, 1]) ** 2).sum(axis=0)
    peaks = [k for k in range(2, 38) if power[k] == power[k - 2 : k + 3].max()]
    assert len(np.unique(np.round(rotation[0], 3))) == len(peaks)
    for k in peaks:
        turn = (last[:, k] * np.conj(X[:, 0, k])).sum()
        np.testing.assert_allclose(rotation[0, k], turn / abs(turn), atol=1e-5)


def test_what_cannot_be_scaled():
    x = music(0.2).copy()
    with pytest.raises(ParameterError, match="no method 'magic'"):
        scaled(x, 1.0, "magic")
    x[100, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        scaled(x, 1.2)
