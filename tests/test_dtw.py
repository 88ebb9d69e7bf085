"""Dynamic time warping: the book's examples, slow oracles, invariants, borders of tiles, accuracy, memory."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.sync import dtw as module
from mirtool.sync.dtw import STEPS, NoPathError, accumulate, cost_matrix, dtw, dtw_banded
from mirtool.sync.multiscale import Box, project
from tests.naive import dtw_accumulated, dtw_path_cost

COMPILED = not numba.config.DISABLE_JIT
WEIGHTS = ((1.0, 1.0, 1.0), (1.5, 0.75, 2.0))
few = settings(max_examples=60 if COMPILED else 5, deadline=None)


def unit(rng, K, N):
    """Random features with normalised columns."""
    X = rng.random((K, N)) + 1e-3
    return (X / np.linalg.norm(X, axis=0)).astype(np.float32)


def embedded(C):
    """Features whose cost, with bias 0, is any given matrix."""
    return np.eye(len(C)), -np.asarray(C, dtype=float)


def warped_pair(rng, K, N, M):
    """Two versions of one smooth random sequence, a little different."""
    Z = np.cumsum(rng.standard_normal((K, N + M)), axis=1)
    a = np.sort(rng.integers(0, N + M, N))
    b = np.sort(rng.integers(0, N + M, M))
    X, Y = np.abs(Z[:, a]) + 0.1, np.abs(Z[:, b] + 0.1 * rng.standard_normal((K, M))) + 0.1
    return (X / np.linalg.norm(X, axis=0)).astype(np.float32), (Y / np.linalg.norm(Y, axis=0)).astype(np.float32)


# --- the book: FMP section 3.2.1 (X = 1, 3, 9, 2, 1 and Y = 2, 0, 0, 8, 7, 2) and section 7.2.3
BOOK = np.abs(np.subtract.outer([1, 3, 9, 2, 1], [2, 0, 0, 8, 7, 2]))
BOOK_SUBSEQUENCE = np.abs(np.subtract.outer([3, 0, 6], [2, 4, 0, 4, 0, 0, 5, 2]))
INF = np.inf


@pytest.mark.parametrize(
    ("C", "steps", "subsequence", "D", "path"),
    [
        (
            BOOK,
            "classic",
            False,
            [
                [1, 2, 3, 10, 16, 17],
                [2, 4, 5, 8, 12, 13],
                [9, 11, 13, 6, 8, 15],
                [9, 11, 13, 12, 11, 8],
                [10, 10, 11, 18, 17, 9],
            ],
            [(0, 0), (0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5)],
        ),
        (
            BOOK,
            "slanted",
            False,
            [
                [1, INF, INF, INF, INF, INF],
                [INF, 4, 4, INF, INF, INF],
                [INF, 10, 13, 5, 6, INF],
                [INF, INF, 6, 10, 10, 5],
                [INF, INF, 11, 13, 11, 7],
            ],
            [(0, 0), (1, 2), (2, 4), (4, 5)],
        ),
        (
            BOOK_SUBSEQUENCE,
            "classic",
            True,
            [[1, 1, 3, 1, 3, 3, 2, 1], [3, 5, 1, 5, 1, 1, 6, 3], [7, 5, 7, 3, 7, 7, 2, 6]],
            [(0, 3), (1, 4), (1, 5), (2, 6)],
        ),
        (
            BOOK_SUBSEQUENCE,
            "slanted",
            True,
            [[1, 1, 3, 1, 3, 3, 2, 1], [INF, 5, 1, 5, 1, 1, 8, 4], [INF, 3, 7, 3, 7, 7, 2, 5]],
            [(0, 3), (1, 5), (2, 6)],
        ),
    ],
)
def test_examples_of_the_book(C, steps, subsequence, D, path):
    np.testing.assert_array_equal(accumulate(C, steps, subsequence=subsequence), D)
    found, cost = dtw(*embedded(C), steps, subsequence=subsequence, bias=0)
    assert found.tolist() == [list(cell) for cell in path]
    assert cost == (np.min(D[-1]) if subsequence else D[-1][-1])
    if not subsequence:
        N, M = C.shape
        found, cost = dtw_banded(*embedded(C), np.zeros(N), np.full(N, M), steps, bias=0)
        assert found.tolist() == [list(cell) for cell in path]
        assert cost == D[-1][-1]


# --- slow oracles
@few
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 9),
    st.sampled_from(["classic", "slanted"]),
    st.sampled_from(WEIGHTS),
    st.booleans(),
    st.sampled_from([(16, 48), (7, 5), (32, 16), (512, 1024)]),
    st.integers(0, 2**32 - 1),
)
def test_dtw_equals_the_definition(N, M, K, steps, weights, subsequence, tile, seed):
    rng = np.random.default_rng(seed)
    X, Y = unit(rng, K, N), unit(rng, K, M)
    C = cost_matrix(X, Y).astype(np.float64)
    D = dtw_accumulated(C, STEPS[steps], weights, subsequence)
    np.testing.assert_allclose(accumulate(C, steps, weights, subsequence), D)
    expected = D[-1].min() if subsequence else D[-1, -1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TILE", tile)
        patch.setattr(module, "BLOCKS", 2)
        if not np.isfinite(expected):
            with pytest.raises(NoPathError, match=f"cannot join {N} and {M} frames"):
                dtw(X, Y, steps, weights, subsequence)
            return
        path, cost = dtw(X, Y, steps, weights, subsequence)
    assert cost == pytest.approx(expected, abs=1e-4)
    assert dtw_path_cost(C, path, STEPS[steps], weights) == pytest.approx(expected, abs=1e-4)
    assert path[0, 0] == 0
    assert path[-1, 0] == N - 1
    assert subsequence or (path[0, 1] == 0 and path[-1, 1] == M - 1)


@st.composite
def windows(draw):
    """Monotone windows over N × M, often narrow."""
    N, M = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = np.sort(rng.integers(0, M, N))
    if draw(st.booleans()):
        low = np.maximum(0, np.arange(N) * M // N - draw(st.integers(0, 4)))
    high = np.minimum(M, np.maximum(low + draw(st.integers(1, 20)), np.sort(rng.integers(0, M + 1, N))))
    low[0], high[-1] = 0, M
    return low, np.maximum.accumulate(high)


@few
@given(windows(), st.sampled_from(["classic", "slanted"]), st.sampled_from(WEIGHTS), st.integers(0, 2**32 - 1))
def test_dtw_banded_equals_the_definition(window, steps, weights, seed):
    low, high = window
    rng = np.random.default_rng(seed)
    X, Y = unit(rng, 5, len(low)), unit(rng, 5, high[-1])
    C = cost_matrix(X, Y).astype(np.float64)
    expected = dtw_accumulated(C, STEPS[steps], weights, low=low, high=high)[-1, -1]
    if not np.isfinite(expected):
        with pytest.raises(NoPathError, match=f"no path with {steps} steps fits into the band"):
            dtw_banded(X, Y, low, high, steps, weights)
        return
    path, cost = dtw_banded(X, Y, low, high, steps, weights)
    assert cost == pytest.approx(expected, abs=1e-4)
    assert dtw_path_cost(C, path, STEPS[steps], weights) == pytest.approx(expected, abs=1e-4)
    assert np.all((low[path[:, 0]] <= path[:, 1]) & (path[:, 1] < high[path[:, 0]]))


# --- borders of tiles, at the real size, and what is at both sides of them
@pytest.mark.parametrize("N", [510, 511, 512, 513, 514, 1025] if COMPILED else [513])
@pytest.mark.parametrize("M", [1022, 1023, 1024, 1025, 2050] if COMPILED else [24])
def test_sizes_around_a_tile(N, M):
    rng = np.random.default_rng(N + M)
    X, Y = warped_pair(rng, 3, N, M)
    C = cost_matrix(X, Y).astype(np.float64)
    for steps in STEPS:
        expected = accumulate(C, steps)[-1, -1]
        if np.isfinite(expected):
            path, cost = dtw(X, Y, steps)
            assert cost == pytest.approx(expected, rel=1e-5)
            assert dtw_path_cost(C, path, STEPS[steps], (1, 1, 1)) == pytest.approx(expected, rel=1e-5)


# --- invariants
@pytest.mark.parametrize("steps", list(STEPS))
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_full_band_is_no_band(steps, weights):
    X, Y = warped_pair(np.random.default_rng(5), 12, 150, 110)
    path, cost = dtw(X, Y, steps, weights)
    banded_path, banded_cost = dtw_banded(X, Y, np.zeros(150), np.full(150, 110), steps, weights)
    np.testing.assert_array_equal(banded_path, path)
    assert banded_cost == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("steps", list(STEPS))
def test_swapping_the_inputs_swaps_the_path(steps):
    X, Y = warped_pair(np.random.default_rng(6), 12, 150, 110)
    path, cost = dtw(X, Y, steps)
    mirrored, mirrored_cost = dtw(Y, X, steps)
    assert mirrored_cost == pytest.approx(cost, rel=1e-6)
    np.testing.assert_array_equal(mirrored[:, ::-1], path)


def test_a_sequence_goes_with_itself_along_the_diagonal():
    X = unit(np.random.default_rng(7), 12, 700 if COMPILED else 40)
    for steps in STEPS:
        path, cost = dtw(X, X, steps)
        np.testing.assert_array_equal(path, np.stack([np.arange(X.shape[1])] * 2, axis=1))
        assert cost == pytest.approx(0, abs=1e-3)


def test_a_subsequence_is_found_where_it_is():
    Y = unit(np.random.default_rng(8), 12, 1500 if COMPILED else 90)
    begin, end = Y.shape[1] // 2, Y.shape[1] // 2 + 30
    for steps in STEPS:
        path, _ = dtw(Y[:, begin:end], Y, steps, subsequence=True)
        np.testing.assert_array_equal(path, np.stack([np.arange(30), np.arange(begin, end)], axis=1))


def test_ties_are_broken_towards_the_diagonal_then_along_x():
    flat = np.zeros((1, 4))
    assert dtw(flat, flat, bias=0)[0].tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    # all cells cost the same and (1,1) costs double: (1,0) wins, seen from the end
    path, cost = dtw(flat[:, :3], flat[:, :3], weights=(1, 1, 3), bias=1)
    assert path.tolist() == [[0, 0], [0, 1], [0, 2], [1, 2], [2, 2]]
    assert cost == 5


def test_the_first_of_equal_subsequences_is_taken():
    Y = np.array([[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]])
    path, cost = dtw(Y[:, :2], Y, subsequence=True)
    assert path.tolist() == [[0, 0], [1, 1]]
    assert cost == 0


# --- long paths
@pytest.mark.skipif(not COMPILED, reason="too slow without the compiler")
@pytest.mark.parametrize("steps", list(STEPS))
def test_float32_keeps_its_digits_over_long_paths(steps):
    """The path costs what is reported, computed in float64, and no more than the best path in float64 in a band."""
    N = 24000
    rng = np.random.default_rng(9)
    X = unit(rng, 12, N)
    Y = unit(rng, 12, N)  # unrelated: costs of thousands, and many paths that cost nearly the same
    low = np.maximum(0, np.arange(N) - 12)
    high = np.minimum(N, np.arange(N) + 13)
    C = 1 - np.einsum("kn,knb->nb", X.astype(float), _neighbours(Y.astype(float), low, 25))
    expected = _band_oracle(C, low, high, steps)
    path, cost = dtw_banded(X, Y, low, high, steps)
    assert cost > 1000
    assert cost == pytest.approx(expected, rel=5e-7)
    assert _float64_cost(X, Y, path) == pytest.approx(expected, rel=5e-7)
    path, cost = dtw(X, Y, steps)
    assert cost == pytest.approx(_float64_cost(X, Y, path), rel=5e-7)
    assert cost <= expected


def _neighbours(Y, low, width):
    return Y[:, np.minimum(low[:, None] + np.arange(width), Y.shape[1] - 1)]


def _float64_cost(X, Y, path):
    return float(np.sum(1 - np.einsum("kl,kl->l", X[:, path[:, 0]].astype(float), Y[:, path[:, 1]].astype(float))))


def _band_oracle(C, low, high, steps):
    """Least cost in float64; C holds the band row by row, C[n, b] for column low[n] + b."""
    rows = {-1: {}, -2: {}}
    for n in range(len(C)):
        one, two, row = rows[n - 1], rows[n - 2], {}
        for b in range(high[n] - low[n]):
            m = int(low[n]) + b
            if n == 0 and m == 0:
                row[m] = C[0, 0]
                continue
            if steps == "classic":
                best = min(one.get(m, INF), one.get(m - 1, INF), row.get(m - 1, INF))
            else:
                best = min(one.get(m - 1, INF), one.get(m - 2, INF), two.get(m - 1, INF))
            row[m] = best + C[n, b]
        rows = {n: row, n - 1: one}
    return row[len(C) - 1]


MEMORY = """
import resource
import numpy as np
from mirtool.sync.dtw import dtw
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rng = np.random.default_rng(0)
X, Y = rng.random((12, 16000), np.float32), rng.random((12, 16000), np.float32)
dtw(X[:, :50], Y[:, :50], bias=12)
before = peak()
path, _ = dtw(X, Y, bias=12)
print((peak() - before) / 1024)
"""


@pytest.mark.skipif(not COMPILED, reason="too slow without the compiler")
def test_memory_stays_linear():
    """The matrix of costs would take 1 GB, directions of 2 bits 64 MB."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    run = subprocess.run(
        [sys.executable, "-c", MEMORY],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert float(run.stdout) < 40


