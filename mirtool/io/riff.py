"""WAV with its extensions (WAVE_FORMAT_EXTENSIBLE, RF64, BW64), read and written as a stream; samples without a header.

The length that a header promises is not trusted: programs that write to a pipe leave 0, 0xFFFFFFFF or a round number
just under 2 or 4 GiB in it. Such a file is read to its end. Microsoft, "Multiple channel audio data and WAVE files"
(2007); EBU Tech 3306 (RF64).
"""

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io.options import RawLayout

PCM, IEEE_FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
# The last 14 bytes of a GUID made from a format tag (KSDATAFORMAT_SUBTYPE_…).
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
MAGIC = (b"RIFF", b"RF64", b"BW64")
UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class WaveHeader:
    """What stands before the samples of a WAV file.

    Attributes
    ----------
    sample_rate, channels : int
    tag : int
        Format tag: 1 PCM, 3 float; for WAVE_FORMAT_EXTENSIBLE that of its sub-format.
    bits : int
        Width of the container of a sample.
    data_start : int
        Position of the first sample (bytes).
    data_bytes : int or None
        Length of the samples that the header promises; None where it does not know.
    big_endian : bool
        The highest byte of a sample comes first (never in WAV).
    signed : bool
        Samples of 8 bits have a sign (never in WAV).
    """

    sample_rate: int
    channels: int
    tag: int
    bits: int
    data_start: int
    data_bytes: int | None
    big_endian: bool = False
    signed: bool = False

    @property
    def layout(self) -> tuple[int, int]:
        """Sample rate and channels."""
        return self.sample_rate, self.channels

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8

    @property
    def frames(self) -> int | None:
        """Samples a channel that the header promises."""
        return None if self.data_bytes is None else self.data_bytes // self.frame_bytes

    @property
    def plain(self) -> bool:
        """Whether the samples are uncompressed numbers that `samples` decodes."""
        return (self.tag == PCM and self.bits in (8, 16, 24, 32)) or (self.tag == IEEE_FLOAT and self.bits in (32, 64))


def raw_header(layout: RawLayout) -> WaveHeader:
    """Return the header that samples without one would have."""
    name = layout.encoding
    tag, bits = IEEE_FLOAT if name[0] == "f" else PCM, int(name[1:].rstrip("lbe"))
    big_endian, signed = name.endswith("be"), name == "s8"
    return WaveHeader(layout.sample_rate, layout.channels, tag, bits, 0, None, big_endian, signed)


def is_placeholder(size: int) -> bool:
    """Tell whether a length is what programs write that do not know it yet.

    SoX writes 0x7ffff000 (WAV) or 0x7f000000 and the header (AIFF), arecord 0x7fffffff or 0x80000000, others 0xffffffff
    less the header.
    """
    return size >= 0xFFFFF000 or 0x7FFFEF00 <= size <= 0x80000000 or 0x7F000000 <= size < 0x7F001000


