"""Post-processing of novelty curves: the local average is subtracted, and what is usual nearby becomes the unit."""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features import _kernels
from mirtool.features.frames import Frames
from mirtool.features.parameters import NOVELTY_NORMS, NoveltyParameters

MEMORY = 3.0  # s before a moment that count for what is usual there
# Root mean square of the curves of music, by method; of notes (velocities up to 1) as well.
USUAL = {
    "superflux": 0.1,
    "complexflux": 0.014,
    "energy": 0.25,
    "spectral": 14.0,
    "phase": 45.0,
    "complex": 25.0,
    "notes": 0.1,
}
LONGEST = 60.0  # s that are kept in memory
_LEAST = 0.03  # of what is usual; below it, a curve is not blown up any more


class EnhancementState:
    """Online enhancement of a novelty curve: values in, values out, later by the larger of two reaches.

    From v(n) the average over ± `average` is subtracted, and what is positive remains (FMP, Section 6.1.2); beyond the
    ends the curve counts as zero. With ``norm="local"`` it is divided by √(u · r(n)): r is the root mean square from
    three seconds before to `lookahead` after, u what is usual for the method. A constant threshold on the result is the
    geometric mean of an absolute threshold and one that follows the curve: in soft music onsets are found that would
    not count in loud music, but not as many as if each passage were its own measure.

    Parameters
    ----------
    parameters : NoveltyParameters
    usual : float
        u.

    Attributes
    ----------
    delay : int
        Values that must follow a value before it is complete.
    """

    def __init__(self, parameters: NoveltyParameters, usual: float) -> None:
        check(parameters)
        rate = parameters.feature_rate
        self._reach = round(parameters.average * rate)
        self._local = parameters.norm == "local"
        self._past, self._ahead = round(MEMORY * rate), round(parameters.lookahead * rate)
        self._usual = usual
        self.delay = max(self._reach, self._ahead) if self._local else self._reach
        self._values: NDArray[np.float64] = np.zeros(0)
        self._first = 0  # of the values kept, the first that has not been given out

    def push(self, values: Frames) -> Frames:
        """Take values (n,) and return those (m,) that are complete."""
        self._values = np.concatenate((self._values, values))
        return self._enhanced(len(self._values) - self._first - self.delay)

    def flush(self) -> Frames:
        """Return the remaining values; the state is spent."""
        return self._enhanced(len(self._values) - self._first)

    def _enhanced(self, count: int) -> Frames:
        if count <= 0:
            return np.zeros(0, np.float32)
        first, curve = self._first, self._values
        result = curve[first : first + count].copy()
        if self._reach:
            result -= _averages(curve, first, count, self._reach)
            np.maximum(result, 0, out=result)
        if self._local:
            level = np.empty(count)
            _kernels.root_mean_squares(curve, first, count, self._past, self._ahead, level)
            result /= np.sqrt(self._usual * np.maximum(level, _LEAST * self._usual))
        kept = max(first + count - max(self._past, self._reach), 0)
        self._values, self._first = curve[kept:].copy(), first + count - kept
        return result.astype(np.float32)


def check(parameters: NoveltyParameters) -> None:
    """Raise `ParameterError` where a parameter of the post-processing is outside its domain."""
    if parameters.norm not in NOVELTY_NORMS:
        raise ParameterError(f"no norm {parameters.norm} (there are: {', '.join(NOVELTY_NORMS)})")
    if not 0 <= parameters.average <= LONGEST:
        raise ParameterError(f"the local average reaches over 0 to {LONGEST:g} s, not {parameters.average:g} s")
    if not 0 <= parameters.lookahead <= LONGEST:
        raise ParameterError(f"the lookahead lies between 0 and {LONGEST:g} s, not at {parameters.lookahead:g} s")


def _averages(curve: NDArray[np.float64], first: int, count: int, reach: int) -> NDArray[np.float64]:
    """Return the averages over 2 · reach + 1 values around `count` values, zeros beyond the ends of the curve."""
    begin, end = first - reach, first + count + reach
    part = np.pad(curve[max(begin, 0) : end], (max(-begin, 0), max(end - len(curve), 0)))
    total: NDArray[np.float64] = np.zeros(count)
    for shift in range(2 * reach + 1):
        total += part[shift : shift + count]
    return total / (2 * reach + 1)
