"""Musical time and seconds: the tempo map of a score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError

MAX_TEMPO = (1 << 24) - 1  # microseconds a quarter note: what a MIDI tempo holds
TOLERANCE = 2.5e-4  # seconds that an event may lie off its time in a fitted map
DEFAULT_TEMPO = 500_000  # 120 quarter notes a minute, where a file says nothing


@dataclass(frozen=True, eq=False)
class TempoMap:
    """A piecewise constant tempo.

    Parameters
    ----------
    ticks_per_beat : int
        Ticks in a quarter note.
    changes : sequence of (int, int)
        Tick and tempo (microseconds a quarter note) of each change, in any order; of several at one tick the last one
        counts. Before the first change the tempo is 500000.
    """

    ticks_per_beat: int
    changes: Sequence[tuple[int, int]] = ()
    _starts: NDArray[np.int64] = field(init=False, repr=False)
    _tempi: NDArray[np.int64] = field(init=False, repr=False)
    _seconds: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.ticks_per_beat < 1:
            raise ParameterError(f"{self.ticks_per_beat} ticks in a quarter note")
        changes = {0: DEFAULT_TEMPO}
        for tick, tempo in self.changes:
            changes[int(tick)] = int(tempo)
        if min(changes) < 0 or min(changes.values()) < 1:
            raise DataError("a tempo map needs ticks from 0 on and tempi above 0")
        starts = np.array(sorted(changes), dtype=np.int64)
        tempi = np.array([changes[int(tick)] for tick in starts], dtype=np.int64)
        # Whole microseconds times ticks: exact, so that nothing accumulates.
        passed = np.concatenate(([0], np.cumsum(np.diff(starts) * tempi[:-1])))
        object.__setattr__(self, "changes", tuple(zip(starts.tolist(), tempi.tolist(), strict=True)))
        object.__setattr__(self, "_starts", starts)
        object.__setattr__(self, "_tempi", tempi)
        object.__setattr__(self, "_seconds", passed / (self.ticks_per_beat * 1e6))

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Return the times (s) of ticks.

        Parameters
        ----------
        ticks : array_like
            Any shape; fractions are allowed.
        """
        at = np.asarray(ticks, dtype=np.float64)
        index = np.maximum(np.searchsorted(self._starts, at, side="right") - 1, 0)
        return self._seconds[index] + (at - self._starts[index]) * self._tempi[index] / (self.ticks_per_beat * 1e6)

    def ticks_at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the ticks, not rounded, at times (s).

        Parameters
        ----------
        seconds : array_like
            Any shape.
        """
        at = np.asarray(seconds, dtype=np.float64)
        index = np.maximum(np.searchsorted(self._seconds, at, side="right") - 1, 0)
        return self._starts[index] + (at - self._seconds[index]) * (self.ticks_per_beat * 1e6) / self._tempi[index]


def fitted(
    ticks: NDArray[np.int64], seconds: NDArray[np.float64], ticks_per_beat: int, bar: int = 1
) -> tuple[TempoMap, NDArray[np.int64]]:
    """Find a tempo map that puts events at given times, with as few changes as a greedy search needs.

    Every change is computed from where the changes before it have really led, so that rounding to whole microseconds
    never accumulates: the events lie within `TOLERANCE` of their times.

    Parameters
    ----------
    ticks : ndarray, shape (N,), int64
        Of the events, strictly increasing, not negative.
    seconds : ndarray, shape (N,)
        Their times, nowhere decreasing, not negative.
    ticks_per_beat : int
    bar : int
        If time passes before an event at tick 0, all events move by a multiple of this many ticks.

    Returns
    -------
    tempo_map : TempoMap
    ticks : ndarray, shape (N,), int64
        The same ticks, but for the whole bars in front, and where a gap is longer than the slowest tempo of MIDI
        (16.8 s a quarter note) allows: there an event comes some ticks late, and those after it return to their places
        as soon as possible.
    """
    slowest = MAX_TEMPO / (ticks_per_beat * 1e6)  # seconds a tick
    gaps = np.diff(seconds, prepend=0.0)
    needed = np.maximum(np.ceil((gaps + 2 * TOLERANCE) / slowest).astype(np.int64), 1)
    needed[0] = 0 if seconds[0] <= TOLERANCE else needed[0]
    if ticks[0] < needed[0]:
        ticks = ticks + -(-(needed[0] - ticks[0]) // bar) * bar
    taken = np.cumsum(needed)
    ticks = taken + np.maximum.accumulate(ticks - taken)
    return TempoMap(ticks_per_beat, _changes(ticks.tolist(), (seconds * 1e6).tolist(), ticks_per_beat)), ticks


def _changes(ticks: list[int], times: list[float], ticks_per_beat: int) -> list[tuple[int, int]]:
    """Return tempo changes: from each change on, as far as one tempo keeps all events within the tolerance.

    Times are in microseconds. `place` is the time of the last change, in microseconds times `ticks_per_beat`: a whole
    number.
    """
    changes: list[tuple[int, int]] = []
    tolerance = TOLERANCE * 1e6
    origin, place = 0, 0
    lowest, highest, best = 1, MAX_TEMPO, DEFAULT_TEMPO
    last = 0
    for tick, time in zip(ticks, times, strict=True):
        if tick == 0:
            continue
        low, high, middle = _tempi(tick - origin, time * ticks_per_beat - place, tolerance * ticks_per_beat)
        if max(lowest, low) > min(highest, high):  # no tempo does for all since `origin`: change at the event before
            changes.append((origin, best))
            place += (last - origin) * best
            origin, lowest, highest = last, 1, MAX_TEMPO
            low, high, middle = _tempi(tick - origin, time * ticks_per_beat - place, tolerance * ticks_per_beat)
        lowest, highest = max(lowest, low), min(highest, high)
        best = min(max(middle, lowest), max(highest, lowest), MAX_TEMPO)
        last = tick
    changes.append((origin, best))
    return changes


def _tempi(ticks: int, time: float, tolerance: float) -> tuple[int, int, int]:
    """Return the fastest, slowest and best tempo (microseconds a beat) that take `time` ± tolerance for `ticks`."""
    return ceil((time - tolerance) / ticks), floor((time + tolerance) / ticks), round(time / ticks)
