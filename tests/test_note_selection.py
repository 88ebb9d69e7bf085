import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.decomposition.scores.note_selection import (
    NoteTable,
    Selection,
    choose,
    outermost,
    parse,
    parse_amount,
    pitch_number,
    table_of,
)
from mirtool.errors import ParameterError
from mirtool.types import Notes


def table(rows, names=("right", "left"), channel=0):
    """Rows of onset, offset, pitch, track."""
    onset, offset, pitch, track = np.array(rows, dtype=float).reshape(-1, 4).T
    return NoteTable(names, track.astype(np.int64), np.full(len(onset), channel), onset, offset, pitch)


# A melody over a held bass, and a chord at the end.
TABLE = table(
    [(0.0, 4.0, 48, 1), (0.5, 1.0, 64, 0), (1.0, 2.0, 67, 0), (2.0, 4.0, 72, 0), (4.0, 5.0, 60, 1), (4.0, 5.0, 76, 0)]
)


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("track=2", Selection(track="2")),
        ("track=Right hand", Selection(track="Right hand")),
        ("channel=10", Selection(channel=10)),
        ("pitch=C4", Selection(pitch=(60, 60))),
        ("pitch=60", Selection(pitch=(60, 60))),
        ("pitch=C4..G5", Selection(pitch=(60, 79))),
        ("pitch=..B3", Selection(pitch=(-np.inf, 59))),
        ("time=10..12.5", Selection(time=(10, 12.5))),
        ("time=60..", Selection(time=(60, np.inf))),
        ("voice=top", Selection(voice="top")),
        (" pitch = C4 , time = 1 .. 2 ", Selection(pitch=(60, 60), time=(1, 2))),
    ],
)
def test_selections(text, selection):
    assert parse(text) == selection


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no condition such as pitch=C4"),
        ("C5", "'C5' is no condition"),
        ("pitch=", "'pitch=' is no condition"),
        ("pitch=C5,", "'' is no condition"),
        ("key=C", "no condition 'key' .there are: track, channel, pitch, time, voice."),
        ("pitch=C5,pitch=C6", "pitch stands twice"),
        ("pitch=H5", "'H5' is no pitch such as C4"),
        ("pitch=C#b5", "'C#b5' is no pitch"),
        ("pitch=60.5", "'60.5' is no pitch"),
        ("pitch=C10", "C10 lies outside of the pitches 0 to 127"),
        ("pitch=C5..C4", "the range pitch=C5..C4 runs backwards"),
        ("pitch=..", "pitch=.. is no range"),
        ("time=3", "time=3: a range is needed, such as 10..12.5"),
        ("time=a..b", "'a' is no number .time."),
        ("time=1_0..20", "'1_0' is no number"),
        ("time=nan..", "'nan' is no number"),
        ("channel=0", "channels are 1 to 16, not 0"),
        ("channel=1.5", "channels are 1 to 16, not 1.5"),
        ("voice=alto", "no voice 'alto' .there are: top, bottom."),
    ],
)
def test_what_is_no_selection_is_told_in_a_line(text, message):
    with pytest.raises(ParameterError, match=message) as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_amounts():
    assert parse_amount("pitch=C5:+2") == (Selection(pitch=(72, 72)), 2.0)
    assert parse_amount("track=a:b,time=1..2:-0.25") == (Selection(track="a:b", time=(1, 2)), -0.25)
    for text, message in (("pitch=C5", "has no amount"), ("pitch=C5:", "no number"), ("pitch=C5:inf", "no number")):
        with pytest.raises(ParameterError, match=message):
            parse_amount(text)


@given(st.integers(0, 127))
def test_pitches_by_number_and_name(number):
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    name = f"{names[number % 12]}{number // 12 - 1}"
    assert pitch_number(str(number)) == pitch_number(name) == pitch_number(name.lower()) == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("track=1", [1, 2, 3, 5]),
        ("track=left", [0, 4]),
        ("track=LEFT", [0, 4]),
        ("pitch=60..67", [1, 2, 4]),
        ("time=1..4", [2, 3]),
        ("voice=top", [1, 2, 3, 5]),
        ("voice=bottom", [0, 4]),
        ("track=2,voice=top", [0, 4]),
        ("voice=top,time=4..", [5]),
    ],
)
def test_all_conditions_hold(text, expected):
    assert np.flatnonzero(choose(parse(text), TABLE)).tolist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("track=3", "no track '3' .there are: 1 right, 2 left."),
        ("track=violin", "no track 'violin'"),
        ("channel=1", "no note of the score meets 'channel=1'"),
        ("pitch=C8", "no note of the score meets 'pitch=C8'"),
    ],
)
def test_what_selects_nothing_is_told(text, message):
    with pytest.raises(ParameterError, match=message):
        choose(parse(text), TABLE)


def test_parts_become_a_table():
    columns = {"onset": [1.0, 2.0], "offset": [2.0, 3.0], "pitch": [60, 62], "velocity": [80, 80]}
    parts = [ScorePart("a", Notes(columns)), ScorePart("b", Notes({**columns, "channel": [0, 9]}))]
    found = table_of(parts, 10.0)
    assert found.names == ("a", "b")
    assert found.track.tolist() == [0, 0, 1, 1]
    assert found.channel.tolist() == [0, 0, 1, 10]
    assert found.onset.tolist() == [11, 12, 11, 12]


def naive_outermost(rows, voice):
    """Look at the notes at a hundred times a beat."""
    found = []
    for onset, offset, pitch, _ in rows:
        times = np.arange(onset, offset, 0.01) + 0.005
        covered = 0
        for time in times:
            others = [other[2] for other in rows if other[0] <= time < other[1]]
            covered += max(others) > pitch if voice == "top" else min(others) < pitch
        found.append(covered <= len(times) / 2)
    return found


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6), st.integers(40, 50), st.just(0)), min_size=1, max_size=9),
    st.sampled_from(["top", "bottom"]),
)
def test_outer_voices_are_outermost_for_half_of_their_time(rows, voice):
    rows = [(onset, onset + length, pitch, track) for onset, length, pitch, track in rows]
    found = outermost(table(rows), np.ones(len(rows), bool), voice)
    assert found.tolist() == naive_outermost(rows, voice)
