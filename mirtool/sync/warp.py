"""Carry events, segments, notes, scores, curves and sound from one version to another along a warping path."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mirtool.errors import DataError
from mirtool.signal.parameters import TimeScaleParameters
from mirtool.sync.paths import breakpoints, piecewise
from mirtool.types import AudioSource, Events, Features, Notes, Score, Segments, Table, WarpingPath

if TYPE_CHECKING:
    from mirtool.signal.tsm import TimeMap

STANDSTILL = 0.002  # seconds
TIME_COLUMNS: tuple[tuple[type[Table], tuple[str, ...]], ...] = (
    (Events, ("time",)),
    (Segments, ("start", "end")),
    (Notes, ("onset", "offset")),
)


def maps(path: WarpingPath, source: int = 0, target: int = 1) -> "tuple[TimeMap, TimeMap]":
    """Return the map from times of one version to those of another, and the map back.

    As `paths.transfer`, but for the stretch that leads a path to the beginnings (or ends) of both recordings where one
    has silence or applause that the other lacks: there one version all but stands still, and a note at its very
    beginning would move to the beginning of the silence, the first samples of sound would fill it. Such a stretch is
    left out, so that the local tempo goes on.
    """
    x, y = breakpoints(path, source, target)
    if len(x) > 2 and _stands_still(x[1] - x[0], y[1] - y[0]):
        x, y = x[1:], y[1:]
    if len(x) > 2 and _stands_still(x[-1] - x[-2], y[-1] - y[-2]):
        x, y = x[:-1], y[:-1]
    return partial(piecewise, x=x, y=y), partial(piecewise, x=y, y=x)


def _stands_still(one: float, other: float) -> bool:
    """Tell whether one version moves by less than a frame of any feature while the other leaves it far behind."""
    shorter, longer = sorted((one, other))
    return shorter < STANDSTILL and longer > 20 * STANDSTILL


def warp(
    container: Table | Score | Features | AudioSource,
    path: WarpingPath,
    source: int = 0,
    target: int = 1,
    parameters: TimeScaleParameters = TimeScaleParameters(),  # noqa: B008 - frozen
) -> Table | Score | Features | AudioSource:
    """Carry what belongs to one version over to the time line of another.

    Parameters
    ----------
    container : Events, Segments, Notes, Score, Features or AudioSource
    path : WarpingPath
    source, target : int
        Versions, counted from 0.
    parameters : TimeScaleParameters
        For sound.

    Returns
    -------
    The same kind of container.

    Raises
    ------
    DataError
        The container has no times that could be moved.
    """
    forward, backward = maps(path, source, target)
    if isinstance(container, Table):
        return warp_table(container, forward)
    if isinstance(container, Score):
        return container.retimed(forward)
    if isinstance(container, Features):
        return warp_features(container, forward, backward)
    from mirtool.signal.tsm import TimeScaled  # compiled loops, which nothing else here needs

    return TimeScaled(container, forward, backward, parameters)


def warp_table(table: Table, forward: "TimeMap") -> Table:
    """Move the times of events, segments or notes; all other columns stay.

    What lies before the beginning of the other version gets negative times.
    """
    for kind, names in TIME_COLUMNS:
        if isinstance(table, kind):
            return table.replace(**{name: forward(table[name]) for name in names})
    raise DataError(f"no times to move in a table of {', '.join(table.columns)}")


def warp_features(features: Features, forward: "TimeMap", backward: "TimeMap") -> Features:
    """Resample features onto another time line, at the feature rate they have.

    Parameters
    ----------
    features : Features
        With a time axis.
    forward, backward : callable
        From their times to the new ones, and back.

    Returns
    -------
    Features
        Frames at multiples of 1/feature_rate from 0 on, as far as the given ones reach, interpolated linearly.
    """
    times = features.times
    if features.frames == 0:
        return features
    rate = float(features.feature_rate or 0)
    first, last = forward(times[[0, -1]]) * rate
    numbers = np.arange(max(np.ceil(first - 1e-6), 0), np.floor(last + 1e-6) + 1)
    position = np.clip((backward(numbers / rate) - features.start) * rate, 0, features.frames - 1)
    low = np.minimum(position.astype(np.int64), max(features.frames - 2, 0))
    high = np.minimum(low + 1, features.frames - 1)
    weight = (position - low).astype(np.float32)
    data = features.data[..., low] * (1 - weight) + features.data[..., high] * weight
    return replace(features, data=data, start=float(numbers[0] / rate) if len(numbers) else 0.0)
