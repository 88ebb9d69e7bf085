"""Timbre of a piece: mean and covariance of its cepstra."""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.features.frames import Frames

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
