from dataclasses import replace

import numpy as np
import pytest
from performances import compiled
from test_cross_recurrence import match, piece

from mirtool.errors import ParameterError
from mirtool.plots.recurrence import recurrence_figure
from mirtool.retrieval.parameters import RecurrenceParameters
from mirtool.retrieval.versions.covers import all_pairs, comparison, ranking
from mirtool.retrieval.versions.cross_recurrence import Match
from mirtool.retrieval.versions.entries import chroma_of

DEFAULT = RecurrenceParameters()


def entry(frames, start=0.0):
    return {"chroma": frames.astype(np.float16), "start": np.array([start])}


PIECES = [entry(piece(40)), entry(piece(50, 1)), entry(piece(30, 2))]


@compiled
def test_matches_keep_the_order():
    X = piece(60)
    others = [piece(50, 1), np.roll(X, 3, axis=1), piece(70, 2)]
    done = []
    found = ranking(entry(X), [entry(Y) for Y in others], DEFAULT, done.append)
    expected = [match(chroma_of(entry(X)), chroma_of(entry(Y)), DEFAULT) for Y in others]
    assert found == dict(enumerate(expected))
    assert (found[1].score, found[1].transposition) == (1, 3)
    assert sum(done) == 3


@compiled
def test_of_many_the_likeliest_are_compared_in_full():
    X = piece(80)
    others = [entry(piece(80, seed)) for seed in range(1, 9)]
    others[5] = entry(np.roll(X[20:], 2, axis=1))
    done = []
    few = ranking(entry(X), others, replace(DEFAULT, candidates=3), done.append)
    every = ranking(entry(X), others, DEFAULT)
    assert len(few) == 3
    assert max(few, key=lambda place: few[place].score) == 5
    assert all(few[place] == every[place] for place in few)
    assert sum(done) == len(others)


@compiled
def test_all_pairs_are_those_of_matches():
    done = []
    scores = all_pairs(PIECES, DEFAULT, done.append)
    assert (scores == scores.T).all()
    assert (np.diag(scores) == 1).all()
    assert scores[0].tolist()[1:] == pytest.approx(
        [hit.score for hit in ranking(PIECES[0], PIECES[1:], DEFAULT).values()]
    )
    assert sum(done) == 3


def test_parameters_are_checked_before_work():
    with pytest.raises(ParameterError):
        ranking(PIECES[0], PIECES, RecurrenceParameters(stack=0))


@compiled
class TestComparison:
    X = piece(60)

    def compared(self, Y, ratio=1.0):
        found = Match(1.0, 0, ratio)
        return comparison(entry(self.X, 1.0), entry(Y, 3.0), found, 2.0, DEFAULT)

    def test_times_are_those_of_the_middle_of_stacks(self):
        alike = self.compared(self.X)
        assert alike.plot.shape == (54, 54)
        assert alike.borders == (2.25, 29.25, 4.25, 31.25)
        np.testing.assert_array_equal(alike.trace[[0, -1]], [[2.5, 4.5], [29.0, 31.0]])
        np.testing.assert_array_equal(alike.trace[:, 1] - alike.trace[:, 0], 2.0)

    def test_at_another_tempo_times_stay_those_of_the_pieces(self):
        slower = np.repeat(self.X, 2, axis=0)
        alike = self.compared(slower, 2.0)
        begin, end, *_ = alike.borders
        assert 1.0 < begin < end < 31.0
        ratio = np.diff(alike.trace[:, 1]).sum() / np.diff(alike.trace[:, 0]).sum()
        assert ratio == pytest.approx(2, abs=0.1)

    def test_picture_shows_both_with_their_names(self):
        alike = self.compared(self.X)
        (axes,) = recurrence_figure(alike.plot, alike.borders, alike.trace, ("set/a.wav", "set/b.wav"), "Title").axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time in b (s)", "Time in a (s)")
        assert axes.get_images()[0].get_extent() == [4.25, 31.25, 2.25, 29.25]
        (line,) = axes.get_lines()
        np.testing.assert_array_equal(line.get_xdata(), alike.trace[:, 1])
