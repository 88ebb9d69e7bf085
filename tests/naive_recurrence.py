"""Cross recurrence the slow and obvious way."""

from itertools import pairwise

import numpy as np


def stacked_similarities(X, Y, stack):
    """Return the mean similarity of the frames of all pairs of stacks."""
    rows, columns = len(X) - stack + 1, len(Y) - stack + 1
    return np.array(
        [[np.mean([X[i + k] @ Y[j + k] for k in range(stack)]) for j in range(columns)] for i in range(rows)]
    )


def reached_by(values, count):
    """Return the highest level, at least 1, that so many values reach."""
    return max(1, sorted(values, reverse=True)[count - 1])


def traces(R, i, j):
    """Yield all traces that end at a cell, as lists of cells; none passes the first rows or columns backwards."""
    yield [(i, j)]
    for row, column in ((i - 1, j - 1), (i - 2, j - 1), (i - 1, j - 2)):
        if row >= 0 and column >= 0:
            yield from ([*before, (i, j)] for before in traces(R, row, column))


def trace_value(R, cells, onset, extension):
    """Return what a trace is worth: its neighbours, less its gaps; what falls below nothing begins anew."""
    value = float(R[cells[0]])
    for before, cell in pairwise(cells):
        if R[cell]:
            value += 1
        else:
            value = max(0.0, value - (onset if R[before] else extension))
    return value


def q_max(R, onset, extension):
    """Return the value of the best of all traces."""
    rows, columns = R.shape
    return max(
        trace_value(R, cells, onset, extension)
        for i in range(rows)
        for j in range(columns)
        for cells in traces(R, i, j)
    )
