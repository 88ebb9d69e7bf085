"""The parameters of the search of notes, with their defaults; standard library only."""

from dataclasses import dataclass, field

METHODS = ("graded", "p1", "p2", "p3", "siam", "s1", "s2", "w1", "w2")
TIMES = ("scaled", "fixed", "warped")
_ELASTIC = ("method", "graded", "s1", "s2", "w1", "w2")


@dataclass(frozen=True)
class NoteIndexParameters:
    """What is kept of notes in an index: all there is, so that nothing is to be chosen."""


@dataclass(frozen=True)
class MatchParameters:
    """What counts as an occurrence of a query, and what it is worth."""

    method: str = field(
        default="graded",
        metadata={
            "help": "graded: every note by how well it suits; p1: all notes, exactly; p2, siam: as many as possible; "
            "p3: the longest common time; s1, s2: as p1 and p2 at any tempo; w1, w2: with each spacing elastic",
            "choices": METHODS,
        },
    )
    time: str = field(
        default="scaled",
        metadata={
            "help": "a hit may be faster or slower as a whole, must be as fast as the query, or may vary from note "
            "to note",
            "choices": TIMES,
            "of": ("method", "graded"),
        },
    )
    tempo_range: tuple[float, float] = field(
        default=(0.5, 2.0),
        metadata={
            "help": "smallest and largest duration of a hit, or of each spacing, over that of the query",
            "metavar": "LOW,HIGH",
            "of": _ELASTIC,
        },
    )
    transpose: bool = field(default=True, metadata={"help": "hits may be in other keys"})
    inversion: bool = field(default=False, metadata={"help": "search for the query upside down, too"})
    retrograde: bool = field(default=False, metadata={"help": "search for the query backwards, too"})
    tolerance: float = field(
        default=0.05,
        metadata={
            "help": "deviation that takes the worth of a note to 0.6; beyond twice as much it is not the note meant",
            "unit": "s",
            "of": ("method", "graded"),
        },
    )
    pitch_tolerance: int = field(
        default=2,
        metadata={
            "help": "how far a note may be off, at less worth: hits on other degrees of the scale",
            "unit": "semitones",
            "of": ("method", "graded"),
        },
    )
    overlap: bool = field(default=False, metadata={"help": "let hits share notes"})
    drums: bool = field(default=False, metadata={"help": "search the notes of channel 10, too"})


@dataclass(frozen=True)
class GradedParameters:
    """What takes worth from a hit (`--method graded`)."""

    duration_weight: float = field(
        default=0.5,
        metadata={
            "help": "share of a note's worth that other durations, relative to the rest of the hit, take at most",
            "of": ("method", "graded"),
        },
    )
    interruption_weight: float = field(
        default=0.5,
        metadata={
            "help": "share of a note's worth that is lost where further notes of the voice stand before it",
            "of": ("method", "graded"),
        },
    )
    tempo_weight: float = field(
        default=0.3,
        metadata={"help": "share of the score that half or double the tempo takes", "of": ("method", "graded")},
    )
