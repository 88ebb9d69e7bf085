"""Writing sound, block by block: WAV by ourselves, all else through libsndfile.

Nothing is rescaled; what a subtype of whole numbers cannot hold is clipped and reported. Same samples, same bytes: no
PEAK chunk (it holds a date), no random serial number in Ogg.
"""

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import DataError, UsageProblem
from mirtool.io import ogg, riff, streams
from mirtool.io.options import WriteOptions
from mirtool.io.views import Guarded
from mirtool.types import AudioSource, Stems

Samples = NDArray[np.float32]

# Format of the table of formats: format of libsndfile, subtype by default (the one that loses least).
CODECS = {
    "wav": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "FLOAT"),
    "au": ("AU", "FLOAT"),
    "caf": ("CAF", "FLOAT"),
}
WHOLE = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
LOSSY_STEP = 2048  # libvorbis keeps what it gets at once on the stack
NO_PEAK_CHUNK = 0x1050  # SFC_SET_ADD_PEAK_CHUNK, which soundfile does not name

log = logging.getLogger(__name__)


class Sink(ABC):
    """An `AudioSink`: takes blocks and writes them; `close` completes the file.

    Attributes
    ----------
    sample_rate, channels : int
    frames : int
        Samples a channel written so far.
    """

    def __init__(self, sample_rate: int, channels: int, subtype: str) -> None:
        self.sample_rate, self.channels, self.subtype = sample_rate, channels, subtype
        self.frames = 0
        self._clipped, self._peak = 0, 1.0

    def write(self, block: Samples) -> None:
        """Append samples (n × channels, float32, full scale 1).

        Raises
        ------
        DataError
            NaN or infinite samples.
        """
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise ValueError(f"a block of shape {block.shape} for {self.channels} channels")
        if not np.isfinite(block).all():
            row = int(np.argwhere(~np.isfinite(block))[0, 0])
            raise DataError(f"NaN or infinite sample at {(self.frames + row) / self.sample_rate:.6f} s of the output")
        self._put(self._encoded(block))
        self.frames += len(block)

    def close(self) -> None:
        """Complete the file and say what was clipped."""
        if self._clipped:
            log.warning(
                "%d samples beyond full scale were clipped by %s (largest: %.3f); WAV without --subtype keeps them",
                self._clipped,
                self.subtype,
                self._peak,
            )

    @abstractmethod
    def _put(self, values: NDArray[Any]) -> None: ...

    def _encoded(self, block: Samples) -> NDArray[Any]:
        """Return the numbers that are written: whole ones (int32) for PCM."""
        bits = WHOLE.get(self.subtype)
        if bits is None:
            return np.ascontiguousarray(block, np.float64 if self.subtype == "DOUBLE" else np.float32)
        peak = float(np.abs(block).max(initial=0))
        if peak > 1:
            self._clipped += int(np.count_nonzero(np.abs(block) > 1))
            self._peak = max(self._peak, peak)
        full = 1 << (bits - 1)
        # Times a power of two, rounded: samples that were read from as many bits come out as they were.
        return np.clip(np.rint(block * np.float64(full)), -full, full - 1).astype(np.int32)


class WaveSink(Sink):
    """WAV of plain samples.

    A file whose length is not known at the beginning has room for the header of RF64, which it becomes past 4 GiB. A
    pipe gets a header with the length if that is known, and one without (0xFFFFFFFF) if not.

    Parameters
    ----------
    frames : int or None
        How many samples will be written, if that is known.
    """

    def __init__(
        self, stream: BinaryIO, sample_rate: int, channels: int, subtype: str, frames: int | None = None
    ) -> None:
        super().__init__(sample_rate, channels, subtype)
        self._stream, self._promised = stream, frames
        self._begin = stream.tell() if stream.seekable() else None
        self._header = riff.HeaderWriter(sample_rate, channels, subtype)
        stream.write(self._header.bytes(frames, extensible=frames is None and self._begin is not None))

    def _put(self, values: NDArray[Any]) -> None:
        self._stream.write(riff.sample_bytes(values, self.subtype))

    def close(self) -> None:
        length = self._header.data_bytes(self.frames)
        if length % 2:
            self._stream.write(b"\0")
        if self._begin is not None and self.frames != self._promised:
            end = self._stream.tell()
            self._stream.seek(self._begin)
            self._stream.write(self._header.bytes(self.frames, extensible=self._promised is None))
            self._stream.seek(end)
        elif self._promised is not None and self.frames != self._promised:
            raise DataError(f"{self.frames} samples came where {self._promised} were announced in the header")
        super().close()


