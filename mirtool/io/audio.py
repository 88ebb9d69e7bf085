"""Sound: WAV with our own reader, so that it streams; all else through libsndfile, and through ffmpeg where that fails.

Lengths in headers are not trusted. A file whose header promises more samples than there are is an error (part of the
recording is missing), unless the part that is there was asked for by `duration`; a header that knows no length (0,
0xFFFFFFFF and the like, FLAC and MP3 that were streamed) means: up to the end.
"""

import contextlib
import logging
import os
import re
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from mirtool.blocks import CHUNK
from mirtool.errors import FormatError, WriteFailure
from mirtool.io import ffmpeg, mpeg, ogg, riff, sniffing, streams
from mirtool.io.mpeg import FramesView
from mirtool.io.options import ReadOptions
from mirtool.io.recording import Recording, Samples
from mirtool.io.views import Guarded, View

if TYPE_CHECKING:
    import soundfile

log = logging.getLogger(__name__)

LENGTHS = re.compile(r"^\s*(?:SSND|data|riff|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
LIBSNDFILE = {"wav", "w64", "flac", "ogg", "mp3", "aiff", "au", "caf"}  # kinds that `sniffing` tells
FINE_STEP = 1024  # samples: how exactly the place of damage is told
LONGEST_PACKET = 8192  # samples of Vorbis; of Opus fewer


class WaveRecording(Recording):
    """WAV of plain samples in a seekable file."""

    def __init__(self, stream: BinaryIO, header: riff.WaveHeader, name: str, options: ReadOptions) -> None:
        self._header = header
        available = stream.seek(0, os.SEEK_END) - header.data_start
        promised = header.data_bytes
        total = (available if promised is None else min(available, promised)) // header.frame_bytes
        super().__init__(stream, name, header.layout, total, options)
        if promised is not None and self._needs(promised // header.frame_bytes, total):
            raise self._truncated(promised // header.frame_bytes, total)

    def _decode(self, frames: int) -> Iterator[Samples]:
        width = self._header.frame_bytes
        view = View(self._stream)
        view.seek(self._header.data_start + self._first * width)
        left = (self.frames or 0) * width
        while left and (data := riff.read_exactly(cast(BinaryIO, view), min(left, frames * width))):
            left -= len(data)
            yield riff.samples(data, self._header)


class LiveWave(Recording):
    """WAV of plain samples from a pipe that may have no end: read once, as it comes, and not kept."""

    def __init__(self, stream: BinaryIO, header: riff.WaveHeader, name: str, options: ReadOptions) -> None:
        super().__init__(stream, name, header.layout, header.frames, options)
        self._header = header
        self._used = False

    def _decode(self, frames: int) -> Iterator[Samples]:
        if self._used:
            raise RuntimeError("sound that is read live can be read once only")
        self._used = True
        return self._cut(self._chunks(frames))

    def _chunks(self, frames: int) -> Iterator[Samples]:
        width, promised = self._header.frame_bytes, self._header.frames
        count = 0
        rest = b""
        while promised is None or count < promised:
            wanted = frames if promised is None else min(frames, promised - count)
            data = getattr(self._stream, "read1", self._stream.read)(wanted * width - len(rest))
            if not data:
                break
            whole = rest + data
            chunk = riff.samples(whole, self._header)
            rest = whole[len(chunk) * width :]
            count += len(chunk)
            yield chunk
        if promised is not None and self._needs(promised, count):
            raise self._truncated(promised, count)


class WaveStream(Recording):
    """WAV of plain samples from a pipe, read as it comes.

    What has been read is kept (in memory, then in a temporary file), so that later calls of `blocks` can begin again.
    """

    def __init__(self, stream: BinaryIO, header: riff.WaveHeader, name: str, options: ReadOptions) -> None:
        super().__init__(stream, name, header.layout, header.frames, options)
        self._header = header
        self._kept = tempfile.SpooledTemporaryFile(streams.SPOOL_SIZE)  # noqa: SIM115 (lives as long as the recording)
        weakref.finalize(self, self._kept.close)
        self._ended = False

    def _decode(self, frames: int) -> Iterator[Samples]:
        return self._cut(self._from_beginning(frames))

    def _from_beginning(self, frames: int) -> Iterator[Samples]:
        width, promised = self._header.frame_bytes, self._header.data_bytes
        count = 0
        while True:
            self._kept.seek(count * width)
            if data := self._kept.read(frames * width):
                chunk = riff.samples(data, self._header)
            elif (fresh := self._fresh(frames)) is not None:
                chunk = fresh
            else:
                break
            count += len(chunk)
            yield chunk
        if promised is not None and count < promised // width:
            raise self._truncated(promised // width, count)

    def _fresh(self, frames: int) -> Samples | None:
        """Read what has come; None at the end."""
        width, promised = self._header.frame_bytes, self._header.data_bytes
        position = self._kept.seek(0, os.SEEK_END)
        limit = frames * width
        if promised is not None:
            limit = min(limit, promised - promised % width - position)
        if self._ended or limit <= 0:
            return None
        data = getattr(self._stream, "read1", self._stream.read)(limit)
        if rest := len(data) % width:
            data += riff.read_exactly(self._stream, width - rest)
        self._ended = not data or len(data) % width != 0
        data = data[: len(data) - len(data) % width]
        try:
            self._kept.write(data)
        except OSError as problem:
            folder = tempfile.gettempdir()
            message = f"{self.name}: does not fit in the temporary folder {folder}: {problem.strerror}"
            raise WriteFailure(message) from None
        return riff.samples(data, self._header) if data else None


class DecodedFile(Recording):
    """Anything that libsndfile decodes, in a seekable file."""

    def __init__(self, stream: BinaryIO, name: str, options: ReadOptions) -> None:
        stream.seek(0)
        self._stream = stream
        kind = sniffing.kind_of(stream.read(sniffing.HEAD_SIZE))
        self._mpeg = mpeg.count_frames(stream) if kind == "mp3" else None
        self._is_mpeg = kind in ("mp3", "wav")  # WAV of another codec than PCM
        self._is_ogg = kind == "ogg"
        with self._opened(self._view()) as sound:
            # How much an MPEG decoder leaves out is known at the end; a streamed FLAC does not know its length.
            self._promised = None if sound.format == "MP3" or sound.frames >= 1 << 62 else int(sound.frames)
            super().__init__(stream, name, (sound.samplerate, sound.channels), self._promised, options)
            there = self._promised or 0
            promised = promised_frames(sound.extra_info, there)
        if self._needs(promised, there):
            raise self._truncated(promised, there)
        if self._mpeg and (self._mpeg.promised or 0) > self._mpeg.count + 1:
            seconds = [frames * self._mpeg.seconds for frames in (self._mpeg.promised or 0, self._mpeg.count)]
            log.warning("%s: the header promises %.3f s; the %.3f s that there are were read", name, *seconds)

    def _view(self) -> Guarded:
        return Guarded(FramesView(self._stream, self._mpeg) if self._mpeg else View(self._stream))

    def _opened(self, view: Guarded) -> "soundfile.SoundFile":
        import soundfile

        with _silence(self._is_mpeg):
            return soundfile.SoundFile(view)

    def _decode(self, frames: int) -> Iterator[Samples]:
        # In steps that do not depend on the blocks: libmpg123 rounds otherwise when it is asked for other pieces.
        if self._promised is None:
            return self._cut(self._read(0, None))
        return self._read(self._first, self._first + (self.frames or 0))

    def _read(self, first: int, stop: int | None) -> Iterator[Samples]:
        import soundfile

        view = self._view()
        position = first
        with self._opened(view) as sound:
            if first:
                sound.seek(first)
            # soundfile seeks after each read, which fails at the end of a FLAC that does not know its length.
            sound.seekable = lambda: False
            while stop is None or position < stop:
                count = CHUNK if stop is None else min(CHUNK, stop - position)
                try:
                    with _silence(self._is_mpeg):
                        block = sound.read(count, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError as problem:
                    raise self._broken(view, position, reason(problem)) from problem
                if not len(block):
                    break
                position += len(block)
                yield block
        view.check()
        missing = 0 if stop is None else stop - position
        if self._is_ogg and 0 < missing < LONGEST_PACKET:
            # Ogg has no header that promises a length: its last page counts samples, and what cuts Ogg files, or writes
            # them packet by packet, may leave it some that no packet holds.
            log.info("%s: the last %d samples that are counted are missing, and taken as silence", self.name, missing)
            yield np.zeros((missing, self.channels), np.float32)
        elif missing > 0:
            raise self._truncated(self._promised or position, position)

    def _broken(self, view: Guarded, position: int, message: str) -> FormatError:
        """Return the error for a decoder that gave up after `position` samples or somewhat later."""
        import soundfile

        at_end = view.tell() >= view.seek(0, os.SEEK_END)
        with self._opened(self._view()) as sound, contextlib.suppress(soundfile.LibsndfileError):
            sound.seek(position)
            while block := len(sound.read(FINE_STEP, dtype="float32")):
                position += block
        if at_end and self._promised and position < self._promised:
            return self._truncated(self._promised, position)
        return FormatError(f"damaged at {position / self.sample_rate:.3f} s ({message})", self.name)


class _Silence:
    """Keeps what libmpg123 writes to stderr by itself (on damaged MPEG frames) from the user.

    The descriptor belongs to the whole process, and several threads may decode at once: the first one turns it away,
    the last one turns it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._kept: int | None = None

    @contextlib.contextmanager
    def __call__(self, wanted: bool) -> Iterator[None]:
        """Be silent within the block, if that is wanted."""
        if not wanted:
            yield
            return
        with self._lock:
            if self._users == 0:
                self._begin()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._end()

    def _begin(self) -> None:
        try:
            self._kept = os.dup(2)
        except OSError:  # stderr is closed
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def _end(self) -> None:
        if self._kept is not None:
            os.dup2(self._kept, 2)
            os.close(self._kept)
            self._kept = None


_silence = _Silence()


def promised_frames(log: str, frames: int) -> int:
    """Return the samples that a header promised, where libsndfile has silently cut its promise to what there is.

    Parameters
    ----------
    log : str
        What libsndfile says about a file: `` SSND : 529208 (should be 264581)`` where the file is shorter than
        its header says, and just as well where the header does not know.
    frames : int
        What there is.
    """
    for promised, there in LENGTHS.findall(log):
        if int(promised) > int(there) > 0 and not riff.is_placeholder(int(promised)):
            return frames * int(promised) // int(there)
    return frames


def reason(problem: "soundfile.LibsndfileError") -> str:
    """Return what libsndfile says, without the repr of our stream."""
    text = str(problem.error_string).rstrip(".").replace("Error : ", "")
    return "damaged header" if text.startswith("File does not exist") else text


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Recording:
    """Open a recording.

    Parameters
    ----------
    stream : binary file
        A WAV file, or samples without a header, need not be seekable: they are then read as they come.
    name : str
        As the user gave it, for messages.
    options : ReadOptions
        `start` and `duration` choose a part; `raw` says that there is no header; `live`, that there may be no end.

    Returns
    -------
    Recording
        An `AudioSource`; `blocks` may be called again.

    Raises
    ------
    FormatError
        The bytes are no audio, or damaged, or fewer than promised.
    DataError
        No samples, or `start` beyond the end; while reading: NaN or infinite samples.
    MissingPart
        Only ffmpeg can decode this, and it is not installed.
    """
    seekable = stream.seekable()
    plain = WaveRecording if seekable else LiveWave if options.live else WaveStream
    if options.raw is not None:
        head = streams.first_bytes(stream, streams.LIVE_HEAD_SIZE)
        if sniffing.is_streamable(head):
            raise FormatError("has a header, it is wav: read it without --raw", name)
        return plain(stream, riff.raw_header(options.raw), name, options)
    if seekable:
        stream.seek(0)
    reader = riff.HeaderReader(stream, name)
    head = reader.peek(12)
    if not head:
        raise FormatError("empty", name)
    if sniffing.is_streamable(head):
        header = reader.header()
        if header.plain:
            return plain(stream, header, name, options)
    if seekable:
        return _decoded(stream, name, options)
    if options.live:
        shown = head[:4].hex(" ")
        raise FormatError(f"live sound is WAV of plain samples, or --raw; this is neither (first bytes: {shown})", name)
    copy = streams.spooled(reader.taken, stream, name)
    try:
        return _decoded(copy, name, options)
    except BaseException:
        copy.close()
        raise


def _decoded(stream: BinaryIO, name: str, options: ReadOptions) -> Recording:
    """Open what is not plain WAV: with libsndfile, else with ffmpeg."""
    import soundfile

    stream.seek(0)
    head = stream.read(sniffing.HEAD_SIZE)
    kind = sniffing.kind_of(head)
    what = ffmpeg.KINDS.get(kind)
    if kind == "ogg" and ogg.is_chained(stream):
        what = "a chain of Ogg streams"
    try:
        if what is None:
            return DecodedFile(stream, name, options)
    except soundfile.LibsndfileError as problem:
        if kind not in LIBSNDFILE:
            raise FormatError(sniffing.complaint("audio", head), name) from problem
        if not ffmpeg.is_installed():
            raise FormatError("cannot be decoded: damaged, or in a codec that libsndfile lacks", name) from problem
    if not ffmpeg.is_installed():
        raise ffmpeg.missing(name, what or "this")
    return ffmpeg.FfmpegRecording(stream, name, options)
