"""What a score says of a recording: which components there are, and when each may sound.

A pitch of a part is one component, as are the attacks of all its notes, and each instrument of its drums. Activations
are allowed from a little before a note to some time after it, and only there (Ewert and Müller, Using score-informed
constraints for NMF-based source separation, ICASSP 2012; FMP, Section 8.3.2).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.parameters import ScoreParameters
from mirtool.errors import DataError, ParameterError
from mirtool.percussion import is_drum
from mirtool.types import Notes

Matrix = NDArray[np.float32]

TONE, ATTACK, STROKE = 0, 1, 2

_ATTACK_EARLY, _ATTACK_LATE = 0.03, 0.06  # s around an onset in which it may be heard as a noise
_STROKE_EARLY, _STROKE_LATE = 0.03, 0.4  # s around the onset of a drum: its duration means nothing
_SHORTEST, _LONGEST = 0.001, 60.0  # s of a tolerance


@dataclass(frozen=True, eq=False)
class ScorePart:
    """The notes of one instrument; those with `channel` 9 are strokes of drums.

    Parameters
    ----------
    name : str
    notes : Notes
        In the time of the recording (s).
    """

    name: str
    notes: Notes


@dataclass(frozen=True, eq=False)
class Allowed:
    """When the components may sound in a stretch of N frames.

    Parameters
    ----------
    owner : ndarray of int64, shape (N, R)
        The note (of all, `Constraints.onset`) to which a component belongs at a frame; -1: it is silent.
    penalty : ndarray, shape (N, R)
        How far a frame lies outside of its note, in tolerances.
    """

    owner: NDArray[np.int64]
    penalty: Matrix


class Constraints:
    """The components of all parts, and their notes.

    Parameters
    ----------
    parts : sequence of ScorePart
    parameters : ScoreParameters

    Attributes
    ----------
    parts : int
        Number of parts.
    part, kind, pitch : ndarray of int64, shape (R,)
        Of the components; attacks have pitch -1.
    onset, offset : ndarray, shape (M,)
        Of the notes of all parts, in order of their onsets (s).
    note_part : ndarray of int64, shape (M,)
    order : ndarray of int64, shape (M,)
        Their places among the notes of the parts, one part after the other.

    Raises
    ------
    DataError
        There is no note, or its times are not finite.
    ParameterError
        A tolerance outside its domain.
    """

    def __init__(self, parts: Sequence[ScorePart], parameters: ScoreParameters) -> None:
        for name in ("early", "late"):
            value = getattr(parameters, name)
            if not _SHORTEST <= value <= _LONGEST:
                raise ParameterError(f"notes may sound {name} by {_SHORTEST:g} to {_LONGEST:g} s, not by {value:g} s")
        self.parts = len(parts)
        self._early, self._late = parameters.early, parameters.late
        columns = [_columns(number, part) for number, part in enumerate(parts)]
        table = np.concatenate(columns) if columns else np.zeros((0, 5))
        if not len(table):
            raise DataError("the scores hold no notes")
        if not np.isfinite(table).all():
            raise DataError("the scores hold times or pitches that are not finite numbers")
        self.order = np.argsort(table[:, 0], kind="stable")
        table = table[self.order]
        self.onset, self.offset = table[:, 0], np.maximum(table[:, 1], table[:, 0])
        self.note_part = table[:, 3].astype(np.int64)
        keys = np.stack((self.note_part, table[:, 4].astype(np.int64), np.round(table[:, 2]).astype(np.int64)), axis=1)
        attacks = np.unique(self.note_part[keys[:, 1] == TONE])
        attack_keys = np.stack((attacks, np.full_like(attacks, ATTACK), np.full_like(attacks, -1)), axis=1)
        components, place = np.unique(np.concatenate((keys, attack_keys)), axis=0, return_inverse=True)
        self.part, self.kind, self.pitch = components.T
        self._component = place.reshape(-1)[: len(keys)]
        self._attack = dict(zip(attacks.tolist(), place.reshape(-1)[len(keys) :].tolist(), strict=True))

    @property
    def rank(self) -> int:
        """Number of components R."""
        return len(self.part)

    def allowed(self, first: int, count: int, rate: float) -> Allowed:
        """Return when the components may sound in the frames from `first` on, of which there are `rate` a second."""
        owner = np.full((count, self.rank), -1, dtype=np.int64)
        penalty = np.zeros((count, self.rank), dtype=np.float32)
        times = (first + np.arange(count)) / rate
        near = (self.onset - max(self._early, 1) <= (first + count) / rate) & (
            self.offset + max(self._late, 1) >= first / rate
        )
        for note in np.flatnonzero(near):
            onset, offset, component = float(self.onset[note]), float(self.offset[note]), int(self._component[note])
            if self.kind[component] == STROKE:
                owner[_span(onset - _STROKE_EARLY, onset + _STROKE_LATE, first, count, rate), component] = note
                continue
            attack = self._attack[int(self.note_part[note])]
            owner[_span(onset - _ATTACK_EARLY, onset + _ATTACK_LATE, first, count, rate), attack] = note
            span = _span(onset - self._early, offset + self._late, first, count, rate)
            outside = np.maximum((onset - times[span]) / self._early, (times[span] - offset) / self._late)
            owner[span, component] = note  # a later note of the same pitch takes over from the one before
            penalty[span, component] = np.maximum(outside, 0)
        return Allowed(owner, penalty)


def _columns(number: int, part: ScorePart) -> NDArray[np.float64]:
    """Return onset, offset, pitch, part and kind of the notes of a part."""
    notes = part.notes
    kind = np.where(is_drum(notes), STROKE, TONE)
    columns = (notes["onset"], notes["offset"], notes["pitch"], np.full(len(notes), number), kind)
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _span(begin: float, end: float, first: int, count: int, rate: float) -> slice:
    """Return the frames of a stretch between two times."""
    start = min(max(math.floor(begin * rate) - first, 0), count)
    stop = min(max(math.floor(end * rate) + 1 - first, start), count)
    return slice(start, stop)
