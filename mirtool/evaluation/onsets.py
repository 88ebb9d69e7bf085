"""Onset detection: which reference onsets were found, and how exactly.

A reference and an estimated onset match if they lie within the window of each other; each matches once at most, and as
many as possible do (as in `mir_eval.onset`; Raffel et al., "mir_eval: A transparent implementation of common MIR
metrics", ISMIR 2014).
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.events import Times, bias_ms, times_of
from mirtool.evaluation.parameters import Bootstrap, OnsetMatching
from mirtool.evaluation.statistics import Interval, bootstrap
from mirtool.types import Events

COUNTS = ("onsets", "estimated", "hits")
FINE = 0.025  # seconds: the narrow window


def task(matching: OnsetMatching) -> Task:
    """Return how onsets are evaluated."""
    if not 0 < matching.window < np.inf:
        raise ParameterError(f"the window of a hit must be positive, not {matching.window:g} s")
    window = matching.window
    return Task(partial(evaluate, window=window), failure, COUNTS, partial(intervals, window=window))


def evaluate(reference: Events, estimate: Events, window: float = 0.05) -> dict[str, float]:
    """Return the scores of estimated onsets.

    Parameters
    ----------
    reference, estimate : Events
        In any order; onsets at one time count once.
    window : float
        Largest distance of a hit (s).

    Returns
    -------
    dict
        `onsets`, `estimated`, `hits`: how many; `f`, `precision`, `recall`: 0 to 1; `f25`: F at 25 ms; `bias_ms`:
        median of the distances to the nearest estimate within the window, positive where estimates are late, NaN
        without any.

    Raises
    ------
    DataError
        No reference onset, or times that are no numbers.
    """
    truth, found = _times(reference), times_of(estimate, "an estimate")
    hits = len(matched(truth, found, window))
    f, precision, recall = _rates(hits, len(truth), len(found))
    return {
        "onsets": float(len(truth)),
        "estimated": float(len(found)),
        "hits": float(hits),
        "f": f,
        "precision": precision,
        "recall": recall,
        "f25": _rates(len(matched(truth, found, FINE)), len(truth), len(found))[0],
        "bias_ms": bias_ms(truth, found, window),
    }


def failure(reference: Events) -> dict[str, float]:
    """Return the scores of an item without an estimate."""
    return evaluate(reference, Events({"time": np.zeros(0)}))


def intervals(
    reference: Events, estimate: Events, parameters: Bootstrap, window: float = 0.05
) -> Mapping[str, Interval]:
    """Return the metrics of one item with their bootstrap intervals over its hits, misses and false alarms."""
    truth, found = _times(reference), times_of(estimate, "an estimate")
    hits, fine = (len(matched(truth, found, width)) for width in (window, FINE))
    names = ("f", "precision", "recall")
    result = dict(zip(names, _resampled(hits, len(truth), len(found), parameters), strict=True))
    return {**result, "f25": _resampled(fine, len(truth), len(found), parameters)[0]}


def matched(reference: Times, estimate: Times, window: float) -> NDArray[np.int64]:
    """Match as many onsets as possible within a window, each once.

    Both go forward in time: the first reference onset that an estimate can still hit takes it, and of several estimates
    that nothing else can use, the nearest. On a line that is a largest matching.

    Parameters
    ----------
    reference, estimate : ndarray
        Increasing times (s).
    window : float
        Largest distance (s).

    Returns
    -------
    ndarray, shape (hits, 2), int64
        Indices of reference and estimate.
    """
    pairs = []
    # The window lies around the estimates, as mir_eval has it: rounding decides the same way at its edge.
    first = np.searchsorted(estimate + window, reference, side="left").tolist()
    last = np.searchsorted(estimate - window, reference, side="right").tolist()
    free = 0
    for k, time in enumerate(reference.tolist()):
        free = max(free, first[k])
        if free >= last[k]:
            continue
        others = first[k + 1] if k + 1 < len(first) else len(estimate)  # from here on the next one can use them
        while free + 1 < min(last[k], others) and abs(estimate[free + 1] - time) <= abs(estimate[free] - time):
            free += 1
        pairs.append((k, free))
        free += 1
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _times(reference: Events) -> Times:
    truth = times_of(reference, "a reference")
    if not len(truth):
        raise DataError("a reference without onsets")
    return truth


def _rates(hits: int, truth: int, found: int) -> tuple[float, float, float]:
    """Return F, precision and recall."""
    return 2 * hits / (truth + found), hits / found if found else 0.0, hits / truth


def _resampled(hits: int, truth: int, found: int, parameters: Bootstrap) -> list[Interval]:
    """Return F, precision and recall with intervals over what there is: hits, misses and false alarms."""
    kinds = np.repeat([0.0, 1.0, 2.0], [hits, truth - hits, found - hits])

    def rates(draws: NDArray[np.float64]) -> NDArray[np.float64]:
        hit, missed, false = (np.count_nonzero(draws == kind, axis=-1) for kind in range(3))
        pairs = ((2 * hit, 2 * hit + missed + false), (hit, hit + false), (hit, hit + missed))
        return np.stack([above / np.maximum(below, 1) for above, below in pairs], axis=-1)

    return bootstrap(kinds, rates, parameters)
