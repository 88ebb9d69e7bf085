"""Writing an index: a segment and new contents behind what is there, then one slot of the header."""

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, MissingInput, ParameterError
from mirtool.store import documents as documents_
from mirtool.store import files
from mirtool.store.documents import Document
from mirtool.store.layout import (
    ALIGNMENT,
    HEADER,
    PAGE,
    SEGMENT,
    Contents,
    Head,
    Kind,
    Stored,
    aligned,
    differences,
    pack_contents,
    pack_description,
    pack_slot,
    storable,
)
from mirtool.store.reading import Index, opened

BUFFER = 1 << 20

Arrays = Mapping[str, NDArray[Any] | Iterable[NDArray[Any]]]


class Writer:
    """What an index is changed with; made by `writing` and `rewriting`.

    Nothing of it is seen before `commit`, which the end of the ``with`` block calls.

    Attributes
    ----------
    base : Index or None
        What was there when it was opened.
    kind : Kind
    parameters : mapping
    """

    def __init__(
        self, file: files.File, base: Index | None, kind: Kind, parameters: Mapping[str, Any], generation: int = 0
    ) -> None:
        self._file, self.base = file, base
        self.kind, self.parameters = kind, parameters
        self._head = base.head if base is not None else Head(generation, HEADER, 0, 0)
        self._end = self._head.end
        self._records = base.contents.records.copy() if base is not None else np.zeros(0, SEGMENT)
        self._added: dict[str, tuple[int, int]] = {}  # segment and number of the documents that came since `base`
        self._live: dict[int, NDArray[np.bool_]] = {}  # of segments whose documents this writer has removed
        self._marked: set[int] = set()  # segments whose marks are to be written
        self._changed = base is None

    def __len__(self) -> int:
        """Return the number of documents that are live with what has been done until now."""
        return int(self._records["live"].sum())

    @property
    def segments(self) -> int:
        """How many segments there are with those that were added."""
        return len(self._records)

    def add(self, documents: Sequence[Document], arrays: Arrays) -> None:
        """Append a segment; written at once, seen after `commit`.

        Parameters
        ----------
        documents : sequence of Document
        arrays : mapping
            Numbers or booleans, with at least one axis; or the pieces of one, at least one, which are joined along
            axis 0 and taken as they are written, array after array: so it need not fit into memory.

        Raises
        ------
        DataError
            A document of the same name is live, or stands twice.
        OutputProblem
            The disk is full, or fails.
        """
        names = [document.name for document in documents]
        there = next((name for name, found in zip(names, self._places(names), strict=True) if found), None)
        if there is not None:
            raise DataError(f"{there}: is in the index already")
        every = {**arrays, **documents_.arrays_of(documents)}
        with files.failures(self._file.path):
            record = self._write_segment(every)
        record["documents"] = record["live"] = len(documents)
        self._added.update((name, (len(self._records), number)) for number, name in enumerate(names))
        self._records = np.append(self._records, record)
        self._changed = True

    def remove(self, names: Iterable[str]) -> list[str]:
        """Remove documents by name; return the names that are none of a live document."""
        wanted = list(dict.fromkeys(names))
        missing = []
        for name, found in zip(wanted, self._places(wanted), strict=True):
            if found is None:
                missing.append(name)
                continue
            segment, number = found
            self._marks(segment)[number] = False
            self._records["live"][segment] -= 1
            self._marked.add(segment)
            self._added.pop(name, None)
            self._changed = True
        return missing

    def update(self, documents: Sequence[Document], arrays: Arrays) -> None:
        """Append a segment whose documents take the place of those of the same name; see `add`."""
        self.remove(document.name for document in documents)
        self.add(documents, arrays)

    def commit(self) -> None:
        """Make what has been done until now the valid generation, if anything has.

        Raises
        ------
        OutputProblem
            The disk is full, or fails; the last generation stands.
        """
        if not self._changed:
            return
        with files.failures(self._file.path):
            for place in sorted(self._marked):
                self._write_marks(place)
            contents = pack_contents(Contents(self.kind, self.parameters, self._records))
            offset = self._append(contents)
            head = Head(self._head.generation + 1, offset, len(contents), zlib.crc32(contents))
            self._file.sync()
            self._publish(head)
        self._marked.clear()
        self._changed = False

    def abandon(self) -> None:
        """Take back what was not committed."""
        self._file.discard(self._head.end)

    def _publish(self, head: Head) -> None:
        self._head = head  # from here on it may be the valid one, whatever fails
        try:
            self._file.write(pack_slot(head), head.slot)
            self._file.sync()
        except OSError:
            with contextlib.suppress(OSError):
                self._file.write(bytes(PAGE), head.slot)
            raise
        if self._file.is_new:
            self._file.publish()

    def _places(self, names: Sequence[str]) -> list[tuple[int, int] | None]:
        """Find live documents: segment and number."""
        found = [self._added.get(name) for name in names]
        if self.base is not None:
            for place, hit in enumerate(self.base.find(names)):
                if hit is not None and self._marks(hit[0].place)[hit[1]]:
                    found[place] = hit[0].place, hit[1]
        return found

    def _marks(self, place: int) -> NDArray[np.bool_]:
        """Return which documents of a segment are live, to be changed."""
        if place not in self._live:
            known = self.base is not None and place < len(self.base.segments)
            self._live[place] = (
                self.base.segments[place].documents.live.copy()
                if self.base is not None and known
                else np.ones(int(self._records["documents"][place]), np.bool_)
            )
        return self._live[place]

    def _write_marks(self, place: int) -> None:
        data = np.packbits(self._live[place]).tobytes()
        self._records["marks"][place] = self._append(data)
        self._records["marks_checksum"][place] = zlib.crc32(data)

    def _write_segment(self, arrays: Arrays) -> NDArray[Any]:
        pages = _Pages(self._file, aligned(self._end, PAGE))
        stored = {}
        for name, array in arrays.items():
            offset, length = pages.aligned(), 0
            for piece in [array] if isinstance(array, np.ndarray) else array:
                dtype, shape = storable(piece.dtype), piece.shape
                pages.write(np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data)
                length += len(piece)
            stored[name] = Stored(dtype, (length, *shape[1:]), offset)
        size = pages.close()
        self._end = pages.start + size
        self._append(np.array(pages.sums, np.uint32).tobytes())
        description = pack_description(stored)
        self._append(description)
        record = np.zeros(1, SEGMENT)
        record["offset"], record["size"] = pages.start, size
        record["description_length"], record["description_checksum"] = len(description), zlib.crc32(description)
        return record

    def _append(self, data: bytes) -> int:
        offset = self._end
        self._file.write(data, offset)
        self._end += len(data)
        return offset


