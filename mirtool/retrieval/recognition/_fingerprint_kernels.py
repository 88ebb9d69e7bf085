"""Compiled loops that combine peaks to hashes."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def pairs(
    times: NDArray[np.float32],
    bins: NDArray[np.float32],
    levels: NDArray[np.float32],
    zone: NDArray[np.float32],
    fan_out: int,
    found: NDArray[np.int64],
) -> int:
    """Fill found (n · fan_out × 2) with pairs of peaks, and return how many there are.

    times, bins, levels : (n,) of the peaks, times in ascending order. zone : least and greatest time from the anchor to
    the target, and the greatest difference of their bins. Of the targets in its zone an anchor takes the `fan_out` with
    the highest level (of equal ones the earliest), which are listed in the order of time.
    """
    n = len(times)
    count = 0
    for i in range(n):
        taken = 0
        for j in range(i + 1, n):
            apart = times[j] - times[i]
            if apart > zone[1]:
                break
            if apart < zone[0] or abs(bins[j] - bins[i]) > zone[2]:
                continue
            if taken == fan_out:
                weakest = count
                for m in range(count + 1, count + fan_out):
                    if levels[found[m, 1]] <= levels[found[weakest, 1]]:
                        weakest = m
                if levels[j] <= levels[found[weakest, 1]]:
                    continue
                for m in range(weakest, count + fan_out - 1):
                    found[m, 1] = found[m + 1, 1]
                taken -= 1
            found[count + taken, 0] = i
            found[count + taken, 1] = j
            taken += 1
        count += taken
    return count


def warm() -> None:
    """Compile all kernels."""
    one = np.zeros(1, np.float32)
    pairs(one, one, one, np.zeros(3, np.float32), 1, np.empty((1, 2), np.int64))
