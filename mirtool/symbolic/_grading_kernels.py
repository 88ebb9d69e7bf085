"""Compiled scoring of candidates."""

from math import exp, log

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

REACH = 2.0  # a note off by more than this many tolerances is not the one meant
NEIGHBOURHOOD = 2  # semitones around two notes of a melody within which a note between them belongs to it
SHORTEST = 1e-3  # seconds: shorter durations are not told apart


@kernel
def _partner(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    expected: float,
    sought: int,
    tolerance: float,
    pitch_tolerance: int,
) -> tuple[int, float]:
    """Return the note of the piece that suits a time and a pitch best (-1: none), and how well (0 to 1)."""
    partner, worth = -1, 0.0
    k = int(np.searchsorted(onset, expected - REACH * tolerance))
    while k < len(onset) and onset[k] <= expected + REACH * tolerance:
        off = abs(pitch[k] - sought)
        if off <= pitch_tolerance:
            late = (onset[k] - expected) / tolerance
            value = (1.0 - off / (pitch_tolerance + 1.0)) * exp(-0.5 * late * late)
            if value > worth:
                partner, worth = k, value
        k += 1
    return partner, worth


@kernel
def _partners(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    candidate: NDArray[np.float64],
    tolerance: float,
    pitch_tolerance: int,
    partner: NDArray[np.int32],
    worth: NDArray[np.float64],
) -> None:
    """Fill in the partner of each note of the query, and its worth."""
    for i in range(len(query_onset)):
        expected = candidate[0] + candidate[2] * query_onset[i]
        sought = query_pitch[i] + int(candidate[1])
        partner[i], worth[i] = _partner(onset, pitch, expected, sought, tolerance, pitch_tolerance)


@kernel
def _refit(
    onset: NDArray[np.float64],
    query_onset: NDArray[np.float64],
    partner: NDArray[np.int32],
    worth: NDArray[np.float64],
    scaled: bool,
    candidate: NDArray[np.float64],
) -> None:
    """Lay time and ratio of a candidate through its pairs of notes, by weighted least squares."""
    total, x, y, xx, xy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(query_onset)):
        if partner[i] >= 0:
            w, a, b = worth[i], query_onset[i], onset[partner[i]]
            total += w
            x += w * a
            y += w * b
            xx += w * a * a
            xy += w * a * b
    if total <= 0:
        return
    spread = xx - x * x / total
    if scaled and spread > 1e-9:
        ratio = (xy - x * y / total) / spread
        if ratio > 0:
            candidate[2] = ratio
    candidate[0] = (y - candidate[2] * x) / total


@kernel
def _is_interrupted(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    voice: NDArray[np.int32],
    before: int,
    after: int,
    tolerance: float,
    taken: NDArray[np.bool_],
) -> bool:
    """Whether further notes of the same voice, near in pitch, stand between two notes of a hit."""
    low = min(pitch[before], pitch[after]) - NEIGHBOURHOOD
    high = max(pitch[before], pitch[after]) + NEIGHBOURHOOD
    for k in range(before + 1, after):
        same = voice[k] == voice[before] or voice[k] == voice[after]
        between = onset[before] + tolerance < onset[k] < onset[after] - tolerance
        if same and between and low <= pitch[k] <= high and not taken[k - before]:
            return True
    return False


