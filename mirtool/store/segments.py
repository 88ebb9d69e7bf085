"""Segments as they are read: what is asked for is checked when it is touched, page by page, once.

What is long is a view on the mapped file. What is short is read and copied: the system maps 16 pages for each that is
touched, and thousands of scattered touches would count as the memory of a large part of the file.
"""

import contextlib
import mmap
import os
import zlib
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import FormatError
from mirtool.store.documents import PREFIX, Documents
from mirtool.store.layout import AGAIN, PAGE, Stored, read_description
from mirtool.store.ragged import inside

LONG = 16 * PAGE  # bytes from which on a range is a view on the mapped file
CHUNK = 1 << 20


class Mapping:
    """A file as it was when it was opened, in memory.

    Parameters
    ----------
    descriptor : int
        Of the file, which is closed with this.
    length : int
        Of what is valid.
    file : str
        As messages call it.
    """

    def __init__(self, descriptor: int, length: int, file: str) -> None:
        self._descriptor, self.file = descriptor, file
        self.data = mmap.mmap(descriptor, length, prot=mmap.PROT_READ)
        self.data.madvise(mmap.MADV_RANDOM)  # what is long says so when it is read
        self.bytes = memoryview(self.data)

    def damaged(self, what: str) -> FormatError:
        """Make an error."""
        return FormatError(f"a damaged index ({what}): {AGAIN}", self.file)

    def part(self, offset: int, length: int, what: str) -> memoryview:
        """Return some bytes of the file, which must be there."""
        if offset < 0 or offset + length > len(self.bytes):
            raise self.damaged(what)
        return self.bytes[offset : offset + length]

    def read(self, target: memoryview, offset: int) -> None:
        """Read bytes of the file to fill `target`."""
        while target:
            count = os.preadv(self._descriptor, [target], offset)
            if not count:
                raise self.damaged("truncated while it was read")
            target, offset = target[count:], offset + count

    def advise(self, option: int, offset: int, length: int) -> None:
        """Tell the system what these bytes are needed for."""
        start = offset // PAGE * PAGE
        self.data.madvise(option, start, min(offset + length, len(self.data)) - start)

    def close(self) -> None:
        """Let go of the file; while there are views on it, the last of them does."""
        os.close(self._descriptor)
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
        """Return an array, all of it checked and read-only; a view on the file where it is long."""
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

    def fetch(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Read the pages that ranges of bytes lie on, none of them empty, and check them.

        Returns
        -------
        pages : ndarray of uint8
            One after the other, each once.
        places : ndarray of int64, shape (ranges,)
            Where in them each range begins; it goes on there without a gap.
        """
        firsts, lasts = starts // PAGE, (stops - 1) // PAGE
        pages = np.unique(firsts if np.array_equal(firsts, lasts) else inside(firsts, lasts + 1))
        data = np.empty(len(pages) * PAGE, np.uint8)
        view = data.data
        breaks = np.flatnonzero(np.diff(pages) != 1) + 1
        for begin, end in pairwise([0, *breaks.tolist(), len(pages)]):
            self._mapping.read(view[begin * PAGE : end * PAGE], self._offset + int(pages[begin]) * PAGE)
        new = np.flatnonzero(~self._checked[pages])
        self._compare(pages[new], view, new)
        return data, np.searchsorted(pages, firsts) * PAGE + starts % PAGE

    def copied(self, start: int, stop: int) -> memoryview:
        """Read a short range of bytes and check the pages that it lies on."""
        first, last = start // PAGE, (stop - 1) // PAGE + 1
        new = not self._checked[first:last].all()
        begin, end = (first * PAGE, last * PAGE) if new else (start, stop)
        data = memoryview(bytearray(end - begin))
        self._mapping.read(data, self._offset + begin)
        if new:
            self._compare(np.arange(first, last), data, np.arange(last - first))
        return data.toreadonly()[start - begin : stop - begin]

    def check(self, start: int, stop: int) -> None:
        """Check the pages that a range of bytes lies on in the mapped file."""
        first, last = start // PAGE, (stop - 1) // PAGE + 1
        new = np.flatnonzero(~self._checked[first:last]) + first
        if len(new):
            self._mapping.advise(mmap.MADV_WILLNEED, self._offset + start, stop - start)
            self._compare(new, self._data, new)

    def _compare(self, pages: NDArray[np.int64], data: memoryview, places: NDArray[np.int64]) -> None:
        """Compare pages, which stand in `data` at `places`, with their checksums."""
        for page, place, stored in zip(pages.tolist(), places.tolist(), self._sums[pages].tolist(), strict=True):
            if zlib.crc32(data[place * PAGE : place * PAGE + PAGE]) != stored:
                raise self._mapping.damaged(f"{self._label}, page {page + 1}")
        self._checked[pages] = True

    def _found(self, name: str) -> Stored:
        try:
            return self._stored[name]
        except KeyError:
            raise self._mapping.damaged(f"{self._label}: no array {name}") from None

    def verify(self, advance: Callable[[int], object]) -> None:
        """Check all of it, and let go of the memory that it took."""
        self._checked[:] = False
        for start in range(0, self._size, CHUNK):
            stop = min(start + CHUNK, self._size)
            self.fetch(np.array([start]), np.array([stop]))
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
        """Return an element, or a range with step 1, along axis 0; read-only."""
        if not isinstance(rows, slice):
            row = range(len(self))[rows]
            return self[row : row + 1][0]
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise IndexError("a range with a step")
        begin, size = self._stored.offset + start * self._stored.row, (stop - start) * self._stored.row
        if size <= 0:
            return self._view[start:start]
        if size < LONG:
            data = self._segment.copied(begin, begin + size)
            return np.frombuffer(data, self.dtype).reshape(stop - start, *self.shape[1:])
        self._segment.check(begin, begin + size)
        return self._view[start:stop]

    def pieces(self, starts: ArrayLike, stops: ArrayLike) -> NDArray[Any]:
        """Return many ranges, one after the other along axis 0, as a copy; they may meet and overlap."""
        firsts, lasts = np.asarray(starts, np.int64), np.asarray(stops, np.int64)
        if len(firsts) and (firsts.min() < 0 or lasts.max() > len(self) or (lasts < firsts).any()):
            raise IndexError("ranges outside of an array")
        stored = self._stored
        filled = lasts > firsts
        firsts, lasts = firsts[filled], lasts[filled]
        if not len(firsts) or not stored.row:
            return np.zeros((int((lasts - firsts).sum()), *self.shape[1:]), self.dtype)
        data, places = self._segment.fetch(stored.offset + firsts * stored.row, stored.offset + lasts * stored.row)
        places //= self.dtype.itemsize  # pages begin at a multiple of it, and so does the array
        numbers = inside(places, places + (lasts - firsts) * (stored.row // self.dtype.itemsize))
        return data.view(self.dtype)[numbers].reshape(-1, *self.shape[1:])

    def take(self, rows: ArrayLike) -> NDArray[Any]:
        """Return single elements along axis 0, as a copy."""
        numbers = np.asarray(rows, np.int64)
        return self.pieces(numbers, numbers + 1)
