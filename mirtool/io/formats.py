"""The one table of formats, and reading and writing through it.

What an input is follows from its bytes. Among text formats, which have no magic bytes, these decide in turn: the format
that the user named, the extension, the content where all formats that fit would give the same container.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from mirtool.errors import FormatError, UsageProblem
from mirtool.io import sniffing, streams
from mirtool.io.options import RawLayout, ReadOptions, WriteOptions

if TYPE_CHECKING:
    from mirtool.types import AudioSource, Features, Table

TABLES = ("table", "events", "segments", "notes", "path")


class Reader(Protocol):
    """A function that makes a container of a seekable stream."""

    def __call__(self, stream: BinaryIO, name: str, options: ReadOptions) -> Any: ...


class Writer(Protocol):
    """A function that writes a container to a stream."""

    def __call__(self, container: Any, stream: BinaryIO, options: WriteOptions) -> None: ...


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Parameters
    ----------
    name : str
    extensions : tuple of str
        With the dot, lower case; the first is the one that is written. Where two formats share one (.csv), the first
        is meant; .txt says nothing.
    containers : tuple of str
        What it can hold, as `container_name` says it.
    reader, writer : str
        ``module:function``, imported when it is needed. None: not written.
    keeps_stream : bool
        The container goes on reading; otherwise the stream is closed when the reader returns.
    is_text : bool
        It has no magic bytes.
    """

    name: str
    extensions: tuple[str, ...]
    containers: tuple[str, ...]
    reader: str
    writer: str | None = None
    keeps_stream: bool = False
    is_text: bool = False


def _audio(name: str, *extensions: str) -> Format:
    return replace(_unwritten(name, *extensions), writer="mirtool.io.audio_output:write")


def _unwritten(name: str, *extensions: str) -> Format:
    """Sound that is only read, most of it through ffmpeg."""
    return Format(name, extensions, ("audio",), "mirtool.io.audio:read", keeps_stream=True)


def _text(name: str, module: str, extensions: tuple[str, ...], containers: tuple[str, ...]) -> Format:
    return Format(name, extensions, containers, f"mirtool.io.{module}:read", f"mirtool.io.{module}:write", is_text=True)


FORMATS = {
    row.name: row
    for row in (
        _text("csv", "tables", (".csv",), (*TABLES, "features")),
        _text("tsv", "tables", (".tsv", ".tab"), (*TABLES, "features")),
        _text("json", "json_lines", (".json", ".jsonl", ".ndjson"), TABLES),
        _text("lab", "plain_text", (".lab",), ("segments",)),
        _text("beats", "plain_text", (".beats",), ("events",)),
        _text("mireval", "plain_text", (".txt",), ("events", "segments", "notes")),
        _text("audacity", "plain_text", (".txt",), ("events", "segments")),
        _text("fmp", "fmp", (".csv",), ("events", "segments", "notes", "path")),
        _text("sv", "sonic_visualiser", (".svl",), ("events", "segments", "notes")),
        _text("jams", "jams", (".jams",), ("events", "segments", "notes")),
        Format("npy", (".npy",), ("features",), "mirtool.io.arrays:read", "mirtool.io.arrays:write"),
        Format(
            "midi",
            (".mid", ".midi", ".kar"),
            ("score", "notes", "events"),
            "mirtool.io.midi:read",
            "mirtool.io.midi_output:write",
        ),
        Format("musicxml", (".musicxml", ".mxl", ".xml"), ("score",), "mirtool.io.musicxml:read"),
        _audio("wav", ".wav", ".wave"),
        _unwritten("w64", ".w64"),
        _audio("flac", ".flac"),
        _audio("ogg", ".ogg", ".oga"),
        _audio("opus", ".opus"),
        _audio("mp3", ".mp3"),
        _audio("aiff", ".aiff", ".aif", ".aifc"),
        _audio("au", ".au", ".snd"),
        _audio("caf", ".caf"),
        _unwritten("m4a", ".m4a", ".mp4", ".m4b"),
        _unwritten("aac", ".aac"),
        _unwritten("matroska", ".webm", ".mkv", ".mka"),
        _unwritten("wma", ".wma"),
        _unwritten("wavpack", ".wv"),
        _unwritten("ape", ".ape"),
        _unwritten("tta", ".tta"),
        _unwritten("amr", ".amr"),
        _unwritten("dsf", ".dsf"),
    )
}

