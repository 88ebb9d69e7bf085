"""Dynamic time warping of two feature sequences: exact in linear memory, within a band, and as subsequence.

Costs are computed on the way from features X (K × N) and Y (K × M) as c(n, m) = bias - <x_n, y_m>: with normalised
columns and bias 1 the cosine distance. Other costs are brought into that form by stacking rows; a squared Euclidean
distance, for example, is |x|² + |y|² - 2 <x, y>, which takes two rows more.

Steps and boundary, as in [1]_ (section 3.2 and its variants of the step size condition): ``classic`` allows (1,0),
(0,1), (1,1); ``slanted`` allows (1,1), (1,2), (2,1) and so tempo ratios between 1/2 and 2. Outside of the matrix all
accumulated costs are infinite. A path starts in (0, 0) with the plain cost of that cell and ends in (N - 1, M - 1); a
subsequence (section 7.2.3) starts at any column of row 0, likewise with the plain cost, and ends at any column of row
N - 1.

The exact path takes memory linear in N + M, like the divide-and-conquer scheme of [2]_. That scheme keeps three
anti-diagonals in the middle and so finds one cell of the path, then does both halves anew: twice the work of the first
pass. Here the first pass sweeps the matrix in tiles along their anti-diagonals and keeps the borders of at most
BLOCKS × BLOCKS blocks of tiles; the way back redoes just the blocks that the path crosses, by the same method, down to
single tiles: a few per cent more.

References
----------
.. [1] M. Müller, *Fundamentals of Music Processing*, Springer, 2015/2021.
.. [2] C. Tralie, E. Dempsey: Exact, parallelizable dynamic time warping alignment with linear memory. ISMIR 2020.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError

STEPS = {"classic": ((1, 0), (0, 1), (1, 1)), "slanted": ((1, 1), (1, 2), (2, 1))}
# Cells of a tile: its features, K × (rows + rows) floats, stay in the cache while it is swept.
TILE = (512, 1024)
# Blocks a side of which borders are kept: memory is 16 · BLOCKS · (N + M) bytes at most.
BLOCKS = 64
# Features up to here give costs, and sums of them, that float32 can hold.
LARGEST = 1e12


class NoPathError(ParameterError):
    """The steps lead from the first to the last pair of frames nowhere within the band."""


Matrix = NDArray[np.float32]
Path = NDArray[np.int64]


def checked_weights(steps: str, weights: ArrayLike | None) -> NDArray[np.float64]:
    """Return the step weights in the order of STEPS, checked."""
    if steps not in STEPS:
        raise ParameterError(f"no such step set: {steps} (there are: {', '.join(STEPS)})")
    array = np.ones(3) if weights is None else np.asarray(weights, dtype=np.float64)
    if array.shape != (3,) or not np.all(np.isfinite(array)) or np.any(array <= 0):
        raise ParameterError(f"step weights must be three positive numbers, for the steps {STEPS[steps]}")
    return array


def _features(X: ArrayLike, Y: ArrayLike) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Return both feature matrices as float32, checked."""
    pair = []
    for name, matrix in (("first", X), ("second", Y)):
        array = np.asarray(matrix)
        if array.ndim != 2 or 0 in array.shape:
            raise DataError(f"the {name} input has no frames (shape {array.shape})")
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        if not max(array.max(), -array.min()) < LARGEST:
            raise DataError(f"the {name} input holds values that are no numbers, infinite or beyond {LARGEST:g}")
        pair.append(array)
    if pair[0].shape[0] != pair[1].shape[0]:
        raise DataError(f"features of different kinds: {pair[0].shape[0]} and {pair[1].shape[0]} rows")
    return pair[0], pair[1]


def _packed(X: NDArray[Any], margin: int, backwards: bool) -> NDArray[np.float32]:
    """Copy features into rows that begin at a cache line, with zeros around and K rounded up to a multiple of 4."""
    rows, frames = X.shape
    front = margin if backwards else 0
    # an odd number of cache lines a row: no two rows fall into the same set of the cache
    stride = (front + frames + margin + 15) // 16 // 2 * 32 + 16
    rows = (rows + 3) // 4 * 4
    flat = np.zeros(rows * stride + 16, np.float32)
    skip = -flat.ctypes.data % 64 // 4
    packed = flat[skip : skip + rows * stride].reshape(rows, stride)
    packed[: X.shape[0], front : front + frames] = X[:, ::-1] if backwards else X
    return packed


