"""Compiled loops of beat tracking by dynamic programming."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

NONE = -1


@kernel
def accumulate(
    activation: NDArray[np.float64],
    periods: NDArray[np.float64],
    tightness: float,
    fixed: NDArray[np.bool_],
    scores: NDArray[np.float64],
    before: NDArray[np.int32],
) -> None:
    """Score the best sequence of beats that ends at each frame, and note its beat before (NONE: there is none).

    D(n) = Δ(n) + max_m D(m) - α log²((n - m) / τ(n)), m from half to two periods before n. A first beat lies within
    one period of the beginning. No step passes over a fixed beat.
    """
    N = activation.size
    log_distance = np.zeros(int(np.floor(2 * periods.max() + 0.5)) + 1)
    for d in range(1, log_distance.size):
        log_distance[d] = np.log(d)
    barrier = 0
    free = True
    for n in range(N):
        period = periods[n]
        log_period = np.log(period)
        near = max(1, int(np.floor(period / 2 + 0.5)))
        first = max(n - int(np.floor(2 * period + 0.5)), barrier)
        best, source = -np.inf, NONE
        for m in range(first, n - near + 1):
            change = log_distance[n - m] - log_period
            value = scores[m] - tightness * change * change
            if value > best:
                best, source = value, m
        if free and n < period and best < 0.0:
            best, source = 0.0, NONE
        scores[n] = activation[n] + best
        before[n] = source
        if fixed[n]:
            barrier = n
            free = False


@kernel
def trace(before: NDArray[np.int32], last: int, path: NDArray[np.int64]) -> int:
    """Write the beats, from the last one back, into `path`; return their number."""
    size = 0
    n = last
    while n != NONE:
        path[size] = n
        size += 1
        n = before[n]
    return size


def warm() -> None:
    """Compile every kernel with the types that are used."""
    before = np.zeros(4, np.int32)
    accumulate(np.ones(4), np.full(4, 2.0), 1.0, np.zeros(4, np.bool_), np.zeros(4), before)
    trace(np.full(4, NONE, np.int32), 3, np.zeros(4, np.int64))
