import io
import struct

import mido
import numpy as np
import pytest

from mirtool.errors import FormatError
from mirtool.io import midi
from mirtool.io.options import ReadOptions
from mirtool.tempo_map import TempoMap
from mirtool.types import Score

END = b"\x00\xff\x2f\x00"


def file_of(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    """Return a MIDI file of raw tracks, to which the end of track is added."""
    parts = [b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)]
    parts += [b"MTrk" + struct.pack(">I", len(track) + 4) + track + END for track in tracks]
    return b"".join(parts)


def opened(data: bytes) -> Score:
    return midi.read(io.BytesIO(data), "piece.mid", ReadOptions())


def table(score: Score) -> list[tuple[float, ...]]:
    notes = score.notes
    return [
        tuple(round(float(notes[name][k]), 6) for name in ("onset", "offset", "pitch", "velocity"))
        for k in range(len(notes))
    ]


def test_notes_tempo_and_time_signature():
    data = file_of(
        bytes.fromhex("00ff5804 03021808 00ff5103 0f4240 8360ff5103 07a120"),  # 3/4, 60 bpm, after a beat 120 bpm
        bytes.fromhex("00c105 00913c40 8360813c40 00914050 83609140 00"),
    )
    score = opened(data)
    assert table(score) == [(0, 1, 60, 64), (1, 1.5, 64, 80)]
    assert score.notes["track"].tolist() == [1, 1]
    assert score.notes["channel"].tolist() == [1, 1]
    assert score.notes["program"].tolist() == [5, 5]
    assert score.time_signatures == [(0, 3, 4)]
    assert score.tempo_map.changes == ((0, 1_000_000), (480, 500_000))
    assert score.messages[1] == ((0, b"\xc1\x05"), (960, b"\xff\x2f"))
    assert score.ticks_per_beat == 480
    np.testing.assert_allclose(score.beats([0.5, 1.5]), [0.5, 2.0])


def test_tempo_in_any_track_counts():
    score = opened(file_of(bytes.fromhex("00903c40 8360803c00"), bytes.fromhex("8170ff51030f4240")))
    assert table(score) == [(0, 0.25 + 0.5, 60, 64)]


def test_running_status_velocity_zero_and_missing_note_off():
    data = file_of(bytes.fromhex("00903c40 60 3c00 00 3e40 60 4041 60 4000"))
    tick = 0.5 / 480
    got = table(opened(data))
    assert [row[2] for row in got] == [60, 62, 64]
    np.testing.assert_allclose(
        [row[:2] for row in got], [[0, 96 * tick], [96 * tick, 288 * tick], [192 * tick, 288 * tick]], atol=1e-6
    )


def test_overlapping_notes_of_one_pitch_end_in_their_order():
    data = file_of(bytes.fromhex("00903c40 8360 3c50 8360 3c00 8360 3c00"))
    assert table(opened(data)) == [(0, 1, 60, 64), (0.5, 1.5, 60, 80)]


@pytest.mark.parametrize(("frames", "rate"), [(24, 24), (25, 25), (29, 30000 / 1001), (30, 30)])
def test_smpte_division(frames, rate):
    data = file_of(bytes.fromhex("00ff5103 0f4240 00903c40 60803c00"), division=((256 - frames) << 8) | 40)
    np.testing.assert_allclose(opened(data).notes["offset"], [96 / (40 * rate)])


def test_tracks_of_type_2_follow_each_other():
    one = bytes.fromhex("00903c40 8360803c00")
    assert table(opened(file_of(one, one, kind=2))) == [(0, 0.5, 60, 64), (0.5, 1, 60, 64)]


def test_a_file_without_notes():
    score = opened(file_of(b""))
    assert len(score.notes) == 0
    assert score.ticks.shape == (0, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"MThd", "not a MIDI file"),
        (b"RIFF1234RMID567890", "not a MIDI file"),
        (b"<html>" * 9, "not a MIDI file"),
        (file_of(bytes.fromhex("00903c40 8360803c00"))[:30], "truncated"),
        (file_of(b"", division=0), "0 ticks in a quarter note"),
        (file_of(b"", division=0x8000), "counts 128 frames"),
        (b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 1, 0]) + np.random.default_rng(0).bytes(100), "damaged"),
    ],
)
def test_what_is_no_midi(data, message):
    with pytest.raises(FormatError, match=message):
        opened(data)


def test_midi_in_riff():
    data = file_of(bytes.fromhex("00903c40 8360803c00"))
    length = struct.pack("<I", len(data))
    assert table(opened(b"RIFF" + length + b"RMIDdata" + length + data)) == [(0, 0.5, 60, 64)]


def test_huge_delta_times():
    score = opened(file_of(bytes.fromhex("ffffff7f903c40 ffffff7f803c00")))
    assert score.ticks.tolist() == [[2**28 - 1, 2**29 - 2]]
    np.testing.assert_allclose(score.notes["onset"], (2**28 - 1) / 960)


def test_a_length_that_is_not_there_is_not_reserved():
    with pytest.raises(FormatError, match=r"truncated|damaged"):
        opened(file_of(b"\x00\xff\x01\xff\xff\xff\x7f"))


def test_tempo_map_and_back():
    tempo = TempoMap(96, [(96, 250_000), (0, 600_000), (960, 1)])
    ticks = np.array([[0, 48, 96], [192, 960, 97]])
    np.testing.assert_allclose(tempo.seconds(ticks), [[0, 0.3, 0.6], [0.85, 2.85, 0.6 + 0.25 / 96]])
    np.testing.assert_allclose(tempo.ticks_at(tempo.seconds(ticks)), ticks, atol=1e-6)


def test_what_mido_writes_is_read():
    file = mido.MidiFile(ticks_per_beat=100)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("track_name", name="Flöte"))
    track.append(mido.Message("sysex", data=[1, 2, 3]))
    for pitch in range(60, 70):
        track.append(mido.Message("note_on", note=pitch, velocity=90, time=50))
        track.append(mido.Message("note_off", note=pitch, time=50))
    stream = io.BytesIO()
    file.save(file=stream)
    score = opened(stream.getvalue())
    np.testing.assert_allclose(score.notes["onset"], np.arange(10) * 0.5 + 0.25)
    assert score.messages == (((0, b"\xff\x03Fl\xf6te"), (0, b"\xf0\x01\x02\x03"), (1000, b"\xff\x2f")),)
