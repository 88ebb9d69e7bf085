"""Compiled loop of matching under translation and warping of time: W1 and W2."""

from math import log

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def _is_allowed(spacing: float, taken: float, ratios: tuple[float, float], tolerance: float) -> bool:
    """Whether a step of the query may take so long in the piece."""
    if spacing <= tolerance:
        return abs(taken) <= tolerance
    return taken > tolerance and spacing * ratios[0] - tolerance <= taken <= spacing * ratios[1] + tolerance


@kernel
def chains(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    ratios: tuple[float, float],
    tolerance: float,
    needed: int,
    skipped: int,
) -> NDArray[np.int32]:
    """Find a query in a piece, in any key, each step in time longer or shorter by a ratio of its own (W1, W2).

    A chain goes from note to note of the query, leaving some out, and from note to note of the piece, by the same
    interval and in a time that the ratios allow. The longest chain to each pair of notes follows from those before; of
    two as long, that whose steps take times more like those of the query.

    Parameters
    ----------
    onset, pitch : ndarray, shape (n,)
        Ascending onsets.
    query_onset, query_pitch : ndarray, shape (m,)
    ratios : pair of float
        Smallest and largest duration of a step in the piece over that in the query.
    tolerance : float
        Deviation of each step; notes so near together are a chord, and remain one.
    needed : int
        Notes of the query that a chain must have.
    skipped : int
        Notes that may be left out at a step: 0 for W1.

    Returns
    -------
    ndarray, shape (C, m), int32
        Notes of the piece, -1 where there is none: the chains that nothing can be added to.
    """
    n, m = len(onset), len(query_onset)
    length = np.ones((m, n), dtype=np.int32)
    strain = np.zeros((m, n))
    before = np.full((m, n, 2), -1, dtype=np.int32)
    is_end = np.ones((m, n), dtype=np.bool_)
    for i in range(1, m):
        for h in range(max(0, i - 1 - skipped), i):
            spacing = query_onset[i] - query_onset[h]
            begin = 0
            for j in range(n):
                while onset[begin] < onset[j] - spacing * ratios[1] - tolerance:
                    begin += 1
                for k in range(begin, n):
                    taken = onset[j] - onset[k]
                    if taken < min(spacing * ratios[0] - tolerance, 0.0 - tolerance) or taken < -tolerance:
                        break
                    if k == j or pitch[j] - pitch[k] != query_pitch[i] - query_pitch[h]:
                        continue
                    if not _is_allowed(spacing, taken, ratios, tolerance):
                        continue
                    further = length[h, k] + 1
                    stretched = strain[h, k]
                    if spacing > tolerance:
                        stretched += abs(log(taken / spacing))
                    if further > length[i, j] or (further == length[i, j] and stretched < strain[i, j]):
                        length[i, j], strain[i, j] = further, stretched
                        before[i, j, 0], before[i, j, 1] = h, k
    for i in range(m):
        for j in range(n):
            if before[i, j, 0] >= 0:
                is_end[before[i, j, 0], before[i, j, 1]] = False
    count = 0
    for i in range(m):
        for j in range(n):
            is_end[i, j] = is_end[i, j] and length[i, j] >= needed
            count += is_end[i, j]
    found = np.full((count, m), -1, dtype=np.int32)
    count = 0
    for i in range(m):
        for j in range(n):
            if is_end[i, j]:
                h, k = i, j
                while h >= 0:
                    found[count, h] = k
                    h, k = before[h, k, 0], before[h, k, 1]
                count += 1
    return found


def warm() -> None:
    """Compile all kernels."""
    times, pitches = np.zeros(1), np.zeros(1, dtype=np.int32)
    chains(times, pitches, times, pitches, (0.5, 2.0), 0.01, 1, 0)