class _Pages:
    """Writes arrays and sums up their pages."""

    def __init__(self, file: files.File, start: int) -> None:
        self._file, self.start = file, start
        self._pending = bytearray()
        self._written = 0
        self.sums: list[int] = []

    def aligned(self) -> int:
        """Fill up to where an array may begin; return that offset from the beginning."""
        length = self._written + len(self._pending)
        self._pending += bytes(aligned(length, ALIGNMENT) - length)
        return aligned(length, ALIGNMENT)

    def write(self, data: memoryview) -> None:
        for start in range(0, len(data), BUFFER):
            self._pending += data[start : start + BUFFER]
            if len(self._pending) >= BUFFER:
                self._flush()

    def close(self) -> int:
        """Fill the last page; return the size of all."""
        self._pending += bytes(-len(self._pending) % PAGE)
        self._flush()
        return self._written

    def _flush(self) -> None:
        whole = len(self._pending) // PAGE * PAGE
        with memoryview(self._pending) as pending:
            self.sums += [zlib.crc32(pending[page : page + PAGE]) for page in range(0, whole, PAGE)]
            self._file.write(pending[:whole], self.start + self._written)
        self._written += whole
        del self._pending[:whole]


@contextlib.contextmanager
def writing(
    path: str, kind: Kind, parameters: Mapping[str, Any] | None = None, patience: float | None = None
) -> Iterator[Writer]:
    """Open an index to be changed, or make a new one; at the end of the block all is committed, or nothing.

    Parameters
    ----------
    path : str
    kind : Kind
    parameters : mapping or None
        JSON. None takes those with which the index was built, and an empty mapping for a new one.
    patience : float or None
        How long to wait for another process that writes it (s); None: a moment.

    Yields
    ------
    Writer

    Raises
    ------
    FormatError
        The file is no index, or one of another kind or version, or damaged.
    ParameterError
        The index was built with other parameters.
    OutputProblem
        Another process writes it, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        file = files.locked(path, patience)
        stack.callback(file.close)
        base = None
        if not file.is_new:
            base = _opened(file, path, kind)
            stack.callback(base.close)
            check_parameters(base, parameters)
            file.discard(base.head.end)  # what a killed writer left
        writer = Writer(file, base, kind, (parameters or {}) if base is None else base.parameters)
        with _committed(writer):
            yield writer


@contextlib.contextmanager
def rewriting(
    path: str, kind: Kind, parameters: Mapping[str, Any] | None = None, patience: float | None = None
) -> Iterator[tuple[Index, Writer]]:
    """Open an index to be written anew, without what was removed, in fewer segments, or with other parameters.

    The new one takes the place of the old one at the end of the block; who reads the old one is not disturbed.

    Parameters
    ----------
    path : str
    kind : Kind
    parameters : mapping or None
        None keeps them.
    patience : float or None
        How long to wait for another process that writes it (s); None: a moment.

    Yields
    ------
    Index
        The old one.
    Writer
        Of a new one, which is empty.
    """
    with contextlib.ExitStack() as stack:
        file = files.locked(path, patience)
        stack.callback(file.close)
        if file.is_new:
            file.discard(0)
            raise MissingInput(f"{path}: no such index")
        base = _opened(file, path, kind)
        stack.callback(base.close)
        fresh = files.beside(path)
        stack.callback(fresh.close)
        kept = base.parameters if parameters is None else parameters
        writer = Writer(fresh, None, kind, kept, base.generation)
        with _committed(writer):
            yield base, writer


def _opened(file: files.File, path: str, kind: Kind) -> Index:
    with files.failures(path):
        return opened(file.descriptor, path, kind)


def check_parameters(index: Index, parameters: Mapping[str, Any] | None) -> None:
    """Raise `ParameterError` where an index was built with other parameters than these."""
    different = differences(index.parameters, parameters) if parameters is not None else ()
    if different:
        raise ParameterError(f"{index.file}: was built with {', '.join(different)}: ask for the same, or build another")


@contextlib.contextmanager
def _committed(writer: Writer) -> Iterator[None]:
    try:
        yield
        writer.commit()
    except BaseException:
        writer.abandon()
        raise
