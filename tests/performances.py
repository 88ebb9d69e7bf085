"""A piece with melody and chords, played in several ways, with the truth about what was played when."""

import os
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
import pytest
from numpy.typing import NDArray

from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import sync_features
from mirtool.sync.paths import transfer
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.render import render
from mirtool.tempo_map import TempoMap
from mirtool.types import Audio, Features, Notes, Score, WarpingPath

RATE = 22050
compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes of uncompiled loops")
_TICKS = 480
# Beethoven, Symphony no. 9, theme of the finale, with plain chords: pitch and beats of the melody, a chord a half bar.
_MELODY = (
    "66 1 66 1 67 1 69 1 69 1 67 1 66 1 64 1 62 1 62 1 64 1 66 1 66 1.5 64 .5 64 2 "
    "66 1 66 1 67 1 69 1 69 1 67 1 66 1 64 1 62 1 62 1 64 1 66 1 64 1.5 62 .5 62 2"
)
_D, _A, _G, _B = (50, 54, 57), (45, 52, 61), (43, 50, 59), (47, 54, 62)
_CHORDS = (_D, _A, _D, _A, _D, _A, _D, _A, _D, _A, _B, _G, _D, _A, _A, _D)


def piece(bars: int = 8, transposed: int = 0) -> Score:
    """Return the first bars of the piece, 4/4 at 120."""
    rows = []
    words = _MELODY.split()
    beat = 0.0
    for pitch, length in zip(words[::2], words[1::2], strict=True):
        rows.append((beat, beat + float(length), int(pitch), 0))
        beat += float(length)
    for place, chord in enumerate(_CHORDS):
        rows += [(2.0 * place, 2.0 * place + 2, pitch, 1) for pitch in chord]
    rows = sorted(row for row in rows if row[0] < 4 * bars)
    table = np.array(rows)
    ticks = np.round(table[:, :2] * _TICKS).astype(np.int64)
    tempo_map = TempoMap(_TICKS, [(0, 500_000)])
    times = tempo_map.seconds(ticks)
    notes = Notes(
        {
            "onset": times[:, 0],
            "offset": times[:, 1],
            "pitch": table[:, 2] + transposed,
            "velocity": np.where(table[:, 3] == 0, 90, 65),
            "track": table[:, 3],
        }
    )
    return Score(notes, ticks, tempo_map)


@dataclass(frozen=True)
class Version:
    """A performance of the piece."""

    score: Score
    manner: Performance
    player: str = "piano"
    lead: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))  # put before
    tail: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))  # put behind

    @cached_property
    def notes(self) -> Notes:
        notes = perform(self.score, self.manner)
        shift = len(self.lead) / RATE
        return notes.replace(onset=notes["onset"] + shift, offset=notes["offset"] + shift)

    @cached_property
    def beats(self) -> NDArray[np.float64]:
        """When each place in the score at which a note begins is played (s)."""
        onsets = np.unique(self.score.ticks[:, 0]) / _TICKS
        last = float(self.score.ticks.max() / _TICKS)
        return self.manner.times(onsets, last) + len(self.lead) / RATE

    @cached_property
    def audio(self) -> Audio:
        sound = render(perform(self.score, self.manner), RATE, self.player).samples[:, 0]
        return Audio(np.concatenate((self.lead, sound, self.tail)), RATE)

    @cached_property
    def features(self) -> Features:
        return sync_features(self.audio, SyncFeatureParameters())


def errors(path: WarpingPath, a: Version, b: Version, part: slice = slice(None)) -> NDArray[np.float64]:
    """Return how far a path is off at the notes (s)."""
    return np.abs(transfer(path, a.beats[part]) - b.beats[part])


def manner(bpm: float, seed: int = 0, **more: float) -> Performance:
    """Return a way to play with its own rubato, and without inaccuracies, so that the truth is exact."""
    return Performance(bpm=bpm, seed=seed, **{"lead": 0.3, "spread": 0.0, "ritardando_beats": 4.0, **more})


@cache
def version(name: str) -> Version:
    """Return one of the versions that tests share: four bars each, 8 to 20 s."""
    match name:
        case "quick":  # on the piano
            return Version(piece(4), manner(115))
        case "slow":  # harpsichord, more rubato, other dynamics
            return Version(piece(4), manner(90, 3, rubato=0.2, swell=20, lead=0.8), "harpsichord")
        case "organ":
            return Version(piece(4), manner(100, 5, rubato=0.15), "organ")
        case "half":  # half the tempo
            return Version(piece(4), manner(57.5))
        case "high":  # three semitones up
            return Version(piece(4, 3), manner(95, 6))
        case "wrong":  # other music in the middle
            return Version(spoiled(piece(4)), manner(95, 6))
    raise ValueError(name)


def spoiled(score: Score, begin: float = 6.0, end: float = 10.0) -> Score:
    """Replace the pitches between two beats by others that have nothing to do with them."""
    beats = score.ticks[:, 0] / _TICKS
    rng = np.random.default_rng(0)
    strange = rng.choice([48, 51, 56, 63, 68, 70, 72, 75], len(beats))
    pitch = np.where((beats >= begin) & (beats < end), strange, score.notes["pitch"])
    return replace(score, notes=score.notes.replace(pitch=pitch))


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Return something like applause."""
    rng = np.random.default_rng(seed)
    return (0.05 * rng.normal(size=round(seconds * RATE))).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)
