"""Correlations of long sounds, gathered block by block."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import AudioSource

_LENGTH = 1 << 14  # samples of a transform, at least: it stays in the cache

Matrix = NDArray[np.float64]


class Correlations:
    """Online sums Σ x(m) y(m + k) over all samples m, for lags k from 0 to L - 1; beyond its ends, sound is zero.

    Parameters
    ----------
    first : int
        The first so many channels take the part of x; all channels take that of y.
    channels : int
    lags : int
        L.
    """

    def __init__(self, first: int, channels: int, lags: int) -> None:
        self._first, self._lags = first, lags
        self._size = max(_LENGTH, 1 << int(np.ceil(np.log2(4 * lags))))
        self.block = self._size - 2 * (lags - 1)  # fresh samples a push
        self._spectra = np.zeros((first, channels, self._size // 2 + 1), np.complex128)

    def push(self, samples: Matrix, fresh: int) -> None:
        """Take the next `fresh` samples, followed by the L - 1 after them, as far as there are any (n × channels)."""
        Y = np.fft.rfft(samples.T, self._size)
        X = np.fft.rfft(samples[:fresh, : self._first].T, self._size)
        for spectra, x in zip(self._spectra, X, strict=True):
            spectra += np.conj(x) * Y

    def values(self) -> Matrix:
        """Return the sums so far, shape (first, channels, L)."""
        sums: Matrix = np.fft.irfft(self._spectra, self._size, axis=-1)[:, :, : self._lags]
        return sums


def together(
    sources: Sequence[AudioSource], names: Sequence[str], size: int, ahead: int
) -> Iterator[tuple[Matrix, int]]:
    """Read sounds side by side.

    Parameters
    ----------
    sources : sequence of AudioSource
    names : sequence of str
        What a message calls them.
    size : int
        Fresh samples at a time.
    ahead : int
        How many of those that follow are given along.

    Yields
    ------
    samples : ndarray, shape (n, channels of all)
    fresh : int
        The number of samples at the beginning that no earlier block began with.

    Raises
    ------
    DataError
        One ends before the others.
    """
    readers = [source.blocks(size + ahead, ahead) for source in sources]
    count = 0
    held: Matrix | None = None
    while True:
        blocks = [next(reader, None) for reader in readers]
        lengths = [0 if block is None else len(block) for block in blocks]
        for place, length in enumerate(lengths):
            if length != lengths[0]:
                short, long = sorted((0, place), key=lambda which: lengths[which])
                end = (count + lengths[short]) / sources[short].sample_rate
                raise DataError(f"{names[short]} ends at {end:.3f} s, before {names[long]}")
        if held is not None:
            yield held, len(held) if lengths[0] == 0 else size
        if lengths[0] == 0:
            return
        held = np.concatenate(blocks, axis=1, dtype=np.float64)  # type: ignore[arg-type]
        count += size
