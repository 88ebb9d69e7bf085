"""Compiled loops of matching under translation and scaling of time: S1 and S2.

Point sets have whole times and pitches, are sorted by time and then by pitch, and hold no point twice.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def s1(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    ratios: tuple[float, float],
) -> NDArray[np.int32]:
    """Find all of a query in a piece, in any key, at any tempo (S1).

    The first and the last point of the query fix key and tempo. While the point that stands for the last one moves on,
    all the others must be later, too: a pointer for each, O(mn²) in all without limits of the tempo.

    Parameters
    ----------
    time, pitch : ndarray, shape (n,), int64
    query_time, query_pitch : ndarray, shape (m,), int64
    ratios : pair of float
        Smallest and largest duration in the piece over that in the query.

    Returns
    -------
    ndarray, shape (C, m), int32
        Points of the piece.
    """
    m = len(query_time)
    length = query_time[m - 1] - query_time[0]
    found = np.empty((64, m), dtype=np.int32)
    pointer = np.empty(m, dtype=np.int64)
    count = 0
    for j in range(len(time)):
        pointer[:] = j
        shift = pitch[j] - query_pitch[0]
        for last in range(j, len(time)):
            taken = time[last] - time[j]
            if taken > ratios[1] * length:
                break
            if pitch[last] - query_pitch[m - 1] != shift or taken < ratios[0] * length:
                continue
            complete = True
            for i in range(m):
                # All times are multiplied by the length of the query, so that they stay whole.
                wanted = (query_time[i] - query_time[0]) * taken
                high = query_pitch[i] + shift
                k = pointer[i]
                while k < len(time) and (
                    (time[k] - time[j]) * length < wanted
                    or ((time[k] - time[j]) * length == wanted and pitch[k] < high)
                ):
                    k += 1
                pointer[i] = k
                if k == len(time) or (time[k] - time[j]) * length != wanted or pitch[k] != high:
                    complete = False
                    break
            if complete:
                if count == len(found):
                    grown = np.empty((2 * count, m), dtype=np.int32)
                    grown[:count] = found
                    found = grown
                for i in range(m):
                    found[count, i] = pointer[i]
                count += 1
    return found[:count].copy()


@kernel
def _divisor(a: int, b: int) -> int:
    """Return the greatest common divisor of two numbers above 0."""
    while b:
        a, b = b, a % b
    return a


@kernel
def _votes(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    ratios: tuple[float, float],
    first: int,
    j: int,
    votes: NDArray[np.int64],
    row: NDArray[np.int32],
) -> int:
    """Fill votes with (ratio as a fraction, note, point) of later notes, row with those that any ratio suits."""
    row[:] = -1
    row[first] = j
    count = 0
    shift = pitch[j] - query_pitch[first]
    for k in range(j + 1, len(time)):
        taken = time[k] - time[j]
        if taken > ratios[1] * (query_time[-1] - query_time[first]):
            break
        for i in range(first + 1, len(query_time)):
            spacing = query_time[i] - query_time[first]
            if pitch[k] - query_pitch[i] != shift:
                continue
            if spacing == 0 and taken == 0:
                row[i] = k
            elif spacing > 0 and taken > 0 and ratios[0] * spacing <= taken <= ratios[1] * spacing:
                if count < len(votes):
                    divisor = _divisor(taken, spacing)
                    votes[count, 0], votes[count, 1] = taken // divisor, spacing // divisor
                    votes[count, 2], votes[count, 3] = i, k
                count += 1
    return count


@kernel
def s2(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    ratios: tuple[float, float],
    needed: int,
) -> NDArray[np.int32]:
    """Find as much as possible of a query in a piece, in any key, at any tempo (S2).

    For each point of the query that may be the first found, and each point of the piece that may stand for it, all
    pairs of later points that suit give a tempo; equal tempi, sorted, are a match: O(m²n² log n) without limits of the
    tempo.

    Parameters
    ----------
    time, pitch : ndarray, shape (n,), int64
    query_time, query_pitch : ndarray, shape (m,), int64
    ratios : pair of float
        Smallest and largest duration in the piece over that in the query.
    needed : int
        Points that must meet.

    Returns
    -------
    ndarray, shape (C, m), int32
        Points of the piece, -1 where there is none.
    """
    m = len(query_time)
    found = np.empty((64, m), dtype=np.int32)
    row = np.empty(m, dtype=np.int32)
    votes = np.empty((64, 4), dtype=np.int64)
    count = 0
    for first in range(m - needed + 1):
        for j in range(len(time)):
            cast = _votes(time, pitch, query_time, query_pitch, ratios, first, j, votes, row)
            if cast > len(votes):
                votes = np.empty((2 * cast, 4), dtype=np.int64)
                _votes(time, pitch, query_time, query_pitch, ratios, first, j, votes, row)
            always = 0
            for i in range(m):
                always += row[i] >= 0
            order = np.argsort(votes[:cast, 0] / votes[:cast, 1])
            begin = 0
            for end in range(1, max(cast, 1) + 1):
                together = end < cast and (
                    votes[order[end], 0] == votes[order[begin], 0] and votes[order[end], 1] == votes[order[begin], 1]
                )
                if together:
                    continue
                if always + min(end, cast) - begin >= needed:
                    if count == len(found):
                        grown = np.empty((2 * count, m), dtype=np.int32)
                        grown[:count] = found
                        found = grown
                    found[count] = row
                    for place in range(begin, min(end, cast)):
                        found[count, votes[order[place], 2]] = votes[order[place], 3]
                    count += 1
                begin = end
    return found[:count].copy()


def warm() -> None:
    """Compile all kernels."""
    zero = np.zeros(1, dtype=np.int64)
    s1(zero, zero, zero, zero, (0.5, 2.0))
    s2(zero, zero, zero, zero, (0.5, 2.0), 1)