class CodedSink(Sink):
    """Whatever libsndfile encodes, in a seekable stream."""

    def __init__(self, stream: BinaryIO, sample_rate: int, channels: int, codec: str, subtype: str) -> None:
        import soundfile

        super().__init__(sample_rate, channels, subtype)
        self._stream, self._begin, self._ogg = stream, stream.tell(), codec == "OGG"
        self._guarded = Guarded(stream)
        try:
            self._file = soundfile.SoundFile(self._guarded, "w", sample_rate, channels, subtype, format=codec)
        except soundfile.LibsndfileError:
            rates = " (it knows 8, 12, 16, 24 and 48 kHz)" if subtype == "OPUS" else ""
            message = f"{codec} ({subtype}) cannot hold {channels} channels at {sample_rate} Hz{rates}"
            raise UsageProblem(message) from None
        soundfile._snd.sf_command(self._file._file, NO_PEAK_CHUNK, soundfile._ffi.NULL, 0)

    def _put(self, values: NDArray[Any]) -> None:
        if values.dtype == np.int32:
            values <<= 32 - WHOLE[self.subtype]  # libsndfile takes the upper bits
        for begin in range(0, len(values), LOSSY_STEP):
            self._file.write(values[begin : begin + LOSSY_STEP])
        self._guarded.check()

    def close(self) -> None:
        self._file.close()
        self._guarded.check()
        if self._ogg:
            ogg.renumber(self._stream, self._begin)
        super().close()


def encoding(format: str, subtype: str | None) -> tuple[str, str]:
    """Return the format and the subtype of libsndfile that are meant.

    Parameters
    ----------
    format : str
        Name in the table of formats.
    subtype : str or None
        As the user wrote it, in any case; None for the default.

    Raises
    ------
    UsageProblem
        There is no such subtype in that format.
    """
    codec, default = CODECS[format]
    if subtype is None:
        return codec, default
    wanted = subtype.upper()
    if wanted == default or (codec == "WAV" and wanted in riff.ENCODINGS):
        return codec, wanted
    import soundfile

    possible = soundfile.available_subtypes(codec)
    if wanted not in possible or not soundfile.check_format(codec, wanted):
        raise UsageProblem(f"{format} has no subtype {subtype} (there are: {', '.join(possible)})")
    return codec, wanted


@contextlib.contextmanager
def sink(
    stream: BinaryIO, sample_rate: int, channels: int, options: WriteOptions, frames: int | None = None
) -> Iterator[Sink]:
    """Open a recording for writing; it is complete when the `with` block ends without an error.

    Parameters
    ----------
    stream : binary file
        Need not be seekable.
    sample_rate, channels : int
    options : WriteOptions
        `format` and `subtype`.
    frames : int or None
        How many samples will come, where that is known: then a pipe gets a WAV header with the length.
    """
    codec, subtype = encoding(options.format, options.subtype)
    if codec == "WAV" and subtype in riff.ENCODINGS:
        wave = WaveSink(stream, sample_rate, channels, subtype, frames)
        yield wave
        wave.close()
        return
    with streams.seekable(stream) as target:
        coded = CodedSink(target, sample_rate, channels, codec, subtype)
        try:
            yield coded
        except BaseException:
            coded._file.close()
            raise
        coded.close()


def write(source: AudioSource, stream: BinaryIO, options: WriteOptions) -> None:
    """Write a recording, block by block.

    Parameters
    ----------
    source : AudioSource
    stream : binary file
        Need not be seekable.
    options : WriteOptions
        `format` and `subtype`; WAV has 32-bit floats by default, FLAC 24 bits.

    Raises
    ------
    UsageProblem
        No such subtype, or the format cannot hold this rate or number of channels.
    DataError
        NaN or infinite samples.
    """
    with sink(stream, source.sample_rate, source.channels, options, source.frames) as target:
        for block in source.blocks(CHUNK):
            target.write(block)


def write_together(stems: Stems, targets: Mapping[str, str], options: WriteOptions) -> None:
    """Write parts of a separation in one pass, block by block: all of them whole, or none.

    Parameters
    ----------
    stems : Stems
    targets : mapping
        Path by name of each part that is written; none is stdout.
    options : WriteOptions
        As `write` takes them.

    Raises
    ------
    UsageProblem, DataError
        As `write` does.
    OutputProblem, WriteFailure
        See `mirtool.io.streams.atomic`; nothing stands under any of the targets' names that did not before.
    """
    places = [stems.names.index(name) for name in targets]
    with streams.atomic_together(list(targets.values())) as opened, contextlib.ExitStack() as stack:
        sinks = [
            stack.enter_context(_named_sink(target, stream, stems, options))
            for target, stream in zip(targets.values(), opened, strict=True)
        ]
        for blocks in stems.blocks():
            for target, part, place in zip(targets.values(), sinks, places, strict=True):
                with streams.failures(target):
                    part.write(blocks[place])


@contextlib.contextmanager
def _named_sink(target: str, stream: BinaryIO, stems: Stems, options: WriteOptions) -> Iterator[Sink]:
    """Open a recording for one part; errors of its end name the target."""
    with streams.failures(target), sink(stream, stems.sample_rate, stems.channels, options, stems.frames) as opened:
        yield opened


class Stem:
    """One part of a separation as an `AudioSource`."""

    def __init__(self, stems: Stems, name: str) -> None:
        self.sample_rate, self.channels, self.frames = stems.sample_rate, stems.channels, stems.frames
        self._stems, self._place = stems, stems.names.index(name)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        return reblocked((blocks[self._place] for blocks in self._stems.blocks()), size, overlap, self.channels)
