import io

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError
from mirtool.io import midi, midi_output
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.tempo_map import MAX_TEMPO, TempoMap, fitted
from mirtool.types import Events, Notes, Score, Segments

END = b"\xff\x2f"


def written(container) -> bytes:
    stream = io.BytesIO()
    midi_output.write(container, stream, WriteOptions("midi"))
    return stream.getvalue()


def back(container) -> Score:
    return midi.read(io.BytesIO(written(container)), "x", ReadOptions("midi"))


def notes_of(rows, **more) -> Notes:
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return Notes({**dict(zip(("onset", "offset", "pitch", "velocity"), table.T, strict=True)), **more})


def score_of(rows, changes=(), messages=(), division=480) -> Score:
    """Make a score of rows (onset tick, offset tick, pitch, velocity, track, channel)."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    tempo_map = TempoMap(division, changes)
    times = tempo_map.seconds(table[:, :2])
    columns = dict(zip(("pitch", "velocity", "track", "channel"), table[:, 2:].T, strict=True))
    notes = Notes({"onset": times[:, 0], "offset": times[:, 1], **columns})
    return Score(notes, table[:, :2], tempo_map, messages)


note_rows = st.lists(
    st.tuples(
        st.integers(0, 20_000),
        st.integers(0, 3000),
        st.integers(0, 127),
        st.integers(1, 127),
        st.integers(0, 3),
        st.integers(0, 15),
    ).map(lambda row: (row[0], row[0] + row[1], *row[2:])),
    max_size=30,
    unique_by=lambda row: row[2],  # one note a pitch: which of two overlapping ones ends is not in a MIDI file
)
tempo_changes = st.dictionaries(st.integers(0, 20_000), st.integers(1, MAX_TEMPO), max_size=8).map(
    lambda found: tuple(found.items())
)
others = st.lists(
    st.tuples(
        st.integers(0, 20_000),
        st.one_of(
            st.binary(max_size=200).map(lambda data: b"\xff\x7f" + data),
            st.just(b"\xff\x59\x02\x00"),
            st.just(b"\xff\x05la"),
            st.binary(min_size=1, max_size=5).map(lambda data: b"\xf0" + bytes(byte & 0x7F for byte in data)),
            st.tuples(st.integers(0, 15), st.integers(0, 127), st.integers(0, 127)).map(
                lambda row: bytes((0xB0 | row[0], row[1], row[2]))
            ),
            st.tuples(st.integers(0, 15), st.integers(0, 127)).map(lambda row: bytes((0xE0 | row[0], 0, row[1]))),
        ),
    ),
    max_size=8,
).map(lambda found: (*sorted(found, key=lambda message: message[0]), (60_000, END)))


@given(note_rows, tempo_changes, st.lists(others, min_size=4, max_size=4), st.integers(1, 32767))
@settings(deadline=None, max_examples=80)
def test_a_score_survives(rows, changes, messages, division):
    rows = sorted(rows, key=lambda row: (row[0], row[2], row[4], row[5]))
    score = score_of(rows, changes, tuple(messages), division)
    got = back(score)
    assert np.array_equal(got.ticks, score.ticks)
    for name in ("pitch", "velocity", "track", "channel"):
        assert np.array_equal(got.notes[name], score.notes[name])
    assert got.tempo_map.changes == score.tempo_map.changes
    np.testing.assert_allclose(got.notes["onset"], score.notes["onset"])
    assert got.messages == score.messages
    assert written(got) == written(score)


def test_tempo_and_time_signature_stand_on_track_0_only():
    messages = ((), ((0, b"\xff\x58\x03\x02\x18\x08"), (0, b"\xc1\x05"), (9, b"\xff\x59\x02\x00")))
    score = score_of([(0, 480, 60, 64, 1, 1)], ((0, 400_000), (240, 600_000)), messages)
    file = mido.MidiFile(file=io.BytesIO(written(score)))
    assert file.type == 1
    kinds = [[message.type for message in track] for track in file.tracks]
    assert kinds[0] == ["set_tempo", "time_signature", "set_tempo", "end_of_track"]
    assert kinds[1] == ["program_change", "note_on", "key_signature", "note_off", "end_of_track"]


def test_a_repeated_note_ends_before_it_begins_again():
    score = score_of([(0, 100, 60, 64, 0, 0), (100, 200, 60, 65, 0, 0), (200, 200, 60, 66, 0, 0)])
    assert back(score).ticks.tolist() == score.ticks.tolist()


@given(
    st.lists(
        st.tuples(st.floats(0, 600), st.floats(0, 20), st.integers(0, 127), st.integers(1, 127)),
        max_size=20,
        unique_by=lambda row: row[2],
    )
)
@settings(deadline=None, max_examples=50)
def test_notes_survive_within_half_a_millisecond(rows):
    notes = notes_of([(onset, onset + length, pitch, velocity) for onset, length, pitch, velocity in rows])
    got = back(notes).notes
    order, other = np.argsort(notes["pitch"]), np.argsort(got["pitch"])
    np.testing.assert_allclose(got["onset"][other], notes["onset"][order], atol=2.5e-4 + 1e-9)
    np.testing.assert_allclose(got["offset"][other], notes["offset"][order], atol=7.5e-4)
    assert np.array_equal(got["velocity"][other], notes["velocity"][order])


def test_programs_of_notes_are_written():
    notes = notes_of(
        [(0, 1, 60, 64), (1, 2, 60, 64), (2, 3, 60, 64)], channel=[0, 0, 1], program=[5, 7, 9], track=[0, 0, 1]
    )
    got = back(notes).notes
    assert got["program"].tolist() == [5, 7, 9]
    assert got["track"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0, 1, 128, 64), "pitch from 0 to 127, not 128"),
        ((0, 1, 60, 200), "velocity from 0 to 127, not 200"),
        ((0, 1, np.nan, 64), "pitch from 0 to 127, not nan"),
        ((-1, 1, 60, 64), "times below 0 or NaN"),
        ((0, np.nan, 60, 64), "times below 0 or NaN"),
    ],
)
def test_what_midi_cannot_hold(row, message):
    with pytest.raises(DataError, match=message):
        written(notes_of([row]))


def test_velocity_zero_does_not_lose_the_note():
    assert back(notes_of([(0, 1, 60, 0)])).notes["velocity"].tolist() == [1]


def test_segments_are_no_midi():
    with pytest.raises(DataError, match="segments cannot be written as MIDI"):
        written(Segments({"start": [0.0], "end": [1.0], "label": ["a"]}))


def test_events_without_beats_become_clicks():
    got = back(Events({"time": [0.5, 1.25]})).notes
    np.testing.assert_allclose(got["onset"], [0.5, 1.25])
    assert got["channel"].tolist() == [9, 9]


steps = st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 3)), min_size=1, max_size=60)


@given(steps, st.integers(0, 960), st.floats(0, 30), st.integers(24, 960))
@settings(deadline=None, max_examples=100)
def test_a_fitted_map_puts_events_at_their_times(steps, first, start, division):
    ticks = first + np.cumsum([0] + [step[0] for step in steps])
    times = start + np.cumsum([0.0] + [step[1] for step in steps])
    tempo_map, places = fitted(ticks, times, division, 4 * division)
    assert (np.diff(places) > 0).all()
    assert places[0] >= first
    assert all(1 <= tempo <= MAX_TEMPO for _, tempo in tempo_map.changes)
    np.testing.assert_allclose(tempo_map.seconds(places), times, atol=1e-3)


def test_a_long_fit_does_not_drift_and_needs_few_changes():
    ticks = np.arange(1, 20_001) * 120
    times = 0.3 + np.arange(20_000) * 0.1234567
    tempo_map, places = fitted(ticks, times, 480)
    assert np.array_equal(places, ticks)
    np.testing.assert_allclose(tempo_map.seconds(ticks), times, atol=3e-4)
    assert len(tempo_map.changes) < 50


def performed(score: Score, mapping) -> Score:
    moved = back(score.retimed(mapping))
    np.testing.assert_allclose(moved.notes["onset"], np.maximum(mapping(score.notes["onset"]), 0), atol=1e-3)
    np.testing.assert_allclose(moved.notes["offset"], np.maximum(mapping(score.notes["offset"]), 0), atol=1e-3)
    return moved


def melody(count: int = 60) -> Score:
    return score_of([(240 * k, 240 * k + 200, 40 + k, 64, 0, 0) for k in range(count)])


def test_retiming_keeps_ticks():
    score = melody()
    moved = performed(score, lambda time: 1.3 * time + 0.4 * np.sin(time))
    assert np.array_equal(moved.ticks, score.ticks)


def test_retiming_with_silence_in_front_moves_by_whole_bars():
    score = melody()
    moved = performed(score, lambda time: time + 25.0)
    shift = moved.ticks - score.ticks
    assert shift.min() == shift.max()
    assert shift[0, 0] % (4 * 480) == 0


def test_retiming_over_a_long_gap_comes_back_to_the_grid():
    score = melody()
    moved = performed(score, lambda time: time + np.where(time > 7.4, 90.0, 0.0))
    assert np.array_equal(moved.ticks[:29], score.ticks[:29])
    assert np.array_equal(moved.ticks[-10:], score.ticks[-10:])


def test_what_is_mapped_before_the_beginning_comes_at_the_beginning():
    performed(melody(), lambda time: time - 0.7)


def test_a_mapping_that_turns_back():
    with pytest.raises(DataError, match=r"turn back at 0\.000 s"):
        melody().retimed(lambda time: -time)
    with pytest.raises(DataError, match="not finite"):
        melody().retimed(lambda time: time * np.nan)


def test_a_rest_in_front_takes_up_a_delay():
    messages = (((0, b"\xc0\x05"), (9600, END)),)
    score = score_of([(480, 960, 60, 64, 0, 0), (960, 1440, 62, 64, 0, 0)], (), messages)
    assert np.array_equal(performed(score, lambda time: time + 1.5).ticks, score.ticks)


def test_messages_move_with_the_notes():
    messages = (((0, b"\xff\x03name"), (0, b"\xc0\x05"), (960, b"\xff\x05la"), (9600, END)),)
    score = score_of([(0, 480, 60, 64, 0, 0), (960, 1440, 62, 64, 0, 0)], (), messages)
    moved = score.retimed(lambda time: 2 * time + 1)
    assert moved.messages[0][:2] == messages[0][:2]
    assert moved.messages[0][2][0] == moved.ticks[1, 0]
    np.testing.assert_allclose(moved.seconds(moved.messages[0][3][0]), 21, atol=1e-3)


def pedalled(rows, pedal) -> list[list[int]]:
    messages = (tuple((tick, bytes((0xB0, 64, 127 if down else 0))) for tick, down in pedal),)
    return score_of(rows, (), messages).sustained().ticks.tolist()


def test_pedal_holds_notes_until_it_is_lifted():
    rows = [(0, 100, 60, 64, 0, 0), (100, 200, 62, 64, 0, 0), (500, 600, 64, 64, 0, 0)]
    assert pedalled(rows, [(50, True), (400, False)]) == [[0, 400], [100, 400], [500, 600]]


def test_pedal_ends_where_a_pitch_is_struck_again_and_on_its_channel_only():
    rows = [(0, 100, 60, 64, 0, 0), (300, 350, 60, 64, 0, 0), (0, 100, 60, 64, 0, 1)]
    assert pedalled(rows, [(50, True), (60, True), (400, False)]) == [[0, 300], [300, 400], [0, 100]]


def test_pedal_that_is_never_lifted_holds_to_the_end():
    assert pedalled([(0, 100, 60, 64, 0, 0), (500, 900, 61, 64, 0, 0)], [(50, True)]) == [[0, 900], [500, 900]]


def test_no_pedal_no_change():
    score = melody()
    assert np.array_equal(score.sustained().ticks, score.ticks)
