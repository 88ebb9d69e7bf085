import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.sync import paths
from mirtool.types import WarpingPath

TRIANGLE = WarpingPath.from_times([[0, 0], [2, 4], [4, 5], [8, 7]], [1.0, 0.5, 0.5, 0.0])


@st.composite
def steps(draw, versions=2, most=40):
    length = draw(st.integers(2, most))
    values = st.floats(0.01, 3.0)
    increments = draw(
        st.lists(st.lists(values, min_size=versions, max_size=versions), min_size=length, max_size=length)
    )
    return np.cumsum(increments, axis=0)


@st.composite
def dtw_paths(draw, versions=2):
    """A monotone path on a frame grid of 20 ms with steps of 0 or 1 frame."""
    moves = st.lists(st.integers(0, 1), min_size=versions, max_size=versions).filter(any)
    increments = draw(st.lists(moves, min_size=3, max_size=60))
    increments = [[1] * versions, *increments, [1] * versions]
    return np.cumsum(increments, axis=0) * 0.02


def test_transfer_interpolates_between_breakpoints():
    np.testing.assert_allclose(paths.transfer(TRIANGLE, [0, 1, 3, 6]), [0, 2, 4.5, 6])
    np.testing.assert_allclose(paths.transfer(TRIANGLE, [[0, 2], [4.5, 6]], source=1, target=0), [[0, 1], [3, 6]])


def test_transfer_keeps_the_shape_and_the_order():
    assert paths.transfer(TRIANGLE, 1.0).shape == ()
    np.testing.assert_allclose(paths.transfer(TRIANGLE, [3, 0, 1]), [4.5, 0, 2])


def test_transfer_goes_on_with_the_local_tempo():
    np.testing.assert_allclose(paths.transfer(TRIANGLE, [-1, 10]), [-2, 8])
    short = WarpingPath.from_times([[0, 0], [0.1, 0.5], [1, 1], [10, 19]])
    # the chord over two seconds ends at the first breakpoint whose mean time is 2 s away
    np.testing.assert_allclose(paths.transfer(short, -1), -1.9)


def test_one_point_is_a_shift():
    path = WarpingPath.from_times([[1.0, 3.0]])
    np.testing.assert_allclose(paths.transfer(path, [0, 5]), [2, 7])


@given(steps(), st.lists(st.floats(-20, 200), min_size=1, max_size=20))
def test_there_and_back_is_the_identity_also_outside(matrix, times):
    path = WarpingPath.from_times(matrix)
    np.testing.assert_allclose(paths.transfer(path, paths.transfer(path, times), 1, 0), times, atol=1e-6)
    back = paths.transfer(paths.inverse(path), paths.transfer(path, times))
    np.testing.assert_allclose(back, times, atol=1e-6)


@given(steps())
def test_transfer_is_strictly_monotone(matrix):
    path = WarpingPath.from_times(matrix)
    times = np.linspace(matrix[0, 0] - 5, matrix[-1, 0] + 5, 500)
    assert np.all(np.diff(paths.transfer(path, times)) > 0)


@given(steps(), steps())
def test_composition_is_successive_transfer(first, second):
    ab, bc = WarpingPath.from_times(first), WarpingPath.from_times(second)
    ac = paths.compose(ab, bc)
    times = np.linspace(*ac["time_a"][[0, -1]], 300)
    expected = paths.transfer(bc, paths.transfer(ab, times))
    np.testing.assert_allclose(paths.transfer(ac, times), expected, atol=1e-4)
    assert np.all(np.diff(ac.times, axis=0) > 0)


def test_composition_keeps_all_breakpoints_and_multiplies_confidence():
    bc = WarpingPath.from_times([[0, 10], [6, 16], [7, 20]])
    ac = paths.compose(TRIANGLE, bc)
    np.testing.assert_allclose(ac.times, [[0, 10], [2, 14], [4, 15], [6, 16], [8, 20]])
    np.testing.assert_allclose(ac["confidence"], [1, 0.5, 0.5, 0.25, 0])
    assert "confidence" not in paths.compose(bc, bc)


def test_selection_of_two_versions():
    path = WarpingPath.from_times([[0, 1, 2], [3, 5, 9]], [0.2, 0.9])
    chosen = paths.select(path, 2, 0)
    assert list(chosen.columns) == ["time_a", "time_b", "confidence"]
    np.testing.assert_allclose(chosen.times, [[2, 0], [9, 3]])
    np.testing.assert_allclose(paths.transfer(path, 7, 1, 2), 12.5)
    with pytest.raises(ParameterError, match=r"no version 4: the path has 3 \(time_1, time_2, time_3\)"):
        paths.transfer(path, 0, 0, 3)


def test_versions_have_names_and_numbers():
    three = WarpingPath.from_times([[0, 1, 2], [3, 5, 9]])
    assert [paths.version(TRIANGLE, name) for name in ("a", "b", "1", "2", "time_b")] == [0, 1, 0, 1, 1]
    assert [paths.version(three, name) for name in ("1", "3")] == [0, 2]
    with pytest.raises(ParameterError, match=r"no version c: the path has 2 \(time_a, time_b\)"):
        paths.version(TRIANGLE, "c")
    with pytest.raises(ParameterError, match="two versions each"):
        paths.compose(TRIANGLE, three)


