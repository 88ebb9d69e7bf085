"""What the evaluations of events share: checked times, and how early or late an estimate is."""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import Events, Notes, Score

LATEST = 30_000.0  # seconds: mir_eval takes anything beyond for a mistake of units

Times = NDArray[np.float64]


def onsets_of(container: Events | Notes | Score) -> Events:
    """Return the onsets of notes; events stay."""
    notes = container.notes if isinstance(container, Score) else container
    return Events({"time": notes["onset"]}) if isinstance(notes, Notes) else notes


def times_of(events: Events, what: str, trim: float = 0.0) -> Times:
    """Return the times of events (s), increasing, those that stand twice once, and none before `trim`.

    Raises
    ------
    DataError
        Times that are no numbers, or beyond 30000 s.
    """
    times = events["time"]
    if not np.isfinite(times).all():
        raise DataError(f"{what} with times that are no numbers")
    if len(times) and times.max() > LATEST:
        raise DataError(f"{what} with a time of {times.max():g} s (up to {LATEST:g} s can be evaluated)")
    return np.unique(times[times >= trim])


def nearest(reference: Times, estimate: Times) -> Times:
    """Return, for each reference time, the signed distance to the nearest estimate (s); infinite if there is none."""
    if not len(estimate):
        return np.full(len(reference), np.inf)
    place = np.searchsorted(estimate, reference)
    after = estimate[np.minimum(place, len(estimate) - 1)] - reference
    before = estimate[np.maximum(place - 1, 0)] - reference
    return np.where(np.abs(after) < np.abs(before), after, before)


def bias_ms(reference: Times, estimate: Times, window: float) -> float:
    """Return the median of the distances to the nearest estimate that lie within the window (ms); NaN if none does."""
    distances = nearest(reference, estimate)
    distances = distances[np.abs(distances) < window]
    return 1e3 * float(np.median(distances)) if len(distances) else np.nan
