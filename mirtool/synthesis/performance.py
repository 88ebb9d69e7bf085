"""Play a score as a person might, with a tempo that breathes, and know exactly what was played when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import ParameterError
from mirtool.types import Notes, Score

_STEPS_PER_BEAT = 16


@dataclass(frozen=True)
class Performance:
    """A way to play.

    Parameters
    ----------
    bpm : float
        Mean tempo, without the ritardando (quarter notes a minute).
    lead : float
        Silence before the first note (s).
    rubato : float
        How far the tempo swings about its mean within a phrase (0.1: by a tenth).
    phrase : float
        Length of a phrase (beats).
    ritardando : float
        How many times slower the end is.
    ritardando_beats : float
        Over how many beats it slows down.
    drift : float
        Standard deviation of the random walk of the tempo, a beat.
    spread : float
        Standard deviation of the single onsets (s).
    accent : float
        Velocity added on the first beat of a bar of four, half of it on the third.
    swell : float
        Velocity added in the middle of a phrase, and taken at its ends.
    seed : int
        Of the random walk and the inaccuracies.
    """

    bpm: float = 80.0
    lead: float = 1.0
    rubato: float = 0.12
    phrase: float = 16.0
    ritardando: float = 1.8
    ritardando_beats: float = 8.0
    drift: float = 0.02
    spread: float = 0.006
    accent: float = 10.0
    swell: float = 12.0
    seed: int = 0

    def times(self, beats: ArrayLike, last: float) -> NDArray[np.float64]:
        """Return when beats of a piece that ends at beat `last` are played (s)."""
        if not (self.bpm > 0 and self.ritardando > 0 and abs(self.rubato) < 1):
            raise ParameterError("a performance needs a tempo above 0 and a rubato below 1")
        grid = np.arange(0, np.ceil(last) * _STEPS_PER_BEAT + 1) / _STEPS_PER_BEAT
        rng = np.random.default_rng(self.seed)
        walk = np.cumsum(rng.normal(0, self.drift, int(np.ceil(last)) + 2))
        walk = np.interp(grid, np.arange(len(walk)), walk - np.linspace(0, walk[-1], len(walk)))
        phase = 2 * np.pi * grid / self.phrase
        slower = np.exp(walk) / (1 - self.rubato * np.cos(phase))
        nearing = np.clip(1 - (last - grid) / self.ritardando_beats, 0, 1)
        slower *= self.ritardando ** (nearing**2)
        period = 60 / self.bpm * slower
        passed = np.concatenate(([0], np.cumsum((period[1:] + period[:-1]) / 2))) / _STEPS_PER_BEAT
        return self.lead + np.asarray(np.interp(np.asarray(beats, dtype=np.float64), grid, passed))


def perform(score: Score, performance: Performance) -> Notes:
    """Play a score.

    Parameters
    ----------
    score : Score
    performance : Performance

    Returns
    -------
    notes : Notes
        In the order of the score's, with its columns; onset, offset and velocity are those of the performance.
    """
    beats = score.ticks / score.ticks_per_beat
    times = performance.times(beats, float(beats.max(initial=0.0)))
    rng = np.random.default_rng(performance.seed + 1)
    late = rng.normal(0, performance.spread, len(beats)).clip(-2 * performance.spread, 2 * performance.spread)
    onset = np.maximum(times[:, 0] + late, 0.0)
    place = beats[:, 0] % 4
    velocity = score.notes["velocity"] - performance.swell * np.cos(2 * np.pi * beats[:, 0] / performance.phrase)
    velocity = velocity + performance.accent * ((place == 0) + 0.5 * (place == 2)) + rng.normal(0, 2, len(beats))
    return score.notes.replace(
        onset=onset, offset=np.maximum(times[:, 1], onset + 0.02), velocity=velocity.clip(10, 127).round()
    )
