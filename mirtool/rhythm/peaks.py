"""Peaks of curves, found online (Böck, Krebs and Schedl, ISMIR 2012, Section 2.4)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.enhancement import LONGEST
from mirtool.rhythm import _peak_kernels
from mirtool.rhythm.parameters import PeakParameters


@dataclass(frozen=True)
class Peaks:
    """Peaks of a curve.

    Parameters
    ----------
    places : ndarray, shape (m,)
        In values from the first of the curve on, rising.
    heights : ndarray, shape (m,)
    """

    places: NDArray[np.float64]
    heights: NDArray[np.float64]


class PeakState:
    """Online peak picking: values in, peaks out, later by the reach of the comparison.

    Value n is a peak if it is at least the threshold, the largest within ± `comparison`, and `min_gap` or more behind
    the peak before. Between the values, it lies at the centre of gravity of n and its two neighbours.

    Parameters
    ----------
    parameters : PeakParameters
    feature_rate : float
        Values per second (Hz).

    Attributes
    ----------
    reach : int
        Values that must follow a peak before it is known to be one.
    """

    def __init__(self, parameters: PeakParameters, feature_rate: float) -> None:
        check(parameters)
        self._threshold = parameters.threshold
        self.reach = max(round(parameters.comparison * feature_rate), 1)
        self._gap = parameters.min_gap * feature_rate - 1e-6
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._next = 0  # among the values kept, the first to be judged
        self._origin = 0  # index of the first value kept
        self._last = -math.inf

    def push(self, values: NDArray[np.float32]) -> Peaks:
        """Take values (n,) and return the peaks that are known now."""
        if not np.isfinite(values).all():
            raise DataError("the curve holds values that are not finite numbers")
        self._values = np.concatenate((self._values, values), dtype=np.float32)
        return self._picked(len(self._values) - self.reach)

    def flush(self) -> Peaks:
        """Return the peaks among the remaining values; the state is spent."""
        return self._picked(len(self._values))

    def _picked(self, end: int) -> Peaks:
        begin, curve = self._next, self._values
        places = np.empty(max(end - begin, 0), np.int64)
        last = self._last - self._origin
        count = _peak_kernels.pick_peaks(curve, begin, end, self.reach, self._gap, self._threshold, last, places)
        found = places[:count]
        peaks = Peaks((found + self._origin) + _offset(curve, found), curve[found].astype(np.float64))
        if count:
            self._last = float(found[-1] + self._origin)
        self._next = max(end, begin)
        kept = max(self._next - self.reach, 0)
        self._values, self._origin, self._next = curve[kept:].copy(), self._origin + kept, self._next - kept
        return peaks


def check(parameters: PeakParameters) -> None:
    """Raise `ParameterError` where a parameter of peak picking is outside its domain."""
    if not 0 <= parameters.threshold < math.inf:
        raise ParameterError(f"the threshold must not be negative, not {parameters.threshold:g}")
    if not 0 <= parameters.min_gap < math.inf:
        raise ParameterError(f"the gap between onsets must not be negative, not {parameters.min_gap:g} s")
    if not 0 <= parameters.comparison <= LONGEST:
        raise ParameterError(f"a peak is compared over 0 to {LONGEST:g} s around it, not {parameters.comparison:g} s")


def _offset(curve: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return where between a peak and its neighbours the centre of gravity of the three lies, -1/2 to 1/2."""
    before = curve[np.maximum(places - 1, 0)] * (places > 0)
    after = curve[np.minimum(places + 1, len(curve) - 1)] * (places < len(curve) - 1)
    before, after = np.maximum(before, 0).astype(np.float64), np.maximum(after, 0).astype(np.float64)
    return np.asarray((after - before) / (before + curve[places] + after))
