"""Making large data small enough to draw: pooling of matrices, envelopes of curves and of sound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import AudioSource, FloatArray

BINS = 1440  # columns of a full-width picture at 200 dpi
_BLOCK = 1 << 16


def finite_range(values: FloatArray) -> tuple[float, float]:
    """Return the lowest and highest value that is a number.

    Raises
    ------
    DataError
        None is.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise DataError("no number to draw")
    return float(finite.min()), float(finite.max())


def cost_range(cost: FloatArray) -> tuple[float, float]:
    """Return the limits between which costs are told apart: the many high ones would hide the valleys of low cost."""
    low, high = finite_range(cost)
    return low, max(float(np.percentile(cost[np.isfinite(cost)], 90)), low + 1e-6 * (high - low), low + 1e-12)


def edges(length: int, bins: int) -> NDArray[np.intp]:
    """Split `length` cells into at most `bins` runs of nearly equal size; returns their borders."""
    return np.linspace(0, length, min(length, bins) + 1).astype(np.intp)


def pooled(matrix: NDArray[np.generic], rows: int, columns: int, mode: str = "mean") -> NDArray[np.float32]:
    """Reduce a matrix to at most rows × columns by the mean or maximum of the cells that fall together.

    Works through the columns in pieces, so that a memory-mapped hour of features is never in memory at once.

    Parameters
    ----------
    matrix : ndarray, shape (K, N)
        Of complex numbers the magnitude is taken.
    rows, columns : int
        Upper limits of the size of the result.
    mode : {"mean", "max"}

    Returns
    -------
    ndarray, shape (min(K, rows), min(N, columns)), float32
    """
    row_edges, column_edges = edges(matrix.shape[0], rows), edges(matrix.shape[1], columns)
    result = np.empty((len(row_edges) - 1, len(column_edges) - 1), dtype=np.float32)
    widest = max(int(np.diff(column_edges).max(initial=1)), 1)
    step = max(_BLOCK // widest, 1)
    for begin in range(0, result.shape[1], step):
        borders = column_edges[begin : begin + step + 1]
        piece = np.asarray(matrix[:, borders[0] : borders[-1]])
        piece = np.abs(piece) if np.iscomplexobj(piece) else piece.astype(np.float32, copy=False)
        piece = _runs(piece, borders - borders[0], 1, mode)
        result[:, begin : begin + step] = _runs(piece, row_edges, 0, mode)
    return result


def _runs(matrix: NDArray[np.float32], borders: NDArray[np.intp], axis: int, mode: str) -> NDArray[np.float32]:
    """Mean or maximum of each run of rows (axis 0) or columns (axis 1)."""
    if len(borders) - 1 == matrix.shape[axis]:
        return matrix
    if mode == "max":
        return np.maximum.reduceat(matrix, borders[:-1], axis=axis)
    sums = np.add.reduceat(matrix, borders[:-1], axis=axis)
    counts = np.diff(borders).astype(np.float32)
    return np.asarray(sums / (counts if axis == 1 else counts[:, None]))


def log_rows(image: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Lay rows 1 … K - 1, evenly spaced from 0 on, out on a logarithmic axis: the maximum of what falls on each place.

    Parameters
    ----------
    image : ndarray, shape (K, N), K > 2
    rows : int
        Upper limit of the height of the result; low rows are wider than one place.

    Returns
    -------
    ndarray, shape (min(K, rows), N)
        Place m is centred at row (K - 1) ** (m / (height - 1)).
    """
    K = len(image)
    height = min(K, rows)
    centres = np.arange(-0.5, height) / (height - 1)
    borders = np.clip(np.rint((K - 1) ** centres), 1, K).astype(np.intp)
    nearest = np.clip(np.rint((K - 1) ** (centres[:-1] + 0.5 / (height - 1))), 1, K - 1).astype(np.intp)
    result = image[nearest]
    for place in np.flatnonzero(np.diff(borders) > 1):
        result[place] = image[borders[place] : borders[place + 1]].max(axis=0)
    return result


@dataclass(frozen=True)
class Envelope:
    """The lowest and highest value in each run of equal length.

    Parameters
    ----------
    low, high : ndarray, shape (channels, M)
    times : ndarray, shape (M + 1,)
        Borders of the runs (s).
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    times: NDArray[np.float64]


def curve_envelope(curve: FloatArray, bins: int = BINS) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Reduce a curve (N,) to borders (M + 1,), minima (M,) and maxima (M,) of M ≤ `bins` runs."""
    borders = edges(len(curve), bins)
    return borders, np.minimum.reduceat(curve, borders[:-1]), np.maximum.reduceat(curve, borders[:-1])


def sound_envelope(source: AudioSource, bins: int = BINS) -> Envelope:
    """Reduce a recording of any, even unknown, length to `bins` to 2 `bins` minima and maxima a channel, in one pass.

    Runs are one sample long at first; whenever 2 `bins` of them are full, neighbours are merged and the length doubles.
    Memory does not depend on the duration.

    Parameters
    ----------
    source : AudioSource
    bins : int
        Resolution.

    Returns
    -------
    Envelope
        Exact samples (low = high) where the recording is shorter than 2 `bins`.
    """
    channels, capacity = source.channels, 2 * bins
    extremes = np.zeros((2, channels, capacity), dtype=np.float32)
    filled, run, frames = 0, 1, 0
    rest = np.empty((0, channels), dtype=np.float32)
    for block in source.blocks(_BLOCK):
        frames += len(block)
        samples = np.concatenate((rest, block)) if len(rest) else block
        while len(samples) >= run:
            if filled == capacity:
                extremes[0, :, :bins] = np.minimum(extremes[0, :, ::2], extremes[0, :, 1::2])
                extremes[1, :, :bins] = np.maximum(extremes[1, :, ::2], extremes[1, :, 1::2])
                filled, run = bins, 2 * run
                continue
            count = min(len(samples) // run, capacity - filled)
            cells = np.ascontiguousarray(samples[: count * run].T).reshape(channels, count, run)
            extremes[0, :, filled : filled + count] = cells.min(axis=2)
            extremes[1, :, filled : filled + count] = cells.max(axis=2)
            filled += count
            samples = samples[count * run :]
        rest = samples.copy()
    low, high = extremes[:, :, :filled]
    if len(rest):
        low = np.concatenate((low, rest.min(axis=0)[:, None]), axis=1)
        high = np.concatenate((high, rest.max(axis=0)[:, None]), axis=1)
    times = np.minimum(np.arange(low.shape[1] + 1) * run, frames) / source.sample_rate
    return Envelope(low, high, times)