_BY_EXTENSION = {extension: row for row in reversed(FORMATS.values()) for extension in row.extensions}
del _BY_EXTENSION[".txt"]
_DEFAULT = {"audio": "wav", "features": "npy", "score": "midi"} | dict.fromkeys(TABLES, "csv")
_CONTAINERS = {
    "Features": "features",
    "Score": "score",
    "Events": "events",
    "Segments": "segments",
    "Notes": "notes",
    "WarpingPath": "path",
    "Table": "table",
}
WORDS = {
    "audio": "audio",
    "features": "features",
    "score": "a score",
    "events": "events",
    "segments": "segments",
    "notes": "notes",
    "path": "a warping path",
    "table": "a plain table",
}


def by_extension(name: str) -> Format | None:
    """Return the format that the extension of a name stands for, if it stands for one."""
    return _BY_EXTENSION.get(os.path.splitext(name)[1].lower())


def container_name(container: object) -> str:
    """Return the name of a container's kind: audio, features, score, events, segments, notes, path or table.

    Raises
    ------
    TypeError
        It is no container.
    """
    for kind in type(container).__mro__:
        if kind.__name__ in _CONTAINERS:
            return _CONTAINERS[kind.__name__]
    if hasattr(container, "blocks"):
        return "audio"
    raise TypeError(f"not a container: {type(container).__name__}")


def formats_for(container: str) -> tuple[str, ...]:
    """Return the names of the formats in which a container (as `container_name` says it) can be written."""
    return tuple(row.name for row in FORMATS.values() if row.writer and _holds(row, container))


def read(
    name: str,
    *,
    format: str | None = None,
    feature_rate: float | None = None,
    start: float | None = None,
    duration: float | None = None,
    pedal: bool = False,
    raw: RawLayout | None = None,
    live: bool = False,
    many: bool = False,
) -> AudioSource | Features | Table | Any:
    """Read an input of any kind.

    Parameters
    ----------
    name : str
        A path, or `-` for stdin.
    format : str or None
        Name of the text format, for an input whose name does not tell.
    feature_rate : float or None
        Frames per second of an NPY file without a description.
    start, duration : float or None
        Keep this stretch only (s). Times stay those of the input.
    pedal : bool
        Let notes of a MIDI file sound as long as its sustain pedal holds them.
    raw : RawLayout or None
        The input is sound without a header.
    live : bool
        The input may have no end: what is no regular file is read once, as it comes, and must be WAV or raw.
    many : bool
        One of many files, of which only the notes are wanted; see `ReadOptions`.

    Returns
    -------
    AudioSource, Features, Table (Events, Segments, Notes, WarpingPath) or Score

    Raises
    ------
    MissingInput
        There is no such input.
    FormatError
        The bytes are not what they should be.
    UsageProblem
        There is no such format.
    """
    wanted = None if format is None else _row(format)
    as_it_comes = live or raw is not None
    stream = streams.open_input(name, (lambda head: True) if as_it_comes else sniffing.is_streamable)
    try:
        row = FORMATS["wav"] if raw is not None else _recognised(stream, name, wanted)
        options = ReadOptions(row.name, feature_rate, start, duration, pedal, raw, live, many)
        container = cast(Reader, _resolve(row.reader))(stream, name, options)
    except BaseException:
        stream.close()
        raise
    if not row.keeps_stream:
        stream.close()
        if start is not None or duration is not None:
            from mirtool.io.excerpts import excerpt

            return excerpt(container, start or 0.0, duration)
    return container


