"""Frequencies, names and MIDI numbers of pitches (FMP, Section 3.1.1): the one place for A4 = 440 Hz."""

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import ParameterError

A4 = 440.0  # Hz; MIDI pitch 69
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # semitones above C

_NAME = re.compile(r"([A-G])(#{0,2}|b{0,2})(-?\d{1,2})", re.ASCII | re.IGNORECASE)


def pitch_frequency(pitch: ArrayLike, tuning: float = 0.0) -> NDArray[np.float64]:
    """Return F_pitch(p) = 2^((p - 69) / 12) · 440 Hz (FMP, Section 3.1.1), moved by a tuning in cents."""
    frequency: NDArray[np.float64] = A4 * 2.0 ** ((np.asarray(pitch, dtype=np.float64) - 69) / 12 + tuning / 1200)
    return frequency


def frequency_pitch(frequency: ArrayLike, tuning: float = 0.0) -> NDArray[np.float64]:
    """Return the fractional MIDI pitch of a frequency in Hz, the inverse of `pitch_frequency` (-inf at 0 Hz)."""
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.asarray(frequency, dtype=np.float64) / A4)
    pitch: NDArray[np.float64] = 69 + 12 * octaves - tuning / 100
    return pitch


def pitch_number(name: str) -> float:
    """Return the MIDI number of a pitch, such as 60 for ``C4`` or ``60``.

    Raises
    ------
    ParameterError
        It is no name of a pitch, or not between 0 and 127.
    """
    if match := _NAME.fullmatch(name.translate({ord("♯"): "#", ord("♭"): "b"})):
        step, accidentals, octave = match.groups()
        number = STEPS[step.upper()] + accidentals.count("#") - accidentals.lower().count("b") + 12 * (int(octave) + 1)
    elif name.isascii() and name.isdigit():
        number = int(name)
    else:
        raise ParameterError(f"{name!r} is no pitch such as C4, F#3, Bb5 or 60")
    if not 0 <= number <= 127:
        raise ParameterError(f"{name} lies outside of the pitches 0 to 127")
    return float(number)