# --- what is refused
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": "sideways"}, ParameterError, "no such step set: sideways"),
        ({"weights": (1, 2)}, ParameterError, "three positive numbers"),
        ({"weights": (1, 0, 1)}, ParameterError, "three positive numbers"),
        ({"X": np.zeros((3, 0))}, DataError, "first input has no frames"),
        ({"Y": np.zeros((4, 5))}, DataError, "3 and 4 rows"),
        ({"Y": np.full((3, 5), np.nan)}, DataError, "second input holds values that are no numbers"),
        ({"X": np.full((3, 4), -np.inf)}, DataError, "first input holds values that are no numbers"),
        ({"X": np.full((3, 4), 1e300)}, DataError, "beyond 1e\\+12"),
    ],
)
def test_dtw_refuses(arguments, error, message):
    arguments = {"X": np.ones((3, 4)), "Y": np.ones((3, 5)), **arguments}
    with pytest.raises(error, match=message):
        dtw(**arguments)
    N, M = arguments["X"].shape[1], arguments["Y"].shape[1]
    with pytest.raises(error, match=message):
        dtw_banded(**arguments, low=np.zeros(N), high=np.full(N, M))


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([0, 0], [4, 4], "where there are 3"),
        ([0, 2, 1], [2, 3, 4], "moves backwards"),
        ([0, 2, 2], [2, 2, 4], "at least one"),
        ([0, 0, 0], [5, 5, 5], "at least one"),
        ([1, 1, 1], [4, 4, 4], "the first and the last"),
        ([0, 0, 0], [3, 3, 3], "the first and the last"),
        ([0, 2, 2], [1, 3, 4], "no path with classic steps"),
    ],
)
def test_bad_windows_are_refused(low, high, message):
    with pytest.raises(ParameterError, match=message):
        dtw_banded(np.ones((2, 3)), np.ones((2, 4)), low, high)


