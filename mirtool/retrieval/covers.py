"""Which recordings are versions of a piece, and how alike all recordings of a set are."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mirtool import threads
from mirtool.retrieval.cross_recurrence import Chroma, Match, checked, match
from mirtool.retrieval.parameters import RecurrenceParameters


def matches(X: Chroma, pieces: Iterable[Chroma], parameters: RecurrenceParameters) -> Iterator[Match]:
    """Yield how alike a piece is to each of others, in their order.

    Parameters
    ----------
    X : ndarray, shape (N, 12), float32
        As of `mirtool.retrieval.harmony_features`, frames first.
    pieces : iterable of ndarray, shape (M, 12)
        Taken as they are needed; several are worked on at once.
    parameters : RecurrenceParameters

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    checked(parameters)
    return threads.in_order(lambda Y: match(X, Y, parameters), pieces)


def all_pairs(
    pieces: Sequence[Chroma], parameters: RecurrenceParameters, advance: Callable[[float], None] = lambda _: None
) -> NDArray[np.float32]:
    """Return how alike each piece of a set is to each other.

    Parameters
    ----------
    pieces : sequence of ndarray, shape (N, 12)
    parameters : RecurrenceParameters
    advance : callable
        Is called with the number of pairs that were done.

    Returns
    -------
    ndarray, shape (K, K)
        Scores, symmetric.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    scores = np.zeros((len(pieces), len(pieces)), np.float32)
    for i, X in enumerate(pieces):
        scores[i, i:] = [found.score for found in matches(X, pieces[i:], parameters)]
        advance(len(pieces) - i)
    return np.triu(scores) + np.triu(scores, 1).T
