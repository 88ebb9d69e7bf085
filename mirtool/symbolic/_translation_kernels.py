"""Compiled loops of point-set matching under translation: P1, P2, P3 and SIAM.

Point sets have whole times and pitches, are sorted by time and then by pitch, and hold no point twice.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

PITCHES = 128


@kernel
def p1(
    time: NDArray[np.int64], pitch: NDArray[np.int64], query_time: NDArray[np.int64], query_pitch: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the translations that bring all points of a query onto points of a piece (P1).

    One pointer for each point of the query moves through the piece, in O(mn) steps in all.

    Parameters
    ----------
    time, pitch : ndarray, shape (n,), int64
    query_time, query_pitch : ndarray, shape (m,), int64

    Returns
    -------
    ndarray, shape (C, 2), int64
        Translations: time, pitch.
    """
    m = len(query_time)
    pointer = np.zeros(m, dtype=np.int64)
    found = np.empty((len(time), 2), dtype=np.int64)
    count = 0
    for j in range(len(time) - m + 1):
        later, higher = time[j] - query_time[0], pitch[j] - query_pitch[0]
        complete = True
        for i in range(1, m):
            k = pointer[i]
            wanted = query_time[i] + later
            while k < len(time) and (time[k] < wanted or (time[k] == wanted and pitch[k] < query_pitch[i] + higher)):
                k += 1
            pointer[i] = k
            if k == len(time) or time[k] != wanted or pitch[k] != query_pitch[i] + higher:
                complete = False
                break
        if complete:
            found[count, 0], found[count, 1] = later, higher
            count += 1
    return found[:count].copy()


@kernel
def _sift(heap: NDArray[np.int64], keys: NDArray[np.int64], size: int, place: int) -> None:
    """Move an entry of a heap, ordered by the keys of its entries, down to where it belongs."""
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and keys[heap[child + 1]] < keys[heap[child]]:
            child += 1
        if keys[heap[place]] <= keys[heap[child]]:
            return
        heap[place], heap[child] = heap[child], heap[place]
        place = child


@kernel
def _packed(later: int, higher: int) -> int:
    """Return a number that orders translations by time and then by pitch."""
    return later * (2 * PITCHES) + higher + PITCHES


@kernel
def _appended(found: NDArray[np.int64], count: int, packed: int, value: int) -> NDArray[np.int64]:
    """Return an array, perhaps a larger one, with a translation and its value in row `count`."""
    if count == len(found):
        grown = np.empty((2 * count, 3), dtype=np.int64)
        grown[:count] = found
        found = grown
    found[count, 0] = packed // (2 * PITCHES)
    found[count, 1] = packed % (2 * PITCHES) - PITCHES
    found[count, 2] = value
    return found


