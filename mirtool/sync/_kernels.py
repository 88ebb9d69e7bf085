"""Compiled loops of dynamic time warping.

All kernels walk along anti-diagonals d = n + m. The cells of one anti-diagonal depend on earlier ones only, and with Y
stored backwards in time the features of neighbouring cells are neighbours in memory in X and in Y, so that the costs
as well as the recursion compile to vector instructions.

Shapes
------
X : (K, stride) float32
    Features, K a multiple of 4 and zeros behind the last frame.
Y : (K, stride) float32
    Features backwards: frame m is column `origin - m`; zeros on both sides.
weights : (3,) float32
    Of the steps in the order of the kernels: classic (1,0), (0,1), (1,1); slanted (2,1), (1,2), (1,1).
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

# Floats in a vector register (AVX-512). Runs of cells are rounded up to a multiple, because scalar remainders cost more
# than a few cells that nobody reads. A machine with shorter vectors loses nothing.
LANES = 16

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]
Borders = NDArray[np.float64]


@kernel
def _add_costs(X: Matrix, Y: Matrix, k: int, n: int, j: int, costs: Vector, bias: np.float32) -> None:
    """Take the products of rows k to k + 3 off the costs of one run of an anti-diagonal; row 0 begins with the bias."""
    size = costs.size
    x0, x1, x2, x3 = X[k, n : n + size], X[k + 1, n : n + size], X[k + 2, n : n + size], X[k + 3, n : n + size]
    y0, y1, y2, y3 = Y[k, j : j + size], Y[k + 1, j : j + size], Y[k + 2, j : j + size], Y[k + 3, j : j + size]
    if k == 0:
        for i in range(size):
            costs[i] = bias - x0[i] * y0[i] - x1[i] * y1[i] - x2[i] * y2[i] - x3[i] * y3[i]
    else:
        for i in range(size):
            costs[i] = costs[i] - x0[i] * y0[i] - x1[i] * y1[i] - x2[i] * y2[i] - x3[i] * y3[i]


@kernel
def _relax(costs: Vector, out: Vector, a: Vector, b: Vector, c: Vector, weights: Vector) -> None:
    """Accumulate: the best of three predecessors plus the weighted cost."""
    wa, wb, wc = weights[0], weights[1], weights[2]
    for i in range(costs.size):
        cost = costs[i]
        via_a, via_b, via_c = a[i] + wa * cost, b[i] + wb * cost, c[i] + wc * cost
        best = via_a if via_a < via_b else via_b
        out[i] = best if best < via_c else via_c


@kernel
def _tile(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    r0: int,
    c0: int,
    rows: int,
    columns: int,
    top: Borders,
    left: Borders,
    right: Borders,
    diagonals: Matrix,
    costs: Vector,
    base: float,
) -> None:
    """Accumulate the costs of the tile of `rows` × `columns` cells at (r0, c0).

    Cell (i, d - i) of the tile stands in diagonals[(d + 3) % len(diagonals), i + 2], less `base` (so that float32 keeps
    its digits on long paths). A run may reach past the tile: to the right nobody reads, to the left the border, which
    is written afterwards, is all that is read.

    top : (2, columns); in: rows -1 and -2 above the tile; out: the last row of the tile and the one before.
    left, right : (2, rows + 2); columns -1 and -2 left of it; the last column and the one before; from row -2.
    diagonals : (a power of two, rows + 2 + LANES); 4 for the borders alone, rows + columns + 2 or more to trace back.
    """
    mask = diagonals.shape[0] - 1
    for d in range(-3, rows + columns - 1):
        current = diagonals[(d + 3) & mask]
        if d >= 0:
            first = max(0, d - columns + 1) // LANES * LANES
            last = (min(rows - 1, d) + LANES) // LANES * LANES
            run = costs[: last - first]
            for k in range(0, X.shape[0], 4):
                _add_costs(X, Y, k, r0 + first, origin - c0 - d + first, run, bias)
            before1, before2 = diagonals[(d + 2) & mask], diagonals[(d + 1) & mask]
            out, diagonal = current[first + 2 : last + 2], before2[first + 1 : last + 1]
            if slanted:
                before3 = diagonals[d & mask]
                _relax(run, out, before3[first:last], before3[first + 1 : last + 1], diagonal, weights)
            else:
                _relax(run, out, before1[first + 1 : last + 1], before1[first + 2 : last + 2], diagonal, weights)
        # the borders that the next anti-diagonals read
        for back in range(2):
            m = d + 1 + back
            if 0 <= m < columns:
                current[1 - back] = top[back, m] - base
            elif m == -1 or m == -2:
                current[1 - back] = left[-1 - m, 1 - back] - base
            i = d + 1 + back
            if 0 <= i < rows:
                current[i + 2] = left[back, i + 2] - base
        # and those that the next tiles read
        for back in range(2):
            m = d - rows + 1 + back
            if 0 <= m < columns:
                top[back, m] = base + current[rows + 1 - back]
            i = d - columns + 1 + back
            if -2 <= i < rows:
                right[back, i + 2] = base + current[i + 2]


@kernel
def _least(top: Borders, left: Borders) -> float:
    """Least value of the borders of a tile, 0 when all are infinite."""
    least = np.inf
    for back in range(2):
        for m in range(top.shape[1]):
            least = min(least, top[back, m])
        for i in range(left.shape[1]):
            least = min(least, left[back, i])
    return least if least < np.inf else 0.0


@kernel
def forward(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    r0: int,
    c0: int,
    tile: tuple[int, int],
    block: tuple[int, int],
    top: Borders,
    tops: NDArray[np.float64],
    lefts: NDArray[np.float64],
) -> None:
    """Accumulate the costs of a rectangle tile by tile; keep the borders of its blocks (multiples of tiles).

    top : (2, columns); in: rows -1 and -2; out: the last row of the rectangle and the one before.
    tops : (blocks down, 2, columns); out: rows -1 and -2 of each row of blocks.
    lefts : (blocks across, 2, rows + 2); [0] in: columns -1 and -2 from row -2; the others out, likewise.
    """
    rows, columns = lefts.shape[2] - 2, top.shape[1]
    costs = np.zeros(tile[0] + LANES, np.float32)
    diagonals = np.zeros((4, tile[0] + 2 + LANES), np.float32)
    left, right = np.empty((2, tile[0] + 2)), np.empty((2, tile[0] + 2))
    for r in range(0, rows, tile[0]):
        high = min(tile[0], rows - r)
        if r % block[0] == 0:
            tops[r // block[0]] = top
        for c in range(0, columns, tile[1]):
            wide = min(tile[1], columns - c)
            if c == 0:
                left[:, : high + 2] = lefts[0, :, r : r + high + 2]
            elif c % block[1] == 0:
                lefts[c // block[1], :, r : r + high + 2] = left[:, : high + 2]
            above = top[:, c : c + wide]
            base = _least(above, left[:, : high + 2])
            _tile(
                X, Y, origin, bias, slanted, weights, r0 + r, c0 + c, high, wide,
                above, left, right, diagonals, costs, base,
            )  # fmt: skip
            left, right = right, left


@kernel
def trace(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    r0: int,
    c0: int,
    top: Borders,
    left: Borders,
    path: NDArray[np.int64],
    at: int,
) -> tuple[int, int, int]:
    """Walk back from the last cell of a tile with the borders (2, columns) and (2, rows + 2) until the path leaves it.

    The cells are written into `path` from index at - 1 downwards. Among equal predecessors (1,1) wins, then (1,0) or
    (2,1). Returns the cell outside where the path goes on, and the index of the last cell written.
    """
    rows, columns = left.shape[1] - 2, top.shape[1]
    count = 4
    while count < rows + columns + 2:
        count *= 2
    diagonals = np.zeros((count, rows + 2 + LANES), np.float32)
    base = _least(top, left)
    costs, right = np.zeros(rows + LANES, np.float32), np.empty((2, rows + 2))
    _tile(
        X, Y, origin, bias, slanted, weights, r0, c0, rows, columns, top, left, right, diagonals, costs, base
    )  # fmt: skip
    i, j = rows - 1, columns - 1
    while i >= 0 and j >= 0:
        at -= 1
        path[at, 0], path[at, 1] = r0 + i, c0 + j
        cost = bias
        for k in range(X.shape[0]):
            cost -= X[k, r0 + i] * Y[k, origin - c0 - j]
        d = i + j + 3
        if slanted:
            via_a, via_b = diagonals[d - 3, i], diagonals[d - 3, i + 1]
        else:
            via_a, via_b = diagonals[d - 1, i + 1], diagonals[d - 1, i + 2]
        via_a += weights[0] * cost
        via_b += weights[1] * cost
        via_c = diagonals[d - 2, i + 1] + weights[2] * cost
        step_i, step_j = 1, 1
        if not (via_c <= via_a and via_c <= via_b):
            if via_a <= via_b:
                step_i, step_j = (2, 1) if slanted else (1, 0)
            else:
                step_i, step_j = (1, 2) if slanted else (0, 1)
        i -= step_i
        j -= step_j
    return r0 + i, c0 + j, at


@kernel
def _relax_marked(
    costs: Vector, out: Vector, marks: NDArray[np.uint8], a: Vector, b: Vector, c: Vector, weights: Vector
) -> None:
    """Like `_relax`, and mark which predecessor was best: 0 for c, 1 for a, 2 for b."""
    wa, wb, wc = weights[0], weights[1], weights[2]
    for i in range(costs.size):
        cost = costs[i]
        via_a, via_b, via_c = a[i] + wa * cost, b[i] + wb * cost, c[i] + wc * cost
        best, mark = (via_a, np.uint8(1)) if via_a <= via_b else (via_b, np.uint8(2))
        out[i] = via_c if via_c <= best else best
        marks[i] = np.uint8(0) if via_c <= best else mark


@kernel
def banded(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    offsets: NDArray[np.int64],
    marks: NDArray[np.uint8],
) -> float:
    """Accumulate the costs of a band; return those of its last cell.

    The cells of anti-diagonal d are those of the rows starts[d] ≤ n < ends[d]; both never fall and never rise by more
    than 1. marks[offsets[d] + n - starts[d]] receives the best predecessor of a cell (see `_relax_marked`); the runs
    are rounded up to LANES.
    """
    rows = ends[-1]
    diagonals = np.full((4, rows + 4 + LANES), np.inf, np.float32)  # row n at n + 2
    widest = 0
    for d in range(starts.size):
        widest = max(widest, ends[d] - starts[d])
    costs = np.zeros(widest + LANES, np.float32)
    base = 0.0
    for d in range(starts.size):
        first, last = starts[d], ends[d]
        current, before1 = diagonals[d & 3], diagonals[(d + 3) & 3]
        before2, before3 = diagonals[(d + 2) & 3], diagonals[(d + 1) & 3]
        if d % 256 == 255:  # so that float32 keeps its digits on long paths
            least = np.float32(np.inf)
            for i in range(first, last + 3):
                least = min(least, before1[i])
            if least < np.inf:
                base += float(least)
                for i in range(first, last + 3):
                    before1[i] -= least
                    before2[i] -= least
                    before3[i] -= least
        end = first + (last - first + LANES - 1) // LANES * LANES
        if end > first:
            run = costs[: end - first]
            for k in range(0, X.shape[0], 4):
                _add_costs(X, Y, k, first, origin - d + first, run, bias)
            out, chosen = current[first + 2 : end + 2], marks[offsets[d] : offsets[d] + end - first]
            c = before2[first + 1 : end + 1]
            if slanted:
                _relax_marked(run, out, chosen, before3[first:end], before3[first + 1 : end + 1], c, weights)
            else:
                _relax_marked(run, out, chosen, before1[first + 1 : end + 1], before1[first + 2 : end + 2], c, weights)
            if d == 0:
                current[2] = run[0]
        current[first], current[first + 1] = np.inf, np.inf
        current[last + 2], current[last + 3] = np.inf, np.inf
    return base + float(diagonals[(starts.size - 1) & 3, rows + 1])


@kernel
def trace_band(
    slanted: bool,
    starts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    marks: NDArray[np.uint8],
    n: int,
    m: int,
    path: NDArray[np.int64],
) -> int:
    """Walk back from (n, m) to (0, 0); fill `path` from its end and return where it begins."""
    at = len(path) - 1
    while n > 0 or m > 0:
        path[at, 0], path[at, 1] = n, m
        at -= 1
        mark = marks[offsets[n + m] + n - starts[n + m]]
        n, m = (
            n - (1 if mark == 0 else (2 if mark == 1 else 1) if slanted else (1 if mark == 1 else 0)),
            m - (1 if mark == 0 else (1 if mark == 1 else 2) if slanted else (0 if mark == 1 else 1)),
        )
    path[at, 0], path[at, 1] = 0, 0
    return at


def warm() -> None:
    """Compile every kernel with the types that are used."""
    from mirtool.sync.dtw import dtw, dtw_banded

    X = np.eye(2, 3, dtype=np.float32)
    dtw(X, X)
    dtw_banded(X, X, np.zeros(3, np.int64), np.full(3, 3, np.int64))
