"""How far pieces are apart in timbre, rhythm and harmony: all pairs of two sets by matrix products."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.retrieval.character import Characters

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Normal distributions, laid out such that divergences are matrix products.

    Parameters
    ----------
    precision : ndarray, shape (N, d²)
        P = Σ⁻¹.
    moment : ndarray, shape (N, d²)
        M = Σ + μμᵀ.
    mean, pulled : ndarray, shape (N, d)
        μ, and Pμ.
    energy : ndarray, shape (N,)
        μᵀPμ.
    """

    precision: Matrix
    moment: Matrix
    mean: Matrix
    pulled: Matrix
    energy: Matrix

    @staticmethod
    def of(mean: NDArray[np.float32], covariance: NDArray[np.float32]) -> "Gaussians":
        """Make N distributions of their means (N × d) and covariances (N × d × d)."""
        mu, sigma = mean.astype(np.float64), covariance.astype(np.float64)
        P: Matrix = np.linalg.inv(sigma).astype(np.float64, copy=False)
        pulled = np.einsum("nij,nj->ni", P, mu)
        M = sigma + mu[:, :, None] * mu[:, None, :]
        shape = (len(mu), mu.shape[1] ** 2)
        return Gaussians(P.reshape(shape), M.reshape(shape), mu, pulled, (pulled * mu).sum(axis=1))


def divergences(a: Gaussians, b: Gaussians) -> Matrix:
    """Return the symmetrised Kullback-Leibler divergences of all pairs, shape (N, M).

    KL(a‖b) + KL(b‖a) = ½ [tr(P_a Σ_b) + tr(P_b Σ_a) + (μ_a - μ_b)ᵀ (P_a + P_b) (μ_a - μ_b)] - d
    (Mandel and Ellis, ISMIR 2005). With M = Σ + μμᵀ, tr(P_a Σ_b) + μ_bᵀ P_a μ_b is an inner product ⟨P_a, M_b⟩, and so
    is every term of it.
    """
    crossed = a.precision @ b.moment.T + a.moment @ b.precision.T
    crossed -= 2 * (a.pulled @ b.mean.T + a.mean @ b.pulled.T)
    crossed += a.energy[:, None] + b.energy
    found: Matrix = np.maximum(0.5 * crossed - a.mean.shape[1], 0)
    return found


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
        return np.log1p(divergences(Gaussians.of(a.mean, a.covariance), Gaussians.of(b.mean, b.covariance)))
    return euclidean(getattr(a, aspect), getattr(b, aspect))
