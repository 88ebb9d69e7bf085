"""Musical time and seconds: the tempo map of a score."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError

MAX_TEMPO = (1 << 24) - 1  # microseconds a quarter note: what a MIDI tempo holds
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
