"""Notes as points of the piano roll: time across, pitch upwards."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import Notes, Score
from mirtool.types.freezing import frozen

DRUMS = 9  # the channel of percussion in General MIDI, counted from 0
HIGHEST = 127  # pitches of MIDI
UNKNOWN = -1  # a track or a channel that the file does not tell


@dataclass(frozen=True, eq=False)
class PointSet:
    """Notes, sorted by onset and then by pitch; all arrays have the shape (N,).

    Parameters
    ----------
    onset : ndarray of float64
        Seconds.
    offset : ndarray of float64
        Seconds, not before the onset.
    pitch : ndarray of int32
        MIDI numbers.
    track, channel : ndarray of int32
        Counted from 0; -1 where unknown.
    beat : ndarray of float64 or None
        Onsets in quarter notes from the beginning, where the file has musical time.
    """

    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    pitch: NDArray[np.int32]
    track: NDArray[np.int32]
    channel: NDArray[np.int32]
    beat: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in ("onset", "offset"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        for name in ("pitch", "track", "channel"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int32))
        if self.beat is not None:
            object.__setattr__(self, "beat", frozen(self.beat, np.float64))
        if len({len(values) for values in self.arrays().values()}) != 1:
            raise DataError("points whose coordinates differ in number")

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def is_drum(self) -> NDArray[np.bool_]:
        """Whether a note stands on the channel of percussion, where pitch means an instrument."""
        found: NDArray[np.bool_] = self.channel == DRUMS
        return found

    @property
    def voice(self) -> NDArray[np.int32]:
        """A number for each pair of track and channel."""
        found: NDArray[np.int32] = self.track * 256 + self.channel
        return found

    def arrays(self) -> Mapping[str, NDArray[np.float64] | NDArray[np.int32]]:
        """Return the coordinates by name; `beat` only where it is known."""
        names = ("onset", "offset", "pitch", "track", "channel")
        beat = {} if self.beat is None else {"beat": self.beat}
        return {**{name: getattr(self, name) for name in names}, **beat}

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "PointSet":
        """Return the points that a mask or ascending indices choose."""
        return PointSet(**{name: values[rows] for name, values in self.arrays().items()})  # type: ignore[arg-type]


def points_of(source: Notes | Score) -> PointSet:
    """Make points of notes.

    Parameters
    ----------
    source : Notes or Score
        A score brings musical time (`PointSet.beat`).

    Raises
    ------
    DataError
        Times or pitches that are not finite, a note that ends before it begins, or a pitch that MIDI does not have.
    """
    notes = source.notes if isinstance(source, Score) else source
    columns = [notes[name] for name in ("onset", "offset", "pitch")]
    if not all(np.isfinite(column).all() for column in columns):
        raise DataError("notes with times or pitches that are not finite")
    onset, offset, pitch = columns
    if (offset < onset).any():
        raise DataError("a note ends before it begins")
    pitch = np.rint(pitch).astype(np.int32)
    if ((pitch < 0) | (pitch > HIGHEST)).any():
        raise DataError(f"a pitch outside of 0 to {HIGHEST}")
    order = np.lexsort((offset, pitch, onset))
    unknown = np.full(len(notes), UNKNOWN)
    return PointSet(
        onset[order],
        offset[order],
        pitch[order],
        notes.columns.get("track", unknown)[order].astype(np.int32),
        notes.columns.get("channel", unknown)[order].astype(np.int32),
        source.ticks[order, 0] / source.ticks_per_beat if isinstance(source, Score) else None,
    )
