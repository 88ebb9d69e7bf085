"""The β-divergence as its update rules need it (Févotte and Idier, Neural Computation 2011).

Everything is said of a block of n frames, frames first: V (n × K), activations H (n × R), templates W (R × K), Λ = H W.
V is multiplied by a scale, and a floor is added to V and Λ: the model has a faint constant component, so that no
quotient is infinite where a constrained factorisation explains nothing, and updates still never raise the cost.

A derivative of the cost is the difference of two nonnegative terms, positive - negative. By H they are
Λ^(β-1) Wᵀ and (V Λ^(β-2)) Wᵀ, by W they are Hᵀ Λ^(β-1) and Hᵀ (V Λ^(β-2)).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization._nmf_kernels import beta_quotients, is_quotients, kl_quotient, kl_quotient_cost

Matrix = NDArray[np.float32]

FLOOR = np.float32(1e-10)  # of a V whose mean is about 1
_TINY = np.float32(1e-20)  # keeps the division by the positive term of a dead component finite
_LARGEST = np.float32(1e10)  # any factor between 1 and the root lowers the majorant, too


class Scratch:
    """Memory of one thread, for blocks of at most `frames` frames.

    Parameters
    ----------
    frames, bins, rank : int
    """

    def __init__(self, frames: int, bins: int, rank: int) -> None:
        self.L: Matrix = np.empty((frames, bins), np.float32)
        self.P: Matrix = np.empty((frames, bins), np.float32)
        self.W: Matrix = np.empty((rank, bins), np.float32)


class Divergence(Protocol):
    """What updates need of a divergence.

    Attributes
    ----------
    beta : float
    offset : float
        What the cost of all blocks lacks.
    """

    beta: float
    offset: float

    def prepared(self, W: Matrix) -> Matrix:
        """Return what all blocks need of W."""

    def by_activations(
        self, V: Matrix, H: Matrix, W: Matrix, prepared: Matrix, scratch: Scratch
    ) -> tuple[Matrix, Matrix, float]:
        """Return the negative and the positive term by H (the latter broadcasts to n × R), and the cost."""

    def by_templates(self, V: Matrix, H: Matrix, W: Matrix, scratch: Scratch) -> tuple[Matrix, Matrix]:
        """Return the negative term by W, which lies in the scratch, and what `positive` makes the other one of."""

    def positive(self, total: Matrix, W: Matrix) -> Matrix:
        """Return the positive term by W, which broadcasts to R × K, of the sum over all blocks."""


class Euclidean:
    """β = 2, half the squared error: Gram matrices stand for Λ, which is not needed.

    Parameters
    ----------
    scale : float32
    energy : float
        Of the whole V, scaled: its squared Frobenius norm.
    """

    beta = 2.0

    def __init__(self, scale: np.float32, energy: float) -> None:
        self._scale = scale
        self.offset = energy / 2

    def prepared(self, W: Matrix) -> Matrix:
        return W @ W.T

    def by_activations(
        self, V: Matrix, H: Matrix, W: Matrix, prepared: Matrix, scratch: Scratch
    ) -> tuple[Matrix, Matrix, float]:
        negative: Matrix = V @ (W * self._scale).T
        positive: Matrix = H @ prepared
        return negative, positive, float(((positive / 2 - negative) * H).sum(dtype=np.float64))

    def by_templates(self, V: Matrix, H: Matrix, W: Matrix, scratch: Scratch) -> tuple[Matrix, Matrix]:
        np.matmul((H * self._scale).T, V, out=scratch.W)
        return scratch.W, H.T @ H

    def positive(self, total: Matrix, W: Matrix) -> Matrix:
        return total @ W


class KullbackLeibler:
    """β = 1, the generalised Kullback-Leibler divergence: Λ^(β-1) is 1, and its products are sums."""

    beta = 1.0
    offset = 0.0

    def __init__(self, scale: np.float32) -> None:
        self._scale = scale

    def prepared(self, W: Matrix) -> Matrix:
        sums: Matrix = W.sum(axis=1)
        return sums

    def by_activations(
        self, V: Matrix, H: Matrix, W: Matrix, prepared: Matrix, scratch: Scratch
    ) -> tuple[Matrix, Matrix, float]:
        L = np.matmul(H, W, out=scratch.L[: len(V)])
        cost = kl_quotient_cost(V, L, self._scale, FLOOR)
        return L @ W.T, prepared, cost

    def by_templates(self, V: Matrix, H: Matrix, W: Matrix, scratch: Scratch) -> tuple[Matrix, Matrix]:
        L = np.matmul(H, W, out=scratch.L[: len(V)])
        kl_quotient(V, L, self._scale, FLOOR)
        sums: Matrix = H.sum(axis=0)[:, None]
        return np.matmul(H.T, L, out=scratch.W), sums

    def positive(self, total: Matrix, W: Matrix) -> Matrix:
        return total


class AnyBeta:
    """Any β; β = 0 is the divergence of Itakura and Saito."""

    offset = 0.0

    def __init__(self, beta: float, scale: np.float32) -> None:
        self.beta = beta
        self._scale = scale

    def prepared(self, W: Matrix) -> Matrix:
        return W

    def by_activations(
        self, V: Matrix, H: Matrix, W: Matrix, prepared: Matrix, scratch: Scratch
    ) -> tuple[Matrix, Matrix, float]:
        Q, P, cost = self._quotients(V, H, W, scratch)
        return Q @ W.T, P @ W.T, cost

    def by_templates(self, V: Matrix, H: Matrix, W: Matrix, scratch: Scratch) -> tuple[Matrix, Matrix]:
        Q, P, _ = self._quotients(V, H, W, scratch)
        return np.matmul(H.T, Q, out=scratch.W), H.T @ P

    def positive(self, total: Matrix, W: Matrix) -> Matrix:
        return total

    def _quotients(self, V: Matrix, H: Matrix, W: Matrix, scratch: Scratch) -> tuple[Matrix, Matrix, float]:
        """Return V Λ^(β-2), Λ^(β-1) and the cost."""
        L, P = np.matmul(H, W, out=scratch.L[: len(V)]), scratch.P[: len(V)]
        if self.beta == 0:
            return L, P, is_quotients(V, L, P, self._scale, FLOOR)
        return L, P, beta_quotients(V, L, P, self._scale, FLOOR, np.float32(self.beta))


def divergence(beta: float, scale: np.float32, V: Matrix) -> Divergence:
    """Return the divergence for β between spectra V (N × K) times the scale and their model."""
    if beta == 2:
        return Euclidean(scale, sum(float(np.square(frame * scale).sum()) for frame in V))
    if beta == 1:
        return KullbackLeibler(scale)
    return AnyBeta(beta, scale)


def multiplier(
    beta: float,
    negative: Matrix,
    positive: Matrix,
    curvature: Matrix | None = None,
    pull: Matrix | None = None,
) -> Matrix:
    """Return the factor x by which a coefficient h is multiplied so that the penalised cost does not rise.

    The cost as a function of x is majorised by the separable function of Févotte and Idier (Section 4), whose
    derivative is (-negative x^(β-2) + positive x^(β-1)) h for β between 1 and 2; a penalty adds
    (curvature x - pull) h. Where that has no closed root, single terms are majorised once more by such powers of x
    that it has one.

    Parameters
    ----------
    beta : float
    negative, positive : ndarray, float32
        Terms of the derivative at x = 1; weights of a linear penalty stand in the positive one.
    curvature, pull : ndarray, float32, optional
        Of a quadratic penalty.

    Returns
    -------
    ndarray, float32
    """
    if curvature is None:
        quotient: Matrix = negative / (positive + _TINY)
        exponent = 1 / (2 - beta) if beta < 1 else 1.0 if beta <= 2 else 1 / (beta - 1)
    elif beta == 1:
        slope = positive if pull is None else positive - pull
        root = np.sqrt(slope * slope + 4 * curvature * negative)
        # The root of curvature x² + slope x - negative, by the formula that does not cancel.
        rising = slope >= 0
        over = np.where(rising, 2 * negative, root - slope)
        return np.minimum(over / (np.where(rising, slope + root, 2 * curvature) + _TINY), _LARGEST)
    else:
        quotient = (negative if pull is None else negative + pull) / (positive + curvature + _TINY)
        exponent = 1 / (3 - beta) if beta < 2 else 1 / (beta - 1)
    return np.minimum(quotient if exponent == 1 else quotient ** np.float32(exponent), _LARGEST)
