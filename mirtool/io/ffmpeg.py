"""Decoding through ffmpeg what libsndfile does not know: AAC, ALAC, WMA, WavPack, the sound of videos."""

import contextlib
import logging
import os
import select
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from mirtool.errors import FormatError, MissingPart
from mirtool.io import riff
from mirtool.io.options import ReadOptions
from mirtool.io.recording import Recording, Samples

STALL = 60.0  # seconds without a byte after which ffmpeg is given up
# What only ffmpeg decodes: kinds as `mirtool.io.sniffing` tells them.
KINDS = {
    "m4a": "MPEG-4 (AAC, ALAC)",
    "aac": "AAC",
    "matroska": "Matroska or WebM",
    "wma": "Windows Media",
    "wavpack": "WavPack",
    "ape": "Monkey's Audio",
    "tta": "True Audio",
    "amr": "AMR",
    "dsf": "DSD",
}
INSTALL = {"darwin": "brew install ffmpeg", "win32": "winget install ffmpeg"}

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Tell whether there is an ffmpeg to call."""
    return shutil.which("ffmpeg") is not None


class FfmpegRecording(Recording):
    """What ffmpeg makes of the first sound track of a file: a subprocess for each call of `blocks`.

    Raises
    ------
    MissingPart
        ffmpeg is not installed.
    FormatError
        ffmpeg cannot decode it; the message is the last one of ffmpeg.
    """

    def __init__(self, stream: BinaryIO, name: str, options: ReadOptions) -> None:
        path, copy = _on_disk(stream)
        if copy is not None:
            weakref.finalize(self, copy.close)
        self._path = path
        decoder = Decoder(path, name)
        try:
            header = decoder.header()
            super().__init__(stream, name, header.layout, None, options)
        except BaseException:
            decoder.close()
            raise
        self._ready: Decoder | None = decoder
        weakref.finalize(self, decoder.close)

    def _decode(self, frames: int) -> Iterator[Samples]:
        decoder, self._ready = self._ready or Decoder(self._path, self.name), None
        with contextlib.closing(decoder):
            yield from self._cut(decoder.chunks(frames))


class Decoder:
    """One run of ffmpeg, which writes WAV (32-bit floats) to a pipe."""

    def __init__(self, path: str, name: str) -> None:
        program = shutil.which("ffmpeg")
        if program is None:
            raise missing(name, "this")
        self._name = name
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 (a pipe could fill up while nobody reads it)
        self._header: riff.WaveHeader | None = None
        # "file:" so that no name is taken for a protocol or an option; nothing is fetched from elsewhere.
        self._source = f"file:{path}"
        source = ["-protocol_whitelist", "file,pipe", "-i", self._source, "-map", "0:a:0"]
        target = ["-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav", "-"]
        self._process = subprocess.Popen(
            [program, "-nostdin", "-hide_banner", "-loglevel", "error", *source, *target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            bufsize=0,
        )

    def header(self) -> riff.WaveHeader:
        """Return the header of the sound that comes."""
        if self._header is None:
            try:
                self._header = riff.HeaderReader(cast(BinaryIO, self), self._name).header()
            except FormatError:
                self._end()
                raise FormatError("ffmpeg finds no sound in it", self._name) from None
        return self._header

    def chunks(self, frames: int) -> Iterator[Samples]:
        """Decode to the end, which must be a success of ffmpeg."""
        header = self.header()
        while data := riff.read_exactly(cast(BinaryIO, self), frames * header.frame_bytes):
            yield riff.samples(data, header)
        self._end()

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes as they come; nothing at the end."""
        output = cast(IO[bytes], self._process.stdout)
        if os.name == "posix" and not select.select([output], [], [], STALL)[0]:
            self.close()
            raise FormatError(f"ffmpeg did not answer for {STALL:g} s", self._name)
        return output.read(size)

    def _end(self) -> None:
        """Wait for the end of ffmpeg and raise if it failed."""
        try:
            code = self._process.wait(STALL)
        except subprocess.TimeoutExpired:
            self.close()
            raise FormatError(f"ffmpeg did not end within {STALL:g} s", self._name) from None
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        # ffmpeg names what it was given, which may be a temporary copy; the name of the input stands before it all.
        message = lines[-1].strip().removeprefix(f"{self._source}: ") if lines else ""
        if code:
            raise FormatError(f"ffmpeg: {message or f'exit code {code}'}", self._name)
        if message:
            log.warning("%s: ffmpeg: %s", self._name, message)

    def close(self) -> None:
        """End ffmpeg, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        cast(IO[bytes], self._process.stdout).close()
        self._messages.close()


def missing(name: str, what: str) -> MissingPart:
    """Return the error for a recording that only ffmpeg decodes."""
    command = INSTALL.get(sys.platform, "apt install ffmpeg")
    return MissingPart(f"{name}: {what} is decoded by ffmpeg, which is not installed: {command}")


def _on_disk(stream: BinaryIO) -> tuple[str, IO[bytes] | None]:
    """Return a path to the bytes of a stream, and the temporary copy if one was needed."""
    path = getattr(stream, "name", None)
    with contextlib.suppress(OSError):
        if isinstance(path, str) and os.path.samestat(os.stat(path), os.fstat(stream.fileno())):
            return os.path.abspath(path), None
    copy = tempfile.NamedTemporaryFile()  # noqa: SIM115 (lives as long as the recording)
    stream.seek(0)
    shutil.copyfileobj(stream, copy, 1 << 20)
    copy.flush()
    return copy.name, copy
