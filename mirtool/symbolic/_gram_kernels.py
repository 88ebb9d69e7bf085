"""Compiled loops of the note index: melodic lines, triples of their notes, and what they vote for."""

from math import log2

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

CHORD = 0.03  # seconds: notes that begin within it sound as one chord
WIDEST = 24  # semitones from one note of a triple to the next, at most
LONGEST = 16.0  # seconds that a triple may last
SHORTEST = 0.02  # seconds: shorter steps are not told apart
RATIOS = 13  # bins of the ratio of the two steps, half an octave each: from 1/8 to 8
BINS = 2.0  # of them in an octave
DURATIONS = 16.0  # steps of the duration of a triple in an octave
DURATION_ZERO = 96  # the step of one second


@kernel
def _outline(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    members: NDArray[np.int32],
    side: int,
    line: NDArray[np.int32],
) -> int:
    """Fill a line with the highest (side 1) or lowest (-1) note of each chord of the members; return its length."""
    count, i = 0, 0
    while i < len(members):
        best = members[i]
        j = i + 1
        while j < len(members) and onset[members[j]] - onset[members[i]] < CHORD:
            if side * pitch[members[j]] > side * pitch[best]:
                best = members[j]
            j += 1
        line[count] = best
        count += 1
        i = j
    return count


