"""Compiled choice among matches that overlap."""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def apart(partners: NDArray[np.int32], count: int, overlap: bool) -> NDArray[np.bool_]:
    """Keep each match that shares no note with one kept before it; with `overlap`, each that has a note of its own.

    Parameters
    ----------
    partners : ndarray, shape (C, M), int32
        Notes of the piece, -1 for none; the best match first.
    count : int
        Notes in the piece.
    overlap : bool

    Returns
    -------
    ndarray, shape (C,), bool
    """
    taken = np.zeros(count, dtype=np.bool_)
    kept = np.zeros(len(partners), dtype=np.bool_)
    for c in range(len(partners)):
        shared, own = False, False
        for k in partners[c]:
            if k >= 0:
                if taken[k]:
                    shared = True
                else:
                    own = True
        kept[c] = own if overlap else not shared
        if kept[c]:
            for k in partners[c]:
                if k >= 0:
                    taken[k] = True
    return kept


def warm() -> None:
    """Compile all kernels."""
    apart(np.zeros((1, 1), dtype=np.int32), 1, False)
