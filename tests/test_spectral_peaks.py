from dataclasses import astuple

import naive_retrieval as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool.errors import DataError, ParameterError
from mirtool.retrieval.recognition._peak_kernels import local_maxima, outstanding
from mirtool.retrieval.recognition.peaks import FRAME, HOP, RATE, Peaks, PeakState, joined, peaks
from mirtool.types import Audio


def music(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Return decaying tones of random pitches."""
    rng = np.random.default_rng(seed)
    sound = 1e-4 * rng.normal(size=round(seconds * rate))
    for begin in np.arange(0, seconds, 0.15):
        t = np.arange(len(sound) - round(begin * rate)) / rate
        t = t[: rate // 2]
        for _ in range(3):
            tone = np.sin(2 * np.pi * rng.uniform(150, 4000) * t) * np.exp(-t / 0.15)
            sound[round(begin * rate) :][: len(t)] += rng.uniform(0.02, 0.1) * tone
    return sound.astype(np.float32)


def maxima(spectra, reach, widths, floor=0.0):
    room = np.empty((spectra.size, 3), np.float32)
    return room[: local_maxima(spectra, 0, len(spectra), reach, widths, floor, room)]


def test_a_maximum_lies_between_the_cells():
    # log2 of the values around the maximum: 2, 4, 3 over time and 3, 4, 2 over frequency.
    spectra = np.array([[1, 1, 4, 1, 1], [1, 8, 16, 4, 1], [1, 1, 8, 1, 1]], np.float32)
    found = maxima(spectra, 1, np.full(5, 2))
    np.testing.assert_allclose(found, [[1 + 1 / 6, 2 - 1 / 6, 4]], rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 5))
def test_maxima_are_those_of_the_definition(seed, reach, values):
    rng = np.random.default_rng(seed)
    spectra = rng.integers(0, values, (6, 7)).astype(np.float32) ** 3
    widths = rng.integers(0, 3, 7)
    found = maxima(spectra, reach, widths)
    expected = naive.local_maxima(spectra, reach, widths, 0.0)
    assert len(found) == len(expected)
    for (time, frequency, level), (n, k) in zip(found, expected, strict=True):
        assert abs(time - n) <= 0.5
        assert abs(frequency - k) <= 0.5
        assert level == pytest.approx(np.log2(spectra[n, k]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=25), st.integers(1, 12), st.integers(1, 4))
def test_outstanding_points_are_those_of_the_definition(points, reach, most):
    points.sort(key=lambda point: point[0])
    times, levels = np.array(points, np.float32).reshape(-1, 2).T.copy()
    kept = np.zeros(len(times), np.bool_)
    outstanding(times, levels, 0, len(times), reach, most, kept)
    assert kept.tolist() == naive.outstanding(times, levels, reach, most)


def test_a_tone_is_where_it_was_struck():
    t = np.arange(2 * RATE) / RATE
    tone = np.where(t >= 1.0, np.sin(2 * np.pi * 1234.5 * t) * np.exp(-(t - 1) / 0.1), 0)
    found, frames = peaks(Audio(tone.astype(np.float32), RATE), 1.0)
    strongest = int(found.levels.argmax())
    assert found.frequencies[strongest] == pytest.approx(1234.5, abs=0.5)
    assert 1.0 <= found.times[strongest] * FRAME <= 1.06
    assert frames == 2 * RATE // HOP + 1


@compiled
def test_the_size_of_the_blocks_does_not_matter():
    sound = music(8)
    whole, _ = peaks(Audio(sound, RATE), 20.0)
    state = PeakState(20.0)
    parts = [state.push(sound[begin : begin + 777]) for begin in range(0, len(sound), 777)]
    parts.append(state.flush())
    for one, other in zip(astuple(joined(parts)), astuple(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sum(map(len, parts[:-1])) > 0.5 * len(whole)


@compiled
def test_neither_level_nor_whole_frames_of_shift_matter():
    sound = music(6)
    whole, _ = peaks(Audio(sound, RATE), 20.0)
    shifted, _ = peaks(Audio(np.concatenate((np.zeros(40 * HOP, np.float32), sound / 4)), RATE), 20.0)
    early = whole.chosen(whole.times >= 50)  # the edge where the sound begins is another
    where = np.column_stack((shifted.times - 40, shifted.frequencies))
    nearest = [np.abs(where - point).max(axis=1).min() for point in zip(early.times, early.frequencies, strict=True)]
    assert len(early) > 80
    assert np.mean(np.array(nearest) < 0.01) > 0.98  # rounding decides about a rival just a second away


@compiled
@pytest.mark.parametrize("density", [5.0, 10.0, 20.0])
def test_there_are_about_as_many_as_wanted(density):
    found, frames = peaks(Audio(music(20), RATE), density)
    assert len(found) == pytest.approx(density * frames * FRAME, rel=0.3)


def test_silence_and_nothing():
    for sound in (np.zeros(RATE, np.float32), np.zeros(0, np.float32), np.ones(1, np.float32)):
        found, _ = peaks(Audio(sound, RATE), 20.0)
        assert isinstance(found, Peaks)
        assert len(found) == 0


def test_what_cannot_be():
    for density in (0.0, -1.0, np.nan, np.inf, 1e300):
        with pytest.raises(ParameterError, match="density must be positive"):
            PeakState(density)
    with pytest.raises(DataError, match="not finite"):
        PeakState(20.0).push(np.full(5000, np.nan, np.float32))
