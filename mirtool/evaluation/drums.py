"""Drum transcription: which strokes were found, drum by drum.

Wu et al., "A review of automatic drum transcription", IEEE/ACM TASLP 26(9), 2018.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.events import Times, times_of
from mirtool.evaluation.onsets import matched
from mirtool.evaluation.parameters import OnsetMatching
from mirtool.types import Events

DRUMS: Mapping[str, tuple[str, ...]] = {
    "kick": ("kick",),
    "snare": ("snare",),
    "hihat": ("hihat",),
    "tom": ("tom",),
    "cymbal": ("crash", "ride"),
    "rim": ("rim",),
}
COUNTS = ("strokes", "estimated", "hits")


def task(matching: OnsetMatching) -> Task:
    """Return how strokes of drums are evaluated."""
    if not 0 < matching.window < np.inf:
        raise ParameterError(f"the window of a hit must be positive, not {matching.window:g} s")
    return Task(partial(evaluate, window=matching.window), failure, COUNTS)


def evaluate(reference: Events, estimate: Events, window: float = 0.05) -> dict[str, float]:
    """Return the scores of estimated strokes.

    Parameters
    ----------
    reference, estimate : Events
        Columns ``time,label``, in any order; see `mirtool.percussion.strokes_of`. Other labels do not count.
    window : float
        Largest distance of a hit (s).

    Returns
    -------
    dict
        `strokes`, `estimated`, `hits`: how many; `f`, `precision`, `recall` of all of them; `mean_f`: mean of the F of
        the drums that the reference has; the F of each drum, NaN of those that it does not have.

    Raises
    ------
    DataError
        No reference stroke, or times that are no numbers.
    """
    truth = {drum: _times(reference, labels, "a reference") for drum, labels in DRUMS.items()}
    found = {drum: _times(estimate, labels, "an estimate") for drum, labels in DRUMS.items()}
    hits = {drum: len(matched(truth[drum], found[drum], window)) for drum in DRUMS}
    strokes, estimated = (sum(map(len, times.values())) for times in (truth, found))
    total = sum(hits.values())
    if not strokes:
        raise DataError("a reference without strokes of drums")
    each = {
        drum: 2 * hits[drum] / (len(times) + len(found[drum])) if len(times) else np.nan
        for drum, times in truth.items()
    }
    return {
        "strokes": float(strokes),
        "estimated": float(estimated),
        "hits": float(total),
        "f": 2 * total / (strokes + estimated),
        "precision": total / estimated if estimated else 0.0,
        "recall": total / strokes,
        "mean_f": float(np.nanmean(list(each.values()))),
        **each,
    }


def failure(reference: Events) -> dict[str, float]:
    """Return the scores of an item without an estimate."""
    return evaluate(reference, Events({"time": np.zeros(0), "label": np.zeros(0, dtype=object)}))


def _times(events: Events, labels: tuple[str, ...], what: str) -> Times:
    mine = np.isin(events["label"].astype(str), labels)
    return times_of(Events({"time": events["time"][mine]}), what)
