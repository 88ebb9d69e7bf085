"""Audio matching the slow and obvious way."""

import numpy as np


def subsequence(C, weights):
    """Return cost and first column of the best path that ends at each column, of paths tried out one by one."""
    N, M = C.shape
    best, start = np.full(M, np.inf), np.zeros(M, int)

    def walk(n, m, cost, last):
        """Go back from cell (n, m), whose way to the end costs `cost`."""
        if n == 0 and cost + C[0, m] < best[last] - 1e-9:
            best[last], start[last] = cost + C[0, m], m
        for (dn, dm), weight in zip(((1, 1), (1, 2), (2, 1)), weights, strict=True):
            if n >= dn and m >= dm:
                walk(n - dn, m - dm, cost + weight * C[n, m], last)

    for last in range(M):
        walk(N - 1, last, 0.0, last)
    return best, start


def diagonals(C, tempi):
    """Return the mean cost of the best straight line that ends at each column."""
    N, M = C.shape
    best = np.full(M, np.inf)
    for tempo in tempi:
        places = [int(np.round(n * tempo)) for n in range(N)]
        for first in range(M - places[-1]):
            cost = sum(C[n, first + place] for n, place in enumerate(places)) / N
            best[first + places[-1]] = min(best[first + places[-1]], cost)
    return best


def correlation(x, y):
    """Return Pearson's correlation of two vectors, 0 where one is constant."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
