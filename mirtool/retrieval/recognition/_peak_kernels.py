"""Compiled loops over spectrograms: their local maxima, and the outstanding among them."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

_LEAST = 1e-6  # of a peak: what is lower beside it counts as that much


@kernel
def local_maxima(
    spectra: NDArray[np.float32],
    begin: int,
    end: int,
    reach: int,
    widths: NDArray[np.int64],
    floor: float,
    found: NDArray[np.float32],
) -> int:
    """Fill found with the local maxima of the frames from begin to end, and return how many there are.

    spectra : (N × K) power. reach : frames to either side in which nothing is larger; widths : (K,) bins to either side
    in which nothing is larger, 0 for bins that are not looked at.
    found : (room × 3) result: frame and bin, both interpolated by a parabola through the logarithms, and log2 power.

    Of equal values the first counts (frame before bin): a maximum is larger than what comes before it, and no smaller
    than what comes after it.
    """
    N, K = spectra.shape
    count = 0
    for n in range(begin, end):
        row = spectra[n]
        for k in range(1, K - 1):
            here = row[k]
            if not (here > row[k - 1] and here >= row[k + 1] and here > floor):
                continue
            width = widths[k]
            if width == 0 or not _is_highest(spectra, n, k, reach, width):
                continue
            found[count, 0] = n + _vertex(spectra[max(n - 1, 0), k], here, spectra[min(n + 1, N - 1), k])
            found[count, 1] = k + _vertex(row[k - 1], here, row[k + 1])
            found[count, 2] = math.log2(here)
            count += 1
    return count


@kernel
def _is_highest(spectra: NDArray[np.float32], n: int, k: int, reach: int, width: int) -> bool:
    """Tell whether nothing around a cell is larger; first where it is most probable, in the frames nearest to it."""
    N, K = spectra.shape
    here = spectra[n, k]
    first, last = max(k - width, 0), min(k + width, K - 1)
    for away in range(1, reach + 1):
        if n >= away and spectra[n - away, k] >= here:
            return False
        if n + away < N and spectra[n + away, k] > here:
            return False
    for i in range(first, last + 1):
        if spectra[n, i] > here or (spectra[n, i] == here and i < k):
            return False
    for away in range(1, reach + 1):
        if n >= away:
            for i in range(first, last + 1):
                if spectra[n - away, i] >= here:
                    return False
        if n + away < N:
            for i in range(first, last + 1):
                if spectra[n + away, i] > here:
                    return False
    return True


@kernel
def _vertex(before: float, here: float, after: float) -> float:
    """Return where a parabola through the logarithms of three values is highest, -0.5 to 0.5 from the middle one."""
    rise, fall = math.log(here / max(before, _LEAST * here)), math.log(here / max(after, _LEAST * here))
    if rise + fall <= 0:
        return 0.0
    return min(max(0.5 * (rise - fall) / (rise + fall), -0.5), 0.5)


@kernel
def outstanding(
    times: NDArray[np.float32], levels: NDArray[np.float32], begin: int, end: int, reach: float, most: int,
    kept: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Set kept[i], begin ≤ i < end: fewer than `most` points less than `reach` away in time have a higher level.

    times, levels : (n,), the times in ascending order. Of equal levels the earlier point counts as higher.
    """
    first = 0
    for i in range(begin, end):
        while times[i] - times[first] >= reach:
            first += 1
        above = 0
        j = first
        while j < len(times) and times[j] - times[i] < reach and above < most:
            if levels[j] > levels[i] or (levels[j] == levels[i] and j < i):
                above += 1
            j += 1
        kept[i] = above < most


def warm() -> None:
    """Compile all kernels."""
    spectra = np.zeros((3, 3), np.float32)
    local_maxima(spectra, 0, 3, 1, np.ones(3, np.int64), 1.0, np.empty((9, 3), np.float32))
    outstanding(np.zeros(1, np.float32), np.zeros(1, np.float32), 0, 1, 1.0, 1, np.zeros(1, np.bool_))
