"""Move events to the onsets nearest to them."""

import math

import numpy as np

from mirtool.errors import ParameterError
from mirtool.types import Events

_ROUNDING = 1e-9  # s: a distance as long as the tolerance lies within it, and equal ones are equal


def snap(events: Events, onsets: Events, tolerance: float) -> Events:
    """Move events to the nearest onset within a tolerance.

    An onset takes one event, the one that is nearest to it (of two as near, the earlier); all others stay.

    Parameters
    ----------
    events, onsets : Events
        In any order.
    tolerance : float
        Seconds.

    Returns
    -------
    Events
        All columns of `events`, with other times.

    Raises
    ------
    ParameterError
        A negative tolerance.
    """
    if not 0 <= tolerance < math.inf:
        raise ParameterError(f"the tolerance must not be negative, not {tolerance:g} s")
    times, targets = events["time"], np.unique(onsets["time"])
    if not len(times) or not len(targets):
        return events
    right = np.clip(np.searchsorted(targets, times), 1, max(len(targets) - 1, 1))
    later = targets[np.minimum(right, len(targets) - 1)]
    nearest = right - (np.abs(times - targets[right - 1]) <= np.abs(later - times) + _ROUNDING)
    distance = np.round(np.abs(targets[nearest] - times), 9)
    moved = times.copy()
    taken: set[int] = set()
    for index in np.lexsort((times, distance)).tolist():
        target = int(nearest[index])
        if distance[index] <= tolerance + _ROUNDING and target not in taken:
            moved[index] = targets[target]
            taken.add(target)
    return events.replace(time=moved)
