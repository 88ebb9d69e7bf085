"""From notes to sound."""

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.errors import DataError
from mirtool.pitch import pitch_frequency
from mirtool.synthesis.instruments import Instrument, instrument
from mirtool.synthesis.placement import LATEST, Placement
from mirtool.types import Audio, Notes


class Rendering(Placement):
    """Notes as a mono `AudioSource`: computed while it is read, in memory that does not grow with its length.

    Parameters
    ----------
    notes : Notes
        Onsets before 0 are refused; fractional pitches are welcome.
    sample_rate : int
        Hz.
    player : Instrument
    duration : float, optional
        Length (s); by default until the last note has died away.
    tuning : float
        Cents above A4 = 440 Hz.
    """

    def __init__(
        self,
        notes: Notes,
        sample_rate: int,
        player: Instrument,
        duration: float | None = None,
        tuning: float = 0.0,
    ) -> None:
        order = np.argsort(notes["onset"], kind="stable")
        table = np.stack([notes[name][order] for name in ("onset", "offset", "pitch", "velocity")], axis=1)
        if not np.all(np.isfinite(table)) or np.any(table[:, 0] < 0):
            raise DataError("a note with an onset before 0 or a value that is no number")
        if table[:, :2].max(initial=0) > LATEST:
            raise DataError(f"a note later than anything is made to sound ({LATEST:g} s)")
        self._player = player
        self._durations = np.maximum(table[:, 1] - table[:, 0], 0.0)
        self._frequencies = pitch_frequency(table[:, 2], tuning)
        self._velocities = table[:, 3]
        super().__init__(np.round(table[:, 0] * sample_rate).astype(np.int64), sample_rate, duration)

    def _lengths(self) -> NDArray[np.int64]:
        seconds = [self._player.seconds(duration) for duration in self._durations.tolist()]
        return np.asarray(np.rint(np.array(seconds) * self.sample_rate), dtype=np.int64)

    def _sound(self, index: int) -> NDArray[np.float32]:
        note = self._frequencies[index], self._velocities[index], self._durations[index]
        return self._player.tone(float(note[0]), float(note[1]), float(note[2]), self.sample_rate)


def render(
    notes: Notes,
    sample_rate: int = 44100,
    player: str | Instrument = "piano",
    duration: float | None = None,
    tuning: float = 0.0,
) -> Audio:
    """Play notes on one instrument.

    Parameters
    ----------
    notes : Notes
    sample_rate : int
        Hz.
    player : str or Instrument
        ``piano``, ``harpsichord``, ``organ``, ``strings``, ``click``, ``drums``, or your own.
    duration : float, optional
        Length (s); by default until the last note has died away.
    tuning : float
        Cents above A4 = 440 Hz.

    Returns
    -------
    Audio
        Mono; the same for the same input.
    """
    chosen = instrument(player) if isinstance(player, str) else player
    source = Rendering(notes, sample_rate, chosen, duration, tuning)
    return Audio(np.concatenate(list(source.blocks(CHUNK))), sample_rate)
