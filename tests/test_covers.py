import numpy as np
import pytest
from performances import compiled
from test_cross_recurrence import match, piece

from mirtool.errors import ParameterError
from mirtool.retrieval.covers import all_pairs, matches
from mirtool.retrieval.parameters import RecurrenceParameters

DEFAULT = RecurrenceParameters()


@compiled
def test_matches_keep_the_order():
    X = piece(60)
    others = [piece(50, 1), np.roll(X, 3, axis=1), piece(70, 2)]
    found = list(matches(X, others, DEFAULT))
    assert found == [match(X, Y, DEFAULT) for Y in others]
    assert (found[1].score, found[1].transposition) == (1, 3)


@compiled
def test_all_pairs_are_those_of_matches():
    pieces = [piece(40), piece(50, 1), piece(30, 2)]
    done = []
    scores = all_pairs(pieces, DEFAULT, done.append)
    assert (scores == scores.T).all()
    assert (np.diag(scores) == 1).all()
    assert scores[0, 2] == pytest.approx(match(pieces[0], pieces[2], DEFAULT).score)
    assert sum(done) == 6


def test_parameters_are_checked_before_work():
    with pytest.raises(ParameterError):
        matches(piece(20), iter(()), RecurrenceParameters(stack=0))
