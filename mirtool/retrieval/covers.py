"""Which recordings are versions of a piece, and how alike all recordings of a set are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool import threads
from mirtool.retrieval.cross_recurrence import Match, Query, match, recurrence, thinned
from mirtool.retrieval.harmony_features import stretched
from mirtool.retrieval.parameters import RecurrenceParameters
from mirtool.retrieval.pieces import Entry, chroma_of


def matches(
    query: Entry,
    pieces: Sequence[Entry],
    parameters: RecurrenceParameters,
    advance: Callable[[float], None] = lambda _: None,
) -> list[Match]:
    """Compare a piece with others.

    Parameters
    ----------
    query : mapping
        An entry, from `mirtool.retrieval.pieces`.
    pieces : sequence of mapping
    parameters : RecurrenceParameters
    advance : callable
        Is called with 1 after each piece.

    Returns
    -------
    list of Match
        Of each piece, in their order.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    prepared = Query.of(chroma_of(query), parameters)
    found = []
    for one in threads.in_order(lambda piece: match(prepared, chroma_of(piece), parameters), pieces):
        found.append(one)
        advance(1)
    return found


def all_pairs(
    pieces: Sequence[Entry], parameters: RecurrenceParameters, advance: Callable[[float], None] = lambda _: None
) -> NDArray[np.float32]:
    """Compare each piece of a set with each other.

    Parameters
    ----------
    pieces : sequence of mapping
        Entries.
    parameters : RecurrenceParameters
    advance : callable
        Is called with 1 after each pair.

    Returns
    -------
    ndarray, shape (K, K)
        Scores, symmetric, with 1 on the diagonal.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    scores = np.eye(len(pieces), dtype=np.float32)
    for i, piece in enumerate(pieces):
        scores[i, i + 1 :] = [found.score for found in matches(piece, pieces[i + 1 :], parameters, advance)]
    return np.maximum(scores, scores.T)


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that is alike in two pieces.

    Parameters
    ----------
    plot : ndarray, shape (N', M'), bool
        The cross recurrence plot: rows for moments of the first piece, columns for those of the second.
    borders : tuple of float
        Beginning and end of the rows, and of the columns (s).
    trace : ndarray, shape (L, 2)
        Moments of both pieces on the longest trace (s).
    """

    plot: NDArray[np.bool_]
    borders: tuple[float, float, float, float]
    trace: NDArray[np.float64]


def comparison(
    query: Entry, piece: Entry, found: Match, feature_rate: float, parameters: RecurrenceParameters
) -> Comparison:
    """Compare a piece with another in the key and the tempo that were found.

    Parameters
    ----------
    query, piece : mapping
        Entries.
    found : Match
    feature_rate : float
        Of the entries (Hz).
    parameters : RecurrenceParameters
    """
    X, Y, share = thinned(stretched(chroma_of(query), found.tempo_ratio), chroma_of(piece))
    plot = recurrence(X, Y, found.transposition, parameters)
    rates = feature_rate * share * np.array([found.tempo_ratio, 1.0])
    middle = (min(parameters.stack, len(X), len(Y)) - 1) / 2  # of a stack
    starts = np.array([float(query["start"][0]), float(piece["start"][0])]) + middle / rates
    begin = starts - 0.5 / rates
    end = begin + plot.levels.shape / rates
    return Comparison(plot.plot, (begin[0], end[0], begin[1], end[1]), starts + plot.trace / rates)
