"""What stands where in an index file: header, contents, descriptions of segments; each checked as it is read."""

import json
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError

MAGIC = b"\x89mirdb\r\n"  # not text, and changed by a transfer as text
VERSION = 1
PAGE = 4096
ALIGNMENT = 64
HEADER = 2 * PAGE
COPY = PAGE // 2  # between the two copies of a slot, which lie in different sectors

_SLOT = struct.Struct("<8sI8sQQQI")  # magic, version, byte order, generation, contents: offset, length, checksum
_SLOT_SIZE = 124  # in every version; its checksum follows
_CHECKSUM = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")

SEGMENT = np.dtype(
    [
        ("offset", np.uint64),
        ("size", np.uint64),  # of the arrays, in bytes; a multiple of the page
        ("documents", np.uint64),
        ("live", np.uint64),
        ("marks", np.uint64),  # offset of the marks; 0: all documents are live
        ("description_length", np.uint32),
        ("description_checksum", np.uint32),
        ("marks_checksum", np.uint32),
        ("reserved", np.uint32),
    ]
)

AGAIN = "build it again"


@dataclass(frozen=True)
class Kind:
    """What an index is for.

    Parameters
    ----------
    name : str
        As a message calls it.
    version : int
        Of the meaning of its arrays: an index of another version is refused.
    """

    name: str
    version: int


@dataclass(frozen=True)
class Head:
    """A generation: where its contents stand, which end the file.

    Parameters
    ----------
    generation : int
        Counted from 1.
    offset, length, checksum : int
        Of the contents.
    """

    generation: int
    offset: int
    length: int
    checksum: int

    @property
    def end(self) -> int:
        """How long the file is, at least."""
        return self.offset + self.length

    @property
    def slot(self) -> int:
        """Where in the file its slot begins."""
        return self.generation % 2 * PAGE


@dataclass(frozen=True)
class Contents:
    """The table of contents of a generation.

    Parameters
    ----------
    kind : Kind
    parameters : mapping
        With which the arrays were made; JSON.
    records : ndarray of `SEGMENT`
    """

    kind: Kind
    parameters: Mapping[str, Any]
    records: NDArray[Any]


def pack_slot(head: Head) -> bytes:
    """Return a page of the header."""
    order = sys.byteorder.encode()
    slot = _SLOT.pack(MAGIC, VERSION, order, head.generation, head.offset, head.length, head.checksum)
    slot = slot.ljust(_SLOT_SIZE, b"\0")
    return (slot + _CHECKSUM.pack(zlib.crc32(slot))).ljust(COPY, b"\0") * 2


def read_head(header: bytes, size: int, file: str) -> Head:
    """Find the newest generation in the first bytes of a file of `size` bytes.

    Raises
    ------
    FormatError
        It is no index, or one of another version, or damaged.
    """
    if not size:
        raise FormatError("an empty file, not an index", file)
    slots = [header[start : start + _SLOT_SIZE + _CHECKSUM.size] for start in range(0, HEADER, COPY)]
    if not any(slot.startswith(MAGIC) for slot in slots):
        raise FormatError(f"not an index (first bytes: {header[:4].hex(' ')})", file)
    heads = [head for slot in slots if (head := _unpacked(slot, file)) is not None]
    if not heads:
        raise FormatError(f"a damaged index (header): {AGAIN}", file)
    head = max(heads, key=lambda head: head.generation)
    if head.offset < HEADER:
        raise FormatError(f"a damaged index (header): {AGAIN}", file)
    if size < head.end:
        raise FormatError(f"a truncated index ({size} of {head.end} bytes): {AGAIN}", file)
    return head


