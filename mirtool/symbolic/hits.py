"""Occurrences of a query, and the choice among those that overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.symbolic._hit_kernels import apart
from mirtool.symbolic.points import PointSet

DIGITS = 9  # of a score: beyond, equal ones differ by rounding, and would be told out of order
FORMS = ("original", "inversion", "retrograde", "retrograde inversion")


@dataclass(frozen=True, eq=False)
class Matches:
    """What a method finds: C pairings of the M notes of a query with notes of a piece, in any order.

    Parameters
    ----------
    score : ndarray, shape (C,), float64
        0 to 1; 1 is perfect.
    transposition : ndarray, shape (C,), int64
        Semitones from the query to the piece.
    tempo_ratio : ndarray, shape (C,), float64
        Duration in the piece over duration in the query.
    partners : ndarray, shape (C, M), int32
        Which note of the piece stands for each of the query; -1: none. Each row has at least one.
    """

    score: NDArray[np.float64]
    transposition: NDArray[np.int64]
    tempo_ratio: NDArray[np.float64]
    partners: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Matches":
        """Return some of the matches."""
        return Matches(self.score[rows], self.transposition[rows], self.tempo_ratio[rows], self.partners[rows])


def described(
    partners: NDArray[np.int32],
    score: NDArray[np.float64],
    query: PointSet,
    points: PointSet,
    *,
    transpose: bool,
) -> Matches:
    """Add keys and tempi to pairings: those of the first note found, and of the first and the last one.

    Parameters
    ----------
    partners : ndarray, shape (C, M), int32
        Rows without a note are left out.
    score : ndarray, shape (C,)
    query, points : PointSet
    transpose : bool
        Keep those in other keys.
    """
    known = partners >= 0
    rows = np.arange(len(partners))
    first, last = known.argmax(axis=1), len(query) - 1 - known[:, ::-1].argmax(axis=1)
    begin, end = partners[rows, first], partners[rows, last]
    shift = points.pitch[begin].astype(np.int64) - query.pitch[first]
    spacing, taken = query.onset[last] - query.onset[first], points.onset[end] - points.onset[begin]
    ratio = np.divide(taken, spacing, out=np.ones(len(rows)), where=(spacing > 0) & (taken > 0))
    return Matches(score, shift, ratio, partners).take(known.any(axis=1) & ((shift == 0) | transpose))


@dataclass(frozen=True, eq=False)
class Hit:
    """An occurrence of a query in a piece.

    Parameters
    ----------
    start, end : float
        Seconds in the piece.
    score : float
        0 to 1; 1 is perfect.
    transposition : int
        Semitones from the query to the hit; of an inversion, those of the first note.
    tempo_ratio : float
        Duration of the hit over that of the query.
    partners : ndarray, shape (M,), int32
        The note of the piece that stands for each note of the query; -1 where there is none.
    form : str
        One of `FORMS`.
    """

    start: float
    end: float
    score: float
    transposition: int
    tempo_ratio: float
    partners: NDArray[np.int32]
    form: str = FORMS[0]

    @property
    def notes(self) -> NDArray[np.int32]:
        """The notes of the piece that belong to the hit."""
        return np.unique(self.partners[self.partners >= 0])


def hits_of(matches: Matches, query: PointSet, points: PointSet, form: str, *, overlap: bool) -> list[Hit]:
    """Return the best matches as hits, best first, equal ones in the order of time.

    A hit begins with the note that stands for the first of the query; where that one is missing, when it should come.

    Parameters
    ----------
    matches : Matches
    query, points : PointSet
    form : str
    overlap : bool
        Let hits share notes; the very same notes are one hit all the same.
    """
    if not len(matches):
        return []
    known = matches.partners >= 0
    first = known.argmax(axis=1)
    rows = np.arange(len(matches))
    missed = query.onset[first] - query.onset[0]
    start = np.maximum(points.onset[matches.partners[rows, first]] - matches.tempo_ratio * missed, 0.0)
    end = np.maximum(np.where(known, points.offset[matches.partners], -np.inf).max(axis=1), start)
    score = np.round(matches.score, DIGITS)
    order = np.lexsort((np.abs(matches.transposition), start, -score))
    kept = order[apart(matches.partners[order], len(points), overlap)]
    return [
        Hit(
            float(start[row]),
            float(end[row]),
            float(score[row]),
            int(matches.transposition[row]),
            float(matches.tempo_ratio[row]),
            matches.partners[row],
            form,
        )
        for row in kept.tolist()
    ]
