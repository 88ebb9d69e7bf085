"""Likeness that spreads: two pieces are versions of each other, too, where both are versions of a third.

References
----------
.. [1] B. Wang, J. Jiang, W. Wang, Z.-H. Zhou, Z. Tu: Unsupervised metric fusion by cross diffusion. CVPR 2012.
.. [2] B. Wang et al.: Similarity network fusion for aggregating data types on a genomic scale. Nature Methods 11, 2014.
.. [3] N. Chen, W. Li, H. Xiao: Fusing similarity functions for cover song identification. Multimedia Tools and
   Applications 77, 2018.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError

_WIDTH = 0.5  # μ of the kernel, which the authors choose between 0.3 and 0.8
_LEAST = 1e-3  # score below which pieces have nothing in common


def diffused(scores: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Compare the neighbourhoods of pieces instead of the pieces.

    W = exp(-d² / (μ ε²)) for distances d = 1 / score and a scale ε that follows how far the nearest are (Wang et al.
    2014). S = I + the rows of W, kept for the nearest alone and scaled to sum 1; S W Sᵀ is one step of diffusion (Wang
    et al. 2012), here of a single network, scaled such that each piece has 1 with itself.

    Parameters
    ----------
    scores : ndarray, shape (K, K)
        Of all pairs, 0 to 1, symmetric.
    count : int
        Nearest pieces that make a neighbourhood.

    Returns
    -------
    ndarray, shape (K, K)
        0 to 1, symmetric, with 1 on the diagonal.

    Raises
    ------
    ParameterError
        A neighbourhood without pieces.
    """
    if count < 1:
        raise ParameterError(f"a neighbourhood holds at least one piece, not {count}")
    K = len(scores)
    count = min(count, K - 1)
    if count < 1:
        return np.ones((K, K), np.float32)
    W = _affinity(1 / np.maximum(scores.astype(np.float64), _LEAST), count)
    others = W - np.eye(K)
    nearest = np.argsort(-others, axis=1, kind="stable")[:, :count]
    kept = np.take_along_axis(others, nearest, axis=1)
    S = np.eye(K)
    np.put_along_axis(S, nearest, kept / np.maximum(kept.sum(axis=1, keepdims=True), 1e-300), axis=1)
    spread = S @ W @ S.T
    norm = np.sqrt(np.diag(spread))
    spread = spread / norm / norm[:, None]
    return np.clip((spread + spread.T) / 2, 0, 1).astype(np.float32)


def _affinity(distances: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return W, shape (K, K), with 1 on the diagonal; ε is the mean of three distances: to the nearest, and of both."""
    np.fill_diagonal(distances, 0)
    near = np.sort(distances, axis=1)[:, 1 : count + 1].mean(axis=1)
    scale = (near[:, None] + near + distances) / 3
    affinity: NDArray[np.float64] = np.exp(-np.square(distances / scale) / _WIDTH)
    return affinity
