"""The reader of MIDI against mido, message by message."""

import io
import struct

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_midi import score_of

from mirtool.errors import FormatError
from mirtool.io import midi
from mirtool.io.options import ReadOptions
from mirtool.types import Score

END = b"\x00\xff\x2f\x00"
COLUMNS = ("onset", "offset", "pitch", "velocity", "track", "channel", "program")

# mido loses the time before meta messages of other kinds.
KNOWN_META = {*range(8), 0x20, 0x21, 0x2F, 0x51, 0x54, 0x58, 0x59, 0x7F}

seven = st.integers(0, 127)
few = st.integers(60, 62)  # so that notes of one pitch overlap
channels = st.integers(8, 10)
messages = st.one_of(
    st.builds(lambda c, p, v: bytes((0x90 | c, p, v)), channels, few, st.sampled_from((0, 1, 64, 127))),
    st.builds(lambda c, p, v: bytes((0x80 | c, p, v)), channels, few, seven),
    st.builds(lambda k, c, a, b: bytes((k | c, a, b)), st.sampled_from((0xA0, 0xB0, 0xE0)), channels, seven, seven),
    st.builds(lambda k, c, a: bytes((k | c, a)), st.sampled_from((0xC0, 0xD0)), channels, seven),
    st.builds(lambda tempo: b"\xff\x51\x03" + tempo.to_bytes(3, "big"), st.integers(0, (1 << 24) - 1)),
    st.builds(lambda text: b"\xff\x01" + bytes((len(text),)) + text, st.binary(max_size=20)),
    st.builds(lambda data: b"\xf0" + bytes((len(data) + 1,)) + bytes(data) + b"\xf7", st.lists(seven, max_size=9)),
    st.sampled_from((b"\xff\x58\x04\x06\x03\x18\x08", b"\xf1\x05", b"\xf2\x01\x02", b"\xf6", b"\xf8")),
)
deltas = st.one_of(st.just(0), st.integers(1, 300), st.integers(0, (1 << 28) - 1))
events = st.lists(st.tuples(deltas, messages, st.booleans()), max_size=20)


def number(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | (value & 0x7F))
    return bytes(reversed(groups))


def track_of(rows: list[tuple[int, bytes, bool]]) -> bytes:
    """Return a track, where messages that like to leave out their status if they may."""
    parts, running = [], 0
    for delta, message, short in rows:
        status = message[0]
        parts.append(number(delta) + (message[1:] if short and status == running else message))
        running = status if status < 0xF0 else running if status == 0xFF else 0
    return b"".join(parts)


def file_of(tracks: list[bytes], kind: int = 1, division: int = 96) -> bytes:
    parts = [b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)]
    parts += [b"MTrk" + struct.pack(">I", len(track) + 4) + track + END for track in tracks]
    return b"".join(parts)


def opened(data: bytes, *, many: bool = False) -> Score:
    score = midi.read(io.BytesIO(data), "piece.mid", ReadOptions(many=many))
    assert isinstance(score, Score)
    return score


def assert_same_notes(one: Score, other: Score) -> None:
    assert one.ticks.tolist() == other.ticks.tolist()
    assert one.tempo_map.changes == other.tempo_map.changes
    for column in COLUMNS:
        np.testing.assert_array_equal(one.notes[column], other.notes[column])


@given(st.lists(events, max_size=3), st.integers(0, 1))
def test_all_is_read_as_mido_reads_it(tracks, kind):
    data = file_of([track_of(rows) for rows in tracks], kind)
    score, reference = opened(data), score_of(data)
    assert_same_notes(score, reference)
    assert score.messages == reference.messages


@settings(deadline=None)  # the first example compiles
@given(st.lists(events, max_size=3))
def test_one_of_many_has_the_same_notes_and_signatures_and_no_controllers(tracks):
    data = file_of([track_of(rows) for rows in tracks])
    score, whole = opened(data, many=True), opened(data)
    assert_same_notes(score, whole)
    meta = tuple(tuple(message for message in track if message[1][0] == 0xFF) for track in whole.messages)
    assert score.messages == meta


