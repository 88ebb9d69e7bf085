"""Compiled loops of the bar pointer: Viterbi decoding and filtering.

Within a beat the pointer only moves on, one frame a frame. So the score of a whole beat is a difference of cumulative
sums, and a step of Viterbi has to look at the ends of beats only: per frame one value for each beat of the bar and each
tempo, not one for each of the many states.

Shapes
------
B beats (of all bars together) of U kinds, M tempi, R runs of observation classes in a beat, Q kinds of bars, C classes,
N frames.

cumulative : (C, N + 1) float64
    Column n is the sum of the log-likelihoods before frame n.
ring : (L, B, M) float64
    Row n mod L is the best score of all paths that begin beat b with tempo m at frame n, without frame n itself; L is
    the longest interval. Frames before 0 hold what the path may begin with.
fixed : (N,) int16
    FREE; or a beat must begin at this frame: ANY, or its position in the bar.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

FREE, ANY = -1, 0

Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]
Marks = NDArray[np.uint8]
Fixed = NDArray[np.int16]


class Space(NamedTuple):
    """A state space as the kernels see it."""

    intervals: Numbers  # (M,) frames of a beat
    bounds: Numbers  # (M, R + 1) where the runs of classes begin and end within a beat
    classes: Numbers  # (U, R) class of each run, in each kind of beat
    kinds: Numbers  # (B,) kind of each beat
    positions: Numbers  # (B,) position in the bar, from 1
    first: Numbers  # (Q,) first beat of each kind of bar
    last: Numbers  # (Q,) last beat of each kind of bar
    tempo_change: Scores  # (M, M) log-probability
    bar_change: Scores  # (Q, Q) log-probability


@kernel
def _score(space: Space, cumulative: Scores, kind: int, tempo: int, begin: int) -> float:
    """Return the log-likelihood of one beat that begins at a frame, as far as it lies within the frames."""
    end = cumulative.shape[1] - 1
    total = 0.0
    for run in range(space.classes.shape[1]):
        row = space.classes[kind, run]
        low = min(max(begin + space.bounds[tempo, run], 0), end)
        high = min(max(begin + space.bounds[tempo, run + 1], 0), end)
        total += cumulative[row, high] - cumulative[row, low]
    return total


@kernel
def _arrive(ends: Scores, tempo_change: Scores, best: Scores, sources: Numbers) -> None:
    """Find for each tempo the best way to it: max and argmax over i of ends[i] + tempo_change[i, j]."""
    M = ends.size
    best[:] = -np.inf
    sources[:] = 0
    for i in range(M):
        for j in range(M):
            value = ends[i] + tempo_change[i, j]
            better = value > best[j]
            best[j] = value if better else best[j]
            sources[j] = i if better else sources[j]


@kernel
def _enter_bars(space: Space, best: Scores, row: Scores, bars: Marks) -> None:
    """Begin the next beat of a bar, or the first one of the best kind of bar."""
    B, M = best.shape
    for b in range(1, B):
        for j in range(M):
            row[b, j] = best[b - 1, j]
    for q in range(space.first.size):
        b = space.first[q]
        for j in range(M):
            row[b, j] = -np.inf
            for p in range(space.last.size):
                value = best[space.last[p], j] + space.bar_change[p, q]
                if value > row[b, j]:
                    row[b, j] = value
                    bars[q, j] = p


@kernel
def restrict(space: Space, fixed: Fixed, frame: int, row: Scores) -> None:
    """Forbid the beats (in a row of the ring) that do not have the position in the bar which is fixed at a frame."""
    if fixed[frame] > ANY:
        for b in range(row.shape[0]):
            if space.positions[b] != fixed[frame]:
                row[b, :] = -np.inf


@kernel
def forward(
    space: Space, cumulative: Scores, fixed: Fixed, ring: Scores, start: int, stop: int, tempi: Marks, bars: Marks
) -> None:
    """Carry the scores on over the frames from start (above 0) to before stop, and note where the best came from.

    Parameters
    ----------
    tempi : (frames, B, M)
        Tempo of the beat b that ended before the frame, on the best way to tempo j.
    bars : (frames, Q, M)
        Kind of the bar before, on the best way to the first beat of a bar.
    """
    L, B, M = ring.shape
    ends, best, sources = np.empty(M), np.empty((B, M)), np.empty(M, np.int64)
    scores = np.empty((space.classes.shape[0], M))
    barrier = -L
    for n in range(max(start - L, 0), start):
        if fixed[n] != FREE:
            barrier = n
    for n in range(start, stop):
        for kind in range(scores.shape[0]):
            for i in range(M):
                begin = n - space.intervals[i]
                # below the barrier the beat would pass over a fixed one
                scores[kind, i] = _score(space, cumulative, kind, i, begin) if begin >= barrier else -np.inf
        for b in range(B):
            for i in range(M):
                ends[i] = ring[(n - space.intervals[i]) % L, b, i] + scores[space.kinds[b], i]
            _arrive(ends, space.tempo_change, best[b], sources)
            for j in range(M):
                tempi[n - start, b, j] = sources[j]
        _enter_bars(space, best, ring[n % L], bars[n - start])
        if fixed[n] != FREE:
            restrict(space, fixed, n, ring[n % L])
            barrier = n


@kernel
def finish(space: Space, cumulative: Scores, fixed: Fixed, ring: Scores, state: Numbers) -> float:
    """Find the best last beat: return its score, and in `state` its frame, beat and tempo."""
    L, B, M = ring.shape
    N = fixed.size
    barrier = -L
    for n in range(max(N - L, 0), N):
        if fixed[n] != FREE:
            barrier = n
    top = -np.inf
    for b in range(B):
        for i in range(M):
            for begin in range(max(N - space.intervals[i], barrier), N):
                value = ring[begin % L, b, i] + _score(space, cumulative, space.kinds[b], i, begin)
                if value > top:
                    top = value
                    state[0], state[1], state[2] = begin, b, i
    return top


@kernel
def trace(space: Space, start: int, tempi: Marks, bars: Marks, state: Numbers, path: Numbers, size: int) -> int:
    """Go back from `state` to the last beat before frame `start` (at least 1); return the new size of the path.

    Parameters
    ----------
    state : (3,)
        Frame, beat and tempo; in the end those of the beat that was reached and is not yet in the path.
    path : (K, 3)
        Backwards in time.
    """
    while state[0] >= start:
        n, b, j = state
        path[size, 0], path[size, 1], path[size, 2] = n, b, j
        size += 1
        before = b - 1
        for q in range(space.first.size):
            if space.first[q] == b:
                before = space.last[bars[n - start, q, j]]
        i = tempi[n - start, before, j]
        state[0], state[1], state[2] = n - space.intervals[i], before, i
    return size


@kernel
def move(space: Space, tempo_change: Scores, bar_change: Scores, offsets: Numbers, p: Scores) -> None:
    """Move the distribution over all states on by a frame.

    Parameters
    ----------
    tempo_change, bar_change : as in `Space`, but probabilities
    offsets : (M,)
        Column of the first state of each tempo.
    p : (B, states of a beat)
    """
    B, M = p.shape[0], offsets.size
    arriving = np.zeros((B, M))
    for b in range(B):
        for i in range(M):
            end = p[b, offsets[i] + space.intervals[i] - 1]
            for j in range(M):
                arriving[b, j] += end * tempo_change[i, j]
        for column in range(p.shape[1] - 1, 0, -1):
            p[b, column] = p[b, column - 1]
    for b in range(1, B):
        for j in range(M):
            p[b, offsets[j]] = arriving[b - 1, j]
    for q in range(space.first.size):
        for j in range(M):
            value = 0.0
            for k in range(space.last.size):
                value += arriving[space.last[k], j] * bar_change[k, q]
            p[space.first[q], offsets[j]] = value


@kernel
def weigh(space: Space, likelihoods: Scores, offsets: Numbers, p: Scores) -> None:
    """Multiply the distribution by the likelihoods (C,) of the classes, and normalise it."""
    total = 0.0
    for b in range(p.shape[0]):
        for i in range(offsets.size):
            for run in range(space.classes.shape[1]):
                likelihood = likelihoods[space.classes[space.kinds[b], run]]
                for column in range(offsets[i] + space.bounds[i, run], offsets[i] + space.bounds[i, run + 1]):
                    p[b, column] *= likelihood
                    total += p[b, column]
    for b in range(p.shape[0]):
        for column in range(p.shape[1]):
            p[b, column] /= total


def warm() -> None:
    """Compile every kernel with the types that are used."""
    one, zeros = np.ones(1, np.int64), np.zeros(1, np.int64)
    space = Space(one, np.array([[0, 1]]), zeros[None], zeros, one, zeros, zeros, np.zeros((1, 1)), np.zeros((1, 1)))
    cumulative, fixed, ring = np.zeros((1, 3)), np.full(2, FREE, np.int16), np.zeros((1, 1, 1))
    tempi, bars, state = np.zeros((1, 1, 1), np.uint8), np.zeros((1, 1, 1), np.uint8), np.zeros(3, np.int64)
    restrict(space, fixed, 0, ring[0])
    forward(space, cumulative, fixed, ring, 1, 2, tempi, bars)
    finish(space, cumulative, fixed, ring, state)
    trace(space, 1, tempi, bars, state, np.zeros((2, 3), np.int64), 0)
    move(space, np.ones((1, 1)), np.ones((1, 1)), zeros, np.ones((1, 1)))
    weigh(space, np.ones(1), zeros, np.ones((1, 1)))
