"""Segments as they are read: views on the mapped file, whose pages are checked when they are touched, once."""

import contextlib
import mmap
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import FormatError
from mirtool.store.documents import PREFIX, Documents
from mirtool.store.layout import AGAIN, PAGE, Stored, read_description
from mirtool.store.ragged import inside

AHEAD = 16 * PAGE  # a range from this length on is read ahead
CHUNK = 1 << 20


class Mapping:
    """A file as it was when it was opened, in memory.

    Parameters
    ----------
    data : mmap
    file : str
        As messages call it.
    """

    def __init__(self, data: mmap.mmap, file: str) -> None:
        self.data, self.file = data, file
        self.bytes = memoryview(data)

    def damaged(self, what: str) -> FormatError:
        """Make an error."""
        return FormatError(f"a damaged index ({what}): {AGAIN}", self.file)

    def part(self, offset: int, length: int, what: str) -> memoryview:
        """Return some bytes of the file, which must be there."""
        if offset < 0 or offset + length > len(self.bytes):
            raise self.damaged(what)
        return self.bytes[offset : offset + length]

    def advise(self, option: int, offset: int, length: int) -> None:
        """Tell the system what these bytes are needed for."""
        start = offset // PAGE * PAGE
        self.data.madvise(option, start, min(offset + length, len(self.data)) - start)

    def close(self) -> None:
        """Let go of the file; while there are views on it, the last of them does."""
        with contextlib.suppress(BufferError):
            self.bytes.release()
            self.data.close()


