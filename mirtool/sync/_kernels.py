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

# Floats in a vector register (AVX-512). Runs of cells begin and end at a multiple, because scalar remainders cost more
# than a few cells that nobody reads. A machine with shorter vectors loses nothing.
LANES = 16
# Anti-diagonals whose costs are computed in one go, four features at a time, which so stay in the first-level cache.
CHUNK = 16

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]
Borders = NDArray[np.float64]
Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# Slices are made in the functions that loop over them: passed as arguments, each would be counted by an atomic
# reference counter on every anti-diagonal. No function is called with a literal number: numba compiles it anew for it.


@kernel
def _compute_costs(
    X: Matrix,
    Y: Matrix,
    bias: np.float32,
    r0: int,
    origin: int,
    starts: Numbers,
    ends: Numbers,
    begin: int,
    costs: Matrix,
) -> None:
    """Compute the costs of the anti-diagonals from `begin`, each a row of `costs`.

    Anti-diagonal d has the rows starts[d] ≤ i < ends[d], widened to multiples of LANES; cell (i, d - i) is the product
    of columns r0 + i of X and origin - d + i of Y.
    """
    for k in range(0, X.shape[0], 4):
        for d in range(begin, min(begin + costs.shape[0], starts.size)):
            first = starts[d] // LANES * LANES
            size = (ends[d] + LANES - 1) // LANES * LANES - first
            n, m = r0 + first, origin - d + first
            x0, x1, x2, x3 = X[k, n : n + size], X[k + 1, n : n + size], X[k + 2, n : n + size], X[k + 3, n : n + size]
            y0, y1, y2, y3 = Y[k, m : m + size], Y[k + 1, m : m + size], Y[k + 2, m : m + size], Y[k + 3, m : m + size]
            c = costs[d - begin]
            if k == 0:
                for i in range(size):
                    c[i] = bias - x0[i] * y0[i] - x1[i] * y1[i] - x2[i] * y2[i] - x3[i] * y3[i]
            else:
                for i in range(size):
                    c[i] = c[i] - x0[i] * y0[i] - x1[i] * y1[i] - x2[i] * y2[i] - x3[i] * y3[i]


@kernel
def _relax(
    diagonals: Matrix,
    d: int,
    slanted: bool,
    weights: Vector,
    start: int,
    end: int,
    costs: Matrix,
    marks: Bytes,
) -> None:
    """Accumulate one anti-diagonal: the best of three predecessors plus the weighted cost.

    Row i of anti-diagonal d stands in diagonals[(d + 3) % len(diagonals), i + 2]. `marks` receives which
    predecessor was best, 0 for the third, 1 for the first, 2 for the second; none are written where it is empty.
    """
    mask = diagonals.shape[0] - 1
    first = start // LANES * LANES
    size = (end + LANES - 1) // LANES * LANES - first
    out, c = (
        diagonals[(d + 3) & mask, first + 2 : first + 2 + size],
        diagonals[(d + 1) & mask, first + 1 : first + 1 + size],
    )
    if slanted:
        a, b = diagonals[d & mask, first : first + size], diagonals[d & mask, first + 1 : first + 1 + size]
    else:
        a = diagonals[(d + 2) & mask, first + 1 : first + 1 + size]
        b = diagonals[(d + 2) & mask, first + 2 : first + 2 + size]
    run = costs[d % CHUNK, :size]
    wa, wb, wc = weights[0], weights[1], weights[2]
    if marks.size == 0:
        for i in range(size):
            cost = run[i]
            via_a, via_b, via_c = a[i] + wa * cost, b[i] + wb * cost, c[i] + wc * cost
            best = via_a if via_a < via_b else via_b
            out[i] = best if best < via_c else via_c
    else:
        chosen = marks[:size]
        for i in range(size):
            cost = run[i]
            via_a, via_b, via_c = a[i] + wa * cost, b[i] + wb * cost, c[i] + wc * cost
            best = via_a if via_a <= via_b else via_b
            out[i] = via_c if via_c <= best else best
            chosen[i] = np.uint8(0) if via_c <= best else np.uint8(1) if via_a <= via_b else np.uint8(2)


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
    r: int,
    c: int,
    rows: int,
    columns: int,
    top: Borders,
    left: Borders,
    right: Borders,
    diagonals: Matrix,
    base: float,
) -> None:
    """Accumulate the costs of the tile of `rows` × `columns` cells at (r, c) of the rectangle at (r0, c0).

    Cell (i, d - i) of the tile stands in `diagonals` as `_relax` says, less `base` (so that float32 keeps its digits on
    long paths). A run may reach past the tile: to the right nobody reads, to the left the border, which is written
    afterwards, is all that is read.

    top, left : borders of the rectangle as in `forward`; in: rows and columns -1 and -2 beside the tile. Out: `top` has
        the last row of the tile and the one before, `right`, shaped like `left`, the last column and the one before.
    diagonals : (a power of two, rows + 2 + LANES); 4 for the borders alone, rows + columns + 2 or more to trace back.
    """
    mask = diagonals.shape[0] - 1
    count = rows + columns - 1
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    for d in range(count):
        starts[d], ends[d] = max(0, d - columns + 1), min(rows, d + 1)
    costs = np.empty((CHUNK, rows + LANES), np.float32)
    no_marks = np.empty(0, np.uint8)
    for d in range(-3, count):
        if d >= 0:
            if d % CHUNK == 0:
                _compute_costs(X, Y, bias, r0 + r, origin - c0 - c, starts, ends, d, costs)
            _relax(diagonals, d, slanted, weights, starts[d], ends[d], costs, no_marks)
        here = (d + 3) & mask
        # the borders that the next anti-diagonals read
        for back in range(2):
            m = d + 1 + back
            if 0 <= m < columns:
                diagonals[here, 1 - back] = top[back, c + m] - base
            elif m == -1 or m == -2:
                diagonals[here, 1 - back] = left[-1 - m, r + 1 - back] - base
            i = d + 1 + back
            if 0 <= i < rows:
                diagonals[here, i + 2] = left[back, r + i + 2] - base
        # and those that the next tiles read
        for back in range(2):
            m = d - rows + 1 + back
            if 0 <= m < columns:
                top[back, c + m] = base + diagonals[here, rows + 1 - back]
            i = d - columns + 1 + back
            if -2 <= i < rows:
                right[back, r + i + 2] = base + diagonals[here, i + 2]


