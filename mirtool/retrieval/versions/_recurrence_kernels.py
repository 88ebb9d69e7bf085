"""Compiled loops of cross recurrence: similarities, nearest neighbours, and the longest trace through them."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

LEVELS = 1024  # to which similarities are rounded, so that the nearest are found by counting; a power of two
START, DIAGONAL, BELOW, LEFT = 0, 1, 2, 3  # where a trace came from: (i-1, j-1), (i-2, j-1), (i-1, j-2)


@kernel
def similarities(X: NDArray[np.float32], Y: NDArray[np.float32], stack: int, levels: NDArray[np.uint16]) -> None:
    """Write how alike stacks of frames are, as levels from 0 to LEVELS - 1.

    S(i, j) = (1/m) Σ_{k<m} ⟨x(i+k), y(j+k)⟩, for frames of norm 1 (or 0) without negative values.

    X is N × K, Y is K × M (the time runs along the rows of X and the columns of Y), levels N-m+1 × M-m+1.
    """
    K, M = Y.shape
    columns = levels.shape[1]
    products = np.zeros((stack, M), np.float32)
    total = np.empty(columns, np.float32)
    scale = np.float32((LEVELS - 1) / stack)
    for n in range(X.shape[0]):
        row = products[n % stack]
        row[:] = 0
        for c in range(K):
            x = X[n, c]
            for j in range(M):
                row[j] += x * Y[c, j]
        i = n - stack + 1
        if i < 0:
            continue
        total[:] = np.float32(0.5)
        for k in range(stack):
            row = products[(i + k) % stack]
            for j in range(columns):
                total[j] += scale * row[j + k]
        for j in range(columns):
            levels[i, j] = np.uint16(min(total[j], np.float32(LEVELS - 1)))


@kernel
def thresholds(
    levels: NDArray[np.uint16],
    in_row: int,
    in_column: int,
    of_rows: NDArray[np.uint16],
    of_columns: NDArray[np.uint16],
) -> None:
    """Write the highest level, at least 1, that so many cells of each row, and of each column, reach.

    Levels are found bit by bit: counting the cells that reach one is a loop without branches.
    """
    rows, columns = levels.shape
    of_rows[:] = 1
    for i in range(rows):
        row = levels[i]
        step = LEVELS // 2
        while step > 0:
            higher = np.uint16(of_rows[i] + step)
            count = np.int32(0)
            for j in range(columns):
                count += np.int32(row[j] >= higher)
            if count >= in_row:
                of_rows[i] = higher
            step //= 2
    of_columns[:] = 1
    tried = np.empty(columns, np.uint16)
    counts = np.empty(columns, np.int32)
    step = LEVELS // 2
    while step > 0:
        for j in range(columns):
            tried[j] = of_columns[j] + np.uint16(step)
        counts[:] = 0
        for i in range(rows):
            row = levels[i]
            for j in range(columns):
                counts[j] += np.int32(row[j] >= tried[j])
        for j in range(columns):
            if counts[j] >= in_column:
                of_columns[j] = tried[j]
        step //= 2


@kernel
def longest_trace(
    levels: NDArray[np.uint16],
    of_rows: NDArray[np.uint16],
    of_columns: NDArray[np.uint16],
    onset: float,
    extension: float,
) -> float:
    """Return Qmax: the most neighbours on a trace, less what its gaps cost (Serrà et al. 2009).

    A cell of neighbours continues the best of the cells (i-1, j-1), (i-2, j-1), (i-1, j-2) and adds 1; any other takes
    the best of them less `onset` where that cell holds neighbours, less `extension` where not, and 0 at least. Q is 0
    before the first row and column; in the paper it is 0 in the first two of them, where no trace could begin.
    """
    rows, columns = levels.shape
    gap_begins, gap_goes_on, one, none = np.float32(onset), np.float32(extension), np.float32(1), np.float32(0)
    # Q of this row and of the two before it, and Q less what a gap behind the cell costs; each begins with two zeros.
    reached = np.zeros((3, columns + 2), np.float32)
    left_over = np.zeros((3, columns + 2), np.float32)
    best = np.zeros(columns, np.float32)
    for i in range(rows):
        q, q1, q2 = reached[i % 3], reached[(i - 1) % 3], reached[(i - 2) % 3]
        d, d1, d2 = left_over[i % 3], left_over[(i - 1) % 3], left_over[(i - 2) % 3]
        row, least = levels[i], of_rows[i]
        for j in range(columns):
            on = max(max(q1[j + 1], q2[j + 1]), q1[j]) + one
            off = max(max(max(d1[j + 1], d2[j + 1]), d1[j]), none)
            alike = (row[j] >= least) & (row[j] >= of_columns[j])
            value = on if alike else off
            q[j + 2] = value
            d[j + 2] = value - (gap_begins if alike else gap_goes_on)
            best[j] = max(best[j], value)
    return float(best.max())


@kernel
def trace(
    levels: NDArray[np.uint16],
    of_rows: NDArray[np.uint16],
    of_columns: NDArray[np.uint16],
    onset: float,
    extension: float,
    moves: NDArray[np.uint8],
    path: NDArray[np.int64],
) -> int:
    """Write the cells of neighbours on the trace of `longest_trace`, the last one first; return their number.

    `moves`, of the shape of `levels`, is filled in; `path`, L × 2, has a row for each row of `levels`.
    """
    rows, columns = levels.shape
    gap_begins, gap_goes_on = np.float32(onset), np.float32(extension)
    Q = np.zeros((3, columns + 2), np.float32)
    costs = np.zeros((3, columns + 2), np.float32)
    best, end_row, end_column = np.float32(0), -1, -1
    for i in range(rows):
        for j in range(columns):
            alike = levels[i, j] >= of_rows[i] and levels[i, j] >= of_columns[j]
            value, move = np.float32(0), START
            for candidate in (DIAGONAL, BELOW, LEFT):
                row = (i - 2 if candidate == BELOW else i - 1) % 3
                column = j if candidate == LEFT else j + 1
                reached = Q[row, column] - (np.float32(0) if alike else costs[row, column])
                if reached > value:
                    value, move = reached, candidate
            if alike:
                value += np.float32(1)
            moves[i, j] = move
            Q[i % 3, j + 2] = value
            costs[i % 3, j + 2] = gap_begins if alike else gap_goes_on
            if value > best:
                best, end_row, end_column = value, i, j
    size = 0
    i, j = end_row, end_column
    while i >= 0 and j >= 0:
        if levels[i, j] >= of_rows[i] and levels[i, j] >= of_columns[j]:
            path[size, 0], path[size, 1] = i, j
            size += 1
        move = moves[i, j]
        if move == START:
            break
        i -= 2 if move == BELOW else 1
        j -= 2 if move == LEFT else 1
    return size


def warm() -> None:
    """Compile every kernel with the types that are used."""
    X = np.full((4, 12), 1 / np.sqrt(12), np.float32)
    levels = np.empty((3, 3), np.uint16)
    rows, columns = np.empty(3, np.uint16), np.empty(3, np.uint16)
    similarities(X, np.ascontiguousarray(X.T), 2, levels)
    thresholds(levels, 1, 1, rows, columns)
    longest_trace(levels, rows, columns, 0.5, 0.5)
    trace(levels, rows, columns, 0.5, 0.5, np.empty((3, 3), np.uint8), np.empty((3, 2), np.int64))
