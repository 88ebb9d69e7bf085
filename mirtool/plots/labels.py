"""How things are called on an axis: pitches, chroma, dimensions."""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

CHROMA = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
BLACK_KEYS = (1, 3, 6, 8, 10)

_DIMENSIONS = {
    "bpm": "Tempo (BPM)",
    "component": "Component",
    "f0": "Frequency (Hz)",
    "feature": "Row",
    "frequency": "Frequency (Hz)",
    "lag": "Lag (s)",
    "loudness": "Loudness",
    "pitch": "Pitch",
    "score_beat": "Position (beats)",
    "source_time": "Time in the source (s)",
    "tempo": "Tempo (BPM)",
    "time": "Time (s)",
    "time_a": "Time in A (s)",
    "time_b": "Time in B (s)",
}


def dimension(name: str) -> str:
    """Return the axis label of a dimension or column of that name."""
    return _DIMENSIONS.get(name, name.replace("_", " ").capitalize())


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI number, such as C4 for 60."""
    return f"{CHROMA[pitch % 12]}{pitch // 12 - 1}"


def pretty(name: str) -> str:
    """Return the name of a row with typographic accidentals where it names a pitch class (``C#`` → ``C♯``)."""
    words = name.split(" ")
    return " ".join(
        word[0] + word[1:].replace("#", "♯").replace("b", "♭") if word[:1] in "CDEFGAB" and word[1:2] in "#b" else word
        for word in words
        if word
    )


def pitch_ticks(low: float, high: float) -> list[int]:
    """Choose the pitches that are named on an axis from `low` to `high` (MIDI numbers)."""
    span = high - low
    if span <= 14:
        wanted: Sequence[int] = range(12)
    elif span <= 30:
        wanted = (0, 2, 4, 5, 7, 9, 11)
    elif span <= 50:
        wanted = (0, 7)
    else:
        wanted = (0,)
    return [pitch for pitch in range(int(np.ceil(low)), int(np.floor(high)) + 1) if pitch % 12 in wanted]


def nice_values(values: ArrayLike) -> NDArray[np.float64]:
    """Choose round numbers (1, 2, 5 × 10ⁿ) inside a rising, not evenly spaced row axis."""
    axis = np.asarray(values, dtype=np.float64)
    low, high = max(axis.min(), 1e-9), axis.max()
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    chosen = np.empty(0)
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        candidates = np.outer(decades, steps).ravel()
        chosen = candidates[(candidates >= axis.min()) & (candidates <= high)]
        if len(chosen) >= 5:
            break
    return chosen


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out what names of files have in common: the folder in front, and the extensions at the end."""
    if len(names) < 2:
        return list(names)
    folder = _common_beginning(names).rpartition("/")[0]
    rest = [name[len(folder) + 1 :] if folder else name for name in names]
    ends = _common_beginning([name[::-1] for name in rest])[::-1]
    extension = ends[ends.index(".") :] if "." in ends else ""
    shorter = [name.removesuffix(extension) for name in rest]
    return shorter if all(shorter) and len(set(shorter)) == len(set(names)) else list(names)


def _common_beginning(texts: Sequence[str]) -> str:
    together = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in together)
