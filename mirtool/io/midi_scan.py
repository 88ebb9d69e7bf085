"""The loop over the bytes of a MIDI track, written so that it runs as it stands and compiled (`_midi_kernels`)."""

from typing import Any

PADDING = 16  # bytes of 0 behind a track: no fixed part of a message is longer
NOTE, OTHER = 6, 4  # numbers that are kept of a note and of another message
PITCHES, CHANNELS = 128, 16
WAITING = 2 * CHANNELS * PITCHES
PROBLEMS = (
    "",
    "a message that is too short, or goes beyond the end of its track",
    "data where a message should begin",
    "a number of more than four bytes",
    "an undefined kind of message",
)


def scan(data: Any, tick: int, notes: Any, others: Any, waiting: Any, programs: Any) -> tuple[int, int, int, int]:
    """Find the notes and the other messages of a track.

    A note-off, or a note-on of velocity 0, ends the note of its channel and pitch that sounds longest; what sounds at
    the end of the track ends there. Data bytes above 127 count as 127.

    Parameters
    ----------
    data : bytes or int64 array
        A track without its header, and `PADDING` bytes of 0.
    tick : int
        Where it begins.
    notes : list or int64 array
        Filled with onset, offset, pitch, velocity, channel and program of each note, one after the other, by onset. A
        third of `data` notes fit.
    others : list or int64 array
        Filled with tick, status, first and last + 1 byte of each other message; of meta messages the status is
        0xFF00 + type. Half of `data` messages fit.
    waiting : list or int64 array, `WAITING` numbers
        Of each channel and pitch: first and last of the notes that sound (-1: none); all -1.
    programs : list or int64 array, `CHANNELS` numbers
        All 0.

    Returns
    -------
    notes, others : int
        How many there are.
    tick : int
        Where the track ends.
    problem : int
        Place in `PROBLEMS`.
    """
    stop = len(data) - PADDING
    place, count, rest, status = 0, 0, 0, 0
    while place < stop:
        byte = data[place]
        place += 1
        delta = byte & 0x7F
        groups = 1
        while byte >= 0x80:
            if groups == 4:
                return 0, 0, 0, 3
            byte = data[place]
            place += 1
            groups += 1
            delta = delta << 7 | byte & 0x7F
        tick += delta
        byte = data[place]
        if 0x80 <= byte < 0xF0:
            status = byte
            place += 1
        elif byte < 0x80 and status == 0:
            return 0, 0, 0, 2 if place < stop else 1
        if byte < 0xF0 and status < 0xA0:  # a note
            pitch, velocity = data[place], data[place + 1]
            place += 2
            if pitch > 127:
                pitch = 127
            channel = status & 0x0F
            queue = 2 * (PITCHES * channel + pitch)
            first = waiting[queue]
            if status >= 0x90 and velocity:
                if first < 0:
                    waiting[queue] = count
                else:
                    notes[waiting[queue + 1] + 1] = count
                waiting[queue + 1] = count
                notes[count] = tick
                notes[count + 1] = -1  # while it sounds: which of its pitch comes after it
                notes[count + 2] = pitch
                notes[count + 3] = velocity if velocity < 128 else 127
                notes[count + 4] = channel
                notes[count + 5] = programs[channel]
                count += NOTE
            elif first >= 0:
                waiting[queue] = notes[first + 1]
                notes[first + 1] = tick
            continue
        kind = status
        if byte >= 0xF0:
            kind = byte
            place += 1
            if byte == 0xFF:
                kind = 0xFF00 + data[place]
                place += 1
        length = 2
        if kind >= 0xFF00 or kind == 0xF0 or kind == 0xF7:
            length = 0
            byte = 0x80
            groups = 0
            while byte >= 0x80:
                if groups == 4:
                    return 0, 0, 0, 3
                byte = data[place]
                place += 1
                groups += 1
                length = length << 7 | byte & 0x7F
        elif 0xC0 <= kind < 0xE0 or kind == 0xF1 or kind == 0xF3:
            length = 1
        elif kind >= 0xF4:
            length = 0
            if kind in (0xF4, 0xF5, 0xF9, 0xFD):
                return 0, 0, 0, 4
        if 0xC0 <= kind < 0xD0:
            programs[kind & 0x0F] = data[place] if data[place] < 128 else 127
        others[rest] = tick
        others[rest + 1] = kind
        others[rest + 2] = place
        place += length
        others[rest + 3] = place
        rest += OTHER
    for queue in range(0, WAITING, 2):
        sounding = waiting[queue]
        while sounding >= 0:
            following = notes[sounding + 1]
            notes[sounding + 1] = tick
            sounding = following
    return count // NOTE, rest // OTHER, tick, 1 if place > stop else 0
