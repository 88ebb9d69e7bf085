"""Index files: what is known of many documents, kept on disk so that a search touches little of it.

An index file holds *documents* (a recording, a MIDI file) in *segments*. A segment is never changed: named arrays and
the documents that they describe. An index grows by a segment and a new table of contents behind what is there; then
one of two slots in the header is written over, which makes the new generation the valid one. So whatever happens to a
writer, and at whatever moment, the last generation that was committed stands; readers keep what they opened.

::

    header     slot 0 | slot 1          each a page: generation, place of its contents, checksum; all of it twice
    segment    arrays, 64-byte aligned | checksum of each page of 4 KiB | description (JSON)
    …
    marks      which documents of a segment are live, where some are not
    contents   kind, parameters (JSON), a record a segment

Everything that is read is checked first: the header, contents and descriptions when they are opened, the pages of
arrays when they are touched, once in a process. What does not agree is refused in one line (`FormatError`).

::

    with store.writing(path, Kind("landmarks", 1), parameters) as writer:
        writer.add([Document("a.wav", size, mtime_ns)], {"hashes": hashes, "starts": starts})
        writer.remove(["b.wav"])
    with store.reading(path, Kind("landmarks", 1)) as index:
        for segment in index.segments:
            segment.array("hashes")[a:b]
"""

from mirtool.store.documents import Document, Documents
from mirtool.store.layout import Kind, differences
from mirtool.store.reading import Index, open_index, reading
from mirtool.store.segments import CheckedArray, Segment
from mirtool.store.writing import Writer, check_parameters, rewriting, writing

__all__ = [
    "CheckedArray",
    "Document",
    "Documents",
    "Index",
    "Kind",
    "Segment",
    "Writer",
    "check_parameters",
    "differences",
    "open_index",
    "reading",
    "rewriting",
    "writing",
]
