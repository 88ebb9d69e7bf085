"""An index as it is read."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from mirtool.errors import MissingInput
from mirtool.store.documents import Document
from mirtool.store.layout import HEADER, Contents, Head, Kind, check_kind, read_contents, read_head
from mirtool.store.segments import Mapping, Segment


class Index:
    """A generation of an index; what is written meanwhile does not change it.

    Attributes
    ----------
    file : str
    kind : Kind
    parameters : mapping
        With which it was built.
    generation : int
        Counted from 1.
    size : int
        Of the file (bytes).
    segments : list of Segment
    """

    def __init__(self, mapping: Mapping, head: Head, contents: Contents) -> None:
        self._mapping = mapping
        self.head, self.contents = head, contents
        self.file, self.kind, self.parameters = mapping.file, contents.kind, contents.parameters
        self.generation, self.size = head.generation, head.end
        self.segments = [Segment(mapping, place, record) for place, record in enumerate(contents.records)]

    def __len__(self) -> int:
        """Return the number of live documents."""
        return sum(segment.live for segment in self.segments)

    def documents(self) -> Iterator[tuple[Document, Segment, int]]:
        """Yield the live documents, each with its segment and its number in it."""
        for segment in self.segments:
            documents = segment.documents
            for number, document in enumerate(documents):
                if documents.live[number]:
                    yield document, segment, number

    def find(self, names: Sequence[str]) -> "list[tuple[Segment, int] | None]":
        """Return the segment of each of several live documents and its number in it; None where there is none."""
        found: list[tuple[Segment, int] | None] = [None] * len(names)
        for segment in self.segments:
            if not segment.live:
                continue
            documents = segment.documents
            numbers = documents.numbers(names)
            for place in np.flatnonzero(numbers >= 0).tolist():
                if documents.live[numbers[place]]:
                    found[place] = segment, int(numbers[place])
        return found

    def verify(self, advance: Callable[[int], object] = lambda size: None) -> None:
        """Check all that this generation is made of; memory stays flat.

        Parameters
        ----------
        advance : callable
            Is told how many bytes have been checked since.

        Raises
        ------
        FormatError
            Something does not agree.
        """
        for segment in self.segments:
            segment.verify(advance)

    def close(self) -> None:
        """Let go of the file, which is closed when the last view on it has gone."""
        self.segments = []
        self._mapping.close()


def open_index(path: str, kind: Kind | None = None) -> Index:
    """Open an index; see `reading`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _missing(path, error) from None
    try:
        return opened(descriptor, path, kind)
    except OSError as error:
        raise _missing(path, error) from None
    finally:
        os.close(descriptor)


def opened(descriptor: int, path: str, kind: Kind | None) -> Index:
    """Read the index that an open file holds."""
    size = os.fstat(descriptor).st_size
    head = read_head(os.pread(descriptor, HEADER, 0), size, path)
    mapping = Mapping(os.dup(descriptor), head.end, path)
    try:
        contents = read_contents(bytes(mapping.part(head.offset, head.length, "contents")), head, path)
        if kind is not None:
            check_kind(contents.kind, kind, path)
        return Index(mapping, head, contents)
    except BaseException:
        mapping.close()
        raise


def _missing(path: str, error: OSError) -> MissingInput:
    if isinstance(error, FileNotFoundError):
        return MissingInput(f"{path}: no such index")
    return MissingInput(f"{path}: cannot be read: {error.strerror}")


@contextmanager
def reading(path: str, kind: Kind | None = None) -> Iterator[Index]:
    """Open an index for reading, as it is now.

    Parameters
    ----------
    path : str
    kind : Kind or None
        None takes an index of any kind.

    Raises
    ------
    MissingInput
        There is no such file, or it cannot be read.
    FormatError
        It is no index, or one of another kind or version, or damaged.
    """
    index = open_index(path, kind)
    try:
        yield index
    finally:
        index.close()
