"""Beat tracking by dynamic programming: an example by hand, all sequences as an oracle, invariants."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm import dynamic_programming as module
from mirtool.rhythm.dynamic_programming import track
from tests.naive_rhythm import beat_score, beat_sequences

COMPILED = not numba.config.DISABLE_JIT
few = settings(max_examples=50 if COMPILED else 8, deadline=None)


def impulses(N, places):
    curve = np.zeros(N)
    curve[list(places)] = 1.0
    return curve


def test_beats_are_the_impulses_a_period_apart():
    """Between the two impulses that fit no period, a beat is put where nothing sounds."""
    curve = impulses(60, (4, 14, 19, 24, 44, 54))
    assert track(curve, 10.0).tolist() == [4, 14, 24, 34, 44, 54]


def test_the_period_may_change():
    places = [5, 15, 25, 35, 55, 75, 95]
    periods = np.where(np.arange(100) < 40, 10.0, 20.0)
    assert track(impulses(100, places), periods).tolist() == places


def test_less_tightness_follows_more():
    curve = impulses(60, (5, 15, 22, 33, 41, 55))
    assert track(curve, 10.0, tightness=1.0).tolist() == [5, 15, 22, 33, 41, 55]
    assert np.ptp(np.diff(track(curve, 10.0, tightness=1000.0))) <= 2


@few
@given(st.integers(0, 2**32 - 1), st.integers(3, 16), st.booleans())
def test_no_sequence_is_better(seed, N, is_fixed):
    rng = np.random.default_rng(seed)
    curve, periods = rng.random(N), rng.choice([2.0, 3.0, 3.5, 5.0]) + 0.7 * rng.random(N)
    fixed = [int(rng.integers(N))] if is_fixed else []
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "SMOOTHING", 1e-6)
    beats = track(curve, periods, 2.0, fixed).tolist()
    patch.undo()
    standard = curve / curve.std()
    last = max([N - int(np.ceil(periods[-1])), *fixed])
    scores = [beat_score(standard, periods, 2.0, other) for other in beat_sequences(periods, last, fixed)]
    assert beats in list(beat_sequences(periods, last, fixed))
    assert beat_score(standard, periods, 2.0, beats) == pytest.approx(max(scores))


@few
@given(st.integers(0, 2**32 - 1))
def test_intervals_lie_between_half_and_two_periods(seed):
    rng = np.random.default_rng(seed)
    periods = 8 + 4 * np.sin(np.arange(300) / 30)
    beats = track(rng.random(300) ** 8, periods, float(rng.choice([0.1, 10.0])))
    gaps = np.diff(beats)
    assert (gaps >= np.floor(periods[beats[1:]] / 2 + 0.5)).all()
    assert (gaps <= np.floor(2 * periods[beats[1:]] + 0.5)).all()
    assert beats[0] < periods[beats[0]]
    assert beats[-1] >= 300 - np.ceil(periods[-1])


def test_fixed_beats_are_met():
    curve = impulses(100, range(4, 100, 10))
    beats = track(curve, 10.0, 10.0, fixed=[39, 49]).tolist()
    assert {39, 49} <= set(beats)
    assert {4, 14, 24, 74, 84, 94} <= set(beats)
    with pytest.raises(ParameterError, match="too close"):
        track(curve, 10.0, fixed=[40, 42])


def test_silence_and_nothing():
    assert track(np.zeros(0), 10.0).size == 0
    assert np.diff(track(np.zeros(100), 10.0)).tolist() == [10] * 9
    assert track(np.ones(1), 10.0).tolist() == [0]


def test_bad_values():
    with pytest.raises(DataError, match="finite"):
        track([0.0, np.nan], 1.0)
    with pytest.raises(ParameterError, match="period"):
        track([0.0, 1.0], 0.5)
    with pytest.raises(ParameterError, match="tightness"):
        track([0.0, 1.0], 1.0, -1.0)


@pytest.mark.skipif(not COMPILED, reason="without compiled loops there is nothing to compile")
def test_each_kernel_is_compiled_once():
    from mirtool.rhythm import _dynamic_programming_kernels as kernels

    kernels.warm()
    track(np.random.default_rng(0).random(50).astype(np.float32), 7, fixed=np.array([20]))
    for name in ("accumulate", "trace"):
        assert len(getattr(kernels, name).signatures) == 1, name
