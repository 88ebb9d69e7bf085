"""Frequencies and MIDI pitches (FMP, Section 3.1.1): the one place for A4 = 440 Hz."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

A4 = 440.0  # Hz; MIDI pitch 69
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # semitones above C


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
