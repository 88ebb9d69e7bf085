"""Several readers of one stream."""

import io
import os
from typing import Any, BinaryIO


class View(io.RawIOBase):
    """A seekable stream with a position of its own, so that several readers of one stream do not disturb each other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._base, self._position = stream, 0

    def size(self) -> int:
        """Return the length in bytes."""
        return self._base.seek(0, os.SEEK_END)

    def at(self, position: int, count: int) -> bytes:
        """Read up to `count` bytes from a position."""
        self._base.seek(position)
        return self._base.read(count)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = max(offset + (self.size() if origin is None else origin), 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        data = self.at(self._position, self.size() - self._position if size < 0 else size)
        self._position += len(data)
        return data


class Guarded:
    """A stream for libsndfile, which cannot pass an exception on: it is kept, and raised by `check`."""

    def __init__(self, stream: BinaryIO | View) -> None:
        self._base = stream
        self._begin = stream.tell()
        self._problem: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._base.seek(offset + (self._begin if whence == os.SEEK_SET else 0), whence) - self._begin

    def tell(self) -> int:
        return self._base.tell() - self._begin

    def read(self, size: int) -> bytes:
        try:
            return self._base.read(size) or b""
        except OSError as problem:
            self._problem = problem
            return b""

    def write(self, data: bytes) -> int:
        if self._problem is None:
            try:
                return self._base.write(data) or 0
            except OSError as problem:
                self._problem = problem
        return len(data)

    def check(self) -> None:
        """Raise what went wrong since."""
        if self._problem is not None:
            raise self._problem