@kernel
def _median_ratio(
    duration: NDArray[np.float64], query_duration: NDArray[np.float64], partner: NDArray[np.int32]
) -> float:
    """Return the median ratio of the durations of a hit over those of the query."""
    ratios = np.empty(len(partner))
    count = 0
    for i in range(len(partner)):
        if partner[i] >= 0:
            ratios[count] = max(duration[partner[i]], SHORTEST) / max(query_duration[i], SHORTEST)
            count += 1
    ratios[:count].sort()
    return float(ratios[count // 2])


@kernel
def verify(
    onset: NDArray[np.float64],
    duration: NDArray[np.float64],
    pitch: NDArray[np.int32],
    voice: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_duration: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    candidates: NDArray[np.float64],
    scaled: bool,
    tolerance: float,
    pitch_tolerance: int,
    weights: NDArray[np.float64],
    scores: NDArray[np.float64],
    partners: NDArray[np.int32],
) -> None:
    """Score candidates.

    Parameters
    ----------
    onset, duration, pitch, voice : ndarray, shape (N,)
        The piece, ordered by onset; notes of one voice have one number.
    query_onset, query_duration, query_pitch : ndarray, shape (M,)
    candidates : ndarray, shape (C, 3)
        Time of query time 0 in the piece (s), transposition (semitones), tempo ratio; refined in place.
    scaled : bool
        Refine the ratio, too.
    tolerance : float
        Deviation that takes a note's worth to exp(-1/2) (s).
    pitch_tolerance : int
        Semitones that a note may lie off; d of them take its worth to 1 - d / (pitch_tolerance + 1).
    weights : ndarray, shape (3,)
        What is lost at most by other durations, by an interrupted melody (per note), and by an octave of tempo.
    scores : ndarray, shape (C,)
        Filled.
    partners : ndarray, shape (C, M)
        Filled with the notes of the piece, -1 where there is none.
    """
    worth = np.zeros(len(query_onset))
    for c in range(len(candidates)):
        candidate, partner = candidates[c], partners[c]
        for _ in range(2):
            _partners(onset, pitch, query_onset, query_pitch, candidate, tolerance, pitch_tolerance, partner, worth)
            _refit(onset, query_onset, partner, worth, scaled, candidate)
        _partners(onset, pitch, query_onset, query_pitch, candidate, tolerance, pitch_tolerance, partner, worth)
        scores[c] = _total(onset, duration, pitch, voice, query_duration, tolerance, weights, partner, worth)
        scores[c] *= max(0.0, 1.0 - weights[2] * abs(log(candidate[2]) / log(2.0)))


@kernel
def complete(
    onset: NDArray[np.float64],
    duration: NDArray[np.float64],
    pitch: NDArray[np.int32],
    voice: NDArray[np.int32],
    query_onset: NDArray[np.float64],
    query_duration: NDArray[np.float64],
    query_pitch: NDArray[np.int32],
    tolerance: float,
    pitch_tolerance: int,
    weights: NDArray[np.float64],
    scores: NDArray[np.float64],
    partners: NDArray[np.int32],
) -> None:
    """Score chains of exact pitches, and fill their gaps with notes that are a little off; see `verify`."""
    worth = np.zeros(len(query_onset))
    for c in range(len(partners)):
        partner = partners[c]
        before = -1
        for i in range(len(query_onset)):
            worth[i] = 1.0
            if partner[i] >= 0:
                before = i
                continue
            worth[i] = 0.0
            after = i + 1
            while after < len(query_onset) and partner[after] < 0:
                after += 1
            if before < 0 or after == len(query_onset):
                continue
            spacing = query_onset[after] - query_onset[before]
            share = (query_onset[i] - query_onset[before]) / spacing if spacing > 0 else 0.0
            expected = onset[partner[before]] + share * (onset[partner[after]] - onset[partner[before]])
            sought = query_pitch[i] + pitch[partner[before]] - query_pitch[before]
            partner[i], worth[i] = _partner(onset, pitch, expected, sought, tolerance, pitch_tolerance)
        scores[c] = _total(onset, duration, pitch, voice, query_duration, tolerance, weights, partner, worth)


@kernel
def _total(
    onset: NDArray[np.float64],
    duration: NDArray[np.float64],
    pitch: NDArray[np.int32],
    voice: NDArray[np.int32],
    query_duration: NDArray[np.float64],
    tolerance: float,
    weights: NDArray[np.float64],
    partner: NDArray[np.int32],
    worth: NDArray[np.float64],
) -> float:
    """Return the mean worth of the notes, less for other durations and for an interrupted melody."""
    first, last = len(onset), -1
    for i in range(len(partner)):
        if partner[i] >= 0:
            first, last = min(first, partner[i]), max(last, partner[i])
    if last < 0:
        return 0.0
    taken = np.zeros(last - first + 1, dtype=np.bool_)
    for i in range(len(partner)):
        if partner[i] >= 0:
            taken[partner[i] - first] = True
    usual = _median_ratio(duration, query_duration, partner)
    total = 0.0
    before = -1
    for i in range(len(partner)):
        k = partner[i]
        if k < 0:
            continue
        ratio = max(duration[k], SHORTEST) / max(query_duration[i], SHORTEST) / usual
        value = worth[i] * (1.0 - weights[0] * (1.0 - min(ratio, 1.0 / ratio)))
        if 0 <= before < k and _is_interrupted(onset, pitch, voice, before, k, tolerance, taken[before - first :]):
            value *= 1.0 - weights[1]
        total += value
        before = k
    return total / len(partner)


def warm() -> None:
    """Compile all kernels."""
    times, pitches = np.zeros(1), np.zeros(1, dtype=np.int32)
    places, partners = np.array([[0.0, 0.0, 1.0]]), np.zeros((1, 1), dtype=np.int32)
    verify(
        times, times, pitches, pitches, times, times, pitches, places, True, 0.1, 1, np.zeros(3), np.zeros(1), partners
    )
    complete(times, times, pitches, pitches, times, times, pitches, 0.1, 1, np.zeros(3), np.zeros(1), partners)
