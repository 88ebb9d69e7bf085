"""Compiled loop of audio matching: subsequence DTW against many recordings in a row.

The steps are (1,1), (1,2) and (2,1), so that a cell depends on earlier rows alone, and all columns of a row are
computed at once, as vector instructions. Costs become whole numbers: a cell is then one number of 64 bits, accumulated
cost above and the column where its path begins below, and the least of several cells brings its beginning along.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel

Matrix = NDArray[np.float32]
Cells = NDArray[np.int64]

SCALE = 1 << 12  # of costs
BARRED = 1 << 61  # accumulated cost where no path leads; that of a path of 65,536 frames is less


@kernel
def warped(C: Matrix, cells: Cells) -> None:
    """Fill a row of cells with the best paths that end in each column.

    Each frame of the query counts once: the cell that is reached by a step (2,1) counts twice.

    C : (N, M), cost of frame n of the query and column m; 0 to 3, of columns between recordings infinite
    cells : (3, M + 2), room for rows n, n - 1 and n - 2, two columns lead; row (N - 1) % 3 is the result
    """
    N, M = C.shape
    largest, half = np.float32(4.0), np.float32(0.5)
    cells[:] = BARRED
    for n in range(N):
        cost = C[n]
        out = cells[n % 3, 2 : M + 2]
        straight, fast = cells[(n + 2) % 3, 1 : M + 1], cells[(n + 2) % 3, :M]
        slow = cells[(n + 1) % 3, 1 : M + 1]
        if n == 0:
            for m in range(M):
                step = np.int64(np.int32(min(cost[m], largest) * SCALE + half)) << 32
                out[m] = step + m if cost[m] < largest else BARRED
        else:
            for m in range(M):
                step = np.int64(np.int32(min(cost[m], largest) * SCALE + half)) << 32
                best = min(min(straight[m], fast[m]), slow[m] + step) + step
                out[m] = best if cost[m] < largest else BARRED


def warm() -> None:
    """Compile the kernel."""
    warped(np.zeros((2, 2), np.float32), np.zeros((3, 4), np.int64))
