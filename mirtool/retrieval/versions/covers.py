"""Which recordings are versions of a piece, and how alike all recordings of a set are."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool import threads
from mirtool.retrieval.parameters import RecurrenceParameters
from mirtool.retrieval.versions.cross_recurrence import Match, Query, brought_together, checked, match, recurrence
from mirtool.retrieval.versions.entries import Entry, chroma_of
from mirtool.retrieval.versions.features import stretched

Advance = Callable[[float], None]


def _untold(_: float) -> None:
    """Tell nobody how far it is."""


def ranking(
    query: Entry, pieces: Sequence[Entry], parameters: RecurrenceParameters, advance: Advance = _untold
) -> dict[int, Match]:
    """Compare a piece with others.

    Of many, all are compared with frames that last twice as long, which takes a quarter of the time; the likeliest are
    then compared in full.

    Parameters
    ----------
    query : mapping
        An entry, from `mirtool.retrieval.versions.entries`.
    pieces : sequence of mapping
    parameters : RecurrenceParameters
    advance : callable
        Is called with 1 after each piece.

    Returns
    -------
    dict
        Of each piece that was compared in full, by its place.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    chosen = list(range(len(pieces)))
    if len(pieces) > checked(parameters).candidates:
        rough = replace(parameters, stack=-(-parameters.stack // 2))
        found = list(_matches(query, pieces, rough, 0.5, advance))
        chosen = sorted(chosen, key=lambda place: (-found[place].score, place))[: parameters.candidates]
        advance = _untold
    matches = _matches(query, [pieces[place] for place in chosen], parameters, 1.0, advance)
    return dict(sorted(zip(chosen, matches, strict=True)))


def _matches(
    query: Entry, pieces: Iterable[Entry], parameters: RecurrenceParameters, ratio: float, advance: Advance
) -> Iterator[Match]:
    """Yield how alike each piece is to the query, all as if they lasted `ratio` times as long."""
    prepared = Query.of(stretched(chroma_of(query), ratio))
    for found in threads.in_order(
        lambda piece: match(prepared, stretched(chroma_of(piece), ratio), parameters), pieces
    ):
        advance(1)
        yield found


def all_pairs(
    pieces: Sequence[Entry], parameters: RecurrenceParameters, advance: Advance = _untold
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
    checked(parameters)
    scores = np.eye(len(pieces), dtype=np.float32)
    for i, piece in enumerate(pieces):
        scores[i, i + 1 :] = [found.score for found in _matches(piece, pieces[i + 1 :], parameters, 1.0, advance)]
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
    X, Y, factors = brought_together(chroma_of(query), chroma_of(piece), found.tempo_ratio)
    plot = recurrence(X, Y, found.transposition, parameters)
    rates = feature_rate * np.array(factors)
    middle = (min(parameters.stack, len(X), len(Y)) - 1) / 2  # of a stack
    starts = np.array([float(query["start"][0]), float(piece["start"][0])]) + middle / rates
    begin = starts - 0.5 / rates
    end = begin + plot.levels.shape / rates
    return Comparison(plot.plot, (begin[0], end[0], begin[1], end[1]), starts + plot.trace / rates)
