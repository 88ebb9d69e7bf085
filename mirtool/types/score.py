"""Scores: notes in musical time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError
from mirtool.tempo_map import TempoMap, fitted
from mirtool.types.freezing import frozen
from mirtool.types.tables import Notes


@dataclass(frozen=True, eq=False)
class Score:
    """Notes with their place in musical time, and all else that a MIDI file holds.

    Parameters
    ----------
    notes : Notes
        In seconds, ordered by onset and pitch; with columns `track` (from 0), `channel` (0 to 15) and `program`
        (0 to 127) where they are known.
    ticks : ndarray, shape (len(notes), 2), int64
        Onset and offset of the notes in ticks.
    tempo_map : TempoMap
        Ticks to seconds and back.
    messages : tuple of tuples of (int, bytes)
        Of each track: tick and bytes of every message that is neither a note nor a tempo, as in a MIDI file
        (``F0 …`` and ``FF type data``, without the length). The end of the track is one of them.
    """

    notes: Notes
    ticks: NDArray[np.int64]
    tempo_map: TempoMap
    messages: tuple[tuple[tuple[int, bytes], ...], ...] = ()

    def __post_init__(self) -> None:
        ticks = np.asarray(self.ticks, dtype=np.int64).reshape(-1, 2)
        if len(ticks) != len(self.notes):
            raise DataError(f"{len(self.notes)} notes with {len(ticks)} places in musical time")
        object.__setattr__(self, "ticks", frozen(ticks))

    @classmethod
    def from_rows(
        cls, rows: ArrayLike, tempo_map: TempoMap, messages: tuple[tuple[tuple[int, bytes], ...], ...] = ()
    ) -> Self:
        """Make a score of notes that are given in ticks, in any order.

        Parameters
        ----------
        rows : array_like, shape (N, 7), whole numbers
            Onset and offset (ticks), pitch, velocity, track, channel, program.
        tempo_map : TempoMap
        messages : tuple of tuples of (int, bytes)
        """
        table = np.asarray(rows, dtype=np.int64).reshape(-1, 7)
        table = table[np.lexsort((table[:, 5], table[:, 4], table[:, 2], table[:, 0]))]
        times = tempo_map.seconds(table[:, :2])
        names = ("pitch", "velocity", "track", "channel", "program")
        notes = Notes({"onset": times[:, 0], "offset": times[:, 1], **dict(zip(names, table[:, 2:].T, strict=True))})
        return cls(notes, table[:, :2], tempo_map, messages)

    @property
    def ticks_per_beat(self) -> int:
        """Ticks in a quarter note."""
        return self.tempo_map.ticks_per_beat

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Return the times (s) of ticks."""
        return self.tempo_map.seconds(ticks)

    def ticks_at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the ticks, not rounded, at times (s)."""
        return self.tempo_map.ticks_at(seconds)

    def beats(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the quarter notes from the beginning at times (s)."""
        return self.tempo_map.ticks_at(seconds) / self.ticks_per_beat

    @property
    def time_signatures(self) -> list[tuple[int, int, int]]:
        """Tick, numerator and denominator of each time signature, in order of time."""
        found = [
            (tick, data[2], 1 << data[3])
            for track in self.messages
            for tick, data in track
            if data[:2] == b"\xff\x58" and len(data) >= 4 and data[2] and data[3] < 16
        ]
        return sorted(found, key=lambda signature: signature[0])

    def moved(self, ticks: ArrayLike, tempo_map: TempoMap | None = None) -> Self:
        """Return a copy with other places of the notes (len(notes) × 2), and perhaps another tempo map.

        The columns `onset` and `offset` follow.
        """
        places = np.asarray(ticks, dtype=np.int64).reshape(-1, 2)
        tempo_map = tempo_map or self.tempo_map
        times = tempo_map.seconds(places)
        notes = self.notes.replace(onset=times[:, 0], offset=times[:, 1])
        return replace(self, notes=notes, ticks=places, tempo_map=tempo_map)

    def retimed(self, mapping: Callable[[NDArray[np.float64]], ArrayLike]) -> Self:
        """Move all events to other times and leave their places in musical time: only the tempo map changes.

        Parameters
        ----------
        mapping : callable
            From times (s), ascending, shape (N,), to times that nowhere decrease. Times below 0 become 0.

        Returns
        -------
        Score
            Each event lies within 1 ms of its time. Ticks move by whole bars if time passes before an event at tick 0,
            and where a gap is longer than a tempo of MIDI can hold; see `mirtool.tempo_map.fitted`.

        Raises
        ------
        DataError
            The mapping turns back or is not finite.
        """
        others = [tick for track in self.messages for tick, _ in track if tick]  # set-up at tick 0 stays there
        old = np.unique(np.concatenate((self.ticks.ravel(), np.array(others, dtype=np.int64))))
        if not len(old):
            return self
        times = np.asarray(mapping(self.seconds(old)), dtype=np.float64)
        if times.shape != old.shape or not np.isfinite(times).all():
            raise DataError("the new times of a score are not finite")
        if len(turns := np.flatnonzero(np.diff(times) < -1e-9)):
            raise DataError(f"the new times of a score turn back at {float(self.seconds(old[turns[0]])):.3f} s")
        times = np.maximum(np.maximum.accumulate(times), 0.0)
        signatures = self.time_signatures
        beats = 4 * signatures[0][1] / signatures[0][2] if signatures else 4
        tempo_map, new = fitted(old, times, self.ticks_per_beat, max(round(beats * self.ticks_per_beat), 1))

        def place(tick: int) -> int:
            return int(new[np.searchsorted(old, tick)]) if tick else 0

        messages = tuple(tuple((place(tick), data) for tick, data in track) for track in self.messages)
        return replace(self.moved(new[np.searchsorted(old, self.ticks)], tempo_map), messages=messages)

    def sustained(self) -> Self:
        """Return a copy whose notes sound as long as the sustain pedal (controller 64) holds them.

        A note that ends while the pedal of its channel is down ends when the pedal is lifted, or when its pitch is
        struck again, or with the last event of all.
        """
        pedal: dict[int, list[tuple[int, bool]]] = {}
        for track in self.messages:
            for tick, data in track:
                if data[0] & 0xF0 == 0xB0 and data[1] == 64:
                    pedal.setdefault(data[0] & 0x0F, []).append((tick, data[2] >= 64))
        ticks = self.ticks.copy()
        channels = self.notes["channel"] if "channel" in self.notes else np.zeros(len(ticks))
        end = max([int(ticks.max(initial=0)), *(tick for track in self.messages for tick, _ in track)])
        for channel, changes in pedal.items():
            changes.sort(key=lambda change: change[0])
            times = np.array([tick for tick, _ in changes])
            down = np.array([value for _, value in changes])
            # When the pedal is up after each change: there, or at the first change after it that lifts it.
            lifted = np.where(down, end, times)
            lifted = np.minimum.accumulate(lifted[::-1])[::-1]
            mine = np.flatnonzero(channels == channel)
            state = np.searchsorted(times, ticks[mine, 1], side="right") - 1
            held = (state >= 0) & down[state]
            ticks[mine[held], 1] = np.maximum(lifted[state[held]], ticks[mine[held], 1])
            self._cut_at_next_strike(ticks, mine)
        return self.moved(ticks)

    def _cut_at_next_strike(self, ticks: NDArray[np.int64], chosen: NDArray[np.int64]) -> None:
        """End notes (in place) where their pitch is struck again, unless they overlapped before."""
        for pitch in np.unique(self.notes["pitch"][chosen]):
            same = chosen[self.notes["pitch"][chosen] == pitch]
            same = same[np.argsort(ticks[same, 0], kind="stable")]
            strike = np.append(ticks[same[1:], 0], np.iinfo(np.int64).max)
            ticks[same, 1] = np.maximum(np.minimum(ticks[same, 1], strike), self.ticks[same, 1])