class Segment:
    """A part of an index: named arrays and the documents that they belong to.

    Attributes
    ----------
    place : int
        Among the segments of the index.
    live : int
        How many of its documents are not removed.
    """

    def __init__(self, mapping: Mapping, place: int, record: Any) -> None:
        self._mapping, self.place, self._record = mapping, place, record
        self.live = int(record["live"])
        self._offset, self._size = int(record["offset"]), int(record["size"])
        pages = self._size // PAGE
        self._data = mapping.part(self._offset, self._size, self._label)
        sums = mapping.part(self._offset + self._size, 4 * pages, self._label)
        self._sums = np.frombuffer(sums, np.uint32)
        self._checked = np.zeros(pages, np.bool_)  # takes memory only where it is written to

    @property
    def size(self) -> int:
        """How much of the file its arrays take (bytes)."""
        return self._size

    @property
    def _label(self) -> str:
        return f"segment {self.place + 1}"

    def __len__(self) -> int:
        """Return the number of its documents, removed ones included."""
        return int(self._record["documents"])

    @cached_property
    def _stored(self) -> dict[str, Stored]:
        record = self._record
        offset = self._offset + self._size + 4 * len(self._sums)
        data = self._mapping.part(offset, int(record["description_length"]), self._label)
        try:
            return read_description(bytes(data), int(record["description_checksum"]), self._size)
        except (ValueError, TypeError, AttributeError):
            raise self._mapping.damaged(f"{self._label}, description") from None

    @cached_property
    def documents(self) -> Documents:
        """Its documents, removed ones included, and which of them are live."""
        count, offset = len(self), int(self._record["marks"])
        if not offset:
            return Documents(self, np.ones(count, np.bool_))
        data = self._mapping.part(offset, (count + 7) // 8, f"{self._label}, marks")
        if zlib.crc32(data) != int(self._record["marks_checksum"]):
            raise self._mapping.damaged(f"{self._label}, marks")
        live = np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(np.bool_)
        live.flags.writeable = False
        return Documents(self, live)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its arrays."""
        return tuple(name for name in self._stored if not name.startswith(PREFIX))

    def array(self, name: str) -> "CheckedArray":
        """Return an array of which ranges are to be read."""
        return CheckedArray(self, self._found(name))

    def whole(self, name: str) -> NDArray[Any]:
        """Return an array, all of it checked; a read-only view on the file."""
        array: NDArray[Any] = self.array(name)[:]
        return array

    def pieces(self, name: str, starts: ArrayLike, stops: ArrayLike) -> NDArray[Any]:
        """Return many ranges of an array, one after the other along axis 0, as a copy.

        Parameters
        ----------
        name : str
        starts, stops : array_like of int, shape (ranges,)
            Along axis 0; they may meet and overlap.
        """
        return self.array(name).pieces(starts, stops)

    def release(self) -> None:
        """Let go of the memory that reading took; views stay valid, and are read again from the disk."""
        self._mapping.advise(mmap.MADV_DONTNEED, self._offset, self._size)

    def check(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        """Check the pages that ranges of bytes lie on, none of them empty."""
        firsts, lasts = starts // PAGE, (stops - 1) // PAGE
        pages = firsts if np.array_equal(firsts, lasts) else inside(firsts, lasts + 1)
        pages = np.unique(pages[~self._checked[pages]])
        data = self._data
        for page, stored in zip(pages.tolist(), self._sums[pages].tolist(), strict=True):
            if zlib.crc32(data[page * PAGE : page * PAGE + PAGE]) != stored:
                raise self._mapping.damaged(f"{self._label}, page {page + 1}")
        self._checked[pages] = True

    def check_range(self, start: int, stop: int) -> None:
        """Check the pages that a range of bytes lies on."""
        if stop > start and not self._checked[start // PAGE : (stop - 1) // PAGE + 1].all():
            if stop - start >= AHEAD:
                self._mapping.advise(mmap.MADV_WILLNEED, self._offset + start, stop - start)
            self.check(np.array([start]), np.array([stop]))

    def _found(self, name: str) -> Stored:
        try:
            return self._stored[name]
        except KeyError:
            raise self._mapping.damaged(f"{self._label}: no array {name}") from None

    def verify(self, advance: Callable[[int], object]) -> None:
        """Check all of it, and let go of the memory that it took."""
        for start in range(0, self._size, CHUNK):
            stop = min(start + CHUNK, self._size)
            self._checked[start // PAGE : stop // PAGE] = False
            self.check(np.array([start]), np.array([stop]))
            self._mapping.advise(mmap.MADV_DONTNEED, self._offset + start, stop - start)
            advance(stop - start)
        if int(self.documents.live.sum()) != self.live or len(self.documents.sizes) != len(self):
            raise self._mapping.damaged(f"{self._label}, documents")

    def view(self, stored: Stored) -> NDArray[Any]:
        """Return an array that has not been checked."""
        if not stored.size:
            return np.zeros(stored.shape, stored.dtype)
        flat = np.frombuffer(self._data, stored.dtype, stored.size // stored.dtype.itemsize, stored.offset)
        return flat.reshape(stored.shape)


class CheckedArray:
    """An array of a segment, of which what is asked for is checked.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, segment: Segment, stored: Stored) -> None:
        self._segment, self._stored = segment, stored
        self._view = segment.view(stored)
        self.shape, self.dtype = stored.shape, stored.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice) -> Any:
        """Return an element, or a range with step 1 as a view; along axis 0."""
        offset, size = self._stored.offset, self._stored.row
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step != 1:
                raise IndexError("a range with a step")
            self._segment.check_range(offset + start * size, offset + max(start, stop) * size)
            return self._view[start:stop]
        row = range(len(self))[rows]
        self._segment.check_range(offset + row * size, offset + (row + 1) * size)
        return self._view[row]

    def pieces(self, starts: ArrayLike, stops: ArrayLike) -> NDArray[Any]:
        """Return many ranges, one after the other along axis 0, as a copy; they may meet and overlap."""
        firsts, lasts = np.asarray(starts, np.int64), np.asarray(stops, np.int64)
        if len(firsts) and (firsts.min() < 0 or lasts.max() > len(self) or (lasts < firsts).any()):
            raise IndexError("ranges outside of an array")
        filled = lasts > firsts
        offset, size = self._stored.offset, self._stored.row
        if size:
            self._segment.check(offset + firsts[filled] * size, offset + lasts[filled] * size)
        found: NDArray[Any] = self._view[inside(firsts, lasts)]
        return found

    def take(self, rows: ArrayLike) -> NDArray[Any]:
        """Return single elements along axis 0, as a copy."""
        numbers = np.asarray(rows, np.int64)
        return self.pieces(numbers, numbers + 1)
