"""A stretch of a table or a feature matrix; recordings are cut by their reader."""

from typing import Any

import numpy as np

from mirtool.types import Features, Table


def excerpt(container: Any, start: float, duration: float | None) -> Any:
    """Keep what begins within `start` ≤ t < `start` + `duration` seconds; times stay as they are.

    Parameters
    ----------
    container : Features, Table or other
        Others, and what has no time, are returned as they are.
    start : float
    duration : float or None
        None: to the end.
    """
    stop = np.inf if duration is None else start + duration
    if isinstance(container, Features) and container.feature_rate is not None:
        first, last = np.searchsorted(container.times, [start - 1e-9, stop - 1e-9])
        return Features(
            container.data[..., first:last],
            container.feature_rate,
            container.kind,
            container.dims,
            container.axis,
            container.start + int(first) / container.feature_rate,
            container.unit,
            container.provenance,
        )
    if isinstance(container, Table):
        name = next((name for name in ("time", "start", "onset", "time_a", "time_1") if name in container), None)
        if name is not None:
            keep = (container[name] >= start) & (container[name] < stop)
            return type(container)({other: values[keep] for other, values in container.columns.items()})
    return container
