"""Bring scores to the time of a recording, and find out which of them are drums.

All scores together are aligned with the recording (`mirtool.sync.align`), but only if that fits better: where notes
begin in the scores, the recording should begin the same pitches. A score that was aligned by hand stays as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.parameters import ALIGNMENTS, ScoreParameters
from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.errors import DataError, ParameterError
from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import PITCHES, sync_features
from mirtool.percussion import is_drum
from mirtool.signal.slices import slices
from mirtool.sync.align import align
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.warp import maps
from mirtool.types import AudioSource, Features, Notes

_BETTER = 1.25  # how much more the recording must agree with moved scores than with those given
_NEAR = 0.03  # s around a note in which the recording may begin it
_HEARD = 180.0  # s from the beginning from which it is decided whether long scores must be moved
_SHORTEST = 0.02  # s of a note

TimeMap = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Fit:
    """How scores can be brought to a recording.

    Parameters
    ----------
    forward : callable
        From times of the scores to times of the recording (s).
    agreement_before, agreement_after : float
        How much more than elsewhere the recording begins the pitches where the scores do.
    """

    forward: TimeMap
    agreement_before: float
    agreement_after: float

    @property
    def is_better(self) -> bool:
        """Whether the scores fit clearly better when they are moved."""
        return self.agreement_after > _BETTER * self.agreement_before


def aligned(source: AudioSource, parts: Sequence[ScorePart], parameters: ScoreParameters) -> list[ScorePart]:
    """Align scores with a recording, if it is asked for and makes them fit better.

    Parameters
    ----------
    source : AudioSource
    parts : sequence of ScorePart
        In one common time, such as a performance or a tempo of their own.
    parameters : ScoreParameters

    Returns
    -------
    list of ScorePart

    Raises
    ------
    ParameterError
        There is no such way to align.
    DataError
        They must always be aligned, and cannot be.
    """
    if parameters.align not in ALIGNMENTS:
        raise ParameterError(f"no alignment {parameters.align} (there are: {', '.join(ALIGNMENTS)})")
    notes = _together(parts)
    if parameters.align == "never" or not len(notes):
        return list(parts)
    found = fit(source, notes) if parameters.align == "always" else _better_fit(source, notes)
    if found is None:
        return list(parts)
    return [replace(part, notes=_moved(part.notes, found.forward)) for part in parts]


def _better_fit(source: AudioSource, notes: Notes) -> Fit | None:
    """Return how notes fit clearly better than they are, None if they do not."""
    try:
        if source.frames is not None and source.frames > 2 * _HEARD * source.sample_rate:
            beginning = next(slices(source, (0, round(_HEARD * source.sample_rate))))
            early = notes["onset"] < _HEARD
            if not early.any() or not fit(beginning, notes.take(early)).is_better:
                return None
        found = fit(source, notes)
    except DataError:  # too short to be aligned; what else is wrong is found where it is separated
        return None
    return found if found.is_better else None


def fit(source: AudioSource, notes: Notes) -> Fit:
    """Align notes with a recording, and compare how well they fit before and after.

    Notes that begin behind the end of the recording do not count, unless all do: of a whole score only the beginning
    may have been recorded.

    Raises
    ------
    DataError
        They are too short to be aligned, or hold numbers that cannot be.
    """
    parameters = SyncFeatureParameters()
    sound, score = sync_features(source, parameters), sync_features(notes, parameters)
    path = align(score, sound, SyncParameters(transpose=0)).path
    forward, _ = maps(path)
    inside = notes["onset"] < sound.start + sound.frames / float(sound.feature_rate or 1)
    heard = notes.take(inside) if inside.any() else notes
    before, after = (agreement(sound, heard, onsets) for onsets in (heard["onset"], forward(heard["onset"])))
    return Fit(forward, before, after)


def agreement(sound: Features, notes: Notes, onsets: NDArray[np.float64]) -> float:
    """Return how strongly a recording begins the pitches of notes at some times, relative to all times.

    Parameters
    ----------
    sound : Features
        Kind ``sync``.
    notes : Notes
    onsets : ndarray, shape (len(notes),)
        Times at which the notes would begin (s).
    """
    rate = float(sound.feature_rate or 1)
    row = np.round(notes["pitch"]).astype(np.int64) - PITCHES.start
    known = (row >= 0) & (row < len(PITCHES))
    row, frame = row[known], np.round((onsets[known] - sound.start) * rate)
    strength = np.asarray(sound.data)[len(PITCHES) :]
    usual = float(strength.mean(axis=1)[row].mean()) if len(row) else 0.0
    if usual == 0:
        return 0.0
    reach = round(_NEAR * rate)
    frames = frame[:, None] + np.arange(-reach, reach + 1)
    inside = (frames >= 0) & (frames < sound.frames)
    near = strength[row[:, None], np.clip(frames, 0, sound.frames - 1).astype(np.int64)] * inside
    return float(near.max(axis=1).mean()) / usual


def _together(parts: Sequence[ScorePart]) -> Notes:
    """Return all notes that have a pitch and begin with the sound or later, in order."""
    names = ("onset", "offset", "pitch", "velocity")
    tables = [np.stack([part.notes[name][~is_drum(part.notes)] for name in names]) for part in parts]
    table = np.concatenate(tables, axis=1) if tables else np.zeros((4, 0))
    table = table[:, np.isfinite(table).all(axis=0) & (table[0] >= 0)]
    table = table[:, np.argsort(table[0], kind="stable")]
    table[3] = np.maximum(table[3], 1)
    return Notes(dict(zip(names, table, strict=True)))


def _moved(notes: Notes, forward: TimeMap) -> Notes:
    onset, offset = forward(notes["onset"]), forward(notes["offset"])
    return notes.replace(onset=onset, offset=np.maximum(offset, onset + _SHORTEST))
