"""Tracks of a long recording: how hits of short queries become appearances."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import MonitorParameters, RecognitionParameters
from mirtool.retrieval.recognition.landmark_search import Hit
from mirtool.retrieval.recognition.monitoring import Appearance, Monitor, monitor
from mirtool.retrieval.recognition.peaks import FRAME, RATE
from mirtool.types import Audio

RECOGNITION = RecognitionParameters(min_confidence=0.9)


@dataclass
class Script:
    """Takes the place of a library: plays tracks by the clock, one query after the other.

    Parameters
    ----------
    played : list of tuple
        Track, its first and last moment in the recording (s), speed, confidence, and the queries that miss it.
    step : float
        From a query to the next (s).
    last : float
        When the last one begins (s).
    """

    played: list[tuple[int, float, float, float, float, tuple[int, ...]]]
    step: float
    last: float
    query_density: float = 10.0
    lengths: list[float] = field(default_factory=list)

    def search(self, query, frames, recognition):
        begin = min(len(self.lengths) * self.step, self.last)
        end = begin + frames * FRAME
        number = len(self.lengths)
        self.lengths.append(frames * FRAME)
        hits = []
        for track, first, last, speed, confidence, missed in self.played:
            low, high = max(first, begin), min(last, end)
            if high - low < 2 or number in missed:
                continue
            times = np.array([low - begin, high - begin])
            start = (begin - first) * speed
            pairs = np.column_stack((times, start + times * speed))
            hits.append(Hit(0, track, start, 0.5, confidence, speed, 1.0, confidence, pairs))
        return hits

    def name(self, hit):
        return f"track {hit.track}"


def found(seconds: float, *played, window: float = 10.0, step: float = 5.0) -> tuple[list[Appearance], Script]:
    script = Script(list(played), step, max(seconds - window, 0.0))
    told = monitor(Audio(np.zeros(int(seconds * RATE)), RATE), script, RECOGNITION, MonitorParameters(window, step))
    return [one for some in told for one in some], script


def test_hits_that_follow_each_other_are_one_appearance():
    ((one, two), script) = found(60, (1, 3.0, 22.0, 1.0, 0.95, ()), (2, 25.0, 50.0, 1.02, 0.95, (6,)))
    assert (one.file, two.file) == ("track 1", "track 2")
    assert (one.begin, one.end, one.hit.start) == pytest.approx((3.0, 22.0, 0.0), abs=1e-6)
    assert (two.begin, two.end, two.hit.start, two.hit.speed) == pytest.approx((25.0, 50.0, 0.0, 1.02), abs=1e-6)
    assert (one.hits, two.hits) == (5, 5)
    assert script.lengths == pytest.approx([10.0] * 11, abs=0.1)


def test_a_track_that_begins_again_appears_twice():
    ones, _ = found(60, (1, 0.0, 15.0, 1.0, 0.95, ()), (1, 20.0, 40.0, 1.0, 0.95, ()))
    assert [(round(one.begin), round(one.end)) for one in ones] == [(0, 15), (20, 40)]


def test_a_hit_that_stands_alone_has_to_be_surer():
    for confidence, expected in ((0.95, 0), (0.998, 0), (0.9995, 1)):
        ones, _ = found(60, (1, 21.0, 24.9, 1.0, confidence, (4,)))
        assert len(ones) == expected


@pytest.mark.parametrize(("seconds", "queries"), [(0.3, 1), (9.0, 1), (10.2, 1), (15.1, 2), (17.0, 3), (26.0, 5)])
def test_all_of_a_recording_is_searched(seconds, queries):
    ones, script = found(seconds, (1, 0.0, seconds, 1.0, 0.99999, ()))
    assert len(script.lengths) == queries
    assert len(ones) == (seconds > 2)


def test_windows_that_cannot_be():
    for window, step in ((10.0, 0.0), (10.0, 1e-300), (10.0, np.nan), (10.0, 11.0), (30.0, 5.0), (np.nan, 1.0)):
        with pytest.raises(ParameterError, match="window"):
            Monitor(Script([], step, 0.0), RECOGNITION, MonitorParameters(window, step))
