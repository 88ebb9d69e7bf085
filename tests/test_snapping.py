import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.rhythm.snapping import snap
from mirtool.types import Events

TIMES = st.lists(st.integers(0, 40).map(lambda n: n / 20), max_size=12)


def events(*times, **columns):
    return Events({"time": np.array(times, float), **columns})


def test_worked_example():
    tapped = events(0.98, 1.03, 2.0, 3.2, beat=[1, 2, 3, 4])
    found = snap(tapped, events(1.0, 2.05, 3.0), 0.05)
    # 1.03 is farther from 1.0 than 0.98 is, and 3.2 too far from anything.
    assert found["time"].tolist() == [1.0, 1.03, 2.05, 3.2]
    assert found["beat"].tolist() == [1, 2, 3, 4]


def naive(times, targets, tolerance):
    moved = list(times)
    for target in sorted(set(targets)):
        near = [
            (round(abs(time - target), 9), time, index)
            for index, time in enumerate(times)
            if abs(time - target) <= tolerance + 1e-9
            and not any(abs(other - time) < abs(target - time) - 1e-9 for other in targets)
            and not any(abs(abs(other - time) - abs(target - time)) <= 1e-9 and other < target for other in targets)
        ]
        if near:
            moved[min(near)[2]] = target
    return moved


@given(TIMES, TIMES, st.sampled_from([0.0, 0.05, 0.12]))
def test_agrees_with_the_definition(times, targets, tolerance):
    found = snap(events(*times), events(*targets), tolerance)["time"]
    np.testing.assert_allclose(found, naive(times, targets, tolerance))


@given(TIMES, TIMES)
def test_nothing_moves_farther_than_the_tolerance(times, targets):
    found = snap(events(*times), events(*targets), 0.1)["time"]
    assert (np.abs(found - np.array(times)) <= 0.1 + 1e-9).all()


def test_bad_tolerance():
    with pytest.raises(ParameterError, match="tolerance"):
        snap(events(1.0), events(1.0), -1.0)
