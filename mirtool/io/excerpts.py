"""A stretch of a table, a score or a feature matrix; recordings are cut by their reader."""

import dataclasses
from typing import Any

import numpy as np

from mirtool.errors import DataError, UsageProblem
from mirtool.types import Features, Notes, Score

_BEGINS = ("time", "start", "onset", "time_a", "time_1")


def excerpt(container: Any, start: float, duration: float | None) -> Any:
    """Keep what begins within `start` ≤ t < `start` + `duration` seconds; times stay as they are.

    Parameters
    ----------
    container : Features, Table or Score
        Of a score, the notes are chosen; all other messages stay.
    start : float
    duration : float or None
        None: to the end.

    Raises
    ------
    DataError
        No frame lies there; an empty table is none the worse.
    UsageProblem
        The matrix or table has no times.
    """
    stop = np.inf if duration is None else start + duration
    if isinstance(container, Features):
        return _frames(container, start, stop)
    notes = container.notes if isinstance(container, Score) else container
    name = next((name for name in _BEGINS if name in notes), None)
    if name is None:
        raise UsageProblem("--start and --duration mean nothing here: the table has no times")
    keep = (notes[name] >= start) & (notes[name] < stop)
    kept = notes.take(keep)
    if isinstance(container, Score):
        return dataclasses.replace(container, notes=kept, ticks=container.ticks[keep])
    return kept


def from_zero(notes: Notes, start: float, duration: float | None) -> Notes:
    """Move the notes that `excerpt` keeps as a recording's excerpt is: `start` becomes 0, and its end cuts them off."""
    stop = np.inf if duration is None else start + duration
    return notes.replace(onset=notes["onset"] - start, offset=np.minimum(notes["offset"], stop) - start)


def _frames(features: Features, start: float, stop: float) -> Features:
    if features.feature_rate is None:
        raise UsageProblem("--start and --duration mean nothing here: the matrix has no frames per second")
    tolerance = 1e-6 / features.feature_rate
    first, last = (int(n) for n in np.searchsorted(features.times, [start - tolerance, stop - tolerance]))
    if first == last:
        raise DataError(f"no frame between {start:g} and {stop:g} s")
    begin = features.start + first / features.feature_rate
    return dataclasses.replace(features, data=features.data[..., first:last], start=begin)
