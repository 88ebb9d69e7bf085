"""Indexes of entries: of each document some arrays, put one after the other in segments, and what helps to search them.

An entry is a mapping of named arrays, such as the chroma of a recording. A segment holds the values of all its
documents one after the other, under the same names, and under ``starts/NAME`` where each begins (see `ragged`). What
is derived of these, such as posting lists, stands beside; it is made anew when segments are joined.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.store import ragged
from mirtool.store.documents import Document
from mirtool.store.layout import Kind
from mirtool.store.reading import Index, reading
from mirtool.store.segments import Segment
from mirtool.store.writing import Writer, rewriting

STARTS = "starts/"
LARGEST = 64 << 20  # bytes of entries that make a segment
MANY = 8  # segments more than are needed, before all are joined

Arrays = Mapping[str, NDArray[Any]]
Parameters = TypeVar("Parameters")


def _nothing(arrays: Arrays) -> Arrays:
    return {}


def _accept(parameters: Any) -> None:
    pass


@dataclass(frozen=True)
class Layout(Generic[Parameters]):
    """What an index of entries holds.

    Parameters
    ----------
    kind : Kind
    entry_of : callable
        Makes the entry of a container (audio, notes …) with some parameters; a function of a module, so that another
        process can import it. The entries of an index have the same names, dtypes and shapes but for axis 0.
    derived : callable
        Makes further arrays of those of a segment.
    largest : int
        How many bytes of entries make a segment.
    check : callable
        Raises `ParameterError` where parameters are outside their domain: no index is built with them.
    """

    kind: Kind
    entry_of: Callable[[Any, Parameters], Arrays]
    derived: Callable[[Arrays], Arrays] = _nothing
    largest: int = LARGEST
    check: Callable[[Parameters], None] = _accept


class Packer(Generic[Parameters]):
    """Puts entries into an index, a segment at a time."""

    def __init__(self, writer: Writer, layout: Layout[Parameters]) -> None:
        self._writer, self._layout = writer, layout
        self._documents: list[Document] = []
        self._entries: list[Arrays] = []
        self._size = 0

    def add(self, document: Document, entry: Arrays) -> bool:
        """Take an entry; tell whether a segment was written."""
        self._documents.append(document)
        self._entries.append(entry)
        self._size += sum(array.nbytes for array in entry.values())
        if self._size < self._layout.largest:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write what was taken; documents of the same name are replaced."""
        if self._documents:
            arrays = packed(self._entries)
            self._writer.update(self._documents, {**arrays, **self._layout.derived(arrays)})
        self._documents, self._entries, self._size = [], [], 0


def packed(entries: Sequence[Arrays]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a segment for entries, at least one.

    Raises
    ------
    DataError
        They have not the same arrays.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, first in entries[0].items():
        parts = [entry[name] for entry in entries if name in entry]
        same = all(part.dtype == first.dtype and part.shape[1:] == first.shape[1:] for part in parts)
        if len(parts) < len(entries) or not same:
            raise DataError(f"entries of an index differ in their arrays {name!r}")
        arrays[name], arrays[STARTS + name] = ragged.join(parts)
    return arrays


def names_of(segment: Segment) -> list[str]:
    """Return the names of the arrays of an entry."""
    return [name.removeprefix(STARTS) for name in segment.names if name.startswith(STARTS)]


def entry(segment: Segment, number: int) -> dict[str, NDArray[Any]]:
    """Return the entry of a document by its number in a segment; views on the file."""
    found = {}
    for name in names_of(segment):
        start, stop = segment.array(STARTS + name)[number : number + 2]
        found[name] = segment.array(name)[start:stop]
    return found


def entries(index: Index) -> Iterator[tuple[Document, dict[str, NDArray[Any]]]]:
    """Yield the live documents, each with its entry; memory stays flat where the caller keeps none of them."""
    for segment in index.segments:
        live = segment.documents.live.tolist()
        arrays = {name: segment.whole(name) for name in names_of(segment)}
        bounds = {name: segment.whole(STARTS + name).tolist() for name in arrays}
        for number, document in enumerate(segment.documents):
            if live[number]:
                found = {name: array[slice(*bounds[name][number : number + 2])] for name, array in arrays.items()}
                yield document, found
        segment.release()


def together(index: Index) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Return the names of the live documents, and the values of all their entries, one after the other.

    Views on the file where it has one segment and nothing was removed.
    """
    names: list[str] = []
    parts: dict[str, list[NDArray[Any]]] = {}
    for segment in index.segments:
        live = segment.documents.live
        numbers = np.flatnonzero(live)
        every = segment.documents.names()
        names += every if len(numbers) == len(every) else [every[number] for number in numbers]
        for name in names_of(segment):
            values = segment.whole(name)
            if len(numbers) < len(every):
                values, _ = ragged.select(values, segment.whole(STARTS + name), numbers)
            parts.setdefault(name, []).append(values)
    return names, {name: found[0] if len(found) == 1 else np.concatenate(found) for name, found in parts.items()}


def tidy(path: str, layout: Layout[Parameters]) -> bool:
    """Write an index anew if it has many segments or more removed documents than live ones; tell whether it was."""
    with reading(path, layout.kind) as index:
        count = sum(map(len, index.segments))
        needed = index.size // layout.largest + 1
        if len(index.segments) <= 2 * needed + MANY and count <= 2 * len(index) + MANY:
            return False
    rewrite(path, layout)
    return True


def rewrite(path: str, layout: Layout[Parameters]) -> None:
    """Write an index anew, in as few segments as there need to be, without what was removed."""
    with rewriting(path, layout.kind) as (index, writer):
        fill(writer, layout, entries(index))


def fill(writer: Writer, layout: Layout[Parameters], items: Iterable[tuple[Document, Arrays]]) -> None:
    """Put documents with their entries into an index."""
    packer = Packer(writer, layout)
    for document, arrays in items:
        packer.add(document, arrays)
    packer.flush()
