"""Other metrical levels: every second beat, beats between beats, and even subdivisions."""

import itertools
import math

import numpy as np

from mirtool.errors import ParameterError
from mirtool.rhythm.evidence import Evidence
from mirtool.rhythm.parameters import LEVELS
from mirtool.types import Events

_REACH = 0.1  # of the time between beats: how far a beat between two may be from the middle


def at_level(beats: Events, level: str, evidence: Evidence) -> Events:
    """Keep every second beat (``half``), or put one between every two (``double``).

    Half keeps the downbeats where bars have even numbers of beats, else the beats with more activation. Double puts a
    beat on the highest activation near the middle.

    Parameters
    ----------
    beats : Events
        With `beat` and `confidence`.
    level : {"half", "double"}
    evidence : Evidence

    Returns
    -------
    Events
        `beat` counts on the new level; it is 0 where bars of odd numbers of beats are halved.

    Raises
    ------
    ParameterError
        Another level.
    """
    if level not in LEVELS:
        raise ParameterError(f"no level {level} (there are: {', '.join(LEVELS)})")
    if len(beats) < 2:
        return beats
    return _half(beats, evidence) if level == "half" else _double(beats, evidence)


def _half(beats: Events, evidence: Evidence) -> Events:
    position = beats["beat"]
    downbeats = np.flatnonzero(position == 1) % 2
    even = downbeats.size > 0 and bool((downbeats == downbeats[0]).all())
    if even:
        first = int(downbeats[0])
    else:
        strength = np.interp(beats["time"], evidence.times, evidence.beat)
        first = int(strength[1::2].mean() > strength[::2].mean())
    kept = {name: values[first::2] for name, values in beats.columns.items()}
    return Events({**kept, "beat": (kept["beat"] + 1) // 2 * even})


def _double(beats: Events, evidence: Evidence) -> Events:
    time, position, sure = beats["time"], beats["beat"], beats["confidence"]
    between = np.array([_strongest(a, b, evidence) for a, b in itertools.pairwise(time)])
    counted = np.stack((2 * position - 1, 2 * position), axis=1).ravel()[:-1] * np.repeat(position > 0, 2)[:-1]
    return Events(
        {
            "time": np.append(np.stack((time[:-1], between), axis=1).ravel(), time[-1]),
            "beat": counted,
            "confidence": np.append(np.stack((sure[:-1], np.minimum(sure[:-1], sure[1:])), axis=1).ravel(), sure[-1]),
        }
    )


def _strongest(begin: float, end: float, evidence: Evidence) -> float:
    """Return the time of the highest activation near the middle of two beats, or the middle if there is none."""
    middle, reach = (begin + end) / 2, _REACH * (end - begin)
    low, high = ((middle + side * reach - evidence.start) * evidence.feature_rate for side in (-1, 1))
    first = max(math.ceil(low), 0)
    values = evidence.beat[first : max(math.floor(high) + 1, first)]
    return evidence.start + (first + int(values.argmax())) / evidence.feature_rate if values.any() else middle


def subdivided(beats: Events, parts: int) -> Events:
    """Divide the time between every two beats into equal parts.

    Parameters
    ----------
    beats : Events
    parts : int

    Returns
    -------
    Events
        `beat` counts fractions: 1, 1.5, 2, 2.5 …; a confidence is the lower one of the two beats.

    Raises
    ------
    ParameterError
        Fewer than one part.
    """
    if parts < 1:
        raise ParameterError(f"beats are divided into one part at least, not {parts}")
    if len(beats) < 2:
        return beats
    share = np.arange(parts) / parts
    time, position, sure = beats["time"], beats["beat"], beats["confidence"]
    lower = np.repeat(np.minimum(sure[:-1], sure[1:]), parts)
    lower[::parts] = sure[:-1]
    return Events(
        {
            "time": np.append((time[:-1, None] + np.diff(time)[:, None] * share).ravel(), time[-1]),
            "beat": np.append((position[:-1, None] + share).ravel(), position[-1]),
            "confidence": np.append(lower, sure[-1]),
        }
    )
