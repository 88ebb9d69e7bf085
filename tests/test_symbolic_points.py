"""Notes as points."""

import numpy as np
import pytest

from mirtool.errors import DataError
from mirtool.symbolic.points import points_of
from mirtool.tempo_map import TempoMap
from mirtool.types import Notes, Score


def notes(*rows: tuple[float, float, float]) -> Notes:
    onset, offset, pitch = np.array(rows, dtype=float).reshape(-1, 3).T
    return Notes({"onset": onset, "offset": offset, "pitch": pitch, "velocity": np.full(len(onset), 64)})


def test_points_are_sorted_by_onset_then_pitch() -> None:
    points = points_of(notes((1, 2, 60), (0, 1, 72), (0, 3, 48)))
    assert points.onset.tolist() == [0, 0, 1]
    assert points.pitch.tolist() == [48, 72, 60]
    assert points.offset.tolist() == [3, 1, 2]
    assert points.beat is None
    assert points.track.tolist() == [-1, -1, -1]


def test_a_score_brings_beats_tracks_and_drums() -> None:
    rows = [(480, 960, 62, 80, 1, 9, 0), (0, 480, 60, 80, 0, 2, 0)]
    points = points_of(Score.from_rows(rows, TempoMap(480, [(0, 1_000_000)])))
    assert points.onset.tolist() == [0, 1]
    assert points.beat is not None
    assert points.beat.tolist() == [0, 1]
    assert points.track.tolist() == [0, 1]
    assert points.is_drum.tolist() == [False, True]
    assert points.take(~points.is_drum).pitch.tolist() == [60]


def test_no_notes_are_no_points() -> None:
    assert len(points_of(notes())) == 0


def test_notes_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(DataError, match="not finite"):
        points_of(notes((0, np.nan, 60)))
    with pytest.raises(DataError, match="ends before"):
        points_of(notes((1, 0, 60)))