def read_exactly(stream: BinaryIO, count: int) -> bytes:
    """Read `count` bytes, or as many as there are before the end."""
    data = stream.read(count) or b""
    if len(data) == count or not data:
        return data
    parts = [data]
    missing = count - len(data)
    while missing and (data := stream.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


class HeaderReader:
    """Reads a header without seeking, and keeps its bytes so that another decoder can have them."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.taken = b""

    def peek(self, count: int) -> bytes:
        """Read the first `count` bytes, or as many as there are; `header` begins with them."""
        self.taken = read_exactly(self.stream, count)
        return self.taken

    def take(self, count: int) -> bytes:
        """Read `count` bytes of the header."""
        data = read_exactly(self.stream, count)
        self.taken += data
        if len(data) < count:
            raise FormatError("truncated: the file ends within its header", self.name)
        return data

    def header(self) -> WaveHeader:
        """Read up to the first sample."""
        magic, riff_bytes, kind = struct.unpack("<4sI4s", self.taken or self.take(12))
        if magic not in MAGIC or kind != b"WAVE":
            raise FormatError(f"not a WAV file (begins with {magic!r} … {kind!r})", self.name)
        layout: tuple[int, int, int, int] | None = None
        long_bytes: int | None = None
        while True:
            chunk, size = struct.unpack("<4sI", self.take(8))
            if chunk == b"data":
                break
            if len(self.taken) + size > 1 << 24:
                raise FormatError(f"a chunk {chunk!r} of {size} bytes before the samples", self.name)
            body = self.take(size + size % 2)
            if chunk == b"fmt ":
                layout = self._layout(body)
            elif chunk == b"ds64" and size >= 16:
                long_bytes = struct.unpack("<Q", body[8:16])[0]
        if layout is None:
            raise FormatError("no format chunk before the samples", self.name)
        length = self._length(magic, size, riff_bytes, long_bytes)
        return WaveHeader(*layout, data_start=len(self.taken), data_bytes=length)

    def _layout(self, body: bytes) -> tuple[int, int, int, int]:
        if len(body) < 16:
            raise FormatError("the format chunk is too short", self.name)
        tag, channels, rate, _, align, bits = struct.unpack("<HHIIHH", body[:16])
        if tag == EXTENSIBLE and len(body) >= 40 and body[26:40] == GUID_TAIL:
            tag = struct.unpack("<H", body[24:26])[0]
        if not channels or not rate:
            raise FormatError(f"a header with {channels} channels at {rate} Hz", self.name)
        if tag in (PCM, IEEE_FLOAT) and align and align % channels == 0:
            bits = align // channels * 8  # 20 bits stand in 24, at their upper end
        return rate, channels, tag, bits

    def _length(self, magic: bytes, size: int, riff_bytes: int, long_bytes: int | None) -> int | None:
        if magic != b"RIFF" and size == UNKNOWN and long_bytes not in (None, 0):
            return None if long_bytes == (1 << 64) - 1 else long_bytes
        if size == 0:
            # Nothing to come, if the file as a whole knows of something after the samples; else it was a stream.
            return 0 if riff_bytes != UNKNOWN and riff_bytes + 8 > len(self.taken) else None
        return None if is_placeholder(size) else size


def samples(data: bytes, header: WaveHeader) -> NDArray[np.float32]:
    """Decode bytes into samples, full scale 1.

    Parameters
    ----------
    data : bytes
        Whole frames (a rest is dropped).
    header : WaveHeader
        Of plain samples.

    Returns
    -------
    ndarray, shape (n, channels), float32
    """
    data = data[: len(data) - len(data) % header.frame_bytes] if len(data) % header.frame_bytes else data
    order = ">" if header.big_endian else "<"
    if header.tag == IEEE_FLOAT:
        with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
            values = np.frombuffer(data, f"{order}f{header.bits // 8}").astype(np.float32)
    elif header.bits == 8:
        values = np.frombuffer(data, np.int8 if header.signed else np.uint8).astype(np.float32)
        values -= 0 if header.signed else 128
        values /= 128
    elif header.bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)[:, :: -1 if header.big_endian else 1]
        values = wide.view("<i4")[:, 0].astype(np.float32)
        values /= 1 << 31
    else:
        values = np.frombuffer(data, f"{order}i{header.bits // 8}").astype(np.float32)
        values /= 1 << (header.bits - 1)
    return values.reshape(-1, header.channels)


# Subtype: format tag and bits.
ENCODINGS = {
    "PCM_U8": (PCM, 8),
    "PCM_16": (PCM, 16),
    "PCM_24": (PCM, 24),
    "PCM_32": (PCM, 32),
    "FLOAT": (IEEE_FLOAT, 32),
    "DOUBLE": (IEEE_FLOAT, 64),
}


@dataclass(frozen=True)
class HeaderWriter:
    """Makes the header of a WAV file of plain samples.

    Parameters
    ----------
    sample_rate, channels : int
    subtype : str
        One of `ENCODINGS`.
    """

    sample_rate: int
    channels: int
    subtype: str

    def data_bytes(self, frames: int) -> int:
        """Return the length of the samples, without padding."""
        return frames * self.channels * ENCODINGS[self.subtype][1] // 8

    def bytes(self, frames: int | None, extensible: bool = False) -> bytes:
        """Return the header: everything before the first sample.

        Parameters
        ----------
        frames : int or None
            Samples a channel; None for a header that does not know it.
        extensible : bool
            Keep room for the lengths of RF64, so that the header keeps its size when the length is known.
        """
        tag, bits = ENCODINGS[self.subtype]
        align = self.channels * bits // 8
        layout = struct.pack("<HHIIHH", tag, self.channels, self.sample_rate, self.sample_rate * align, align, bits) + (
            b"\0\0" if tag == IEEE_FLOAT else b""
        )
        length = None if frames is None else self.data_bytes(frames)
        chunks = struct.pack("<4sI", b"fmt ", len(layout)) + layout
        if tag == IEEE_FLOAT:
            chunks += struct.pack("<4sII", b"fact", 4, UNKNOWN if frames is None else min(frames, UNKNOWN))
        total = None if length is None else 4 + len(chunks) + 8 + length + length % 2
        long = total is not None and total + 36 > UNKNOWN
        if long:
            lengths = struct.pack("<QQQI", cast(int, total) + 36, cast(int, length), cast(int, frames), 0)
            chunks = struct.pack("<4sI", b"ds64", len(lengths)) + lengths + chunks
        elif extensible:
            chunks = struct.pack("<4sI", b"JUNK", 28) + bytes(28) + chunks
            total = None if total is None else total + 36
        outer = UNKNOWN if long or total is None else total
        inner = UNKNOWN if long or length is None else length
        magic = b"RF64" if long else b"RIFF"
        return struct.pack("<4sI4s", magic, outer, b"WAVE") + chunks + struct.pack("<4sI", b"data", inner)


def sample_bytes(values: NDArray[Any], subtype: str) -> bytes:
    """Encode numbers (whole ones as int32) as the samples of a WAV file."""
    if subtype == "PCM_U8":
        return (values + 128).astype(np.uint8).tobytes()
    if subtype == "PCM_24":
        return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return values.astype({"PCM_16": "<i2", "PCM_32": "<i4", "FLOAT": "<f4", "DOUBLE": "<f8"}[subtype]).tobytes()