def write(
    container: Any,
    name: str,
    *,
    format: str | None = None,
    subtype: str | None = None,
    sample_rate: int | None = None,
) -> None:
    """Write a container, whole or not at all.

    Parameters
    ----------
    container : AudioSource, Features, Table or Score
        Of a score, a format for tables takes the notes, one that holds events only the beats.
    name : str
        A path, or `-` for stdout.
    format : str or None
        Name of the format; by default what the extension stands for, else the container's own (CSV, NPY, MIDI, WAV).
    subtype : str or None
        Encoding of audio samples, such as ``PCM_16``.
    sample_rate : int or None
        Grid of the times in formats that count samples (Hz).

    Raises
    ------
    UsageProblem
        The format cannot hold the container, or has no such subtype.
    OutputProblem, WriteFailure
        See `mirtool.io.streams.atomic`.
    """
    row = target_format(container_name(container), name, format)
    with streams.atomic(name) as stream:
        write_to(stream, container, WriteOptions(row.name, subtype, sample_rate))


def write_to(stream: BinaryIO, container: Any, options: WriteOptions) -> None:
    """Write a container to a stream, in a format that can hold it (see `target_format`)."""
    row = _row(options.format)
    if options.subtype is not None and "audio" not in row.containers:
        raise UsageProblem(f"--subtype is for sound: {row.name} has no {options.subtype}")
    if "score" not in row.containers and container_name(container) == "score":
        container = (
            container.notes if "notes" in row.containers else _resolve("mirtool.io.beat_map:beats_of_score")(container)
        )
    cast(Writer, _resolve(cast(str, row.writer)))(container, stream, options)


def target_format(container: str, name: str, format: str | None = None) -> Format:
    """Return the format in which a container (as `container_name` says it) goes to `name`.

    Raises
    ------
    UsageProblem
        There is no such format, or it cannot hold the container.
    """
    row = _row(format) if format is not None else by_extension(name) or FORMATS[_DEFAULT[container]]
    if row.writer is None or not _holds(row, container):
        what = "is not written" if row.writer is None else f"cannot hold {WORDS[container]}"
        raise UsageProblem(f"{name}: {row.name} {what} (possible: {', '.join(formats_for(container))})")
    return row


def _holds(row: Format, container: str) -> bool:
    return container in row.containers or (container == "score" and bool({"notes", "events"} & set(row.containers)))


def _row(format: str) -> Format:
    if format not in FORMATS:
        raise UsageProblem(f"no format {format!r} (there are: {', '.join(FORMATS)})")
    return FORMATS[format]


def _resolve(function: str) -> Any:
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)


def _recognised(stream: BinaryIO, name: str, wanted: Format | None) -> Format:
    """Find the format of a stream, from its bytes first."""
    head = streams.first_bytes(stream, sniffing.HEAD_SIZE) if stream.seekable() else sniffing.LIVE_HEAD
    kind = sniffing.kind_of(head)
    named = wanted or by_extension(name)
    if kind in FORMATS:
        if wanted is not None and wanted.name != kind:
            raise FormatError(f"not {wanted.name}: it is {kind}", name)
        return FORMATS[kind]
    if named is not None and not named.is_text:
        raise FormatError("empty" if kind == "empty" else sniffing.complaint(_word(named), head), name)
    if kind == "binary":
        raise FormatError(sniffing.complaint("audio, MIDI, features or text", head), name)
    if kind not in ("text", "empty"):
        raise FormatError(f"{kind}, which cannot be read here", name)
    if sniffing.is_html(head):
        raise FormatError(sniffing.complaint(named.name if named else "audio", head), name)
    if named is None:
        return _by_content(head, name)
    return FORMATS["fmp"] if named.name == "csv" and wanted is None and sniffing.is_fmp(head) else named


def _by_content(head: bytes, name: str) -> Format:
    """Find the format of a text that no name tells."""
    if not head:
        raise FormatError("empty", name)
    found = sniffing.text_formats(head)
    if not found:
        raise FormatError(sniffing.complaint("audio and no known table", head), name)
    if len({container for _, container in found}) > 1:
        raise FormatError(f"may be {' or '.join(row for row, _ in found)}: say which with --from", name)
    return FORMATS[found[0][0]]


def _word(row: Format) -> str:
    return {"npy": "NPY", "midi": "MIDI", "musicxml": "MusicXML"}.get(row.name, "audio")
