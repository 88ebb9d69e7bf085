"""Standard MIDI files: read into a `Score`."""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import midi_scan
from mirtool.io.beat_map import beats_of_score, is_beat_map
from mirtool.io.options import ReadOptions
from mirtool.tempo_map import TempoMap
from mirtool.types import Events, Score

# A file that counts in SMPTE frames: microseconds of the "quarter note" that has a second's frames (29: 30 drop frame).
SMPTE_TEMPO = {24: 1_000_000, 25: 1_000_000, 29: 1_001_000, 30: 1_000_000}
META, TEMPO = 0xFF00, 0xFF51
TRUNCATED = "truncated: the MIDI file ends within a track"
CLIPPED = bytes(min(byte, 127) for byte in range(256))
LARGE = 2_000_000  # bytes from which compiled loops are worth their start

Messages = tuple[tuple[int, bytes], ...]


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Score | Events:
    """Read a MIDI file of type 0, 1 or 2.

    Tempo changes count wherever they stand. A note-on while the same pitch sounds on its channel makes a further
    note, a note-off ends the one that sounds longest, and what still sounds ends with its track. The tracks of a type 2
    file, which are independent pieces, are put one after the other.

    Parameters
    ----------
    stream : binary file, seekable
    name : str
        For messages.
    options : ReadOptions
        `pedal`: durations respect the sustain pedal. `many`: messages of channels and exclusive ones are left out.

    Returns
    -------
    Score or Events
        A score has all messages of the file. A tempo map that was made of beats becomes beats again.

    Raises
    ------
    FormatError
        Not a MIDI file, damaged or truncated.
    """
    stream.seek(0)
    data = stream.read()
    if not data:
        raise FormatError("empty", name)
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[20:]  # behind the header of the data chunk
    if data[:4] != b"MThd" or len(data) < 14:
        raise FormatError(f"not a MIDI file (first bytes: {data[:4].hex(' ')})", name)
    kind = data[9]
    ticks_per_beat, frame_tempo = _division(data, name)
    compiled = options.many or len(data) > LARGE
    rows: list[NDArray[np.int64]] = []
    changes: list[tuple[int, int]] = []
    messages: list[Messages] = []
    begin = 0
    for number, track in enumerate(_tracks(data, name)):
        notes, others, end, problem = _scan(track, begin, compiled=compiled)
        if problem:
            raise FormatError(f"a damaged MIDI file ({midi_scan.PROBLEMS[problem]})", name)
        rows.append(np.insert(notes, 4, number, axis=1))
        is_tempo = others[:, 1] == TEMPO
        changes += _tempi(track, others[is_tempo])
        kept = ~is_tempo & (others[:, 1] >= META) if options.many and not options.pedal else ~is_tempo
        messages.append(_messages(track, others[kept]))
        begin = end if kind == 2 else 0
    tempo_map = TempoMap(ticks_per_beat, [(0, frame_tempo)] if frame_tempo else changes)
    score = Score.from_rows(np.concatenate(rows) if rows else [], tempo_map, tuple(messages))
    if is_beat_map(score):
        return beats_of_score(score)
    return score.sustained() if options.pedal else score


def _division(head: bytes, name: str) -> tuple[int, int | None]:
    """Return ticks a quarter note and, where the file counts in frames (SMPTE), the tempo that makes it one second."""
    division, frames, ticks = struct.unpack(">HbB", head[12:14] * 2)
    if division < 0x8000:
        if division == 0:
            raise FormatError("a MIDI file with 0 ticks in a quarter note", name)
        return division, None
    if -frames not in SMPTE_TEMPO or not ticks:
        raise FormatError(f"a MIDI file that counts {-frames} frames per second of {ticks} ticks", name)
    return (30 if frames == -29 else -frames) * ticks, SMPTE_TEMPO[-frames]


def _tracks(data: bytes, name: str) -> list[bytes]:
    """Return the tracks of a file, without their headers and padded for `scan`; chunks of other kinds are left out."""
    size, _, count = struct.unpack(">IHH", data[4:12])
    place = 8 + size
    tracks: list[bytes] = []
    while len(tracks) < count:
        kind, body = data[place : place + 4], place + 8
        if kind and kind != b"MTrk" and not kind.isalnum():
            raise FormatError("a damaged MIDI file (no header where a track should begin)", name)
        place = body + int.from_bytes(data[place + 4 : body], "big")
        if body > len(data) or place > len(data):
            raise FormatError(TRUNCATED, name)
        if kind == b"MTrk":
            tracks.append(data[body:place] + bytes(midi_scan.PADDING))
    return tracks


def _scan(track: bytes, begin: int, *, compiled: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Return notes (N × 6), other messages (M × 4), the tick of the end, and the problem; see `midi_scan.scan`."""
    wide, narrow = midi_scan.NOTE, midi_scan.OTHER
    room = (len(track) // 3 + 1) * wide, (len(track) // 2 + 1) * narrow
    notes: Any
    others: Any
    if compiled:
        from mirtool.io._midi_kernels import scan

        notes, others = (np.empty(size, dtype=np.int64) for size in room)
        queues = np.full(midi_scan.WAITING, -1), np.zeros(midi_scan.CHANNELS, dtype=np.int64)
        count, rest, end, problem = scan(
            np.frombuffer(track, dtype=np.uint8).astype(np.int64), begin, notes, others, *queues
        )
    else:
        notes, others = ([0] * size for size in room)
        waiting, programs = [-1] * midi_scan.WAITING, [0] * midi_scan.CHANNELS
        count, rest, end, problem = midi_scan.scan(track, begin, notes, others, waiting, programs)
    found = np.array(notes[: count * wide], dtype=np.int64), np.array(others[: rest * narrow], dtype=np.int64)
    return found[0].reshape(-1, wide), found[1].reshape(-1, narrow), end, problem


def _tempi(track: bytes, found: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield tick and microseconds a quarter note of the tempo messages."""
    for tick, _, begin, end in found.tolist():
        tempo = int.from_bytes(track[begin : begin + 3], "big")
        if end - begin >= 3 and tempo:  # 0 would stop time
            yield tick, tempo


def _messages(track: bytes, others: NDArray[np.int64]) -> Messages:
    """Return messages as `Score.messages` keeps them: meta messages and exclusive ones without their length."""
    return tuple((tick, _bytes(status, track[begin:end])) for tick, status, begin, end in others.tolist())


def _bytes(status: int, data: bytes) -> bytes:
    if status >= META:
        return b"\xff" + bytes((status - META,)) + data
    if status in (0xF0, 0xF7):
        status, data = 0xF0, data.removeprefix(b"\xf0").removesuffix(b"\xf7")
    return bytes((status,)) + data.translate(CLIPPED)
