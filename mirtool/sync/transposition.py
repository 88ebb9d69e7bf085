"""By how many semitones one version lies above the other."""

import numpy as np

from mirtool.features.sync import KIND
from mirtool.sync.dtw import dtw
from mirtool.sync.streams import PooledSide, Side, bias, embedded, side
from mirtool.types import Features

_CELLS = 400_000  # of the matrices that are tried out
_CHROMA = {"chroma": 1.0}
_PITCH = {"chroma": 1.0, "pitch": 1.0}


def find_transposition(a: Features, b: Features) -> int:
    """Return the transposition from a to b whose alignment costs least, -6 to 11 semitones.

    The twelve cyclic shifts of the chroma are tried out (FMP, Section 3.1.2.3) in an alignment with few cells; where
    the best is no unison, the same shift an octave away competes with it by the pitches.

    Parameters
    ----------
    a, b : Features
        Kind ``sync``, or chroma (12 rows); for any other kind the answer is 0.
    """
    if a.kind != KIND and not (a.data.shape[0] == 12 and "chroma" in a.dims):
        return 0
    factor = max(1, int(np.ceil(np.sqrt(a.frames * b.frames / _CELLS))))
    reference, other = (PooledSide(side(features, 0, _CHROMA), factor) for features in (a, b))
    costs = {shift: _cost(reference, other, -shift) for shift in range(-6, 6)}
    best = min(costs, key=lambda shift: (costs[shift], abs(shift)))
    if best == 0 or a.kind != KIND:
        return best
    reference = PooledSide(side(a, 0, _PITCH), factor)
    octave = best - 12 if best > 0 else best + 12
    rivals = {shift: _cost(reference, PooledSide(side(b, -shift, _PITCH), factor)) for shift in (best, octave)}
    return min(rivals, key=lambda shift: (rivals[shift], abs(shift)))


def _cost(a: Side, b: Side, roll: int = 0) -> float:
    """Return the mean cost of the best path; the rows of b are moved round by `roll`."""
    X = embedded(a.streams(0, a.frames), a.weights, left=True)
    moved = {name: np.roll(frames, roll, axis=1) for name, frames in b.streams(0, b.frames).items()}
    path, cost = dtw(X, embedded(moved, b.weights, left=False), bias=bias(a.weights))
    return cost / len(path)
