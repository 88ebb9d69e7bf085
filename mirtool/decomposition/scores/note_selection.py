"""Which notes of a score are meant: the words with which notes are selected, and what they find.

    selection = condition {"," condition}
    condition = "track=" (number | name)       counted from 1, or called as the score names it
              | "channel=" number              of MIDI, 1 to 16
              | "pitch=" pitch | range         C4 is 60; F#3, Bb5, 60; both ends belong to a range
              | "time=" range                  seconds; the onset lies there, the end of the range does not belong to it
              | "voice=" ("top" | "bottom")    the highest or lowest notes, of the track if one is named
    range     = [value] ".." [value]           without a value: from the beginning, to the end

All conditions of a selection must hold. An amount may follow, as in ``pitch=C5:+2``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.errors import ParameterError
from mirtool.pitch import pitch_number

CONDITIONS = ("track", "channel", "pitch", "time", "voice")
VOICES = ("top", "bottom")

Range = tuple[float, float]
Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """Conditions that notes must meet; None: any note does.

    Parameters
    ----------
    track : str or None
        A number, counted from 1, or a name.
    channel : int or None
        1 to 16.
    pitch : (float, float) or None
        Lowest and highest MIDI number.
    time : (float, float) or None
        Onsets from the first time on and before the second one (s).
    voice : str or None
        ``top`` or ``bottom``.
    text : str
        As the user wrote it.
    """

    track: str | None = None
    channel: int | None = None
    pitch: Range | None = None
    time: Range | None = None
    voice: str | None = None
    text: str = field(default="", compare=False)


@dataclass(frozen=True, eq=False)
class NoteTable:
    """The notes of all parts, one part after the other.

    Parameters
    ----------
    names : tuple of str
        Of the parts.
    track : ndarray of int64, shape (M,)
        The part of each note, from 0.
    channel : ndarray of int64, shape (M,)
        1 to 16, 0 where it is not known.
    onset, offset : ndarray, shape (M,)
        In seconds.
    pitch : ndarray, shape (M,)
    """

    names: tuple[str, ...]
    track: NDArray[np.int64]
    channel: NDArray[np.int64]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    pitch: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.onset)


def table_of(parts: Sequence[ScorePart], start: float = 0.0) -> NoteTable:
    """Gather the notes of parts, whose time 0 is `start` (s) in the time that selections speak of."""
    counts = [len(part.notes) for part in parts]

    def gathered(name: str) -> NDArray[np.float64]:
        return np.concatenate([part.notes[name] for part in parts])

    channels = [
        part.notes["channel"].astype(np.int64) + 1 if "channel" in part.notes else np.zeros(count, np.int64)
        for part, count in zip(parts, counts, strict=True)
    ]
    return NoteTable(
        tuple(part.name for part in parts),
        np.repeat(np.arange(len(parts)), counts),
        np.concatenate(channels),
        gathered("onset") + start,
        gathered("offset") + start,
        gathered("pitch"),
    )


def parse(text: str) -> Selection:
    """Read a selection.

    Parameters
    ----------
    text : str
        Such as ``track=2,pitch=C4..G5``; see the module.

    Raises
    ------
    ParameterError
        What is wrong with it, in a line.
    """
    values: dict[str, str] = {}
    for condition in text.split(","):
        name, sign, value = (word.strip() for word in condition.partition("="))
        if not sign or not value:
            raise ParameterError(f"{condition.strip()!r} is no condition such as pitch=C4")
        if name not in CONDITIONS:
            raise ParameterError(f"no condition {name!r} (there are: {', '.join(CONDITIONS)})")
        if name in values:
            raise ParameterError(f"{name} stands twice: give the option twice to select both")
        values[name] = value
    read: dict[str, Callable[[str], object]] = {
        "track": str,
        "channel": _channel,
        "pitch": lambda value: _range(value, pitch_number, "pitch"),
        "time": _time,
        "voice": _voice,
    }
    return Selection(text=text, **{name: read[name](value) for name, value in values.items()})  # type: ignore[arg-type]


def parse_amount(text: str) -> tuple[Selection, float]:
    """Read a selection with an amount behind it, such as ``pitch=C5:+2``; raises `ParameterError` like `parse`."""
    selection, sign, amount = text.rpartition(":")
    if not sign:
        raise ParameterError(f"{text!r} has no amount, as in pitch=C5:+2")
    return parse(selection), _number(amount.strip(), "amount")


def choose(selection: Selection, notes: NoteTable) -> Chosen:
    """Return which notes a selection means, shape (M,).

    Raises
    ------
    ParameterError
        There is no such track, or no note meets all conditions.
    """
    chosen: Chosen = np.ones(len(notes), dtype=bool)
    if selection.track is not None:
        chosen &= notes.track == _track(selection.track, notes.names)
    if selection.channel is not None:
        chosen &= notes.channel == selection.channel
    if selection.voice is not None:
        chosen &= outermost(notes, chosen, selection.voice)
    if selection.pitch is not None:
        low, high = selection.pitch
        chosen &= (notes.pitch >= low) & (notes.pitch <= high)
    if selection.time is not None:
        begin, end = selection.time
        chosen &= (notes.onset >= begin) & (notes.onset < end)
    if not chosen.any():
        raise ParameterError(f"no note of the score meets {selection.text!r}")
    return chosen


def outermost(notes: NoteTable, among: Chosen, voice: str) -> Chosen:
    """Return which notes are the highest (``top``) or lowest (``bottom``) of some for half of their time or more.

    A voice may rest: a held note below a melody does not belong to the top, though it is the highest at its onset
    (as the skyline of Uitdenbogerd and Zobel, Melodic matching techniques for large music databases, 1999, has it).

    Parameters
    ----------
    notes : NoteTable
    among : ndarray of bool, shape (M,)
        The notes that are compared.
    voice : {"top", "bottom"}
    """
    found = np.zeros(len(notes), dtype=bool)
    height = notes.pitch if voice == "top" else -notes.pitch
    places = np.flatnonzero(among)
    places = places[np.argsort(notes.onset[places], kind="stable")]
    onset, offset = notes.onset[places], np.maximum(notes.offset, notes.onset)[places]
    latest = np.maximum.accumulate(offset)
    for number, place in enumerate(places.tolist()):
        begin, end = onset[number], offset[number]
        # those that end before this one begins lie to the left of `first`, as `latest` never falls
        near = slice(int(np.searchsorted(latest, begin, side="right")), int(np.searchsorted(onset, end, side="left")))
        beyond = (height[places[near]] > height[place]) & (offset[near] > begin)
        covered = _length(np.maximum(onset[near][beyond], begin), np.minimum(offset[near][beyond], end))
        found[place] = covered <= (end - begin) / 2
    return found


def _length(begins: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    """Return the length of the union of intervals whose beginnings rise."""
    if not len(begins):
        return 0.0
    reached = np.concatenate((begins[:1], np.maximum.accumulate(ends)[:-1]))
    return float(np.maximum(ends - np.maximum(begins, reached), 0).sum())


def _track(wanted: str, names: Sequence[str]) -> int:
    """Return the place of a track, from 0."""
    if wanted in names:
        return names.index(wanted)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    folded = [name.casefold() for name in names]
    if folded.count(wanted.casefold()) == 1:
        return folded.index(wanted.casefold())
    known = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
    raise ParameterError(f"no track {wanted!r} (there are: {known})")


def _number(text: str, what: str) -> float:
    try:
        value = float(text) if "_" not in text else math.nan  # Python reads 1_000
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{text!r} is no number ({what})")
    return value


def _range(text: str, read: Callable[[str], float], name: str) -> Range:
    """Read ``a..b``, ``a..``, ``..b`` or ``a``."""
    first, sign, last = (word.strip() for word in text.partition(".."))
    if not sign:
        return (read(first), read(first))
    if not first and not last:
        raise ParameterError(f"{name}=.. is no range")
    low, high = read(first) if first else -math.inf, read(last) if last else math.inf
    if low > high:
        raise ParameterError(f"the range {name}={text} runs backwards")
    return low, high


def _time(text: str) -> Range:
    if ".." not in text:
        raise ParameterError(f"time={text}: a range is needed, such as 10..12.5")
    return _range(text, lambda value: _number(value, "time"), "time")


def _channel(text: str) -> int:
    value = _number(text, "channel")
    if value not in range(1, 17):
        raise ParameterError(f"channels are 1 to 16, not {text}")
    return int(value)


def _voice(text: str) -> str:
    if text not in VOICES:
        raise ParameterError(f"no voice {text!r} (there are: {', '.join(VOICES)})")
    return text
