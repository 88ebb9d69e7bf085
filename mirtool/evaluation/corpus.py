"""From the scores of items to a table over a corpus."""

from collections.abc import Mapping, Sequence

import numpy as np

from mirtool.errors import DataError
from mirtool.evaluation import statistics
from mirtool.evaluation.parameters import Bootstrap
from mirtool.evaluation.statistics import Interval
from mirtool.types import Table

SUMMARY = ("mean", "low", "high")

Scores = Mapping[str, float]


def report(
    items: Mapping[str, Scores],
    counts: Sequence[str],
    parameters: Bootstrap,
    intervals: Mapping[str, Interval] | None = None,
) -> Table:
    """Return a table with a row an item, then the rows ``mean``, ``low`` and ``high``.

    Parameters
    ----------
    items : mapping
        Name of each item → its scores, all with the same keys in the same order.
    counts : sequence of str
        Scores that are summed up over the corpus, the same in all three last rows.
    parameters : Bootstrap
        Of the interval of each mean over the items.
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
        if name in counts:
            values.extend([sum(values)] * len(SUMMARY))
            continue
        one = intervals.get(name) if intervals is not None and len(rows) == 1 else None
        interval = one or statistics.mean(values, parameters)
        values.extend((interval.value, interval.low, interval.high))
    names = np.array([*items, *SUMMARY], dtype=object)
    return Table({"item": names, **{name: np.array(values) for name, values in columns.items()}})
