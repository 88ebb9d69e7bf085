"""A recording while it is decoded: what all decoders share."""

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import check_block, chunk_size, reblocked
from mirtool.errors import DataError, FormatError, ParameterError
from mirtool.io.options import ReadOptions

Samples = NDArray[np.float32]


class Recording(ABC):
    """A recording being decoded: the `AudioSource` that the readers return. It closes its stream when it goes.

    Attributes
    ----------
    name : str
        As the user gave it.
    sample_rate, channels : int
    frames : int or None
        Length of the part that was asked for; None when only decoding will tell.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        layout: tuple[int, int],
        total: int | None,
        options: ReadOptions,
    ) -> None:
        weakref.finalize(self, stream.close)
        self._stream = stream
        self.name = name
        self.sample_rate, self.channels = layout
        start, duration = options.start or 0.0, options.duration
        if start < 0 or (duration is not None and duration <= 0):
            raise ParameterError(f"start {start:g} s must not be negative and duration must be positive")
        self._first = round(start * self.sample_rate)
        self._wanted = None if duration is None else max(1, round(duration * self.sample_rate))
        self.frames: int | None = None
        if total is not None:
            if total == 0:
                raise DataError(f"{name}: no samples")
            self._check_start(total)
            self.frames = total - self._first if self._wanted is None else min(self._wanted, total - self._first)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        """Yield blocks (n × channels); see `AudioSource`."""
        check_block(size, overlap)
        decoded = self._checked(self._decode(chunk_size(size, overlap)))
        return reblocked(decoded, size, overlap, self.channels)

    @abstractmethod
    def _decode(self, frames: int) -> Iterator[Samples]:
        """Yield the part that was asked for, in chunks of up to `frames` samples."""

    def _check_start(self, total: int) -> None:
        if 0 < total <= self._first:
            seconds = total / self.sample_rate
            raise DataError(
                f"{self.name}: start {self._first / self.sample_rate:g} s lies beyond the end ({seconds:.3f} s)"
            )

    def _checked(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Pass chunks on; refuse NaN and infinity, naming the time, and a recording without samples."""
        position = 0
        for chunk in chunks:
            # One sum is a quarter of the cost of looking at each sample; it may overflow, so a bad sum is looked into.
            with np.errstate(over="ignore", invalid="ignore"):
                suspicious = not np.isfinite(chunk.sum())
            if suspicious and not (finite := np.isfinite(chunk)).all():
                row, column = np.argwhere(~finite)[0]
                time = (self._first + position + int(row)) / self.sample_rate
                raise DataError(f"{self.name}: sample {chunk[row, column]} at {time:.6f} s (channel {column + 1})")
            position += len(chunk)
            yield chunk
        if position == 0:
            raise DataError(f"{self.name}: no samples")

    def _cut(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Cut the wanted part out of chunks that begin at the beginning."""
        position = 0
        stop = None if self._wanted is None else self._first + self._wanted
        for chunk in chunks:
            begin = max(self._first - position, 0)
            end = len(chunk) if stop is None else min(stop - position, len(chunk))
            position += len(chunk)
            if begin < end:
                yield chunk[begin:end]
            if stop is not None and position >= stop:
                return
        self._check_start(position)

    def _truncated(self, promised: int, there: int) -> FormatError:
        rate = self.sample_rate
        seconds = there * 1000 // rate / 1000
        part = seconds - self._first / rate
        remedy = f"; --duration {part:.3f} reads what is there" if part > 0 else ""
        return FormatError(
            f"truncated: the header promises {promised / rate:.3f} s, there are {there / rate:.3f} s{remedy}", self.name
        )

    def _needs(self, promised: int, there: int) -> bool:
        """Tell whether the part that was asked for is affected by the missing end."""
        return there < promised and (self._wanted is None or self._first + self._wanted > there)
