"""Cutting a stream of samples into blocks: the one meaning of `AudioSource.blocks`."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError

CHUNK = 65536  # samples read at once when small blocks are asked for: fewer calls, and it stays in the cache


def chunk_size(size: int, overlap: int = 0) -> int:
    """Return how many samples to read at once, so that blocks of `size` are cut from them without copying."""
    if overlap:
        return max(size, CHUNK)
    return size * max(1, CHUNK // size)


def check_block(size: int, overlap: int) -> None:
    """Raise `ParameterError` unless 0 ≤ overlap < size."""
    if not 0 <= overlap < size:
        raise ParameterError(f"blocks of {size} samples cannot overlap by {overlap}")


def reblocked(
    chunks: Iterable[NDArray[np.float32]], size: int, overlap: int = 0, channels: int = 1
) -> Iterator[NDArray[np.float32]]:
    """Cut a stream of samples that comes in chunks of any length into blocks.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (m, channels)
        Of any length m, also 0.
    size : int
        Samples in a block; the last one may be shorter.
    overlap : int
        Samples that each block shares with the one before.
    channels : int
        Only needed for the shape of the one empty block of an empty stream.

    Yields
    ------
    ndarray, shape (n, channels), n ≤ size
        As `Audio.blocks` yields them: block k begins at sample k·(size − overlap), and the last one holds at least one
        sample that no block before it holds.
    """
    check_block(size, overlap)
    step = size - overlap
    held: list[NDArray[np.float32]] = []
    count = 0
    first = True
    for chunk in chunks:
        if not len(chunk):
            continue
        held.append(chunk)
        count += len(chunk)
        if count < size:
            continue
        data = held[0] if len(held) == 1 else np.concatenate(held)
        begin = 0
        while count - begin >= size:
            yield data[begin : begin + size]
            begin += step
            first = False
        held = [data[begin:]]
        count -= begin
    if first or count > overlap:
        yield np.concatenate(held) if held else np.zeros((0, channels), np.float32)
