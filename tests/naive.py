"""Slow and obvious versions of what the kernels compute."""

from itertools import pairwise

import numpy as np


def dtw_accumulated(C, steps, weights, subsequence=False, low=None, high=None):
    """Accumulated cost by the definition, cell by cell (FMP 3.2.1, 7.2.3), within the window of each row."""
    N, M = C.shape
    D = np.full((N, M), np.inf)
    for n in range(N):
        for m in range(M) if low is None else range(low[n], high[n]):
            if n == 0 and (m == 0 or subsequence):
                D[n, m] = C[n, m]
                continue
            for (a, b), weight in zip(steps, weights, strict=True):
                if n >= a and m >= b:
                    D[n, m] = min(D[n, m], D[n - a, m - b] + weight * C[n, m])
    return D


def dtw_path_cost(C, path, steps, weights):
    """Cost of a path; fails where a step is not in the set."""
    cost = C[tuple(path[0])]
    for before, after in pairwise(path):
        step = (int(after[0] - before[0]), int(after[1] - before[1]))
        cost += weights[steps.index(step)] * C[tuple(after)]
    return cost
