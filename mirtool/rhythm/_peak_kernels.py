"""Compiled loops of peak picking."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def pick_peaks(
    curve: NDArray[np.float32],
    begin: int,
    end: int,
    reach: int,
    gap: float,
    threshold: float,
    last: float,
    places: NDArray[np.int64],
) -> int:
    """Fill places with the peaks of a curve from begin to end, and return how many there are.

    A peak is at least as high as the threshold, higher than all values up to `reach` before it and no lower than all up
    to `reach` after it, and `gap` or more behind the last one (last: that of an earlier call, or far before).
    """
    count = 0
    for n in range(begin, end):
        here = curve[n]
        if not here >= threshold or here <= 0 or n - last < gap:
            continue
        is_peak = True
        for i in range(max(n - reach, 0), n):
            if curve[i] >= here:
                is_peak = False
                break
        if is_peak:
            for i in range(n + 1, min(n + reach + 1, len(curve))):
                if curve[i] > here:
                    is_peak = False
                    break
        if is_peak:
            places[count] = n
            count += 1
            last = n
    return count


def warm() -> None:
    """Compile all kernels."""
    pick_peaks(np.zeros(1, np.float32), 0, 1, 1, 1.0, 1.0, -1.0, np.zeros(1, np.int64))
