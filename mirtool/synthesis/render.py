"""From notes and events to sound."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import DataError, ParameterError
from mirtool.pitch import pitch_frequency
from mirtool.synthesis.instruments import Instrument, instrument
from mirtool.types import Audio, Events, Notes

DOWNBEAT_PITCH, BEAT_PITCH = 100, 93  # about 2.6 and 1.8 kHz: above most music, and a fifth apart


class Rendering:
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

    channels = 1

    def __init__(
        self,
        notes: Notes,
        sample_rate: int,
        player: Instrument,
        duration: float | None = None,
        tuning: float = 0.0,
    ) -> None:
        if sample_rate <= 0:
            raise ParameterError(f"the sample rate must be positive, not {sample_rate}")
        order = np.argsort(notes["onset"], kind="stable")
        table = np.stack([notes[name][order] for name in ("onset", "offset", "pitch", "velocity")], axis=1)
        if not np.all(np.isfinite(table)) or np.any(table[:, 0] < 0):
            raise DataError("a note with an onset before 0 or a value that is no number")
        self.sample_rate = sample_rate
        self._player = player
        self._begins = np.round(table[:, 0] * sample_rate).astype(np.int64)
        self._durations = np.maximum(table[:, 1] - table[:, 0], 0.0)
        self._frequencies = pitch_frequency(table[:, 2], tuning)
        self._velocities = table[:, 3]
        if duration is not None:
            self.frames = round(duration * sample_rate)
        else:
            lengths = [round(player.seconds(d) * sample_rate) for d in self._durations]
            self.frames = int(max(self._begins + lengths, default=0))

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (n × 1, float32); see `AudioSource`."""
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[NDArray[np.float32]]:
        pending = np.zeros(CHUNK, dtype=np.float32)
        played = 0
        for begin in range(0, self.frames, CHUNK):
            ready = int(np.searchsorted(self._begins, begin + CHUNK))
            for index in range(played, ready):
                pending = _mixed(pending, self._tone(index), int(self._begins[index]) - begin)
            played = ready
            yield pending[: min(CHUNK, self.frames - begin), None]
            rest = pending[CHUNK:]
            pending = np.pad(rest, (0, max(CHUNK - len(rest), 0)))

    def _tone(self, index: int) -> NDArray[np.float32]:
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


def click_track(events: Events, sample_rate: int = 44100, duration: float | None = None) -> Audio:
    """Play a click at every event, a higher one at downbeats (`beat` = 1), louder with `strength` where it is known."""
    times = events["time"]
    beat = events["beat"] if "beat" in events else np.zeros(len(events))
    strength = events["strength"] if "strength" in events else np.ones(len(events))
    loudest = max(float(np.max(np.abs(strength), initial=0.0)), 1e-9)
    notes = Notes(
        {
            "onset": times,
            "offset": times,
            "pitch": np.where(beat == 1, DOWNBEAT_PITCH, BEAT_PITCH),
            "velocity": 60 + 67 * np.clip(strength / loudest, 0, 1),
        }
    )
    return render(notes, sample_rate, "click", duration)


def _mixed(pending: NDArray[np.float32], tone: NDArray[np.float32], at: int) -> NDArray[np.float32]:
    """Add a note at position `at` and return the buffer, grown where the note is longer."""
    end = at + len(tone)
    if end > len(pending):
        pending = np.pad(pending, (0, end - len(pending)))
    pending[at:end] += tone
    return pending
