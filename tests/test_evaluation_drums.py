"""Scores of transcribed drums, and the names of drums."""

import numpy as np
import pytest

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.drums import evaluate, failure, task
from mirtool.evaluation.parameters import OnsetMatching
from mirtool.percussion import as_drums, drum_name, is_drum, notes_of_strokes, strokes_of
from mirtool.types import Events, Notes


def strokes(*rows):
    return Events({"time": [row[0] for row in rows], "label": np.array([row[1] for row in rows], dtype=object)})


REFERENCE = strokes((0.0, "kick"), (0.5, "snare"), (1.0, "kick"), (1.0, "ride"), (1.5, "snare"), (1.6, "shout"))


def test_each_drum_has_its_own_score():
    found = strokes((0.02, "kick"), (0.5, "kick"), (1.03, "crash"), (1.5, "snare"), (1.56, "snare"), (2.0, "rim"))
    scores = evaluate(REFERENCE, found)
    assert (scores["strokes"], scores["estimated"], scores["hits"]) == (5, 6, 3)
    assert scores["kick"] == scores["snare"] == pytest.approx(0.5)
    assert scores["cymbal"] == 1
    assert np.isnan([scores["tom"], scores["rim"]]).all()
    assert scores["mean_f"] == pytest.approx(2 / 3)
    assert scores["f"] == pytest.approx(6 / 11)
    assert (scores["precision"], scores["recall"]) == (0.5, 0.6)


def test_mir_eval_agrees():
    from mir_eval.onset import f_measure

    rng = np.random.default_rng(0)
    truth, found = np.sort(rng.uniform(0, 4, 40)), np.sort(rng.uniform(0, 4, 50))
    scores = evaluate(strokes(*((t, "hihat") for t in truth)), strokes(*((t, "hihat") for t in found)), 0.03)
    expected = f_measure(truth, found, window=0.03)
    assert (scores["hihat"], scores["precision"], scores["recall"]) == pytest.approx(expected)


def test_nothing_found_and_nothing_to_find():
    scores = failure(REFERENCE)
    assert scores["f"] == scores["precision"] == scores["mean_f"] == 0
    with pytest.raises(DataError, match="without strokes"):
        evaluate(strokes((1.0, "shout")), REFERENCE)
    with pytest.raises(ParameterError, match="window"):
        task(OnsetMatching(0))


def test_drums_have_many_names():
    assert [drum_name(name) for name in ("KD", "Hi-Hat", "snare", "tt", "cowbell")] == [
        "kick", "hihat", "snare", "tom", "cowbell",
    ]  # fmt: skip
    columns = {"onset": [0, 1, 2, 3], "offset": [0, 1, 2, 3], "pitch": [35, 46, 60, 57], "velocity": [90] * 4}
    assert strokes_of(Notes(columns))["label"].tolist() == ["kick", "hihat", "crash"]
    assert strokes_of(Notes({**columns, "channel": [9, 0, 9, 9]}))["label"].tolist() == ["kick", "crash"]
    with pytest.raises(DataError, match="channel 10"):
        strokes_of(Notes({**columns, "channel": [0] * 4}))
    with pytest.raises(DataError, match="column label"):
        strokes_of(Events({"time": [1.0]}))


def test_strokes_become_notes_and_strokes_again():
    again = strokes_of(notes_of_strokes(REFERENCE))
    assert again["time"].tolist() == REFERENCE["time"].tolist()
    assert again["label"].tolist() == [*REFERENCE["label"].tolist()[:-1], "crash"]


def test_notes_on_channel_10_are_drums():
    rows = {"onset": [0.0, 1, 2], "offset": [1.0, 2, 3], "pitch": [36.0, 60, 38], "velocity": [80.0, 80, 80]}
    notes = Notes(rows)
    assert is_drum(notes).tolist() == [False] * 3
    assert is_drum(as_drums(notes)).tolist() == [True] * 3
    mixed = notes.replace(channel=[9, 0, 9])
    assert mixed.take(is_drum(mixed))["pitch"].tolist() == [36, 38]
    assert type(mixed.take(slice(1, None))) is Notes
    assert mixed.take(np.array([2, 0]))["onset"].tolist() == [2, 0]
