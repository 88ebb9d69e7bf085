"""The frames of an MPEG audio file (ISO/IEC 11172-3 and 13818-3, layer III), counted.

libmpg123 believes the number of frames that a Xing or Info header states, or guesses one from the first bit rate, and
libsndfile reads no further. Both are wrong for files that were cut, joined or written to a pipe. So the frames are
counted here, and the decoder is shown a header that tells the truth.
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from mirtool.io.views import View

WINDOW = 1 << 20
SEARCH = 1 << 17  # bytes of rubbish that may stand before the first frame
BIT_RATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = (44100, 48000, 32000)
SAME = 0xFFFE0C00  # sync, version, layer and sample rate: what all frames of a file share
HAS_FRAMES, HAS_BYTES = 1, 2


@dataclass(frozen=True)
class Frames:
    """What was counted.

    Attributes
    ----------
    count : int
        Frames of sound.
    seconds : float
        Length of a frame (s).
    promised : int or None
        Frames that the header of the file states, if it has one.
    head : bytes
        A frame with a true header, to be put in the place of what stands before `begin`.
    begin, end : int
        Where the other frames begin and end (bytes).
    """

    count: int
    seconds: float
    promised: int | None
    head: bytes
    begin: int
    end: int


class FramesView(View):
    """The frames of a file behind a true header."""

    def __init__(self, stream: BinaryIO, frames: Frames) -> None:
        super().__init__(stream)
        self._frames = frames

    def size(self) -> int:
        return len(self._frames.head) + self._frames.end - self._frames.begin

    def at(self, position: int, count: int) -> bytes:
        head = self._frames.head[position : position + count]
        begin = self._frames.begin + max(position - len(self._frames.head), 0)
        return head + super().at(begin, min(count - len(head), max(self._frames.end - begin, 0)))


class Bytes:
    """Reads four bytes here and there, through a window."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._origin, self._window = stream, 0, b""
        self.size = stream.seek(0, 2)

    def at(self, position: int, count: int) -> bytes:
        """Return up to `count` bytes from a position."""
        begin = position - self._origin
        if begin < 0 or begin + count > len(self._window):
            self._stream.seek(position)
            self._origin, self._window, begin = position, self._stream.read(max(count, WINDOW)), 0
        return self._window[begin : begin + count]

    def header(self, position: int) -> int:
        """Return the four bytes at a position as a number; 0 at the end."""
        data = self.at(position, 4)
        return int.from_bytes(data, "big") if len(data) == 4 else 0


def count_frames(stream: BinaryIO) -> Frames | None:
    """Count the frames of a file; None if it is not MPEG layer III."""
    data = Bytes(stream)
    first = _next(data, _behind_tags(data), 0, SEARCH)
    if first is None:
        return None
    header = data.header(first)
    length = frame_bytes(header)
    info, promised = _info(data.at(first, length), header)
    begin = first if info is None else first + length
    position, count, end = begin, 0, begin
    while position < data.size:
        found = data.header(position)
        if (found ^ header) & SAME or not (length := frame_bytes(found)):
            following = _next(data, position, header, data.size)
            if following is None:
                break
            position = following
            continue
        if position + length > data.size:
            break  # the last frame is cut
        count += 1
        position += length
        end = position
    head = _stated(info or _blank(header), header, count, end - begin)
    return Frames(count, _samples(header) / _sample_rate(header), promised, head, begin, end)


def _behind_tags(data: Bytes) -> int:
    """Return the position behind all ID3 tags at the beginning."""
    position = 0
    while (tag := data.at(position, 10))[:3] == b"ID3" and len(tag) == 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
        position += 10 + size + (10 if tag[5] & 0x10 else 0)
    return position


def _next(data: Bytes, position: int, like: int, limit: int) -> int | None:
    """Return where the next two frames stand one behind the other, or the last one; `like` is a header or 0."""
    stop = min(position + limit, data.size)
    while position < stop:
        window = data.at(position, 4096)
        offset = window.find(b"\xff")
        if offset < 0:
            position += len(window) or 1
            continue
        position += offset
        header = data.header(position)
        length = frame_bytes(header)
        if length and not (like and (header ^ like) & SAME):
            following = position + length
            if following == data.size or not (data.header(following) ^ header) & SAME:
                return position
        position += 1
    return None


@cache
def frame_bytes(header: int) -> int:
    """Return the length of a frame of layer III by its header; 0 if it is none."""
    version, rate_index = header >> 19 & 3, header >> 12 & 15
    is_sound = header >> 21 == 0x7FF and version != 1 and header >> 17 & 3 == 1 and header >> 10 & 3 != 3
    if not is_sound or rate_index in (0, 15):
        return 0
    bit_rate = BIT_RATES[1 if version == 3 else 2][rate_index] * 1000
    return _samples(header) // 8 * bit_rate // _sample_rate(header) + (header >> 9 & 1)


def _samples(header: int) -> int:
    return 1152 if header >> 19 & 3 == 3 else 576


def _sample_rate(header: int) -> int:
    return SAMPLE_RATES[header >> 10 & 3] >> {3: 0, 2: 1, 0: 2}[header >> 19 & 3]


def _tag_offset(header: int) -> int:
    """Return where the Xing header stands in its frame: behind the (empty) side information."""
    is_mono = header >> 6 & 3 == 3
    return 4 + ((17 if is_mono else 32) if header >> 19 & 3 == 3 else (9 if is_mono else 17))


def _info(frame: bytes, header: int) -> tuple[bytes | None, int | None]:
    """Return the first frame if it holds no sound but a header of the whole, and the number of frames stated there."""
    if frame[36:40] == b"VBRI":
        return _blank(header), int.from_bytes(frame[50:54], "big")
    offset = _tag_offset(header)
    if frame[offset : offset + 4] not in (b"Xing", b"Info"):
        return None, None
    flags, stated = struct.unpack_from(">II", frame, offset + 4)
    return (frame, stated) if flags & HAS_FRAMES and flags & HAS_BYTES else (_blank(header), None)


def _blank(header: int) -> bytes:
    """Return an empty frame with room for a header of the whole."""
    rate_index = 9 if header >> 19 & 3 == 3 else 8
    header = (header & ~(0xF << 12 | 1 << 9)) | 1 << 16 | rate_index << 12  # no checksum, no padding
    frame = bytearray(frame_bytes(header))
    struct.pack_into(">I", frame, 0, header)
    struct.pack_into(">4sI", frame, _tag_offset(header), b"Info", HAS_FRAMES | HAS_BYTES)
    return bytes(frame)


def _stated(frame: bytes, header: int, count: int, length: int) -> bytes:
    """Write the true number of frames and bytes into a header of the whole."""
    changed = bytearray(frame)
    struct.pack_into(">II", changed, _tag_offset(header) + 8, count, length + len(frame))
    return bytes(changed)
