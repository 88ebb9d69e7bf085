"""What is done to each note: the operations of an edit, and the notes that are treated alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.scores.note_selection import NoteTable, Selection, choose
from mirtool.errors import ParameterError

WIDEST_SHIFT = 36.0  # semitones
LOUDEST = 60.0  # dB

Amount = tuple[Selection, float]


@dataclass(frozen=True)
class Edits:
    """Operations, which hold in this order; all selections are of the notes as the score has them.

    Parameters
    ----------
    solo : sequence of Selection
        If there are any: silence all that none of them selects, notes or not.
    mute : sequence of Selection
        Silence notes.
    gain : sequence of (Selection, float)
        Make notes louder (dB); several add up, as do shifts and moves.
    shift_pitch : sequence of (Selection, float)
        Semitones.
    move : sequence of (Selection, float)
        Seconds.
    """

    solo: Sequence[Selection] = field(default=())
    mute: Sequence[Selection] = field(default=())
    gain: Sequence[Amount] = field(default=())
    shift_pitch: Sequence[Amount] = field(default=())
    move: Sequence[Amount] = field(default=())

    def __bool__(self) -> bool:
        return any((self.solo, self.mute, self.gain, self.shift_pitch, self.move))


@dataclass(frozen=True)
class Treatment:
    """What is done to a group of notes.

    Parameters
    ----------
    gain : float
        Factor; 0: they are silent.
    shift : float
        Semitones.
    move : float
        Seconds.
    """

    gain: float = 1.0
    shift: float = 0.0
    move: float = 0.0


@dataclass(frozen=True, eq=False)
class Plan:
    """Groups of notes and what is done to each.

    Parameters
    ----------
    treatments : tuple of Treatment
        One a group; the first is that of all that is not selected, and of what no note explains.
    group : ndarray of int64, shape (M,)
        Of the notes of a `NoteTable`.
    """

    treatments: tuple[Treatment, ...]
    group: NDArray[np.int64]

    @property
    def edited(self) -> NDArray[np.bool_]:
        """Which notes do not stay as they are, shape (M,)."""
        changed = np.array([treatment != Treatment() for treatment in self.treatments])
        found: NDArray[np.bool_] = changed[self.group]
        return found


def plan(notes: NoteTable, edits: Edits) -> Plan:
    """Return what is done to each note.

    Parameters
    ----------
    notes : NoteTable
    edits : Edits

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        An amount outside its domain, or a selection without a note; it names the operation.
    """
    silent = np.zeros(len(notes), dtype=bool)
    if edits.solo:
        silent[:] = True
        for selection in edits.solo:
            silent[_chosen("solo", selection, notes)] = False
    for selection in edits.mute:
        silent[_chosen("mute", selection, notes)] = True
    gain = _summed("gain", edits.gain, notes, LOUDEST, "dB")
    shift = _summed("shift-pitch", edits.shift_pitch, notes, WIDEST_SHIFT, "semitones")
    move = _summed("move", edits.move, notes, np.inf, "s")
    rows = np.stack((np.where(silent, 0.0, 10 ** (gain / 20)), shift, move), axis=1)
    rows[silent, 1:] = 0
    leaving = (move < 0) & ~silent & (notes.onset + move < 0) & (notes.onset >= 0)
    if leaving.any():
        raise ParameterError(f"--move: the note at {notes.onset[leaving.argmax()]:.3f} s would begin before 0 s")
    first = (0.0 if edits.solo else 1.0, 0.0, 0.0)
    found, group = np.unique(np.concatenate(([first], rows)), axis=0, return_inverse=True)
    # the first group comes first
    group = group.reshape(-1)
    order = np.argsort(np.arange(len(found)) != group[0], kind="stable")
    treatments = tuple(Treatment(*map(float, found[place])) for place in order)
    return Plan(treatments, np.argsort(order)[group[1:]])


def unchanged(plan: Plan) -> Plan:
    """Return the plan that leaves the same notes as they are."""
    return Plan((Treatment(),), np.zeros_like(plan.group))


def _chosen(operation: str, selection: Selection, notes: NoteTable) -> NDArray[np.bool_]:
    try:
        return choose(selection, notes)
    except ParameterError as error:
        raise ParameterError(f"--{operation}: {error}") from None


def _summed(operation: str, amounts: Sequence[Amount], notes: NoteTable, most: float, unit: str) -> NDArray[np.float64]:
    """Return the sum of the amounts for each note."""
    total = np.zeros(len(notes))
    for selection, amount in amounts:
        total[_chosen(operation, selection, notes)] += amount
    if (np.abs(total) > most).any():
        raise ParameterError(f"--{operation}: {np.abs(total).max():g} {unit} are more than {most:g}")
    return total
