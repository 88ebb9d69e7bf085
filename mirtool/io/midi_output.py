"""Writing standard MIDI files: type 1, tempo and time signatures on track 0."""

import struct
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool import percussion
from mirtool.errors import DataError
from mirtool.io.beat_map import END_OF_TRACK, score_of_beats
from mirtool.io.options import WriteOptions
from mirtool.tempo_map import TempoMap
from mirtool.types import Events, Notes, Score, Table

TICKS_PER_BEAT = 1000  # at the default tempo, 120 a minute: 2000 ticks a second
CLICK_PITCH = 37  # side stick of the General MIDI drum set
# What comes first at one tick: ends of notes, then changes, then notes, then ends of notes without length.
OFF, CHANGE, ON, ZERO_OFF, LAST = range(5)

Message = tuple[int, int, bytes]  # tick, order, bytes


def write(container: Table | Score, stream: BinaryIO, options: WriteOptions) -> None:
    """Write a MIDI file.

    Parameters
    ----------
    container : Score, Notes or Events
        A score keeps its ticks and messages. Notes stand on a grid of 1/2000 s at a fixed tempo. Events with a column
        `beat` become a tempo map (see `mirtool.io.beat_map`), those whose labels name drums notes of the drum set;
        other events become clicks.
    stream : binary file
        Need not be seekable.
    options : WriteOptions
        None of them matters here.

    Raises
    ------
    DataError
        Notes or events that MIDI cannot hold.
    """
    if isinstance(container, Notes):
        container = score_of_notes(container)
    elif isinstance(container, Events):
        container = score_of_beats(container) if "beat" in container else score_of_notes(_struck(container))
    if not isinstance(container, Score):
        raise DataError(f"{type(container).__name__.lower()} cannot be written as MIDI")
    stream.write(encoded(container))


def encoded(score: Score) -> bytes:
    """Return a score as the bytes of a MIDI file."""
    tracks: list[list[Message]] = [[] for _ in range(max(1, len(score.messages), _track_count(score.notes)))]
    for tick, tempo in score.tempo_map.changes:
        tracks[0].append((tick, CHANGE, b"\xff\x51" + tempo.to_bytes(3, "big")))
    for number, messages in enumerate(score.messages):
        for tick, data in messages:
            home = 0 if data[:2] == b"\xff\x58" else number
            tracks[home].append((tick, LAST if data[:2] == END_OF_TRACK else CHANGE, data))
    for number, message in _note_messages(score):
        tracks[number].append(message)
    head = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), score.ticks_per_beat)
    return head + b"".join(_track(messages) for messages in tracks)


def _track_count(notes: Notes) -> int:
    return int(notes["track"].max()) + 1 if "track" in notes and len(notes) else 1


def _note_messages(score: Score) -> Iterable[tuple[int, Message]]:
    """Yield the track and the messages of the notes."""
    notes, count = score.notes, len(score.notes)
    pitches = _midi_numbers(notes["pitch"], "pitch", 0)
    velocities = _midi_numbers(notes["velocity"], "velocity", 1)  # 0 would be an end
    zeros = np.zeros(count, dtype=np.int64)
    channels = notes["channel"].astype(np.int64) & 0x0F if "channel" in notes else zeros
    tracks = notes["track"].astype(np.int64) if "track" in notes else zeros
    rows = zip(score.ticks.tolist(), pitches, velocities, channels.tolist(), tracks.tolist(), strict=True)
    for (onset, offset), pitch, velocity, channel, track in rows:
        yield track, (onset, ON, bytes((0x90 | channel, pitch, velocity)))
        yield track, (max(offset, onset), OFF if offset > onset else ZERO_OFF, bytes((0x80 | channel, pitch, 0)))


def _midi_numbers(values: NDArray[np.float64], name: str, lowest: int) -> list[int]:
    """Round to whole numbers from 0 to 127; raise what lies below `lowest` to it."""
    rounded = np.rint(values)
    bad = ~((rounded >= 0) & (rounded <= 127))
    if bad.any():
        raise DataError(f"MIDI holds a {name} from 0 to 127, not {values[bad][0]:g}")
    return [int(value) for value in np.maximum(rounded, lowest)]


def _track(messages: list[Message]) -> bytes:
    parts = []
    now = 0
    messages.sort(key=lambda message: message[:2])
    if not messages or messages[-1][1] != LAST:
        messages.append((messages[-1][0] if messages else 0, LAST, END_OF_TRACK))
    ends = sum(order == LAST for _, order, _ in messages)
    for tick, order, data in messages:
        if order == LAST and ends > 1:
            ends -= 1
            continue
        parts.append(_variable(tick - now) + _framed(data))
        now = tick
    body = b"".join(parts)
    return struct.pack(">4sI", b"MTrk", len(body)) + body


def _variable(value: int) -> bytes:
    """Return a number in groups of seven bits, as delta times and lengths are written."""
    if value >= 1 << 28:
        raise DataError(f"a gap of {value} ticks, which MIDI cannot hold")
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | (value & 0x7F))
    return bytes(reversed(groups))


def _framed(data: bytes) -> bytes:
    """Put the length into a meta or system exclusive message."""
    if data[0] == 0xFF:
        return data[:2] + _variable(len(data) - 2) + data[2:]
    if data[0] == 0xF0:
        return b"\xf0" + _variable(len(data)) + data[1:] + b"\xf7"
    return data


def score_of_notes(notes: Notes) -> Score:
    """Put notes on a grid of 1/2000 s at 120 quarter notes a minute.

    Columns `track`, `channel` and `program` are respected; every note lasts at least one tick.

    Raises
    ------
    DataError
        A time that is negative or not finite.
    """
    tempo_map = TempoMap(TICKS_PER_BEAT)
    times = np.stack((notes["onset"], notes["offset"]), axis=1)
    if not np.isfinite(times).all() or times.min(initial=0) < 0:
        raise DataError("notes with times below 0 or NaN cannot be written as MIDI")
    ticks = np.rint(tempo_map.ticks_at(times)).astype(np.int64)
    ticks[:, 1] = np.maximum(ticks[:, 1], ticks[:, 0] + 1)
    tracks: list[list[tuple[int, bytes]]] = [[] for _ in range(_track_count(notes))]
    if "program" in notes:
        current: dict[tuple[int, int], int] = {}
        for row in np.argsort(ticks[:, 0], kind="stable"):
            track = int(notes["track"][row]) if "track" in notes else 0
            channel = int(notes["channel"][row]) & 0x0F if "channel" in notes else 0
            program = int(notes["program"][row]) & 0x7F
            if current.get((track, channel)) != program:
                current[track, channel] = program
                tracks[track].append((int(ticks[row, 0]), bytes((0xC0 | channel, program))))
    return Score(notes, ticks, tempo_map, tuple(map(tuple, tracks)))


def _struck(events: Events) -> Notes:
    """Return events as notes of the drum set."""
    strokes = percussion.notes_of_strokes(events)
    if strokes is not None:
        return strokes
    count = len(events)
    return Notes(
        {
            "onset": events["time"],
            "offset": events["time"] + percussion.SECONDS,
            "pitch": np.full(count, CLICK_PITCH),
            "velocity": np.full(count, 100),
            "channel": np.full(count, percussion.CHANNEL),
        }
    )
