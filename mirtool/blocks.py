"""Cutting streams: samples into blocks, which is the one meaning of `AudioSource.blocks`, and frames into sections."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, eq=False)
class Section:
    """A stretch of frames with what it depends on.

    Attributes
    ----------
    frames : ndarray, shape (n, …)
        Its frames, and those around them.
    first : int
        Number of the first of them.
    inner : slice
        Those that the section is about.
    """

    frames: NDArray[Any]
    first: int
    inner: slice


def sections(batches: Iterable[NDArray[Any]], size: int, context: int) -> Iterator[Section]:
    """Cut frames that come in batches (n × …) into sections of `size`, with `context` frames around each."""
    held: list[NDArray[Any]] = []
    first = begin = 0  # the first frame that is held, and that of the next section
    stop = 0

    def section(end: int) -> Section:
        held[:] = [np.concatenate(held)[max(begin - context - first, 0) :]]
        here = max(begin - context, first)
        return Section(held[0][: end + context - here], here, slice(begin - here, end - here))

    for batch in batches:
        held.append(batch)
        stop += len(batch)
        while stop >= begin + size + context:
            made = section(begin + size)
            yield made
            first, begin = made.first, begin + size
    while begin < stop:
        made = section(min(begin + size, stop))
        yield made
        first, begin = made.first, begin + size
