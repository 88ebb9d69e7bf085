"""Cut a recording into slices that are read one after the other, in one pass."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import ParameterError
from mirtool.types import AudioSource

Samples = NDArray[np.float32]


def slices(source: AudioSource, begins: Sequence[int]) -> Iterator[AudioSource]:
    """Yield the stretches of a sound from each beginning to the next, the last one to the end.

    Parameters
    ----------
    source : AudioSource
    begins : sequence of int
        Samples, strictly increasing, not negative.

    Yields
    ------
    AudioSource
        To be read once, before the next is asked for: no more than a block of the sound is in memory.

    Raises
    ------
    ParameterError
        The beginnings do not increase.
    """
    if any(b >= e for b, e in zip((-1, *begins), begins, strict=False)):
        raise ParameterError("slices begin one after the other")
    reader = _Reader(source)
    for begin, end in zip(begins, (*begins[1:], None), strict=False):
        reader.skip(begin)
        stretch = _Slice(reader, source, begin, end)
        yield stretch
        reader.skip(end)


class _Reader:
    """Reads a sound forwards, as many samples as are asked for."""

    def __init__(self, source: AudioSource) -> None:
        self._blocks = source.blocks(CHUNK)
        self._rest: Samples = np.zeros((0, source.channels), np.float32)
        self._place = 0

    def until(self, end: int | None) -> Iterator[Samples]:
        """Yield what lies before sample `end`, or all that is left."""
        while end is None or self._place < end:
            if not len(self._rest):
                block = next(self._blocks, None)
                if block is None:
                    return
                self._rest = block
            count = len(self._rest) if end is None else min(len(self._rest), end - self._place)
            piece, self._rest = self._rest[:count], self._rest[count:]
            self._place += count
            if count:
                yield piece

    def skip(self, end: int | None) -> None:
        """Go on to sample `end`."""
        if end is not None:
            for _ in self.until(end):
                pass


class _Slice:
    """A stretch of a sound that is being read."""

    def __init__(self, reader: _Reader, source: AudioSource, begin: int, end: int | None) -> None:
        self._reader, self._end = reader, end
        self.sample_rate, self.channels = source.sample_rate, source.channels
        last = source.frames if end is None else end
        self.frames = None if last is None else max(last - begin, 0)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        return reblocked(self._reader.until(self._end), size, overlap, self.channels)