@kernel
def lines(
    onset: NDArray[np.float64], pitch: NDArray[np.int32], voice: NDArray[np.int32], voices: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Draw melodic lines through notes.

    Those are the highest and the lowest notes of each voice, and the highest of all.

    Parameters
    ----------
    onset : ndarray, shape (N,), float64
        Ascending.
    pitch : ndarray, shape (N,), int32
    voice : ndarray, shape (N,), int32
        From 0 to voices - 1; notes of voice -1 belong to no line.
    voices : int

    Returns
    -------
    notes : ndarray of int32
        Of all lines, one after the other.
    starts : ndarray, int64
        Where each line begins, and where the last ends.
    rank : ndarray, shape (N,), int32
        Place of a note in the upper line of its voice; -1 if it is not there.
    """
    found = np.empty(3 * len(onset), dtype=np.int32)
    starts = np.zeros(2 * voices + 2, dtype=np.int64)
    rank = np.full(len(onset), -1, dtype=np.int32)
    first = np.zeros(voices + 1, dtype=np.int64)
    for v in voice:
        if v >= 0:
            first[v + 1] += 1
    for v in range(voices):
        first[v + 1] += first[v]
    members = np.empty(first[voices], dtype=np.int32)
    filled = first.copy()
    for n in range(len(onset)):
        if voice[n] >= 0:
            members[filled[voice[n]]] = n
            filled[voice[n]] += 1
    count, end = 0, 0
    for v in range(voices):
        mine = members[first[v] : first[v + 1]]
        begin = end
        end += _outline(onset, pitch, mine, 1, found[end:])
        for k in range(begin, end):
            rank[found[k]] = k - begin
        count += 1
        starts[count] = end
        if end - begin < len(mine):  # there are chords
            end += _outline(onset, pitch, mine, -1, found[end:])
        count += 1
        starts[count] = end
    if voices > 1:
        filled[0] = 0
        for n in range(len(onset)):  # all voices, in the order of time
            if voice[n] >= 0:
                members[filled[0]] = n
                filled[0] += 1
        end += _outline(onset, pitch, members, 1, found[end:])
    starts[count + 1] = end
    return found[:end].copy(), starts, rank


@kernel
def _is_repeated(voice: NDArray[np.int32], rank: NDArray[np.int32], a: int, b: int, c: int) -> bool:
    """Whether three notes are a triple of the upper line of a voice as well."""
    if voice[a] != voice[b] or voice[b] != voice[c] or rank[a] < 0 or rank[b] < 0 or rank[c] < 0:
        return False
    one, two = rank[b] - rank[a], rank[c] - rank[b]
    return bool(1 <= one <= 2 and 1 <= two <= 2 and one + two <= 3)


@kernel
def triples(
    onset: NDArray[np.float64],
    pitch: NDArray[np.int32],
    voice: NDArray[np.int32],
    notes: NDArray[np.int32],
    starts: NDArray[np.int64],
    rank: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64], NDArray[np.uint16]]:
    """Find triples of notes that follow each other in a line, or leave one note out.

    Parameters
    ----------
    onset, pitch, voice, notes, starts, rank : ndarray
        As `lines` takes and returns them.

    Returns
    -------
    pairs : ndarray, int32
        The two intervals, as one number.
    ratios : ndarray, float32
        Of the second step to the first, in bins from 0 to RATIOS - 1, not rounded.
    times : ndarray, float64
        Onset of the first note (s).
    shapes : ndarray, uint16
        Pitch of the first note, and the duration of the triple on a logarithmic scale.
    """
    room = 3 * len(notes)
    pairs, ratios = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.float32)
    times, shapes = np.empty(room, dtype=np.float64), np.empty(room, dtype=np.uint16)
    count = 0
    for line in range(len(starts) - 1):
        for i in range(starts[line], starts[line + 1]):
            for pattern in range(3):
                j = i + (2 if pattern == 1 else 1)
                k = j + (2 if pattern == 2 else 1)
                if k >= starts[line + 1]:
                    break
                a, b, c = notes[i], notes[j], notes[k]
                one, two = pitch[b] - pitch[a], pitch[c] - pitch[b]
                if abs(one) > WIDEST or abs(two) > WIDEST or onset[c] - onset[a] > LONGEST:
                    continue
                if (line % 2 == 1 or line == len(starts) - 2) and _is_repeated(voice, rank, a, b, c):
                    continue
                before, after = max(onset[b] - onset[a], SHORTEST), max(onset[c] - onset[b], SHORTEST)
                ratio = log2(after / before) * BINS + RATIOS // 2
                pairs[count] = (one + WIDEST) * (2 * WIDEST + 1) + two + WIDEST
                ratios[count] = min(max(ratio, 0.0), RATIOS - 1.0)
                times[count] = onset[a]
                duration = round(log2(before + after) * DURATIONS) + DURATION_ZERO
                shapes[count] = min(max(int(pitch[a]), 0), 127) << 8 | int(duration)
                count += 1
    return pairs[:count].copy(), ratios[:count].copy(), times[:count].copy(), shapes[:count].copy()


@kernel
def distribute(
    keys: NDArray[np.int32],
    times: NDArray[np.uint32],
    shapes: NDArray[np.uint16],
    starts: NDArray[np.int64],
    sorted_times: NDArray[np.uint32],
    sorted_shapes: NDArray[np.uint16],
) -> None:
    """Sort triples by their keys, those of one key in their order.

    Parameters
    ----------
    keys, times, shapes : ndarray, shape (T,)
    starts : ndarray, shape (keys + 1,)
        Zeros; filled with where each key begins.
    sorted_times, sorted_shapes : ndarray, shape (T,)
        Filled.
    """
    for key in keys:
        starts[key + 1] += 1
    for key in range(len(starts) - 1):
        starts[key + 1] += starts[key]
    filled = starts.copy()
    for n in range(len(keys)):
        place = filled[keys[n]]
        filled[keys[n]] += 1
        sorted_times[place] = times[n]
        sorted_shapes[place] = shapes[n]


@kernel
def cast(
    times: NDArray[np.uint32],
    shapes: NDArray[np.uint16],
    time: float,
    shape: int,
    number: int,
    limits: NDArray[np.float64],
    width: float,
    transpose: bool,
    cells: NDArray[np.int64],
) -> int:
    """Let the places of a triple vote for where the query begins; return how many votes there are.

    Parameters
    ----------
    times, shapes : ndarray, shape (T,)
        Of the index.
    time, shape : float, int
        Of the triple of the query; its time in the unit of the index, from where the query is laid.
    number : int
        Of the triple among those of the query, below 65536.
    limits : ndarray, shape (2,)
        Smallest and largest ratio of durations, as octaves.
    width : float
        Of half a cell, in the unit of the index.
    transpose : bool
    cells : ndarray, shape (T,) or more
        Filled with transposition, half cell and number of the triple, packed in this order.
    """
    count = 0
    for n in range(len(times)):
        octaves = (int(shapes[n] & 255) - (shape & 255)) / DURATIONS
        shift = int(shapes[n] >> 8) - (shape >> 8)
        if octaves < limits[0] or octaves > limits[1] or (shift != 0 and not transpose):
            continue
        begin = int(max((times[n] - time * 2.0**octaves) / width, 0.0))
        cells[count] = ((shift + 128) << 52) | (begin << 16) | number
        count += 1
    return count


@kernel
def tally(
    cells: NDArray[np.int64],
    weights: NDArray[np.float32],
    origins: NDArray[np.float64],
    scores: NDArray[np.float32],
) -> None:
    """Give each document the weight of its best cell: that of two halves side by side, each triple counted once a half.

    Parameters
    ----------
    cells : ndarray of int64
        Ascending; see `cast`.
    weights : ndarray of float32
        Of the triples of the query.
    origins : ndarray, shape (documents + 1,)
        Where documents begin, in half cells.
    scores : ndarray, shape (documents,)
        Raised where a cell has more.
    """
    before, last = np.float32(0.0), np.int64(-2)
    n, document, place = 0, 0, 0
    while n < len(cells):
        half = cells[n] >> 16
        here = np.float32(0.0)
        triple = np.int64(-1)
        while n < len(cells) and cells[n] >> 16 == half:
            if cells[n] & 0xFFFF != triple:
                triple = cells[n] & 0xFFFF
                here += weights[triple]
            n += 1
        total = here + before if half == last + 1 else here
        begin = half & 0xFFFFFFFFF
        if begin < place:  # another transposition
            document = 0
        place = begin
        while document + 1 < len(scores) and origins[document + 1] < begin + 0.5:
            document += 1
        scores[document] = max(scores[document], total)
        before, last = here, half


def warm() -> None:
    """Compile all kernels."""
    times, zero = np.zeros(3), np.zeros(3, dtype=np.int32)
    found = lines(times, zero, zero, 1)
    triples(times, zero, zero, *found)
    stamps, shapes = np.zeros(1, dtype=np.uint32), np.zeros(1, dtype=np.uint16)
    distribute(zero[:1], stamps, shapes, np.zeros(2, dtype=np.int64), stamps.copy(), shapes.copy())
    cells = np.zeros(1, dtype=np.int64)
    cast(stamps, shapes, 0.0, 0, 0, np.zeros(2), 1.0, True, cells)
    tally(cells, np.ones(1, dtype=np.float32), np.zeros(2), np.zeros(1, dtype=np.float32))
