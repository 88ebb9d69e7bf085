"""Compiled loop of audio matching: subsequence DTW against many recordings in a row.

The steps are (1,1), (1,2) and (2,1), so that a cell depends on earlier rows alone and all columns of a row are computed
at once, as vector instructions.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]
Numbers = NDArray[np.int32]


@kernel
def warped(
    C: Matrix, gates: Matrix, weights: Vector, cells: Matrix, origins: Numbers, value: Vector, start: Numbers
) -> None:
    """Fill the accumulated cost of the best path that ends at each column, and the column where that path begins.

    C : (N, M), cost of frame n of the query and column m
    gates : (2, M), 0 where a path may come from column m - 1, or m - 2; else infinite
    weights : factors on the cost of a cell that is reached by the steps (1,1), (1,2), (2,1)
    cells, origins : (3, M + 2), room for the last rows of accumulated costs and of beginnings; two columns lead
    """
    N, M = C.shape
    cells[:] = np.inf
    origins[:] = 0
    near, far = gates[0], gates[1]
    w11, w12, w21 = weights[0], weights[1], weights[2]
    for n in range(N):
        cost = C[n]
        out, begun = cells[n % 3, 2 : M + 2], origins[n % 3, 2 : M + 2]
        a, b, c = cells[(n + 2) % 3, 1 : M + 1], cells[(n + 2) % 3, :M], cells[(n + 1) % 3, 1 : M + 1]
        from_a, from_b = origins[(n + 2) % 3, 1 : M + 1], origins[(n + 2) % 3, :M]
        from_c = origins[(n + 1) % 3, 1 : M + 1]
        if n == 0:
            for m in range(M):
                out[m] = cost[m]
                begun[m] = m
        else:
            for m in range(M):
                straight = a[m] + near[m] + w11 * cost[m]
                fast = b[m] + far[m] + w12 * cost[m]
                slow = c[m] + near[m] + w21 * cost[m]
                best = straight if straight <= fast else fast
                origin = from_a[m] if straight <= fast else from_b[m]
                out[m] = best if best <= slow else slow
                begun[m] = origin if best <= slow else from_c[m]
    last, origin_row = cells[(N - 1) % 3, 2 : M + 2], origins[(N - 1) % 3, 2 : M + 2]
    for m in range(M):
        value[m] = last[m]
        start[m] = origin_row[m]


def warm() -> None:
    """Compile the kernel."""
    C, gates = np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)
    cells, origins = np.zeros((3, 4), np.float32), np.zeros((3, 4), np.int32)
    warped(C, gates, np.ones(3, np.float32), cells, origins, np.zeros(2, np.float32), np.zeros(2, np.int32))
