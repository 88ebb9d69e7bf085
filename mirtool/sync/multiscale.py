"""Multiscale dynamic time warping: solve coarsely, then refine within a band around the coarse path.

Time and memory grow with N + M instead of N · M [1]_. The result is exact unless the best path leaves the band. Where
[2]_ bounds the memory of a level by cutting it at anchors, the band is swept in one piece here: two bits a cell.

References
----------
.. [1] M. Müller, H. Mattes, F. Kurth: An efficient multiscale approach to audio synchronization. ISMIR 2006.
.. [2] T. Prätzlich, J. Driedger, M. Müller: Memory-restricted multiscale dynamic time warping. ICASSP 2016.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.sync.dtw import NoPathError, Path, dtw, dtw_banded

Window = tuple[NDArray[np.int64], NDArray[np.int64]]
Level = tuple[ArrayLike, ArrayLike, float]


def project(path: ArrayLike, factor_n: float, factor_m: float, margin: int, N: int, M: int) -> Window:
    """Project a path onto a finer level and widen it to a band.

    Coarse cell (n, m) becomes the box of fine cells from factor · (n - 1/2) to factor · (n + 1), likewise for m, so
    that it does not matter whether coarse frames were centred on, or begin at, every factor-th fine frame. The band is
    the union of the boxes, each widened by `margin` cells to all sides.

    Parameters
    ----------
    path : array_like of int, shape (L, 2)
        Monotone, pairs of frames of the coarse level.
    factor_n, factor_m : float
        Fine frames a coarse frame, for either side.
    margin : int
        Cells of the fine level, 0 or more.
    N, M : int
        Frames of the fine level.

    Returns
    -------
    low, high : ndarray of int64, shape (N,)
        Frame n of X meets frames low[n] ≤ m < high[n] of Y.
    """
    cells = np.asarray(path, dtype=np.int64)
    if cells.ndim != 2 or cells.shape[1] != 2 or len(cells) == 0:
        raise ParameterError(f"not a path (shape {cells.shape})")
    if margin < 0 or factor_n <= 0 or factor_m <= 0:
        raise ParameterError("a margin of 0 or more and factors above 0 are needed")
    # Cell by cell along the path all four edges of the boxes rise, so the boxes that meet row n are a run of cells.
    n_from = np.floor((cells[:, 0] - 0.5) * factor_n) - margin
    n_to = np.ceil((cells[:, 0] + 1) * factor_n) + margin
    m_from = np.floor((cells[:, 1] - 0.5) * factor_m) - margin
    m_to = np.ceil((cells[:, 1] + 1) * factor_m) + margin
    rows = np.arange(N)
    first = np.minimum(np.searchsorted(n_to, rows, side="right"), len(cells) - 1)
    last = np.maximum(np.searchsorted(n_from, rows, side="right") - 1, 0)
    low = np.clip(m_from[first], 0, M - 1).astype(np.int64)
    high = np.clip(m_to[last], 1, M).astype(np.int64)
    low[0], high[-1] = 0, M
    return low, np.maximum(high, low + 1)


def multiscale(
    levels: Iterable[Level],
    margin: int = 50,
    steps: str = "classic",
    weights: ArrayLike | None = None,
    bias: float = 1.0,
) -> tuple[Path, float]:
    """Warp two feature sequences onto each other from coarse to fine.

    The coarsest level is solved exactly; every other one within a band around the path of the level before it [1]_.
    Where slanted steps find no path in a band, its margin is doubled, and where none exists on a coarse level
    (rounding of the lengths), that level is solved with classic steps without weights.

    Parameters
    ----------
    levels : iterable of (X, Y, feature_rate)
        From coarse to fine; features of shapes (K, N) and (K, M) and the common feature rate (any unit). It is read one
        by one, so a generator may make each level when it is needed.
    margin : int
        Frames of the finer level by which the band is widened to all sides.
    steps, weights, bias
        As for `mirtool.sync.dtw.dtw`.

    Returns
    -------
    path : ndarray of int64, shape (L, 2)
    cost : float
        Of the finest level.

    Raises
    ------
    DataError
        No levels, or features as refused by `dtw`.
    ParameterError
        Rates that do not rise, or as from `dtw`.
    """
    path: Path | None = None
    cost, coarse_rate = np.inf, 0.0
    pending = iter(levels)
    level = next(pending, None)
    if level is None:
        raise DataError("no features to align")
    while level is not None:
        X, Y, rate = level
        level = next(pending, None)
        if rate <= coarse_rate:
            raise ParameterError(f"feature rates must rise from level to level ({coarse_rate:g}, then {rate:g})")
        factor = rate / coarse_rate if coarse_rate else 1.0
        try:
            path, cost = _solve(X, Y, path, factor, margin, steps, weights, bias)
        except NoPathError:
            if level is None:
                raise
            path, cost = _solve(X, Y, path, factor, margin, "classic", None, bias)
        coarse_rate = rate
    assert path is not None
    return path, cost


def _solve(
    X: ArrayLike,
    Y: ArrayLike,
    coarse: Path | None,
    factor: float,
    margin: int,
    steps: str,
    weights: ArrayLike | None,
    bias: float,
) -> tuple[Path, float]:
    """Solve a level in the band around the path of the coarser one; widen the band while it holds no path."""
    if coarse is None:
        return dtw(X, Y, steps, weights, bias=bias)
    N, M = np.shape(X)[-1], np.shape(Y)[-1]
    while True:
        low, high = project(coarse, factor, factor, margin, N, M)
        try:
            return dtw_banded(X, Y, low, high, steps, weights, bias)
        except NoPathError:
            if low[-1] == 0 and high[0] == M:
                raise
        margin = 2 * margin + 1
