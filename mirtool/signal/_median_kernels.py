"""Compiled running medians: exact, of any odd length, with a cost that hardly grows with the length.

Windows that lie near each other share most of their values. A block of B windows is worked on as a binary tree: what
all windows of a node have in common is sorted once, and of it only the values in the middle are kept, as many as the
node has windows; the others cannot be the median of any of them. A child adds the values that its half of the windows
have beyond that. Sorting is done by networks (Batcher, Sorting networks and their applications, AFIPS 1968), whose
exchanges do not depend on the values, so that an exchange works on whole rows: the minimum and the maximum of two rows
of a strip of columns, which the compiler turns into vector instructions.

With W values a window, a median takes about (log W)² such instructions for sixteen columns.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

STRIP = 128  # columns worked on together: many, since each exchange costs as much as some dozens of them
_SEGMENT = 1024  # bins of a row that are turned into a column at a time


@kernel
def _exchange(rows: NDArray[np.float32], low: int, high: int) -> None:
    """Put the smaller values of two rows into the first of them and the larger ones into the second."""
    for k in range(STRIP):
        a, b = rows[low, k], rows[high, k]
        rows[low, k] = a if a < b else b
        rows[high, k] = b if a < b else a


@kernel
def _exchange_twice(rows: NDArray[np.float32], first: int, step: int) -> None:
    """Do two rounds of exchanges on four rows, two steps apart and one step apart: half of the loads and stores."""
    for k in range(STRIP):
        a, b, c, d = rows[first, k], rows[first + step, k], rows[first + 2 * step, k], rows[first + 3 * step, k]
        a, c = a if a < c else c, c if a < c else a
        b, d = b if b < d else d, d if b < d else b
        rows[first, k] = a if a < b else b
        rows[first + step, k] = b if a < b else a
        rows[first + 2 * step, k] = c if c < d else d
        rows[first + 3 * step, k] = d if c < d else c


@kernel
def _sort_bitonic(rows: NDArray[np.float32], begin: int, count: int) -> None:
    """Sort `count` rows, a power of two, that rise and then fall (or the other way round)."""
    size = count
    while size >= 4:
        step = size // 4
        for first in range(begin, begin + count, size):
            for i in range(first, first + step):
                _exchange_twice(rows, i, step)
        size = step
    if size == 2:
        for first in range(begin, begin + count, 2):
            _exchange(rows, first, first + 1)


@kernel
def _sort(rows: NDArray[np.float32], begin: int, count: int) -> None:
    """Sort `count` rows, a power of two, by merging."""
    run = 1
    while run < count:
        for first in range(begin, begin + count, 2 * run):
            for i in range(run):
                _exchange(rows, first + i, first + 2 * run - 1 - i)
            _sort_bitonic(rows, first, run)
            _sort_bitonic(rows, first + run, run)
        run *= 2


@kernel
def _load(values: NDArray[np.float32], first: int, count: int, rows: NDArray[np.float32], begin: int) -> None:
    """Copy `count` rows of values; those beyond the last one are of windows that are not asked for."""
    last = len(values) - 1
    for i in range(count):
        n = min(first + i, last)
        for k in range(STRIP):
            rows[begin + i, k] = values[n, k]


@kernel
def _descend(
    values: NDArray[np.float32], first: int, half: int, kept: NDArray[np.float32], added: NDArray[np.float32]
) -> None:
    """Go from a node of 2 · half windows to a child, which adds the `half` values from `first` on.

    The node of m windows has its m values in rows m to 2m - 1 of `kept`, in ascending order. Of the 3 · half values of
    node and child together the middle third is kept: first the smallest third is left out, then the largest.
    """
    _load(values, first, half, added, 0)
    _sort(added, 0, half)
    for i in range(half):
        for k in range(STRIP):
            a, b = kept[2 * half + i, k], added[half - 1 - i, k]
            kept[half + i, k] = b if a < b else a
    _sort_bitonic(kept, half, half)
    for i in range(half):
        for k in range(STRIP):
            a, b = kept[half + i, k], kept[4 * half - 1 - i, k]
            kept[half + i, k] = a if a < b else b
    _sort_bitonic(kept, half, half)


@kernel
def _strip_medians(values: NDArray[np.float32], length: int, medians: NDArray[np.float32]) -> None:
    """Fill the running medians of one strip of columns; see `column_medians`."""
    block = 1
    while 2 * block - 1 < length:
        block *= 2
    padding = (2 * block - 1 - length) // 2  # values below and above all others make every window 2 · block - 1 long
    kept = np.empty((2 * block, STRIP), dtype=np.float32)
    added = np.empty((block, STRIP), dtype=np.float32)
    for begin in range(0, len(medians), block):
        for i in range(padding):
            for k in range(STRIP):
                kept[block + i, k] = -np.inf
                kept[2 * block - 1 - i, k] = np.inf
        _load(values, begin + block - 1, length - block + 1, kept, block + padding)
        _sort(kept, block, block)
        for n in range(begin, min(begin + block, len(medians))):
            half = block
            if n > begin:  # up to the lowest node whose first half is done, then down its second half
                half = (n - begin) & (begin - n)
                _descend(values, n - half + length, half, kept, added)
            while half > 1:
                half //= 2
                _descend(values, n + half - 1, half, kept, added)
            for k in range(STRIP):
                medians[n, k] = kept[1, k]


@kernel
def column_medians(values: NDArray[np.float32], length: int, medians: NDArray[np.float32]) -> None:
    """Fill medians (N × K) with the running medians of the columns.

    values : (N + length - 1) × K, with what continues them on both sides. Row n is the median of rows n to
    n + length - 1; length is odd. There is no NaN.
    """
    count, bins = medians.shape
    strip = np.empty((len(values), STRIP), dtype=np.float32)
    found = np.empty((count, STRIP), dtype=np.float32)
    for begin in range(0, bins, STRIP):
        width = min(STRIP, bins - begin)
        for n in range(len(values)):
            for k in range(width):
                strip[n, k] = values[n, begin + k]
        _strip_medians(strip, length, found)
        for n in range(count):
            for k in range(width):
                medians[n, begin + k] = found[n, k]


@kernel
def row_medians(values: NDArray[np.float32], length: int, medians: NDArray[np.float32]) -> None:
    """Fill medians (N × K) with the running medians of the rows of values (N × (K + length - 1))."""
    count, bins = medians.shape
    turned = np.empty((_SEGMENT + length - 1, STRIP), dtype=np.float32)
    found = np.empty((_SEGMENT, STRIP), dtype=np.float32)
    for begin in range(0, count, STRIP):
        height = min(STRIP, count - begin)
        for first in range(0, bins, _SEGMENT):
            width = min(_SEGMENT, bins - first)
            for i in range(height):
                for k in range(width + length - 1):
                    turned[k, i] = values[begin + i, first + k]
            _strip_medians(turned[: width + length - 1], length, found[:width])
            for i in range(height):
                for k in range(width):
                    medians[begin + i, first + k] = found[k, i]


def warm() -> None:
    """Compile every kernel with the types that are used."""
    values, medians = np.zeros((3, 3), np.float32), np.empty((1, 3), np.float32)
    column_medians(values, 3, medians)
    row_medians(values, 3, medians[:, :1].repeat(3, axis=0))
