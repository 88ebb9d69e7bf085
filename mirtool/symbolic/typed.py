"""Notes as they are typed: ``C5 D5 E5:2 - G4+E4+C4``.

    notes    = item {" " item}                 one after the other
    item     = chord [":" duration] | "-" [":" duration] | "|"
    chord    = pitch {"+" pitch}               together; C4 is 60; F#3, Bb5, 60
    duration = number ["/" number]             in beats; without it, one beat

``-`` is a rest; bar lines, ``|``, and commas may help the eye. A beat lasts half a second (120 a minute).
"""

import re
from fractions import Fraction

import numpy as np

from mirtool.errors import ParameterError
from mirtool.pitch import pitch_number
from mirtool.types import Notes

BEAT = 0.5  # seconds
VELOCITY = 64
LONGEST = 1000  # beats

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:/(\d+))?", re.ASCII)


def parse(text: str) -> Notes:
    """Return typed notes; see the module's text.

    Raises
    ------
    ParameterError
        A token is neither a note nor a rest, or there is no note.
    """
    rows: list[tuple[Fraction, Fraction, float]] = []
    time = Fraction(0)
    for token in text.replace(",", " ").replace("|", " ").split():
        try:
            pitches, duration = _item(token)
        except ParameterError as error:
            place = str(error) if repr(token) in str(error) else f"{token!r}: {error}"
            raise ParameterError(f"typed notes: {place}") from None
        rows += [(time, time + duration, pitch) for pitch in sorted(set(pitches))]
        time += duration
    if not rows:
        raise ParameterError(f"typed notes: no note in {text!r}")
    onset, offset, pitch = np.array(rows, dtype=np.float64).T
    return Notes(
        {"onset": onset * BEAT, "offset": offset * BEAT, "pitch": pitch, "velocity": np.full(len(rows), VELOCITY)}
    )


def _item(token: str) -> tuple[list[float], Fraction]:
    """Return the pitches (none: a rest) and the duration of a token."""
    chord, colon, length = token.partition(":")
    duration = _duration(length) if colon else Fraction(1)
    if chord == "-":
        return [], duration
    return [pitch_number(name) for name in chord.split("+")], duration


def _duration(text: str) -> Fraction:
    match = _DURATION.fullmatch(text)
    if not match or (match[2] and int(match[2]) == 0):
        raise ParameterError(f"{text!r} is no duration such as 2, 0.5 or 1/3")
    duration = Fraction(match[1]) / int(match[2] or 1)
    if not 0 < duration <= LONGEST:
        raise ParameterError(f"{text} beats last too {'short' if not duration else 'long'}")
    return duration
