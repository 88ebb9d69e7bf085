"""Writing standard MIDI files: type 1, tempo and time signatures on track 0."""

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.io.options import WriteOptions
from mirtool.tempo_map import MAX_TEMPO, TempoMap
from mirtool.types import Events, Notes, Score, Table

TICKS_PER_BEAT = 1000  # at the default tempo, 120 a minute: 2000 ticks a second
BEAT_TICKS = 480  # of a tempo map made of beats
CLICK_PITCH, CLICK_CHANNEL, CLICK_SECONDS = 37, 9, 0.05  # side stick of the General MIDI drum set
END_OF_TRACK = b"\xff\x2f"
# What comes first at one tick: ends of notes, then changes, then notes, then ends of notes without length.
OFF, CHANGE, ON, ZERO_OFF, LAST = range(5)

Message = tuple[int, int, bytes]  # tick, order, bytes


def write(container: Table | Score, stream: BinaryIO, options: WriteOptions) -> None:
    """Write a MIDI file.

    Parameters
    ----------
    container : Score, Notes or Events
        A score keeps its ticks and messages. Notes stand on a grid of 1/2000 s at a fixed tempo. Events with a column
        `beat` become a tempo map in which event n lies on beat n; other events become clicks.
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
        container = score_of_beats(container) if "beat" in container else score_of_notes(_clicks(container))
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


def _clicks(events: Events) -> Notes:
    count = len(events)
    return Notes(
        {
            "onset": events["time"],
            "offset": events["time"] + CLICK_SECONDS,
            "pitch": np.full(count, CLICK_PITCH),
            "velocity": np.full(count, 100),
            "channel": np.full(count, CLICK_CHANNEL),
        }
    )


def score_of_beats(events: Events) -> Score:
    """Make a tempo map in which the events are the beats (quarter notes).

    Parameters
    ----------
    events : Events
        With a column `beat`: position in the bar, 1 for a downbeat, 0 for unknown. Where downbeats are known, time
        signatures put the bar lines there; what comes before the first downbeat is one bar.

    Returns
    -------
    Score
        Without notes. Whole beats lead from 0 s to the first event; intervals that are longer than the slowest tempo of
        MIDI (16.8 s) hold several beats.

    Raises
    ------
    DataError
        Times that do not increase, or are negative.
    """
    times = events["time"]
    if not np.isfinite(times).all() or (len(times) and times[0] < 0) or (np.diff(times) <= 0).any():
        raise DataError("beats need increasing times from 0 on")
    if not len(times):
        return _empty_score(TempoMap(BEAT_TICKS), (), 0)
    limit = MAX_TEMPO / 1e6
    usual = float(np.median(np.diff(times))) if len(times) > 1 else float(times[0]) or 0.5
    lead = max(1, round(times[0] / usual), ceil(times[0] / limit)) if times[0] > 0 else 0
    beats = np.concatenate(([lead], np.maximum(np.ceil(np.diff(times) / limit).astype(np.int64), 1)))
    places = np.cumsum(beats)
    changes = []
    place, now = 0, 0  # in beats and in microseconds: where the changes so far lead to
    for count, end in zip(beats.tolist(), np.rint(times * 1e6).astype(np.int64).tolist(), strict=True):
        if count:
            tempo = min(max(round((end - now) / count), 1), MAX_TEMPO)
            changes.append((place * BEAT_TICKS, tempo))
            now += tempo * count
            place += count
    downbeats = places[events["beat"] == 1].tolist()
    return _empty_score(TempoMap(BEAT_TICKS, changes), _signatures(downbeats), place * BEAT_TICKS)


def _signatures(downbeats: Sequence[int]) -> tuple[tuple[int, bytes], ...]:
    """Return the time signatures that put bar lines on downbeats (in beats, ascending)."""
    lines = [0, *downbeats] if downbeats and downbeats[0] else list(downbeats)
    found: list[tuple[int, bytes]] = []
    for begin, end in pairwise(lines):
        data = bytes((0xFF, 0x58, min(end - begin, 255), 2, 24, 8))
        if not found or found[-1][1] != data:
            found.append((begin * BEAT_TICKS, data))
    return tuple(found)


def _empty_score(tempo_map: TempoMap, messages: tuple[tuple[int, bytes], ...], end: int) -> Score:
    notes = Notes({name: np.zeros(0) for name in Notes.REQUIRED})
    return Score(notes, np.zeros((0, 2), np.int64), tempo_map, ((*messages, (end, END_OF_TRACK)),))