def test_inverse_reverses_the_versions():
    np.testing.assert_allclose(paths.inverse(TRIANGLE).times, TRIANGLE.times[:, ::-1])
    np.testing.assert_allclose(paths.inverse(TRIANGLE)["confidence"], TRIANGLE["confidence"])


def test_sample_reads_all_versions():
    path = WarpingPath.from_times([[0, 0, 1], [4, 2, 5]], [0.0, 1.0])
    read = paths.sample(path, [0.5, 1], source=1)
    np.testing.assert_allclose(read.times, [[1, 0.5, 2], [2, 1, 3]])
    np.testing.assert_allclose(read["confidence"], [0.25, 0.5])
    with pytest.raises(ParameterError, match="strictly increasing"):
        paths.sample(path, [1, 1])


def test_grid_lies_inside_of_the_path():
    path = WarpingPath.from_times([[0.05, 1], [1.0, 2]])
    np.testing.assert_allclose(paths.grid(path, 5)["time_a"], [0.2, 0.4, 0.6, 0.8, 1.0])
    with pytest.raises(ParameterError, match="positive"):
        paths.grid(path, 0)


@pytest.mark.parametrize("m", [1, 2, 3, 7])
def test_a_rounded_line_comes_back_straight(m):
    frames = np.arange(20 * m)
    path = paths.strictly_increasing(np.stack([frames, frames // m], axis=1) * 0.02).times
    inner = path[m:-m]
    expected = (inner[:, 0] - 0.02 * (m - 1) / 2) / m
    np.testing.assert_allclose(inner[:, 1], expected, atol=1e-12)


@given(dtw_paths())
def test_strict_path_has_no_preferred_version_and_no_preferred_direction(matrix):
    path = paths.strictly_increasing(matrix).times
    np.testing.assert_allclose(paths.strictly_increasing(matrix[:, ::-1]).times, path[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(paths.strictly_increasing(-matrix[::-1]).times, -path[::-1], atol=1e-9)


@given(dtw_paths(versions=3))
def test_strict_path_stays_within_half_a_frame(matrix):
    path = paths.strictly_increasing(matrix).times
    assert np.all(np.diff(path, axis=0) > 0)
    np.testing.assert_allclose(path[[0, -1]], matrix[[0, -1]])
    if len(path) == len(matrix):
        assert np.max(np.abs(path - matrix)) < 0.01


def test_a_pause_stays_a_pause():
    before, after = np.arange(0, 2, 0.02), np.arange(5, 7, 0.02)
    a = np.concatenate((before, np.arange(2, 5, 0.02), after))
    b = np.concatenate((before, np.full(150, 2.0), after - 3 + 0.02))
    path = paths.strictly_increasing(np.stack([a, b], axis=1))
    np.testing.assert_allclose(paths.transfer(path, [1.0, 2.0, 3.5, 4.98, 6.0]), [1, 2, 2, 2, 3.02], atol=0.0101)


def test_an_arpeggio_stays_in_place():
    matrix = np.array([[0, 0], [1.0, 1], [1.0, 1.01], [1.0, 1.03], [2, 2.2], [3, 3]])
    np.testing.assert_allclose(paths.strictly_increasing(matrix).times, matrix, atol=0.0076)


def test_a_very_long_plateau_stays_strict_with_six_decimals():
    a = np.arange(100_000) * 0.02
    b = np.concatenate((np.arange(10) * 0.02, np.full(99_980, 0.2), 0.2 + np.arange(1, 11) * 0.02))
    path = paths.strictly_increasing(np.stack([a, b], axis=1), np.ones(len(a)))
    assert np.all(np.diff(np.round(path.times, 6), axis=0) > 0)
    np.testing.assert_allclose(path.times[-1], [a[-1], b[-1]])
    assert len(path["confidence"]) == len(path)


def test_confidence_follows_its_points():
    path = paths.strictly_increasing([[0, 0], [0, 0], [1, 1], [2, 1], [3, 3]], [0.1, 0.9, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(path["confidence"], [0.1, 0.2, 0.3, 0.4])


def test_transfer_accepts_a_path_that_stands_still():
    path = WarpingPath.from_times([[0, 0], [1, 1], [2, 1], [2, 2], [3, 3]])
    np.testing.assert_allclose(paths.transfer(path, 1.5), 1.0, atol=0.1)
    assert paths.transfer(path, 1.6) > paths.transfer(path, 1.4)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.empty((0, 2)), "an empty path"),
        ([[0, 0], [np.nan, 1]], "no numbers"),
        ([[0, 0], [1, 2], [2, 1]], "backwards in time_b at its point 3"),
        ([[0, 0], [1, 0]], "never advances"),
    ],
)
def test_what_is_no_path(matrix, message):
    with pytest.raises(DataError, match=message):
        paths.transfer(WarpingPath.from_times(matrix), [1.0])


@settings(deadline=None)
@given(dtw_paths(), dtw_paths())
def test_dtw_paths_compose(first, second):
    ac = paths.compose(paths.strictly_increasing(first), paths.strictly_increasing(second))
    assert np.all(np.diff(ac.times, axis=0) > 0)