@kernel
def _least(top: Borders, c: int, columns: int, left: Borders, r: int, rows: int) -> float:
    """Least value of the borders of a tile, 0 when all are infinite."""
    least = np.inf
    for back in range(2):
        for m in range(c, c + columns):
            least = min(least, top[back, m])
        for i in range(r, r + rows + 2):
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
    diagonals: Matrix,
) -> None:
    """Accumulate the costs of a rectangle tile by tile; keep the borders of its blocks (multiples of tiles).

    top : (2, columns); in: rows -1 and -2; out: the last row of the rectangle and the one before.
    tops : (blocks down, 2, columns); out: rows -1 and -2 of each row of blocks.
    lefts : (blocks across, 2, rows + 2); [0] in: columns -1 and -2 from row -2; the others out, likewise.
    diagonals : see `_tile`; the cells of the last tile remain in it.
    """
    rows, columns = lefts.shape[2] - 2, top.shape[1]
    passing = np.empty((2, 2, rows + 2))  # borders between the tiles of a block, in turn
    for r in range(0, rows, tile[0]):
        high = min(tile[0], rows - r)
        if r % block[0] == 0:
            for m in range(columns):  # an assignment of slices would take seconds to compile
                tops[r // block[0], 0, m], tops[r // block[0], 1, m] = top[0, m], top[1, m]
        for c in range(0, columns, tile[1]):
            wide, turn = min(tile[1], columns - c), c // tile[1] % 2
            end = c + wide
            left = lefts[c // block[1]] if c % block[1] == 0 else passing[turn]
            right = lefts[end // block[1]] if end % block[1] == 0 and end < columns else passing[1 - turn]
            base = _least(top, c, wide, left, r, high)
            _tile(
                X, Y, origin, bias, slanted, weights, r0, c0, r, c, high, wide,
                top, left, right, diagonals, base,
            )  # fmt: skip


@kernel
def trace(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    n: int,
    m: int,
    r0: int,
    c0: int,
    diagonals: Matrix,
    path: Numbers,
    at: int,
) -> tuple[int, int, int]:
    """Walk back from cell (n, m) of the tile at (r0, c0), whose cells are in `diagonals`, until the path leaves it.

    The cells are written into `path` from index at - 1 downwards. Among equal predecessors (1,1) wins, then (1,0) or
    (2,1). Returns the cell outside where the path goes on, and the index of the last cell written.
    """
    while n >= r0 and m >= c0:
        at -= 1
        path[at, 0], path[at, 1] = n, m
        cost = bias
        for k in range(X.shape[0]):
            cost -= X[k, n] * Y[k, origin - m]
        i, d = n - r0, n - r0 + m - c0 + 3
        if slanted:
            via_a, via_b = diagonals[d - 3, i], diagonals[d - 3, i + 1]
        else:
            via_a, via_b = diagonals[d - 1, i + 1], diagonals[d - 1, i + 2]
        via_a += weights[0] * cost
        via_b += weights[1] * cost
        via_c = diagonals[d - 2, i + 1] + weights[2] * cost
        if via_c <= via_a and via_c <= via_b:
            n, m = n - 1, m - 1
        elif via_a <= via_b:
            n, m = (n - 2, m - 1) if slanted else (n - 1, m)
        else:
            n, m = (n - 1, m - 2) if slanted else (n, m - 1)
    return n, m, at


@kernel
def _pack(marks: Bytes, packed: Bytes, begin: int, end: int) -> None:
    """Pack the marks of one run, four to a byte: a quarter of the run on another (neighbours would not be vectors)."""
    size = end - begin
    a, b, c, d = marks[:size], marks[size : 2 * size], marks[2 * size : 3 * size], marks[3 * size : 4 * size]
    out = packed[begin:end]
    for i in range(size):
        out[i] = a[i] | b[i] << 2 | c[i] << 4 | d[i] << 6


@kernel
def banded(
    X: Matrix,
    Y: Matrix,
    origin: int,
    bias: np.float32,
    slanted: bool,
    weights: Vector,
    starts: Numbers,
    ends: Numbers,
    bounds: Numbers,
    packed: Bytes,
) -> float:
    """Accumulate the costs of a band; return those of its last cell.

    The cells of anti-diagonal d are those of the rows starts[d] ≤ n < ends[d]; both never fall and never rise by more
    than 1. packed[bounds[d] : bounds[d + 1]] receives the best predecessors (see `_relax`, `_pack`), of runs widened to
    multiples of LANES.
    """
    rows, widest = ends[-1], 0
    for d in range(starts.size):
        widest = max(widest, ends[d] - starts[d])
    diagonals = np.full((4, rows + 4 + LANES), np.inf, np.float32)
    costs = np.empty((CHUNK, widest + 2 * LANES), np.float32)
    marks = np.empty(widest + 2 * LANES, np.uint8)
    base = 0.0
    for d in range(starts.size):
        first, last = starts[d], ends[d]
        if d % CHUNK == 0:
            _compute_costs(X, Y, bias, starts[0], origin, starts, ends, d, costs)
        if d % 256 == 255:
            base += _rebase(diagonals, (d + 2) & 3, first, last + 3)
        if last > first:
            _relax(diagonals, d, slanted, weights, first, last, costs, marks)
            _pack(marks, packed, bounds[d], bounds[d + 1])
        here = (d + 3) & 3
        if d == 0:
            diagonals[here, 2] = costs[0, 0]
        # what neighbouring anti-diagonals may read beside the run
        diagonals[here, first] = diagonals[here, first + 1] = np.inf
        diagonals[here, last + 2] = diagonals[here, last + 3] = np.inf
    return base + float(diagonals[(starts.size + 2) & 3, rows + 1])


@kernel
def _rebase(diagonals: Matrix, latest: int, first: int, last: int) -> float:
    """Take the least value of the latest anti-diagonal off it and those before, so that float32 keeps its digits."""
    least = np.float32(np.inf)
    for i in range(first, last):
        least = min(least, diagonals[latest, i])
    if not least < np.inf:
        return 0.0
    for row in range(4):
        for i in range(first, last):
            diagonals[row, i] -= least
    return float(least)


@kernel
def trace_band(
    slanted: bool,
    starts: Numbers,
    bounds: Numbers,
    packed: Bytes,
    n: int,
    m: int,
    path: NDArray[np.int64],
) -> int:
    """Walk back from (n, m) to (0, 0); fill `path` from its end and return where it begins."""
    at = len(path) - 1
    while n > 0 or m > 0:
        path[at, 0], path[at, 1] = n, m
        at -= 1
        begin = bounds[n + m]
        quarter = bounds[n + m + 1] - begin
        i = n - starts[n + m] // LANES * LANES
        mark = packed[begin + i % quarter] >> (2 * (i // quarter)) & 3
        if mark == 0:
            n, m = n - 1, m - 1
        elif mark == 1:
            n, m = (n - 2, m - 1) if slanted else (n - 1, m)
        else:
            n, m = (n - 1, m - 2) if slanted else (n, m - 1)
    path[at, 0], path[at, 1] = 0, 0
    return at


def warm() -> None:
    """Compile every kernel with the types that are used."""
    X = np.zeros((4, 8 * LANES), np.float32)
    path, at, origin = np.zeros((4, 2), np.int64), 4, 4 * LANES
    problem = X, X, origin, np.float32(1), False, np.ones(3, np.float32)
    tile, top, lefts = (2, 2), np.zeros((2, 2)), np.zeros((1, 2, 4))
    diagonals = np.zeros((8, 4 + LANES), np.float32)
    forward(*problem, 0, 0, tile, tile, top, top[None].copy(), lefts, diagonals)
    trace(*problem, 1, 1, 0, 0, diagonals, path, at)
    starts, ends, bounds = np.array([0, 0, 1]), np.array([1, 2, 2]), LANES // 4 * np.arange(4)
    packed = np.zeros(LANES, np.uint8)
    banded(*problem, starts, ends, bounds, packed)
    trace_band(False, starts, bounds, packed, 1, 1, path)
