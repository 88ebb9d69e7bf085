"""Beat tracking by dynamic programming (Ellis, "Beat tracking by dynamic programming", JNMR 36, 2007; FMP, 6.3.2)."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm._dynamic_programming_kernels import accumulate, trace

SMOOTHING = 1 / 32  # standard deviation of the window over the activation, in periods, as in his program


def track(
    activation: ArrayLike, periods: ArrayLike, tightness: float = 100.0, fixed: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Find the sequence of beats with the most activation whose intervals stay near the period.

    Where the sequence goes through n₁, n₂ …, Σ Δ(n_k) - α Σ log²((n_k - n_{k-1}) / τ(n_k)) is largest (Ellis 2007,
    Section 2). Ellis has one period τ for the whole piece; here it may change from frame to frame.

    Parameters
    ----------
    activation : array_like, shape (N,)
    periods : array_like, shape (N,) or ()
        Frames from beat to beat, τ, of at least one frame.
    tightness : float
        α; the activation has the standard deviation 1.
    fixed : array_like of int, optional
        Frames at which there must be a beat.

    Returns
    -------
    ndarray, shape (K,), int64
        Frames of the beats, increasing.

    Raises
    ------
    DataError
        Values that are not finite.
    ParameterError
        Periods below a frame, a negative tightness, or fixed beats that no sequence can meet.
    """
    curve = np.asarray(activation, dtype=np.float64)
    N = curve.size
    period = np.full(N, periods, dtype=np.float64)
    if not np.isfinite(curve).all():
        raise DataError("an activation that is not finite")
    if N == 0:
        return np.zeros(0, np.int64)
    if not (period.min() >= 1 and math.isfinite(period.max())):
        raise ParameterError("a period lasts a frame at least")
    if not 0 <= tightness < math.inf:
        raise ParameterError(f"the tightness must not be negative, not {tightness:g}")
    marks = np.zeros(N, np.bool_)
    marks[np.asarray([] if fixed is None else fixed, dtype=np.int64)] = True
    spread = float(curve.std())
    smoothed = _smoothed(curve / (spread or 1.0), float(np.median(period)) * SMOOTHING)
    scores, before = np.empty(N), np.empty(N, np.int32)
    accumulate(smoothed, period, tightness, marks, scores, before)
    last = max(N - math.ceil(period[-1]), 0)
    if marks.any():
        last = max(last, int(np.flatnonzero(marks)[-1]))
    end = last + int(np.argmax(scores[last:]))
    if scores[end] == -math.inf:
        raise ParameterError("no sequence of beats meets all fixed ones: some are too close, or too far")
    path = np.empty(N, np.int64)
    return path[: int(trace(before, end, path))][::-1].copy()


def _smoothed(curve: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Convolve with a Gaussian, the curve going on as it ends (scipy.ndimage would take longer to import)."""
    reach = math.ceil(4 * deviation)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), window / window.sum(), mode="valid")
