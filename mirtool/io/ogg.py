"""The pages of an Ogg file (RFC 3533)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

HEADER = struct.Struct("<4sBBQIIIB")
LARGEST_PAGE = 65307
FIRST = 2  # flag of the first page of a logical stream
# The checksum of Ogg is CRC-32 with the bits of each byte in the other order than zlib's.
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


@dataclass(frozen=True)
class Page:
    """A page: where it stands, its flags, the serial number and sequence number of its stream, and its bytes."""

    position: int
    flags: int
    serial: int
    sequence: int
    data: bytes


def pages(stream: BinaryIO, begin: int) -> Iterator[Page]:
    """Yield the pages from a position on, up to whatever is no page. The stream may be moved meanwhile."""
    position = begin
    while True:
        stream.seek(position)
        head = stream.read(HEADER.size)
        if len(head) < HEADER.size or head[:4] != b"OggS":
            return
        _, _, flags, _, serial, sequence, _, count = HEADER.unpack(head)
        lengths = stream.read(count)
        data = head + lengths + stream.read(sum(lengths))
        yield Page(position, flags, serial, sequence, data)
        position += len(data)


def renumber(stream: BinaryIO, begin: int) -> None:
    """Give the one logical stream that starts at `begin` a serial number that follows from its content, in place.

    Encoders choose one at random, so that the same sound would give other bytes each time.

    Parameters
    ----------
    stream : binary file
        Readable, writable and seekable; it is left at its end.
    begin : int
        Position of the first page (bytes).
    """
    serial = 0
    for page in pages(stream, begin):
        serial = zlib.crc32(page.data[HEADER.size :], serial)
    for page in pages(stream, begin):
        changed = bytearray(page.data)
        struct.pack_into("<III", changed, 14, serial, page.sequence, 0)
        struct.pack_into("<I", changed, 22, checksum(bytes(changed)))
        stream.seek(page.position)
        stream.write(changed)
    stream.seek(0, 2)


def checksum(page: bytes) -> int:
    """Return the checksum of a page whose own checksum is zero."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)


def is_chained(stream: BinaryIO) -> bool:
    """Tell whether several files stand one after the other: the last page belongs to no stream of the beginning."""
    serials = set()
    for page in pages(stream, 0):
        if not page.flags & FIRST:
            break
        serials.add(page.serial)
    size = stream.seek(0, 2)
    stream.seek(max(size - 2 * LARGEST_PAGE, 0))
    tail = stream.read()
    last = tail.rfind(b"OggS")
    if not serials or last < 0 or last + HEADER.size > len(tail):
        return False
    return HEADER.unpack_from(tail, last)[4] not in serials
