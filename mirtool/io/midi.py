"""Standard MIDI files: read into a `Score`, written from scores, notes and beats."""

import io
import struct
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, BinaryIO

from mirtool.errors import FormatError
from mirtool.io.beat_map import beats_of_score, is_beat_map
from mirtool.io.options import ReadOptions
from mirtool.tempo_map import TempoMap
from mirtool.types import Events, Score

# A file that counts in SMPTE frames: microseconds of the "quarter note" that has a second's frames (29: 30 drop frame).
SMPTE_TEMPO = {24: 1_000_000, 25: 1_000_000, 29: 1_001_000, 30: 1_000_000}


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
        `pedal`: durations respect the sustain pedal.

    Returns
    -------
    Score or Events
        A score has all messages of the file. A tempo map that was made of beats becomes beats again.

    Raises
    ------
    FormatError
        Not a MIDI file, damaged or truncated.
    """
    import mido

    stream.seek(0)
    head = stream.read(14)
    if not head:
        raise FormatError("empty", name)
    if head[:4] == b"RIFF" and head[8:12] == b"RMID":
        stream.seek(20)  # behind the header of the data chunk
        stream = io.BytesIO(stream.read())
        head = stream.read(14)
    if head[:4] != b"MThd" or len(head) < 14:
        raise FormatError(f"not a MIDI file (first bytes: {head[:4].hex(' ')})", name)
    stream.seek(0)
    try:
        file = mido.MidiFile(file=stream, clip=True)
    except EOFError as problem:
        raise FormatError("truncated: the MIDI file ends within a track", name) from problem
    except (OSError, ValueError) as problem:
        raise FormatError(f"a damaged MIDI file ({problem})", name) from problem
    except (KeyError, IndexError, TypeError, struct.error) as problem:  # what mido trips over in a short message
        raise FormatError("a damaged MIDI file (a message that is too short)", name) from problem
    ticks_per_beat, frame_tempo = _division(head, name)
    collector = _Collector()
    begin = 0
    for number, track in enumerate(file.tracks):
        end = collector.add(number, track, begin)
        if file.type == 2:
            begin = end
    changes = [(0, frame_tempo)] if frame_tempo else collector.changes
    score = Score.from_rows(collector.notes, TempoMap(ticks_per_beat, changes), tuple(collector.messages))
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


class _Collector:
    """Gathers the notes, the tempi and the rest of the messages of all tracks."""

    def __init__(self) -> None:
        # onset, offset, pitch, velocity, track, channel, program
        self.notes: list[tuple[int, int, int, int, int, int, int]] = []
        self.changes: list[tuple[int, int]] = []
        self.messages: list[tuple[tuple[int, bytes], ...]] = []

    def add(self, number: int, track: Iterable[Any], begin: int) -> int:
        """Take a track that begins at tick `begin`; return the tick of its end."""
        sounding: dict[tuple[int, int], deque[tuple[int, int, int]]] = defaultdict(deque)
        programs = [0] * 16
        others: list[tuple[int, bytes]] = []
        tick = begin
        for message in track:
            tick += message.time
            kind = message.type
            if kind == "note_on" and message.velocity:
                channel = message.channel
                sounding[channel, message.note].append((tick, message.velocity, programs[channel]))
            elif kind in ("note_on", "note_off"):
                if held := sounding[message.channel, message.note]:
                    self._end(held.popleft(), tick, message.note, number, message.channel)
            elif kind != "set_tempo":
                if kind == "program_change":
                    programs[message.channel] = message.program
                others.append((tick, _bytes(message)))
            elif message.tempo:  # 0 would stop time
                self.changes.append((tick, message.tempo))
        for (channel, pitch), held in sounding.items():
            for note in held:
                self._end(note, tick, pitch, number, channel)
        self.messages.append(tuple(others))
        return tick

    def _end(self, note: tuple[int, int, int], tick: int, pitch: int, track: int, channel: int) -> None:
        onset, velocity, program = note
        self.notes.append((onset, tick, pitch, velocity, track, channel, program))


def _bytes(message: Any) -> bytes:
    """Return a message as `Score.messages` keeps it: meta messages and sysex without their length."""
    data = bytes(message.bytes())
    if data[0] != 0xFF:
        return data[:-1] if data[0] == 0xF0 and data[-1] == 0xF7 else data
    skip = 2
    while data[skip] & 0x80:
        skip += 1
    return data[:2] + data[skip + 1 :]
