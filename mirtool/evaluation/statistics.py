"""How sure is a mean: percentile bootstrap of a mean and of a paired difference.

Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), section 13.3. Items are drawn with replacement; the
interval is what lies between the percentiles of the statistic over the draws. Seeded: the same values give the same
interval.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation.parameters import Bootstrap

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_CELLS = 1 << 21  # numbers drawn at a time: bounds the memory for long lists


@dataclass(frozen=True)
class Interval:
    """A statistic and the interval around it; `low` ≤ `high`, `value` as a rule between them."""

    value: float
    low: float
    high: float

    @property
    def tie(self) -> bool:
        """Whether the interval holds 0: of a difference, that neither side leads."""
        return self.low <= 0.0 <= self.high


def mean(values: ArrayLike, parameters: Bootstrap | None = None) -> Interval:
    """Return the mean of values (n,) with its bootstrap interval.

    Raises
    ------
    DataError
        There is no value, or one is NaN.
    """
    return bootstrap(values, lambda draws: draws.mean(axis=-1), parameters)[0]


def paired_difference(ours: ArrayLike, theirs: ArrayLike, parameters: Bootstrap | None = None) -> Interval:
    """Return the mean of `ours` − `theirs` with its bootstrap interval, pairs staying together.

    Parameters
    ----------
    ours, theirs : array_like, shape (n,)
        Scores of two methods on the same items, in the same order.
    parameters : Bootstrap, optional

    Raises
    ------
    DataError
        Different lengths, no value, NaN.
    """
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape:
        raise DataError(f"a paired comparison of {first.size} with {second.size} scores")
    return mean(first - second, parameters)


def bootstrap(values: ArrayLike, statistic: Statistic, parameters: Bootstrap | None = None) -> list[Interval]:
    """Return statistics of values with their intervals.

    Parameters
    ----------
    values : array_like, shape (n,)
    statistic : callable
        Maps draws (…, n) to one number a draw (…,), or to several (…, s).
    parameters : Bootstrap, optional

    Returns
    -------
    list of Interval
        One a number that `statistic` gives.

    Raises
    ------
    DataError
        There is no value, or one is NaN.
    ParameterError
        No resamples, or a level outside of (0, 1).
    """
    parameters = parameters or Bootstrap()
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise DataError("nothing to average")
    if np.isnan(x).any():
        raise DataError("a score that is not a number")
    if parameters.resamples < 1:
        raise ParameterError(f"the number of resamples must be positive, not {parameters.resamples}")
    if not 0.0 < parameters.level < 1.0:
        raise ParameterError(f"the level of an interval lies between 0 and 1, not at {parameters.level}")
    if parameters.seed < 0:
        raise ParameterError(f"the seed must not be negative, not {parameters.seed}")
    random = np.random.default_rng(parameters.seed)
    size = max(_CELLS // x.size, 1)
    drawn = [
        np.asarray(statistic(x[random.integers(0, x.size, (min(size, parameters.resamples - done), x.size))]))
        for done in range(0, parameters.resamples, size)
    ]
    table = np.concatenate(drawn).reshape(parameters.resamples, -1)
    tail = 50.0 * (1.0 - parameters.level)
    low, high = np.percentile(table, (tail, 100.0 - tail), axis=0)
    plain = np.ravel(statistic(x))
    return [Interval(float(v), float(a), float(b)) for v, a, b in zip(plain, low, high, strict=True)]
