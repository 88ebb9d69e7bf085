"""What is the same for every task: how an item is scored, and a table of the scores over a corpus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mirtool.errors import DataError
from mirtool.evaluation import statistics
from mirtool.evaluation.parameters import Bootstrap
from mirtool.evaluation.statistics import Interval
from mirtool.types import Table

SUMMARY = ("mean", "low", "high")

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Task:
    """How a task is evaluated.

    Parameters
    ----------
    evaluate : callable
        Scores of a reference and an estimate, always the same names in the same order; NaN: not known.
    failure : callable
        Scores of a reference whose estimate is missing.
    counts : tuple of str
        Scores that are summed up over the corpus, the same in all three last rows.
    intervals : callable, optional
        For a single item: from reference, estimate and `Bootstrap` to the interval of each metric over its points.
    described : tuple of str
        Scores that describe an item: they have no mean.
    """

    evaluate: Callable[[Any, Any], Scores]
    failure: Callable[[Any], Scores]
    counts: tuple[str, ...] = ()
    intervals: Callable[[Any, Any, Bootstrap], Mapping[str, Interval]] | None = None
    described: tuple[str, ...] = ()


def report(
    items: Mapping[str, Scores],
    task: Task | None,
    parameters: Bootstrap,
    intervals: Mapping[str, Interval] | None = None,
) -> Table:
    """Return a table with a row an item, then the rows ``mean``, ``low`` and ``high``.

    Parameters
    ----------
    items : mapping
        Name of each item → its scores.
    task : Task or None
        Tells which scores are counts or descriptions; None: none is.
    parameters : Bootstrap
        Of the interval of each mean over the items; items of which a score is not known are left out of its mean.
    intervals : mapping, optional
        Used instead where there is one item only: interval of each metric over its points.

    Returns
    -------
    Table
        Columns `item` and the scores.

    Raises
    ------
    DataError
        There is no item.
    """
    if not items:
        raise DataError("no item to evaluate")
    rows = list(items.values())
    columns: dict[str, list[float]] = {name: [float(scores[name]) for scores in rows] for name in rows[0]}
    for name, values in columns.items():
        known = [value for value in values if value == value]
        one = intervals.get(name) if intervals is not None and len(rows) == 1 else None
        if task is not None and name in task.counts:
            values.extend([sum(values)] * len(SUMMARY))
        elif (task is not None and name in task.described) or not known:
            values.extend([np.nan] * len(SUMMARY))
        else:
            interval = one or statistics.mean(known, parameters)
            values.extend((interval.value, interval.low, interval.high))
    names = np.array([*items, *SUMMARY], dtype=object)
    return Table({"item": names, **{name: np.array(values) for name, values in columns.items()}})