@given(st.lists(events, min_size=1, max_size=2), st.data())
def test_damage_is_either_told_or_read_as_mido_reads_it(tracks, data):
    file = bytearray(file_of([track_of(rows) for rows in tracks]))
    place = data.draw(st.integers(14, len(file) - 1))
    file[place] = data.draw(st.integers(0, 0xEF))  # mido takes a data byte behind an exclusive message for another one
    del file[data.draw(st.sampled_from((place, len(file)))) :]
    try:
        score = opened(bytes(file))
    except FormatError:
        return
    try:
        reference = score_of(bytes(file))
    except (EOFError, OSError, ValueError, KeyError, IndexError, TypeError, struct.error):
        return  # such as a time signature whose denominator is no power of 2
    meta = {message[1][1] for track in score.messages for message in track if message[1][0] == 0xFF}
    if meta <= KNOWN_META:
        assert_same_notes(score, reference)


def test_time_before_a_meta_message_of_an_unknown_kind_counts():
    score = opened(file_of([bytes.fromhex("00903c40 60ff080141 60803c00")]))
    assert score.ticks.tolist() == [[0, 192]]
    assert score.messages == (((96, b"\xff\x08A"), (192, b"\xff\x2f")),)


@pytest.mark.parametrize("many", [False, True])
def test_what_sounds_at_the_end_ends_there_in_order(many):
    held = bytes.fromhex("00903c40 603c41 603c42 60803c00 30b04000")
    score = opened(file_of([held], division=480), many=many)
    assert score.ticks.tolist() == [[0, 288], [96, 336], [192, 336]]
    assert score.notes["velocity"].tolist() == [64, 65, 66]


def test_status_of_a_channel_runs_on_behind_meta_and_exclusive_messages():
    score = opened(file_of([bytes.fromhex("00903c40 00ff0100 103c00 00f00201f7 003e40 103e00")]))
    assert score.ticks.tolist() == [[0, 16], [16, 32]]


def test_chunks_of_other_kinds_are_left_out():
    data = file_of([bytes.fromhex("00903c40 60803c00")])
    strange = data[:14] + b"XFIH" + struct.pack(">I", 3) + b"abc" + data[14:]
    assert_same_notes(opened(strange), opened(data))


def test_a_longer_header_is_passed_over():
    data = file_of([bytes.fromhex("00903c40 60803c00")])
    assert_same_notes(opened(data[:4] + struct.pack(">I", 8) + data[8:14] + b"\0\0" + data[14:]), opened(data))


@pytest.mark.parametrize(
    ("track", "message"),
    [
        ("003c40", "data where a message should begin"),
        ("00f4", "an undefined kind of message"),
        ("8180808000903c40", "a number of more than four bytes"),
        ("00ff018180808000", "a number of more than four bytes"),
        ("00ff0120", "goes beyond the end of its track"),
    ],
)
def test_what_is_wrong_with_a_track_is_told(track, message):
    with pytest.raises(FormatError, match=rf"^piece.mid: a damaged MIDI file \(.*{message}"):
        opened(file_of([bytes.fromhex(track)]))


def test_fewer_tracks_than_promised():
    data = file_of([bytes.fromhex("00903c40 60803c00")])
    with pytest.raises(FormatError, match="truncated"):
        opened(data[:11] + b"\x02" + data[12:])


def test_a_message_of_mido_in_every_place():
    file = mido.MidiFile()
    track = mido.MidiTrack([mido.Message("note_on", note=60, time=5)])
    for kind in ("polytouch", "control_change", "pitchwheel", "aftertouch", "program_change", "songpos", "song_select"):
        track.append(mido.Message(kind, time=3))
    file.tracks.append(track)
    stream = io.BytesIO()
    file.save(file=stream)
    assert opened(stream.getvalue()).messages == score_of(stream.getvalue()).messages
