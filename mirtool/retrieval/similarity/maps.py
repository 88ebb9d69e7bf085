"""A map of pieces, on which those that are alike lie side by side."""

import numpy as np
from numpy.typing import NDArray


def scaled(dissimilarity: NDArray[np.float64], dimensions: int = 2) -> NDArray[np.float64]:
    """Place N pieces such that their distances are about as given: classical multidimensional scaling.

    Torgerson, "Multidimensional scaling: I. Theory and method", Psychometrika 17(4), 1952: the coordinates are the
    leading eigenvectors of -½ J D² J, J taking the mean away, each times the root of its eigenvalue.

    Parameters
    ----------
    dissimilarity : ndarray, shape (N, N)
        Symmetric, 0 on the diagonal.
    dimensions : int

    Returns
    -------
    ndarray, shape (N, dimensions)
        The largest coordinate of each dimension is positive.
    """
    N = len(dissimilarity)
    squares = dissimilarity**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-0.5 * centred)
    kept = min(dimensions, N)
    axes = vectors[:, ::-1][:, :kept] * np.sqrt(np.maximum(values[::-1][:kept], 0))
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(kept)]
    places: NDArray[np.float64] = np.zeros((N, dimensions))
    places[:, :kept] = axes * np.where(largest < 0, -1, 1)
    return places
