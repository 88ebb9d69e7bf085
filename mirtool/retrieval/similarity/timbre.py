"""Timbre of a piece: mean and covariance of its cepstra, and how far the timbres of pieces are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.features.frames import Frames

Matrix = NDArray[np.float64]

FLOOR = 1e-6  # of the level nearby: what is 60 dB below it no longer counts
# What no two cepstra differ by less than, in nepers: keeps the covariance of a single held sound invertible.
SPREAD = 0.05


def cosine_basis(count: int, size: int) -> NDArray[np.float32]:
    """Return the first `count` functions of the orthonormal cosine transform (DCT-II) as columns (size × count)."""
    phase = np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count))
    basis = np.cos(phase) * np.where(np.arange(count) == 0, np.sqrt(1 / size), np.sqrt(2 / size))
    return basis.astype(np.float32)


class TimbreState:
    """Online mean and covariance of the cepstra of log-mel spectra: one normal distribution a piece.

    The cepstra are the cosine transform of the logarithmic bands without its first coefficient, so that timbre does
    not tell loudness; the order of the frames is not kept (Mandel and Ellis, "Song-level features and support vector
    machines for music classification", ISMIR 2005; Pampalk, "Computational models of music similarity", thesis, TU
    Wien 2006, Section 2.2.3: G1).

    Parameters
    ----------
    bands : int
    count : int
        Coefficients d.
    """

    def __init__(self, bands: int, count: int) -> None:
        self._basis = cosine_basis(count + 1, bands)[:, 1:]
        self._count = 0
        self._sum: NDArray[np.float64] = np.zeros(count)
        self._products: NDArray[np.float64] = np.zeros((count, count))

    def push(self, shares: Frames) -> None:
        """Take energies of bands, relative to the level nearby (n × bands)."""
        cepstra = (np.log(shares + np.float32(FLOOR)) @ self._basis).astype(np.float64)
        self._count += len(cepstra)
        self._sum += cepstra.sum(axis=0)
        self._products += cepstra.T @ cepstra

    def statistics(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean (d,) and the covariance (d × d).

        Raises
        ------
        DataError
            Nothing was heard.
        """
        if not self._count:
            raise DataError("nothing but silence: nothing to compare")
        mean = self._sum / self._count
        covariance = self._products / self._count - np.outer(mean, mean)
        covariance[np.diag_indices_from(covariance)] += SPREAD**2
        return mean.astype(np.float32), covariance.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Normal distributions, laid out such that divergences are matrix products.

    Parameters
    ----------
    precision : ndarray, shape (N, d (d + 1) / 2)
        Upper triangles of P = Σ⁻¹, what is above the diagonal doubled.
    moment : ndarray, shape (N, d (d + 1) / 2)
        Upper triangles of M = Σ + μμᵀ.
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
        M = sigma + mu[:, :, None] * mu[:, None, :]
        row, column = np.triu_indices(mu.shape[1])
        pulled = np.einsum("nij,nj->ni", P, mu)
        doubled = P[:, row, column] * np.where(row == column, 1, 2)
        return Gaussians(doubled, M[:, row, column], mu, pulled, (pulled * mu).sum(axis=1))


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
