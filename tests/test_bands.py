import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.features.bands import BandState, RiseState, log_bands
from mirtool.features.parameters import BandParameters

RATE = 22050


def tone(frequency, seconds=1.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def bands(samples, **changes):
    state = BandState(BandParameters(**changes))
    return np.concatenate(list(state.frames([samples]))), state.centres


def test_filters_are_triangles_that_reach_their_neighbours():
    filters, centres = log_bands(BandParameters(octave_bands=12))
    inside = slice(int(centres[0] * 2048 / RATE + 0.5), int(centres[-1] * 2048 / RATE + 0.5) + 1)
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(filters.max(axis=0), 1)
    assert ((filters > 0).sum(axis=1) <= 2).all()
    # Where the bins are fine enough, the bands are equal steps.
    np.testing.assert_allclose(np.diff(np.log2(centres[centres > 1000])), 1 / 12, atol=0.02)


def test_a_tone_is_strongest_in_its_band():
    frames, centres = bands(tone(1000.0), compression=0.0)
    assert abs(centres[frames[50].argmax()] - 1000) < 20
    assert frames[50].max() == pytest.approx(0.5, abs=0.1)


def test_blocks_do_not_matter():
    samples = np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32)
    state = BandState(BandParameters())
    pieces = list(state.frames(np.array_split(samples, 37)))
    np.testing.assert_array_equal(np.concatenate(pieces), bands(samples)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"octave_bands": 0}, "at least one band"),
        ({"low": 5000.0, "high": 100.0}, "between 5000 and 100"),
        ({"low": 0.0}, "between 0 and"),
        ({"low": 100.0, "high": 104.0}, "no band lies"),
    ],
)
def test_bands_that_are_none(changes, message):
    with pytest.raises(ParameterError, match=message):
        BandState(BandParameters(**changes))


def naive_rise(bands, lag, reach):
    rise = np.zeros_like(bands)
    for n in range(len(bands)):
        for k in range(bands.shape[1]):
            around = range(max(k - reach, 0), min(k + reach + 1, bands.shape[1]))
            rise[n, k] = max(bands[n, k] - max(bands[max(n - lag, 0), j] for j in around), 0)
    return rise


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4), st.integers(0, 3), st.integers(1, 12), st.integers(1, 6), st.integers(0, 12), st.integers(0, 99)
)
def test_rise_agrees_with_its_definition_in_any_blocks(lag, reach, N, K, cut, seed):
    frames = np.random.default_rng(seed).random((N, K)).astype(np.float32)
    state = RiseState(lag, reach)
    rise = np.concatenate((state.push(frames[:cut]), state.push(frames[cut:])))
    np.testing.assert_allclose(rise, naive_rise(frames, lag, reach), atol=1e-6)


def test_vibrato_does_not_rise():
    """SuperFlux, Figure 1: a note that moves by a band begins nothing."""
    frames = np.zeros((10, 9), np.float32)
    frames[np.arange(10), [4, 5, 4, 3, 4, 5, 4, 3, 4, 5]] = 1
    assert RiseState(1, 1).push(frames).max() == 0
    assert RiseState(1, 0).push(frames).max() == 1


@pytest.mark.parametrize("wrong", [(0, 1), (1, -1)])
def test_rise_over_nothing(wrong):
    with pytest.raises(ParameterError, match="a rise over"):
        RiseState(*wrong)
