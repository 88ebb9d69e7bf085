"""Compiled loops of melody tracking: the best path through a salience."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def follow(
    likelihood: NDArray[np.float32],
    moves: NDArray[np.float64],
    jump: float,
    scores: NDArray[np.float64],
    sources: NDArray[np.int16],
) -> None:
    """Go on with the best paths by some frames (Viterbi).

    likelihood : (N × P) of each pitch, logarithmic; moves : (2 · reach + 1,) log-probability of a move by -reach …
    reach pitches; jump : that of a move to any other.
    scores : (P,) of the best path to each pitch, brought forward and kept so that the best is 0.
    sources : (N × P) result, the pitch that the best path to each comes from.
    """
    frames, pitches = likelihood.shape
    reach = len(moves) // 2
    before = np.empty_like(scores)
    for n in range(frames):
        top = 0
        for p in range(pitches):
            before[p] = scores[p]
            if scores[p] > scores[top]:
                top = p
        for p in range(pitches):
            best, source = before[top] + jump, top
            for q in range(max(p - reach, 0), min(p + reach + 1, pitches)):
                score = before[q] + moves[p - q + reach]
                if score > best:
                    best, source = score, q
            scores[p] = best + likelihood[n, p]
            sources[n, p] = source
        best = scores.max()
        for p in range(pitches):
            scores[p] -= best


@kernel
def trace(sources: NDArray[np.int16], last: int, path: NDArray[np.int64]) -> None:
    """Fill path (N,), which ends at pitch `last`, from the sources (N × P) of the best paths."""
    pitch = last
    for n in range(len(path) - 1, -1, -1):
        path[n] = pitch
        pitch = sources[n, pitch]


def warm() -> None:
    """Compile every kernel with the types that are used."""
    sources = np.empty((1, 1), np.int16)
    follow(np.zeros((1, 1), np.float32), np.zeros(1), -1.0, np.zeros(1), sources)
    trace(sources, 0, np.empty(1, np.int64))