@kernel
def p2(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    needed: int,
) -> NDArray[np.int64]:
    """Find the translations that bring many points of a query onto points of a piece (P2).

    The translations from each point of the query to the points of the piece rise; a heap merges them in order, so that
    equal ones come together: O(mn log m).

    Parameters
    ----------
    time, pitch : ndarray, shape (n,), int64
    query_time, query_pitch : ndarray, shape (m,), int64
    needed : int
        Points that must meet.

    Returns
    -------
    ndarray, shape (C, 3), int64
        Time and pitch of each translation, in this order, and how many points meet.
    """
    n, m = len(time), len(query_time)
    found = np.empty((64, 3), dtype=np.int64)
    if n == 0:
        return found[:0].copy()
    pointer = np.zeros(m, dtype=np.int64)
    keys = np.empty(m, dtype=np.int64)
    for i in range(m):
        keys[i] = _packed(time[0] - query_time[i], pitch[0] - query_pitch[i])
    heap = np.arange(m)
    for place in range(m // 2 - 1, -1, -1):
        _sift(heap, keys, m, place)
    size, count = m, 0
    current, together = keys[heap[0]], 0
    while size > 0:
        i = heap[0]
        if keys[i] != current:
            if together >= needed:
                found = _appended(found, count, current, together)
                count += 1
            current, together = keys[i], 0
        together += 1
        pointer[i] += 1
        if pointer[i] < n:
            keys[i] = _packed(time[pointer[i]] - query_time[i], pitch[pointer[i]] - query_pitch[i])
        else:
            size -= 1
            heap[0] = heap[size]
        _sift(heap, keys, size, 0)
    if together >= needed:
        found = _appended(found, count, current, together)
        count += 1
    return found[:count].copy()


@kernel
def siam(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    needed: int,
) -> NDArray[np.int64]:
    """Find the maximal matches of a query: all its points that one translation brings onto a piece (SIAM).

    The vectors between all points are sorted, O(mn log mn); equal ones are a match. Arguments and result are those of
    `p2`.
    """
    n, m = len(time), len(query_time)
    vectors = np.empty(n * m, dtype=np.int64)
    for i in range(m):
        for j in range(n):
            vectors[i * n + j] = _packed(time[j] - query_time[i], pitch[j] - query_pitch[i])
    vectors.sort()
    found = np.empty((64, 3), dtype=np.int64)
    count, begin = 0, 0
    for end in range(1, len(vectors) + 1):
        if end == len(vectors) or vectors[end] != vectors[begin]:
            if end - begin >= needed:
                found = _appended(found, count, vectors[begin], end - begin)
                count += 1
            begin = end
    return found[:count].copy()


@kernel
def p3(
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_start: NDArray[np.int64],
    query_stop: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    needed: int,
) -> NDArray[np.int64]:
    """Find the translations under which a query and a piece sound together longest (P3).

    For a given difference of pitches, the common time is a piecewise linear function of the translation in time. It
    turns where an end of a note of the query meets an end of a note of the piece. A heap merges these 4mn turning
    points in order, O(n log n + mn log m); the function is followed along them.

    Parameters
    ----------
    start, stop, pitch : ndarray, shape (n,), int64
    query_start, query_stop, query_pitch : ndarray, shape (m,), int64
    needed : int
        Least common time.

    Returns
    -------
    ndarray, shape (C, 3), int64
        Time and pitch of each translation at which the common time has a maximum, and the common time.
    """
    n, m = len(start), len(query_start)
    found = np.empty((64, 3), dtype=np.int64)
    if n == 0:
        return found[:0].copy()
    by_start, by_stop = np.argsort(start), np.argsort(stop)
    # Streams 4i to 4i + 3: start of a note at the stop and the start of note i, stop of a note at its stop and start.
    pointer = np.zeros(4 * m, dtype=np.int64)
    keys = np.empty(4 * m, dtype=np.int64)
    for s in range(4 * m):
        keys[s] = _turn(start, stop, by_start, by_stop, query_start, query_stop, s, 0)
    heap = np.arange(4 * m)
    for place in range(2 * m - 1, -1, -1):
        _sift(heap, keys, 4 * m, place)
    value = np.zeros(2 * PITCHES, dtype=np.int64)
    slope = np.zeros(2 * PITCHES, dtype=np.int64)
    last = np.zeros(2 * PITCHES, dtype=np.int64)
    size, count = 4 * m, 0
    while size > 0:
        s = heap[0]
        here = keys[s]
        note = by_start[pointer[s]] if s % 4 < 2 else by_stop[pointer[s]]
        shift = pitch[note] - query_pitch[s // 4] + PITCHES
        value[shift] += slope[shift] * (here - last[shift])
        last[shift] = here
        change = 1 if s % 4 == 0 or s % 4 == 3 else -1
        if slope[shift] > 0 and slope[shift] + change <= 0 and value[shift] >= needed:
            found = _appended(found, count, here * (2 * PITCHES) + shift, value[shift])
            count += 1
        slope[shift] += change
        pointer[s] += 1
        if pointer[s] < n:
            keys[s] = _turn(start, stop, by_start, by_stop, query_start, query_stop, s, pointer[s])
        else:
            size -= 1
            heap[0] = heap[size]
        _sift(heap, keys, size, 0)
    return found[:count].copy()


@kernel
def _turn(
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    by_start: NDArray[np.int64],
    by_stop: NDArray[np.int64],
    query_start: NDArray[np.int64],
    query_stop: NDArray[np.int64],
    stream: int,
    place: int,
) -> int:
    """Return a turning point of a stream of `p3`."""
    edge = start[by_start[place]] if stream % 4 < 2 else stop[by_stop[place]]
    return int(edge - (query_stop[stream // 4] if stream % 2 == 0 else query_start[stream // 4]))


@kernel
def partners_of(
    time: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_time: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    translations: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return the points of a piece that translations bring those of a query onto.

    Returns
    -------
    ndarray, shape (C, m), int32
        -1 where there is none.
    """
    partners = np.full((len(translations), len(query_time)), -1, dtype=np.int32)
    for c in range(len(translations)):
        for i in range(len(query_time)):
            wanted, high = query_time[i] + translations[c, 0], query_pitch[i] + translations[c, 1]
            k = np.searchsorted(time, wanted)
            while k < len(time) and time[k] == wanted and pitch[k] < high:
                k += 1
            if k < len(time) and time[k] == wanted and pitch[k] == high:
                partners[c, i] = k
    return partners


@kernel
def companions_of(
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    pitch: NDArray[np.int64],
    query_start: NDArray[np.int64],
    query_stop: NDArray[np.int64],
    query_pitch: NDArray[np.int64],
    translations: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return the notes of a piece that sound longest together with those of a translated query; see `partners_of`."""
    partners = np.full((len(translations), len(query_start)), -1, dtype=np.int32)
    longest = 0
    for j in range(len(start)):
        longest = max(longest, stop[j] - start[j])
    for c in range(len(translations)):
        for i in range(len(query_start)):
            begin, end = query_start[i] + translations[c, 0], query_stop[i] + translations[c, 0]
            best = 0
            for k in range(np.searchsorted(start, begin - longest), np.searchsorted(start, end)):
                common = min(stop[k], end) - max(start[k], begin)
                if pitch[k] == query_pitch[i] + translations[c, 1] and common > best:
                    best = common
                    partners[c, i] = k
    return partners


def warm() -> None:
    """Compile all kernels."""
    zero, one = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    p1(zero, zero, zero, zero)
    siam(zero, zero, zero, zero, 1)
    partners_of(zero, zero, zero, zero, p2(zero, zero, zero, zero, 1))
    companions_of(zero, one, zero, zero, one, zero, p3(zero, one, zero, zero, one, zero, 1))
