"""The pages of an Ogg file (RFC 3533)."""

import struct
import zlib
from typing import BinaryIO

SERIAL = 1
HEADER_BYTES = 27
# The checksum of Ogg is CRC-32 with the bits of each byte in the other order than zlib's.
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def renumber(stream: BinaryIO, begin: int) -> None:
    """Give the one logical stream that starts at `begin` the serial number 1 instead of a random one, in place.

    Parameters
    ----------
    stream : binary file
        Readable, writable and seekable; it is left at its end.
    begin : int
        Position of the first page (bytes).
    """
    position = begin
    while True:
        stream.seek(position)
        head = stream.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES or head[:4] != b"OggS":
            break
        lengths = stream.read(head[26])
        page = bytearray(head + lengths + stream.read(sum(lengths)))
        struct.pack_into("<II", page, 14, SERIAL, struct.unpack_from("<I", head, 18)[0])
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", checksum(bytes(page)))
        stream.seek(position)
        stream.write(page)
        position += len(page)
    stream.seek(0, 2)


def checksum(page: bytes) -> int:
    """Return the checksum of a page whose own checksum is zero."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