# --- several scales
@few
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 12), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_project_gives_a_window_around_the_path(N, M, factor, margin, seed):
    rng = np.random.default_rng(seed)
    coarse, _ = dtw(unit(rng, 2, -(-N // factor)), unit(rng, 2, -(-M // factor)))
    low, high = project(coarse, factor, Box(0, N, 0, M), margin)
    assert low[0] == 0
    assert high[-1] == M
    assert np.all(np.diff(low) >= 0)
    assert np.all(np.diff(high) >= 0)
    assert np.all((low < high) & (low >= 0) & (high <= M))
    for n, m in coarse:  # the middle of each coarse cell lies inside, by the margin
        row = min(n * factor + factor // 2, N - 1)
        column = min(m * factor + factor // 2, M - 1)
        assert low[row] <= max(0, column - margin)
        assert high[row] > min(M - 1, column + margin)
    dtw_banded(unit(rng, 2, N), unit(rng, 2, M), low, high)


# --- compilation
@pytest.mark.skipif(not COMPILED, reason="without the compiler there is nothing to compile")
def test_warm_compiles_everything_that_is_used_once():
    from mirtool.sync import _kernels

    _kernels.warm()
    X = unit(np.random.default_rng(0), 5, 40)
    for steps in STEPS:
        dtw(X, X, steps, subsequence=True)
        dtw_banded(X, X, np.zeros(40), np.full(40, 40), steps)
    for name in ("forward", "trace", "banded", "trace_band"):
        assert len(getattr(_kernels, name).signatures) == 1


# --- the mode in which numba checks bounds
@pytest.mark.skipif(os.environ.get("NUMBA_BOUNDSCHECK") != "1" or not COMPILED, reason="only with NUMBA_BOUNDSCHECK=1")
def test_the_bounds_check_fires():
    from mirtool.sync._kernels import trace_band

    starts, bounds = np.zeros(9, np.int64), 4 * np.arange(10)
    too_few = np.zeros(8, np.uint8)
    with pytest.raises(IndexError):
        trace_band(False, starts, bounds, too_few, 4, 4, np.empty((10, 2), np.int64))