def _unpacked(slot: bytes, file: str) -> Head | None:
    """Read a slot; None where none was written, or only half of one."""
    if len(slot) < _SLOT_SIZE + _CHECKSUM.size or not slot.startswith(MAGIC):
        return None
    if _CHECKSUM.unpack_from(slot, _SLOT_SIZE)[0] != zlib.crc32(slot[:_SLOT_SIZE]):
        return None
    _, version, order, generation, offset, length, checksum = _SLOT.unpack_from(slot)
    if version != VERSION:
        raise FormatError(f"an index of another version of mirtool (format {version}, not {VERSION}): {AGAIN}", file)
    if order.rstrip(b"\0").decode("ascii", "replace") != sys.byteorder:
        raise FormatError(
            f"an index of a machine of another kind ({order.rstrip(bytes(1)).decode()} endian): {AGAIN}", file
        )
    return Head(generation, offset, length, checksum)


def pack_contents(contents: Contents) -> bytes:
    """Return the bytes of a table of contents."""
    described = {
        "kind": contents.kind.name,
        "version": contents.kind.version,
        "parameters": dict(contents.parameters),
        "segments": len(contents.records),
    }
    text = json.dumps(described, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text + contents.records.tobytes()


def read_contents(data: bytes, head: Head, file: str) -> Contents:
    """Read a table of contents; raises `FormatError` where it is damaged."""
    try:
        if zlib.crc32(data) != head.checksum:
            raise ValueError
        start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        described = json.loads(data[_LENGTH.size : start])
        records = np.frombuffer(data, SEGMENT, described["segments"], start)
        kind = Kind(str(described["kind"]), int(described["version"]))
        return Contents(kind, dict(described["parameters"]), records)
    except (ValueError, KeyError, TypeError, struct.error):
        raise FormatError(f"a damaged index (contents): {AGAIN}", file) from None


def check_kind(found: Kind, wanted: Kind, file: str) -> None:
    """Raise `FormatError` where an index is of another kind than the one that is wanted."""
    if found.name != wanted.name:
        raise FormatError(f"an index of {found.name}, not of {wanted.name}", file)
    if found.version != wanted.version:
        raise FormatError(
            f"an index of {found.name} made by another version of mirtool ({found.version}, not {wanted.version}): "
            f"{AGAIN}",
            file,
        )


@dataclass(frozen=True)
class Stored:
    """Where an array stands in its segment.

    Parameters
    ----------
    dtype : dtype
    shape : tuple of int
    offset : int
        From the beginning of the segment, in bytes.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @property
    def row(self) -> int:
        """Bytes of an element along axis 0."""
        return int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self.row * self.shape[0]


def pack_description(arrays: Mapping[str, Stored]) -> bytes:
    """Return the bytes of what is said of the arrays of a segment."""
    listed = {name: [stored.dtype.str, list(stored.shape), stored.offset] for name, stored in arrays.items()}
    return json.dumps(listed, separators=(",", ":")).encode()


def read_description(data: bytes, checksum: int, size: int) -> dict[str, Stored]:
    """Read what is said of arrays that take `size` bytes; raises ValueError where it is damaged."""
    if zlib.crc32(data) != checksum:
        raise ValueError("description")
    arrays = {}
    for name, (dtype, shape, offset) in json.loads(data).items():
        stored = Stored(storable(np.dtype(dtype)), tuple(map(int, shape)), int(offset))
        if not stored.shape or min(stored.shape) < 0 or offset < 0 or offset % ALIGNMENT or offset + stored.size > size:
            raise ValueError(f"array {name}")
        arrays[name] = stored
    return arrays


def storable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype that an index holds: numbers and booleans of this machine's byte order."""
    if dtype.kind not in "biufc" or not dtype.isnative:
        raise ValueError(f"an index holds no array of {dtype}")
    return dtype


def aligned(offset: int, step: int = ALIGNMENT) -> int:
    """Return the next multiple of `step`."""
    return -(-offset // step) * step


def differences(built: Mapping[str, Any], asked: Mapping[str, Any]) -> Sequence[str]:
    """Say in which parameters two mappings differ, such as ``hop_length 512, not 1024``."""
    built, asked = (json.loads(json.dumps(dict(values))) for values in (built, asked))
    return [
        f"{name.replace('_', '-')} {json.dumps(built.get(name))}, not {json.dumps(asked.get(name))}"
        for name in sorted({*built, *asked})
        if built.get(name) != asked.get(name)
    ]
