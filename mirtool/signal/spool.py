"""Sound that waits in a temporary file."""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Self

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Spool:
    """Samples that are written one after the other, then read, and added to, at any place; a context manager.

    Parameters
    ----------
    channels : int

    Attributes
    ----------
    frames : int
        Samples that it holds.
    """

    def __init__(self, channels: int) -> None:
        self.channels, self.frames = channels, 0
        self._file = TemporaryFile()  # noqa: SIM115 - closed on leaving the context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, block: Samples) -> None:
        """Append samples (n × channels); silence takes no room in the file."""
        begin, self.frames = self.frames, self.frames + len(block)
        if block.any():
            self._put(begin, block)

    def add(self, begin: int, block: Samples) -> None:
        """Add samples (n × channels) to those from `begin` on; what lies outside is left out."""
        first, last = max(begin, 0), min(begin + len(block), self.frames)
        if last > first and block.any():
            self._put(first, self.read(first, last - first) + block[first - begin : last - begin])

    def read(self, begin: int, count: int) -> Samples:
        """Return samples (count × channels) from `begin` on; there is silence outside."""
        found = np.zeros((count, self.channels), np.float32)
        first, last = max(begin, 0), min(begin + count, self.frames)
        if last > first:
            self._file.seek(first * self._frame_bytes)
            data = np.frombuffer(self._file.read((last - first) * self._frame_bytes), np.float32)
            found[first - begin :].reshape(-1)[: len(data)] = data
        return found

    def blocks(self, size: int) -> Iterator[Samples]:
        """Yield all samples in blocks."""
        for begin in range(0, self.frames, size):
            yield self.read(begin, min(size, self.frames - begin))

    def _put(self, begin: int, block: Samples) -> None:
        self._file.seek(begin * self._frame_bytes)
        self._file.write(np.ascontiguousarray(block, dtype=np.float32).tobytes())

    @property
    def _frame_bytes(self) -> int:
        return 4 * self.channels
