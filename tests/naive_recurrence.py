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


def diffused(scores, count):
    """Return likeness after one step of diffusion, sum by sum."""
    K = len(scores)
    d = np.array([[0 if i == j else 1 / max(scores[i][j], 1e-3) for j in range(K)] for i in range(K)])
    near = [np.mean(sorted(d[i][j] for j in range(K) if j != i)[:count]) for i in range(K)]
    W = np.array(
        [[np.exp(-2 * (d[i][j] / ((near[i] + near[j] + d[i][j]) / 3)) ** 2) for j in range(K)] for i in range(K)]
    )
    S = np.eye(K)
    for i in range(K):
        nearest = sorted((j for j in range(K) if j != i), key=lambda j: (-W[i, j], j))[:count]
        for j in nearest:
            S[i, j] = W[i, j] / sum(W[i, other] for other in nearest)
    spread = np.array(
        [[sum(S[i, k] * W[k, m] * S[j, m] for k in range(K) for m in range(K)) for j in range(K)] for i in range(K)]
    )
    return np.array([[spread[i, j] / np.sqrt(spread[i, i] * spread[j, j]) for j in range(K)] for i in range(K)])
