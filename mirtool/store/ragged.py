"""Arrays of many documents, one after the other along axis 0.

The values of document n are ``values[starts[n] : starts[n + 1]]``; `starts` (int64) is one longer than there are
documents.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise as pairs
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["inside", "join", "pairs", "select", "starts_of"]


def starts_of(lengths: ArrayLike) -> NDArray[np.int64]:
    """Return where each of several arrays begins among all, and where the last ends."""
    lengths = np.asarray(lengths, np.int64)
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def join(arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Put arrays, at least one, one after the other; return values and starts."""
    return np.concatenate(arrays), starts_of([len(array) for array in arrays])


def inside(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of many ranges, one after the other."""
    lengths = stops - starts
    begins = starts_of(lengths)
    return np.arange(begins[-1]) + np.repeat(starts - begins[:-1], lengths)


def select(
    values: NDArray[Any], starts: NDArray[np.int64], numbers: Iterable[int] | NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Keep the documents of these numbers, in their order; return values and starts."""
    chosen = np.asarray(numbers)
    firsts, lasts = starts[:-1][chosen], starts[1:][chosen]
    return values[inside(firsts, lasts)], starts_of(lasts - firsts)
