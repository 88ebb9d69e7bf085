"""Compiled loops of REPET: which frames repeat a frame, and their medians, bin by bin."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

_STRIP = 64  # bins whose medians are found together: an exchange of two strips is a few vector instructions


@kernel
def choose_similar(
    S: NDArray[np.float32], distance: int, least: float, chosen: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    """Choose, for each row of S (F × N, overwritten), the columns with the largest values, the largest first.

    Any two lie at least `distance` apart, and none is below `least`. chosen : (F × most); counts : (F,).
    """
    frames, columns = S.shape
    for f in range(frames):
        count = 0
        while count < chosen.shape[1]:
            best = 0
            for n in range(1, columns):
                if S[f, n] > S[f, best]:
                    best = n
            if not S[f, best] >= least:
                break
            chosen[f, count] = best
            count += 1
            for n in range(max(best - distance + 1, 0), min(best + distance, columns)):
                S[f, n] = -np.inf
        counts[f] = count


@kernel
def _sort(rows: NDArray[np.float32], count: int) -> None:
    """Sort each column of the first `count` rows, a power of two, by a bitonic network: exchanges take whole rows."""
    size = 2
    while size <= count:
        step = size // 2
        while step:
            for i in range(count):
                other = i + step
                if not i & step:
                    low, high = (other, i) if i & size else (i, other)
                    for k in range(_STRIP):
                        a, b = rows[low, k], rows[high, k]
                        rows[low, k] = a if a < b else b
                        rows[high, k] = b if a < b else a
            step //= 2
        size *= 2


@kernel
def frame_medians(
    V: NDArray[np.float32], chosen: NDArray[np.int64], counts: NDArray[np.int64], medians: NDArray[np.float32]
) -> None:
    """Fill medians (F × K): row f is that of the rows chosen[f, : counts[f]] of V (N × K); at least one is chosen."""
    frames, bins = medians.shape
    size = 1
    while size < chosen.shape[1]:
        size *= 2
    rows = np.empty((size, _STRIP), dtype=np.float32)
    for f in range(frames):
        count = counts[f]
        used = 1
        while used < count:
            used *= 2
        for begin in range(0, bins, _STRIP):
            width = min(_STRIP, bins - begin)
            for i in range(used):
                if i < count:
                    n = chosen[f, i]
                    for k in range(width):
                        rows[i, k] = V[n, begin + k]
                else:
                    for k in range(width):
                        rows[i, k] = np.inf
            _sort(rows, used)
            for k in range(width):
                medians[f, begin + k] = np.float32(0.5) * (rows[(count - 1) // 2, k] + rows[count // 2, k])


def warm() -> None:
    """Compile every kernel with the types that are used."""
    S, chosen, counts = np.ones((2, 2), np.float32), np.zeros((2, 1), np.int64), np.ones(2, np.int64)
    frame_medians(S, chosen, counts, np.empty_like(S))
    choose_similar(S, 1, 0.0, chosen, counts)
