"""A slow, obvious reader of MIDI files: mido's messages, one by one."""

import io
import struct
from collections import defaultdict, deque
from typing import Any

import mido

from mirtool.tempo_map import TempoMap
from mirtool.types import Score


def score_of(data: bytes) -> Score:
    """Read a file of type 0 or 1 that counts in ticks; raise whatever mido raises."""
    file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    notes: list[tuple[int, ...]] = []
    changes: list[tuple[int, int]] = []
    messages: list[tuple[tuple[int, bytes], ...]] = []
    for number, track in enumerate(file.tracks):
        sounding: dict[tuple[int, int], deque[tuple[int, int, int]]] = defaultdict(deque)
        programs = [0] * 16
        others: list[tuple[int, bytes]] = []
        tick = 0
        for message in track:
            tick += message.time
            kind = message.type
            if kind == "note_on" and message.velocity:
                note = (tick, message.velocity, programs[message.channel])
                sounding[message.channel, message.note].append(note)
            elif kind in ("note_on", "note_off"):
                if held := sounding[message.channel, message.note]:
                    onset, velocity, program = held.popleft()
                    notes.append((onset, tick, message.note, velocity, number, message.channel, program))
            elif kind == "set_tempo":
                if message.tempo:
                    changes.append((tick, message.tempo))
            else:
                if kind == "program_change":
                    programs[message.channel] = message.program
                others.append((tick, _bytes(message)))
        for (channel, pitch), held in sounding.items():
            notes += [(onset, tick, pitch, velocity, number, channel, program) for onset, velocity, program in held]
        messages.append(tuple(others))
    (ticks_per_beat,) = struct.unpack(">H", data[12:14])
    return Score.from_rows(notes, TempoMap(ticks_per_beat, changes), tuple(messages))


def _bytes(message: Any) -> bytes:
    data = bytes(message.bytes())
    if data[0] != 0xFF:
        return data[:-1] if data[0] == 0xF0 and data[-1] == 0xF7 else data
    skip = 2
    while data[skip] & 0x80:
        skip += 1
    return data[:2] + data[skip + 1 :]
