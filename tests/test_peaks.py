import naive_rhythm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm.parameters import PeakParameters
from mirtool.rhythm.peaks import PeakState


def peaks(pieces, rate=100.0, **changes):
    state = PeakState(PeakParameters(**changes), rate)
    found = [*(state.push(np.asarray(piece, np.float32)) for piece in pieces), state.flush()]
    return np.concatenate([peak.places for peak in found]), np.concatenate([peak.heights for peak in found])


def test_worked_example():
    curve = np.zeros(60)
    curve[[10, 11, 30, 33, 50]] = 1.0, 0.5, 0.8, 0.7, 0.2
    places, heights = peaks([curve], threshold=0.3, comparison=0.02, min_gap=0.03)
    # Frame 33 is just 30 ms after the peak before; frame 50 is too low; the first lies a third of the way to frame 11.
    np.testing.assert_allclose(places, [10 + 0.5 / 1.5, 30, 33])
    np.testing.assert_allclose(heights, [1.0, 0.8, 0.7], rtol=1e-6)
    assert len(peaks([curve], threshold=0.3, comparison=0.02, min_gap=0.031)[0]) == 2
    assert len(peaks([curve], threshold=0.3, comparison=0.03, min_gap=0.0)[0]) == 2


# Few different values, so that there are ties.
CURVES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=60)


@settings(max_examples=100, deadline=None)
@given(CURVES, st.integers(1, 6), st.integers(0, 9), st.sampled_from([0.0, 0.25, 0.6]), st.lists(st.integers(0, 60)))
def test_agrees_with_the_definition_whatever_the_blocks(values, reach, gap, threshold, cuts):
    curve = np.array(values)
    changes = {"comparison": reach / 100, "min_gap": gap / 100, "threshold": threshold}
    places, heights = peaks(np.split(curve, sorted(cuts)), **changes)
    expected = naive.peaks(values, reach, gap, threshold)
    np.testing.assert_allclose(heights, curve[expected], rtol=1e-6)
    np.testing.assert_allclose(places, expected, atol=0.5)
    np.testing.assert_array_equal(places, peaks([curve], **changes)[0])


@settings(max_examples=50, deadline=None)
@given(CURVES, st.integers(1, 6))
def test_peaks_rise_and_stand_apart(values, gap):
    places, _ = peaks([values], threshold=0.1, comparison=0.01, min_gap=gap / 100)
    assert (np.diff(places) > gap - 1).all()


def test_a_peak_is_told_when_what_follows_is_known():
    state = PeakState(PeakParameters(comparison=0.05), 100.0)
    told = [len(state.push(np.array([float(n == 20)], np.float32)).places) for n in range(40)]
    assert np.flatnonzero(told).tolist() == [20 + state.reach]


@pytest.mark.parametrize(
    "changes", [{"threshold": -1.0}, {"min_gap": -0.1}, {"comparison": float("nan")}, {"comparison": 1e300}]
)
def test_bad_parameters(changes):
    with pytest.raises(ParameterError, match=r"threshold|gap|compared"):
        peaks([[1.0]], **changes)


def test_bad_values():
    with pytest.raises(DataError, match="not finite"):
        peaks([[1.0, np.nan]])
