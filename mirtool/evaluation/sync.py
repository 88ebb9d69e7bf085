"""Music synchronisation: how far from reference pairs of moments a warping path leads.

The direction is A → B: the path carries each reference `time_a` over to B (`mirtool.sync.paths.transfer`), and the
error is the distance from the reference `time_b`. A reference point that lies outside of the path is carried on with
the local tempo ratio at the path's end, as `mirtool warp` does, and counts like any other; `outside` says how many
there are. Of K versions, the errors from the first to each other version count together.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.parameters import Bootstrap
from mirtool.evaluation.statistics import Interval, bootstrap
from mirtool.sync.paths import transfer
from mirtool.types import WarpingPath

THRESHOLDS_MS = (25, 50, 100)
METRICS = ("mean_ms", "median_ms", "p95_ms", *(f"over_{threshold}ms" for threshold in THRESHOLDS_MS))
COUNTS = ("points", "outside")


def task() -> Task:
    """Return how paths are evaluated."""
    return Task(evaluate, failure, COUNTS, intervals)


def deviations(reference: WarpingPath, estimate: WarpingPath) -> NDArray[np.float64]:
    """Return the signed errors at the reference points (s).

    Parameters
    ----------
    reference : WarpingPath
        L pairs (or K-tuples) of moments that belong together; need not be strictly increasing.
    estimate : WarpingPath
        Of as many versions, in the same order.

    Returns
    -------
    ndarray, shape (L, K − 1)
        Positive where the path leads too late in version 2 … K.

    Raises
    ------
    DataError
        No reference point, times that are not numbers, or different numbers of versions.
    """
    _check(reference)
    truth = reference.times
    if len(estimate.versions) != len(reference.versions):
        raise DataError(f"a path of {len(estimate.versions)} versions against a reference of {len(reference.versions)}")
    columns = [transfer(estimate, truth[:, 0], 0, k) - truth[:, k] for k in range(1, truth.shape[1])]
    return np.stack(columns, axis=1)


def evaluate(reference: WarpingPath, estimate: WarpingPath) -> dict[str, float]:
    """Return the scores of a path.

    Parameters
    ----------
    reference, estimate : WarpingPath
        As `deviations` takes them.

    Returns
    -------
    dict
        `points`: number of errors; `mean_ms`, `median_ms`, `p95_ms`: mean, median and 95th percentile (linear between
        neighbours) of the absolute error (ms); `over_25ms` …: share of errors above (0 to 1); `outside`: number of
        reference points before the path's beginning or after its end in A.
    """
    return _scores(_absolute(reference, estimate), _outside(reference, estimate))


def errors_over_time(reference: WarpingPath, estimate: WarpingPath) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when (in the first version, s) and by how much (signed, s) a path errs, both of shape (L · (K − 1),)."""
    errors = deviations(reference, estimate)
    return np.repeat(reference.times[:, 0], errors.shape[1]), errors.ravel()


def failure(reference: WarpingPath) -> dict[str, float]:
    """Return the scores of an item without an estimate: at each point an error as long as the item."""
    _check(reference)
    times = reference.times
    errors = np.full(times[:, 1:].size, float(times.max()))
    return _scores(errors, len(times))


def intervals(reference: WarpingPath, estimate: WarpingPath, parameters: Bootstrap) -> dict[str, Interval]:
    """Return each metric of one path with its bootstrap interval over the points.

    Neighbouring points share their errors, so that the interval is rather too narrow; over several items, the interval
    over items says more.
    """
    errors = _absolute(reference, estimate)
    return dict(zip(METRICS, bootstrap(errors, _metrics, parameters), strict=True))


def _absolute(reference: WarpingPath, estimate: WarpingPath) -> NDArray[np.float64]:
    """Return the absolute errors in whole nanoseconds, so that an error of just 50 ms is not above 50 ms."""
    return np.asarray(np.round(np.abs(deviations(reference, estimate)).ravel(), 9), dtype=np.float64)


def _check(reference: WarpingPath) -> None:
    if len(reference) == 0:
        raise DataError("a reference without points")
    if not np.isfinite(reference.times).all():
        raise DataError("a reference with times that are no numbers")


def _outside(reference: WarpingPath, estimate: WarpingPath) -> int:
    time, path = reference.times[:, 0], estimate.times[:, 0]
    return int(np.count_nonzero((time < path[0]) | (time > path[-1])))


def _scores(errors: NDArray[np.float64], outside: int) -> dict[str, float]:
    values = dict(zip(METRICS, _metrics(errors).tolist(), strict=True))
    return {"points": float(errors.size), **values, "outside": float(outside)}


def _metrics(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute METRICS of absolute errors (…, n) in seconds; shape (…, 6)."""
    shares = [np.mean(errors > threshold / 1e3, axis=-1) for threshold in THRESHOLDS_MS]
    median, p95 = np.percentile(errors, (50, 95), axis=-1)
    return np.stack([1e3 * errors.mean(axis=-1), 1e3 * median, 1e3 * p95, *shares], axis=-1)
