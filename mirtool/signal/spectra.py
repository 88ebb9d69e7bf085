"""Sound of several channels to spectra and back, as streams."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.signal.stft import STFT, InverseSTFT
from mirtool.types import AudioSource

Samples = NDArray[np.float32]  # channels × n
Spectra = NDArray[np.complex64]  # n × channels × bins


class Chunks:
    """The samples of a source in chunks (channels × n); counts how many have been read.

    Attributes
    ----------
    samples : int
        Samples a channel, read until now.
    """

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self.samples = 0

    def __iter__(self) -> Iterator[Samples]:
        for block in self._source.blocks(CHUNK):
            self.samples += len(block)
            yield np.ascontiguousarray(block.T)


def transformed(chunks: Iterable[Samples], channels: int, window: NDArray[np.float32], hop: int) -> Iterator[Spectra]:
    """Transform sound that comes in chunks of any length.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (channels, any), float32
    channels : int
    window : ndarray, shape (N,)
    hop : int
        Samples.

    Yields
    ------
    ndarray, shape (n, channels, bins), complex64
        Consecutive frames as of `STFT`; one more than that, so that no sample lies at the edge of the last window.

    Raises
    ------
    DataError
        The samples are not finite.
    """
    states = [STFT(window, hop) for _ in range(channels)]
    is_empty = True
    for chunk in chunks:
        is_empty = is_empty and not chunk.size
        yield from _together([state.push(row) for state, row in zip(states, chunk, strict=True)])
    silence = np.zeros(0 if is_empty else hop, np.float32)
    yield from _together([[*state.push(silence), *state.flush()] for state in states])


def inverted(batches: Iterable[Spectra], window: NDArray[np.float32], hop: int, chunks: Chunks) -> Iterator[Samples]:
    """Turn the spectra that `transformed` gives, perhaps changed, back into sound.

    Parameters
    ----------
    batches : iterable of ndarray, shape (n, channels, bins)
    window, hop
        As for `transformed`.
    chunks : Chunks
        What went into the spectra: the sound gets its length.

    Yields
    ------
    ndarray, shape (channels, n), float32
    """
    inverse, done = InverseSTFT(window, hop), 0
    for batch in batches:
        samples = inverse.push(batch.swapaxes(0, 1))[:, : chunks.samples - done]
        done += samples.shape[1]
        yield samples
    if done < chunks.samples:
        yield inverse.flush(chunks.samples)


def _together(channels: list[list[NDArray[np.complex64]]]) -> Iterator[Spectra]:
    """Yield batches of all channels together."""
    for batch in zip(*channels, strict=True):
        yield np.stack(batch, axis=1)
