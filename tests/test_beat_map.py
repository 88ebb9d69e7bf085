"""Beats as MIDI tempo maps: every beat within a millisecond, every downbeat on a bar line, and all of it back."""

import io

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError
from mirtool.io import formats, midi, midi_output
from mirtool.io.beat_map import BEAT_TICKS, FASTEST, beats_of_score, score_of_beats
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.synthesis.pieces import prelude
from mirtool.tempo_map import MAX_TEMPO, TempoMap
from mirtool.types import Events, Notes, Score


def beats(times, position=None):
    times = np.asarray(times, dtype=float)
    return Events({"time": times, "beat": np.zeros(len(times)) if position is None else np.asarray(position)})


def written(container) -> bytes:
    stream = io.BytesIO()
    midi_output.write(container, stream, WriteOptions("midi"))
    return stream.getvalue()


def back(data: bytes) -> Events:
    found = midi.read(io.BytesIO(data), "x", ReadOptions("midi"))
    assert isinstance(found, Events)
    return found


def opened(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Open a file as a sequencer does, with mido alone: the times of all quarter notes and of all bar lines (s).

    Quarter notes are counted from each bar line.
    """
    file = mido.MidiFile(file=io.BytesIO(data))
    assert file.type == 1
    changes, signatures, tick = [], [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            changes.append((tick, message.tempo))
        elif message.type == "time_signature":
            signatures.append((tick, message.numerator * 4 * file.ticks_per_beat // message.denominator))
    end = tick
    signatures = signatures or [(0, 4 * file.ticks_per_beat)]
    stops = [*(place for place, _ in signatures[1:]), end + 1]
    bars = [place for (begin, bar), stop in zip(signatures, stops, strict=True) for place in range(begin, stop, bar)]
    quarters = [
        place
        for begin, stop in zip(bars, [*bars[1:], end + 1], strict=True)
        for place in range(begin, stop, file.ticks_per_beat)
    ]
    starts, tempi = np.array(changes).T
    steps = zip(np.diff(starts).tolist(), tempi[:-1].tolist(), strict=True)
    passed = np.cumsum([0.0, *(mido.tick2second(step, file.ticks_per_beat, tempo) for step, tempo in steps)])

    def seconds(places):
        index = np.searchsorted(starts, places, side="right") - 1
        return passed[index] + (np.array(places) - starts[index]) * tempi[index] / file.ticks_per_beat / 1e6

    assert starts[0] == 0
    return seconds(quarters), seconds(bars)


def farthest(times, grid) -> float:
    """Return how far the time that is worst off lies from the nearest of the grid (s)."""
    index = np.clip(np.searchsorted(grid, times), 1, max(len(grid) - 1, 1))
    near = np.stack([grid[index - 1], grid[np.minimum(index, len(grid) - 1)]])
    return float(np.abs(near - times).min(axis=0).max(initial=0))


@st.composite
def performances(draw):
    """Beats between 20 and 600 a minute, with changes of tempo and metre, an upbeat, holes and pauses."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    gaps, position = [], []
    first = draw(st.integers(1, 7))
    for _ in range(draw(st.integers(1, 12))):
        metre, count = draw(st.integers(1, 7)), draw(st.integers(1, 40))
        wobble = rng.uniform(0.9, 1.1, count) if draw(st.booleans()) else np.ones(count)
        gaps.append(np.clip(60 / draw(st.floats(20, 600)) * wobble, 0.1, 3))
        positions = (np.arange(count) + first - 1) % metre + 1
        position.append(np.where(draw(st.integers(0, 4)) == 0, 0, positions))
        first = draw(st.sampled_from([1, int(positions[-1]) % metre + 1]))
    intervals = np.concatenate(gaps)
    if draw(st.booleans()):
        intervals[draw(st.integers(0, len(intervals) - 1))] = draw(st.floats(3, 300))
    begin = draw(st.one_of(st.just(0.0), st.floats(0, 0.2), st.floats(0, 50)))
    times = begin + np.concatenate(([0.0], np.cumsum(intervals[:-1])))
    return np.round(times, 6), np.concatenate(position)


@given(performances())
@settings(deadline=None, max_examples=150)
def test_every_beat_and_every_downbeat_is_where_it_was(performance):
    times, position = performance
    data = written(beats(times, position))
    quarters, bars = opened(data)
    assert farthest(times, quarters) < 6e-4
    if (position == 1).any():
        assert farthest(times[position == 1], bars) < 6e-4
    again = back(data)
    assert farthest(times, again["time"]) < 6e-4
    assert again["time"][0] == pytest.approx(times[0], abs=6e-4)
    assert again["time"][-1] == pytest.approx(times[-1], abs=6e-4)


@given(performances())
@settings(deadline=None, max_examples=50)
def test_tempi_are_those_of_midi_and_no_lead_in_is_too_fast(performance):
    times, position = performance
    score = score_of_beats(beats(times, position))
    tempi = np.array([tempo for _, tempo in score.tempo_map.changes])
    assert tempi.max() <= MAX_TEMPO
    assert tempi.min() >= 1e6 * min(FASTEST, np.diff(times).min(initial=FASTEST)) - 1 or times[0] < FASTEST / 32
    assert all(0 < beats <= 255 for _, beats, _ in score.time_signatures)


@pytest.mark.parametrize("minutes", [30, 180])
def test_hours_do_not_drift(minutes):
    rng = np.random.default_rng(minutes)
    tempo = 120 * np.exp(np.cumsum(rng.normal(0, 0.02, minutes * 200)))
    gaps = np.clip(60 / tempo, 0.1, 3)
    times = np.round(0.37 + np.cumsum(gaps), 6)
    times = times[times < 60 * minutes]
    assert times[-1] > 0.4 * 60 * minutes
    data = written(beats(times, np.arange(len(times)) % 4 + 1))
    quarters, bars = opened(data)
    assert farthest(times, quarters) < 1e-5
    assert farthest(times[::4], bars) < 1e-5
    again = back(data)
    assert len(again) == len(times)
    np.testing.assert_allclose(again["time"], times, atol=2e-6)
    np.testing.assert_array_equal(again["beat"], np.arange(len(times)) % 4 + 1)


def signatures(times, position):
    """Return the time signatures, places in quarter notes."""
    return [(tick / BEAT_TICKS, *bar) for tick, *bar in score_of_beats(beats(times, position)).time_signatures]


def test_a_lead_in_of_whole_bars():
    counted = np.arange(12) % 4 + 1
    assert signatures(2.1 + np.arange(12) / 2, counted) == [(0, 4, 4)]  # four quarter notes of 0.525 s
    assert signatures(3.1 + np.arange(12) / 2, np.roll(counted, 2)) == [(0, 4, 4)]  # six, and an upbeat of two
    assert signatures(np.arange(12) / 2, counted) == [(0, 4, 4)]


def test_a_lead_in_for_which_whole_bars_would_be_too_fast_or_too_slow():
    counted = np.arange(12) % 4 + 1
    assert signatures(0.4 + np.arange(12) / 2, counted) == [(0, 1, 4), (1, 4, 4)]
    assert signatures(0.4 + np.arange(12) / 2, np.roll(counted, 1)) == [(0, 2, 4), (2, 4, 4)]  # an upbeat of one
    assert signatures(0.07 + np.arange(12) / 2, counted) == [(0, 1, 8), (0.5, 4, 4)]
    assert signatures(0.03 + np.arange(12) / 2, np.roll(counted, 1)) == [(0, 1, 16), (0.25, 1, 4), (1.25, 4, 4)]


def test_an_upbeat_is_a_bar_of_its_own():
    assert signatures([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [4, 1, 2, 3, 4, 1]) == [(0, 1, 4), (1, 4, 4)]
    assert signatures(np.arange(9) / 2, [0, 0, 0, 0, 0, 0, 1, 2, 3]) == [(0, 2, 4), (2, 4, 4)]


def test_the_metre_changes_where_the_downbeats_say():
    position = [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 1, 2, 1, 2, 3, 4, 5]
    assert signatures(np.arange(21) / 2, position) == [(0, 4, 4), (8, 3, 4), (14, 2, 4), (16, 5, 4)]


def test_where_beats_are_not_counted_through_the_metre_goes_on():
    position = [1, 2, 3, *[0] * 7, 1, 2, 3, 1]
    assert signatures(np.arange(14) / 2, position) == [(0, 3, 4), (9, 1, 4), (10, 3, 4)]
    assert signatures(np.arange(14) / 2, np.zeros(14)) == []
    assert signatures(0.07 + np.arange(14) / 2, np.zeros(14)) == [(0, 1, 8), (0.5, 4, 4)]
    assert back(written(beats(0.07 + np.arange(14) / 2)))["beat"].tolist() == [0] * 14
    assert signatures(np.arange(600) / 2, [1, *[0] * 598, 1])[0] == (0, 4, 4)


def test_a_pause_holds_several_beats():
    times = np.concatenate((np.arange(8) / 2, 20 + np.arange(9) / 2))
    score = score_of_beats(beats(times, [*range(1, 5)] * 4 + [1]))
    tempi = [60e6 / tempo for _, tempo in score.tempo_map.changes]
    assert min(tempi) == pytest.approx(120, rel=0.02)  # 16.5 s hold 33 beats
    assert score.time_signatures[0] == (0, 4, 4)
    slow = score_of_beats(beats([40.0, 80.0, 120.0]))
    assert len(beats_of_score(slow)) == 7  # 40 s: three quarter notes


def test_what_lies_between_beats_is_left_out():
    halves = beats(np.arange(16) / 4, np.arange(16) % 8 / 2 + 1)
    assert written(halves) == written(beats(np.arange(8) / 2, np.arange(8) % 4 + 1))
    assert written(beats([0.0, 0.5], [np.nan, np.nan])) == written(beats([0.0, 0.5]))


def test_few_beats():
    assert len(midi.read(io.BytesIO(written(beats([]))), "x", ReadOptions("midi")).notes) == 0
    one = back(written(beats([3.0], [1])))
    np.testing.assert_allclose(one["time"], [3.0])
    assert back(written(beats([0.0], [1])))["time"].tolist() == [0.0]
    assert back(written(beats([0.0], [0])))["beat"].tolist() == [0.0]


@pytest.mark.parametrize("times", [[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0], [1.0, np.inf]])
def test_beats_must_increase(times):
    with pytest.raises(DataError, match="increasing times"):
        written(beats(times))


def test_beats_of_a_score():
    found = beats_of_score(prelude(bpm=60))
    np.testing.assert_allclose(found["time"], np.arange(141))
    np.testing.assert_array_equal(found["beat"], np.arange(141) % 4 + 1)


def test_beats_of_compound_and_unknown_metres():
    def metre(tick, beats, power):
        return tick, bytes((0xFF, 0x58, beats, power, 24, 8))

    messages = ((metre(960, 6, 3), metre(960 + 2880, 3, 3), metre(960 + 2880 + 720, 2, 1), (9000, b"\xff\x2f")),)
    notes = Notes({name: np.zeros(0) for name in Notes.REQUIRED})
    score = Score(notes, np.zeros((0, 2)), TempoMap(480, [(0, 1_000_000)]), messages)
    found = beats_of_score(score)
    unknown, six, three, two = [0, 1], [2, 3.5, 5, 6.5], [8, 8.5, 9], [9.5, 11.5, 13.5, 15.5, 17.5]
    np.testing.assert_allclose(found["time"], [*unknown, *six, *three, *two])
    assert found["beat"].tolist() == [0, 0, 1, 2, 1, 2, 1, 2, 3, 1, 2, 1, 2, 1]


def test_an_upbeat_comes_back_as_one():
    for begin in (0.0, 0.03, 0.07, 0.3, 0.5, 2.0, 3.3):
        for upbeat in range(4):
            position = (np.arange(12) - upbeat) % 4 + 1
            again = back(written(beats(begin + np.arange(12) / 2, position)))
            assert again["beat"].tolist() == position.tolist(), begin


def test_scores_are_written_as_beats_where_a_format_holds_no_notes(tmp_path):
    target = tmp_path / "x.beats"
    formats.write(prelude(bpm=60), str(target))
    assert target.read_text().splitlines()[:5] == [f"{k}.000000\t{k % 4 + 1}" for k in range(5)]


def test_a_score_of_too_many_beats():
    messages = (((0, b"\xff\x58\x01\x0f\x18\x08"), (1 << 27, b"\xff\x2f")),)
    notes = Notes({name: np.zeros(0) for name in Notes.REQUIRED})
    with pytest.raises(DataError, match="more than 10000000 beats"):
        beats_of_score(Score(notes, np.zeros((0, 2)), TempoMap(96), messages))
