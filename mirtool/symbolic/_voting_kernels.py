"""Compiled search for candidates: places, keys and tempi about which enough notes agree."""

from math import ceil, exp, floor, log

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

STEP = 0.02  # width of a bin of tempo ratios, as a natural logarithm: finer than the jitter of short passages tells


@kernel
def by_pitch(pitch: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sort notes by pitch, those of one pitch in their order.

    Parameters
    ----------
    pitch : ndarray, shape (N,), int32, 0 to 127

    Returns
    -------
    places : ndarray, shape (N,), int32
    starts : ndarray, shape (129,), int32
        The notes of pitch p are ``places[starts[p]:starts[p + 1]]``.
    """
    starts = np.zeros(129, dtype=np.int32)
    for j in range(len(pitch)):
        starts[pitch[j] + 1] += 1
    for p in range(128):
        starts[p + 1] += starts[p]
    places = np.empty(len(pitch), dtype=np.int32)
    filled = starts.copy()
    for j in range(len(pitch)):
        places[filled[pitch[j]]] = j
        filled[pitch[j]] += 1
    return places, starts


@kernel
def _first_from(times: NDArray[np.float64], order: NDArray[np.int32], left: int, right: int, time: float) -> int:
    """Return the first place from left on, before right, whose time is not before this one."""
    while left < right:
        middle = (left + right) // 2
        if times[order[middle]] < time:
            left = middle + 1
        else:
            right = middle
    return left


@kernel
def _bins_of(gap: float, spacing: float, tolerance: float, lowest: int, highest: int) -> tuple[int, int]:
    """Return the first and the last ratio that bring a gap of the piece within the tolerance of a spacing."""
    first, last = lowest, highest
    if spacing > 0:
        if gap + tolerance <= 0:
            return 0, -1
        last = min(last, floor(log((gap + tolerance) / spacing) / STEP + 0.5))
        if gap - tolerance > 0:
            first = max(first, floor(log((gap - tolerance) / spacing) / STEP + 0.5))
    return first - lowest, last - lowest


@kernel
def _count_votes(
    onset: NDArray[np.float64],
    places: NDArray[np.int32],
    starts: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    anchor: int,
    j: int,
    shift: int,
    limits: tuple[int, int],
    tolerance: float,
    needed: int,
    votes: NDArray[np.int32],
    voter: NDArray[np.int32],
) -> int:
    """Fill the votes of a pair of notes, one for each ratio and note of the query; return the most votes."""
    votes[:] = 1
    voter[:] = -1
    best = 1
    slowest, fastest = exp(limits[1] * STEP), exp(limits[0] * STEP)
    for i in range(len(query_onset)):
        if best + len(query_onset) - i < needed:
            break
        sought = query_pitch[i] + shift
        if i == anchor or sought < 0 or sought > 127:
            continue
        spacing = query_onset[i] - query_onset[anchor]
        side = 1.0 if spacing >= 0 else -1.0
        early = onset[j] + min(spacing * fastest, spacing * slowest) - tolerance
        late = onset[j] + max(spacing * fastest, spacing * slowest) + tolerance
        for place in range(_first_from(onset, places, starts[sought], starts[sought + 1], early), starts[sought + 1]):
            k = places[place]
            if onset[k] > late:
                break
            if k == j:
                continue
            first, last = _bins_of(side * (onset[k] - onset[j]), side * spacing, tolerance, limits[0], limits[1])
            for b in range(first, last + 1):
                if voter[b] != i:
                    voter[b] = i
                    votes[b] += 1
                    best = max(best, votes[b])
    return best


@kernel
def _next_peak(votes: NDArray[np.int32], b: int, needed: int) -> tuple[int, int]:
    """Return the first and the last bin of the next plateau, from b on, that is higher than what surrounds it."""
    while b < len(votes):
        end = b
        while end + 1 < len(votes) and votes[end + 1] == votes[b]:
            end += 1
        rises = b == 0 or votes[b - 1] < votes[b]
        falls = end + 1 == len(votes) or votes[end + 1] < votes[b]
        if votes[b] >= needed and rises and falls:
            return b, end
        b = end + 1
    return len(votes), len(votes)


@kernel
def vote(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    anchors: NDArray[np.int64],
    ratios: NDArray[np.float64],
    tolerance: float,
    needed: int,
    transpose: bool,
) -> NDArray[np.float64]:
    """Find where enough notes of the query agree about a tempo.

    Each note of the piece stands once for each anchor of the query. Every further pair of notes with the right
    interval votes for the tempo ratios that bring the two within the tolerance: S2 (Lemström 2010) with intervals of
    ratios in place of exact ones.

    Parameters
    ----------
    onset, pitch : ndarray, shape (N,)
    query_onset, query_pitch : ndarray, shape (M,)
    anchors : ndarray of int64
        Notes of the query.
    ratios : ndarray, shape (2,)
        Smallest and largest ratio of durations, piece over query.
    tolerance : float
        How far two notes together may be off (s).
    needed : int
        Notes of the query that must have a partner, the anchor counted.
    transpose : bool

    Returns
    -------
    ndarray, shape (C, 3)
        Of each candidate: time of query time 0 in the piece (s), transposition (semitones), tempo ratio.
    """
    places, starts = by_pitch(pitch)
    limits = floor(log(ratios[0]) / STEP + 1e-6), ceil(log(ratios[1]) / STEP - 1e-6)
    votes = np.zeros(limits[1] - limits[0] + 1, dtype=np.int32)
    voter = np.empty_like(votes)
    found = np.empty((256, 3))
    count = 0
    for anchor in anchors:
        for j in range(len(onset)):
            shift = pitch[j] - query_pitch[anchor]
            if shift != 0 and not transpose:
                continue
            best = _count_votes(
                onset,
                places,
                starts,
                query_onset,
                query_pitch,
                anchor,
                j,
                shift,
                limits,
                tolerance,
                needed,
                votes,
                voter,
            )
            first, last = (0, 0) if best >= needed else (len(votes), 0)
            first, last = _next_peak(votes, first, needed)
            while first < len(votes):
                if count == len(found):
                    grown = np.empty((2 * count, 3))
                    grown[:count] = found
                    found = grown
                middle = 0.5 * (first + last) + limits[0]
                if first + limits[0] <= 0 <= last + limits[0]:  # the tempo of the query will do
                    middle = 0.0
                found[count, 0] = onset[j] - exp(middle * STEP) * query_onset[anchor]
                found[count, 1] = shift
                found[count, 2] = exp(middle * STEP)
                count += 1
                first, last = _next_peak(votes, last + 1, needed)
    return found[:count].copy()


def warm() -> None:
    """Compile all kernels."""
    times, pitches = np.zeros(1), np.zeros(1, dtype=np.int32)
    vote(times, pitches, times, pitches, np.zeros(1, dtype=np.int64), np.ones(2), 0.1, 1, True)