@dataclass(frozen=True)
class _Problem:
    """What the kernels need to know of X, Y, steps and weights."""

    X: NDArray[np.float32]
    Y: NDArray[np.float32]
    origin: int
    bias: np.float32
    slanted: bool
    weights: NDArray[np.float32]

    @classmethod
    def of(
        cls, X: NDArray[Any], Y: NDArray[Any], steps: str, weights: NDArray[np.float64], bias: float, margin: int
    ) -> "_Problem":
        slanted = steps == "slanted"
        ordered = weights[[2, 1, 0]] if slanted else weights
        return cls(
            _packed(X, margin, backwards=False),
            _packed(Y, margin, backwards=True),
            margin + Y.shape[1] - 1,
            np.float32(bias),
            slanted,
            ordered.astype(np.float32),
        )

    @property
    def arguments(self) -> tuple[Matrix, Matrix, int, np.float32, bool, NDArray[np.float32]]:
        """The first arguments of the kernels."""
        return self.X, self.Y, self.origin, self.bias, self.slanted, self.weights


def _block(extent: int, tile: int) -> int:
    """Length of a block: a multiple of a tile, such that there are at most BLOCKS of them."""
    return tile * -(-extent // (tile * BLOCKS))


def _ring(rows: int, columns: int) -> int:
    """Rows of the buffer that holds all anti-diagonals of a tile: a power of two."""
    return 1 << (rows + columns + 1).bit_length()


def _forward(
    problem: _Problem,
    diagonals: Matrix,
    r0: int,
    c0: int,
    top: NDArray[np.float64],
    left: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, int]]:
    """Accumulate over the rectangle at (r0, c0); `top` becomes its last rows. Returns the borders of its blocks."""
    from mirtool.sync._kernels import forward

    rows, columns = left.shape[1] - 2, top.shape[1]
    block = _block(rows, TILE[0]), _block(columns, TILE[1])
    tops = np.empty((-(-rows // block[0]), 2, columns))
    lefts = np.empty((-(-columns // block[1]), 2, rows + 2))
    lefts[0] = left
    forward(*problem.arguments, r0, c0, TILE, block, top, tops, lefts, diagonals[:4])
    return tops, lefts, block


def _walk(
    problem: _Problem,
    diagonals: Matrix,
    r0: int,
    c0: int,
    tops: NDArray[np.float64],
    lefts: NDArray[np.float64],
    block: tuple[int, int],
    path: Path,
    position: tuple[int, int, int],
) -> tuple[int, int, int]:
    """Walk back from a cell of the rectangle at (r0, c0) until the path leaves it; redo the blocks on the path only."""
    from mirtool.sync._kernels import forward, trace

    n, m, at = position
    while n >= r0 and m >= c0:
        i, j = (n - r0) // block[0], (m - c0) // block[1]
        row, column = r0 + i * block[0], c0 + j * block[1]
        top = tops[i, :, column - c0 : m + 1 - c0].copy()
        left = lefts[j, :, row - r0 : n + 3 - r0].copy()
        rows, columns = n + 1 - row, m + 1 - column
        if rows <= TILE[0] and columns <= TILE[1]:
            cells = diagonals[: _ring(rows, columns)]
            forward(*problem.arguments, row, column, TILE, TILE, top, top[None].copy(), left[None], cells)
            n, m, at = trace(*problem.arguments, n, m, row, column, cells, path, at)
        else:
            inner = _forward(problem, diagonals, row, column, top, left)
            n, m, at = _walk(problem, diagonals, row, column, *inner, path, (n, m, at))
    return n, m, at


def _first_row(costs: NDArray[np.float64], steps: str, weights: NDArray[np.float64], subsequence: bool) -> Any:
    """Return the accumulated costs of row 0 from its costs."""
    if subsequence:
        return costs
    row = np.full(len(costs), np.inf)
    row[0] = costs[0]
    if steps == "classic":
        row[1:] = costs[0] + np.cumsum(weights[1] * costs[1:])
    return row


def dtw(
    X: ArrayLike,
    Y: ArrayLike,
    steps: str = "classic",
    weights: ArrayLike | None = None,
    subsequence: bool = False,
    bias: float = 1.0,
) -> tuple[Path, float]:
    """Warp two feature sequences onto each other: exact, in memory linear in N + M.

    Parameters
    ----------
    X, Y : array_like, shapes (K, N) and (K, M)
        Features, one column a frame; computed in float32.
    steps : {"classic", "slanted"}
        Classic: (1,0), (0,1), (1,1). Slanted: (1,1), (1,2), (2,1).
    weights : array_like, shape (3,), optional
        Factor on the cost of a cell that is reached by each step, in the order above; 1 by default. The first cell of
        a path has factor 1.
    subsequence : bool
        The path may start and end at any frame of Y [1]_ (section 7.2.3).
    bias : float
        The cost of a cell is bias - <x_n, y_m>.

    Returns
    -------
    path : ndarray of int64, shape (L, 2)
        Pairs (n, m), from the first to the last. Among equals, (1,1) wins over (1,0) or (2,1), and these over (0,1) or
        (1,2), seen from the end; a subsequence ends at the first of equal minima.
    cost : float
        Accumulated cost of the path.

    Raises
    ------
    DataError
        Empty input, NaN, or different K.
    ParameterError
        Unknown steps or bad weights; `NoPathError` for lengths that slanted steps cannot bridge.
    """
    from mirtool.sync._kernels import LANES

    factors = checked_weights(steps, weights)
    X, Y = _features(X, Y)
    N, M = X.shape[1], Y.shape[1]
    problem = _Problem.of(X, Y, steps, factors, bias, min(N, TILE[0]) + 2 * LANES)
    costs = bias - X[:, 0].astype(np.float64) @ Y.astype(np.float64)
    last = np.full((2, M), np.inf)
    last[0] = _first_row(costs, steps, factors, subsequence)
    path = np.empty((N + M, 2), np.int64)
    rows, columns = min(N, TILE[0]), min(M, TILE[1])
    diagonals = np.zeros((_ring(rows, columns), rows + 2 + LANES), np.float32)
    # row 0 is the upper border of everything else, so that the kernels know nothing of the boundary condition
    blocks = _forward(problem, diagonals, 1, 0, last, np.full((2, N + 1), np.inf)) if N > 1 else None
    m = int(np.argmin(last[0])) if subsequence else M - 1
    cost = float(last[0, m])
    if not np.isfinite(cost):
        raise NoPathError(f"steps (1,1), (1,2), (2,1) cannot join {N} and {M} frames (more than twice as many)")
    n, m, at = N - 1, m, N + M
    if blocks:
        n, m, at = _walk(problem, diagonals, 1, 0, *blocks, path, (n, m, at))
    begin = m if subsequence or steps == "slanted" else 0
    at -= m + 1 - begin
    path[at : at + m + 1 - begin, 0] = 0
    path[at : at + m + 1 - begin, 1] = np.arange(begin, m + 1)
    return path[at:].copy(), cost


def _window(low: ArrayLike, high: ArrayLike, N: int, M: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the window of each row, checked."""
    low, high = np.asarray(low).astype(np.int64), np.asarray(high).astype(np.int64)
    if low.shape != (N,) or high.shape != (N,):
        raise ParameterError(f"a window for {low.size} and {high.size} frames where there are {N}")
    if low.min() < 0 or high.max() > M or np.any(low >= high):
        raise ParameterError(f"a window must leave each frame at least one of the {M} frames of the other side")
    if np.any(np.diff(low) < 0) or np.any(np.diff(high) < 0):
        raise ParameterError("the window moves backwards")
    if low[0] != 0 or high[-1] != M:
        raise ParameterError("the window does not hold the first and the last pair of frames")
    return low, high


def dtw_banded(
    X: ArrayLike,
    Y: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    steps: str = "classic",
    weights: ArrayLike | None = None,
    bias: float = 1.0,
) -> tuple[Path, float]:
    """Warp two feature sequences within a band: frame n of X meets frames low[n] ≤ m < high[n] of Y only.

    Takes two bits for each cell of the band (its anti-diagonals being widened to multiples of 16 cells).

    Parameters
    ----------
    X, Y, steps, weights, bias
        As for `dtw`.
    low, high : array_like of int, shape (N,)
        Neither falls from a frame to the next; low[0] is 0, high[N - 1] is M.

    Returns
    -------
    path : ndarray of int64, shape (L, 2)
    cost : float
        As from `dtw`.

    Raises
    ------
    DataError
        Empty input, NaN, or different K.
    ParameterError
        Unknown steps, bad weights or windows; `NoPathError` for a band without any path.
    """
    from mirtool.sync._kernels import LANES, banded, trace_band

    factors = checked_weights(steps, weights)
    X, Y = _features(X, Y)
    N, M = X.shape[1], Y.shape[1]
    low, high = _window(low, high, N, M)
    problem = _Problem.of(X, Y, steps, factors, bias, 2 * LANES)
    # As neither bound falls, row n crosses the anti-diagonals n + low[n] … n + high[n] - 1, and both of these rise.
    diagonals = np.arange(N + M - 1)
    starts = np.searchsorted(np.arange(N) + high - 1, diagonals, side="left")
    ends = np.searchsorted(np.arange(N) + low, diagonals, side="right")
    sizes = (ends + LANES - 1) // LANES * LANES - starts // LANES * LANES
    bounds = np.concatenate([[0], np.cumsum(sizes // 4)])
    packed = np.empty(bounds[-1], np.uint8)
    cost = banded(*problem.arguments, starts, ends, bounds, packed)
    if not np.isfinite(cost):
        raise NoPathError(f"no path with {steps} steps fits into the band between {N} and {M} frames")
    path = np.empty((N + M, 2), np.int64)
    begin = trace_band(problem.slanted, starts, bounds, packed, N - 1, M - 1, path)
    return path[begin:].copy(), cost


def cost_matrix(X: ArrayLike, Y: ArrayLike, bias: float = 1.0) -> NDArray[np.float32]:
    """Return the whole cost matrix C (N × M): bias - <x_n, y_m>, for plots and small inputs.

    Parameters
    ----------
    X, Y : array_like, shapes (K, N) and (K, M)
    bias : float

    Returns
    -------
    C : ndarray of float32, shape (N, M)
    """
    X, Y = _features(X, Y)
    return np.float32(bias) - X.T @ Y


def accumulate(
    C: ArrayLike, steps: str = "classic", weights: ArrayLike | None = None, subsequence: bool = False
) -> NDArray[np.float64]:
    """Return the whole accumulated cost matrix D (N × M) of a cost matrix, for plots and small inputs.

    Parameters
    ----------
    C : array_like, shape (N, M)
    steps, weights, subsequence
        As for `dtw`.

    Returns
    -------
    D : ndarray of float64, shape (N, M)
        Infinite where no path arrives [1]_.
    """
    factors = checked_weights(steps, weights)
    C = np.asarray(C, dtype=np.float64)
    if C.ndim != 2 or 0 in C.shape:
        raise DataError(f"not a cost matrix (shape {C.shape})")
    N, M = C.shape
    D = np.full((N + 2, M + 2), np.inf)
    D[2, 2:] = _first_row(C[0], steps, factors, subsequence)
    for d in range(1, N + M - 1):
        n = np.arange(max(1, d - M + 1), min(N - 1, d) + 1)
        arrivals = [
            D[n + 2 - a, d - n + 2 - b] + w * C[n, d - n] for (a, b), w in zip(STEPS[steps], factors, strict=True)
        ]
        D[n + 2, d - n + 2] = np.min(arrivals, axis=0)
    return D[2:, 2:]
