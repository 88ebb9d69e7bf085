"""How far pieces are apart in timbre, rhythm and harmony: all pairs of two sets by matrix products."""

import numpy as np
from numpy.typing import NDArray

from mirtool.retrieval.similarity.character import Characters
from mirtool.retrieval.similarity.timbre import Matrix, divergences


def euclidean(a: NDArray[np.float32], b: NDArray[np.float32]) -> Matrix:
    """Return the Euclidean distances of all pairs of rows, shape (N, M)."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * (x @ y.T)
    found: Matrix = np.sqrt(np.maximum(squares, 0))
    return found


def distances(a: Characters, b: Characters, aspect: str) -> Matrix:
    """Return the distances of all pairs in one aspect, shape (N, M).

    Timbre: ln(1 + divergence), which grows slowly where one distribution is far narrower than the other (Pampalk 2006,
    Section 2.2.3, rescales for the same reason). Rhythm, harmony: Euclidean.
    """
    if aspect == "timbre":
        return np.log1p(divergences(a.gaussians, b.gaussians))
    return euclidean(getattr(a, aspect), getattr(b, aspect))
