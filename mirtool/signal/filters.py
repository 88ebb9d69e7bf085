"""Filter banks that pool the bins of a spectrum to pitches, and pitches to chroma (FMP, Section 3.1)."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import ParameterError
from mirtool.pitch import frequency_pitch, pitch_frequency


def bin_frequencies(sample_rate: float, window_length: int) -> NDArray[np.float64]:
    """Return F_coef(k) = k · sample_rate / N in Hz for k = 0 … N/2 (FMP, Section 2.5.3)."""
    frequency: NDArray[Any] = np.arange(window_length // 2 + 1) * (sample_rate / window_length)
    return frequency


def semitone_bank(
    sample_rate: float, window_length: int, pitches: ArrayLike, tuning: float = 0.0
) -> NDArray[np.float32]:
    """Return the matrix that pools bins to pitches, P(p) = {k : F_pitch(p - 0.5) ≤ F_coef(k) < F_pitch(p + 0.5)}.

    The sets are disjoint (FMP, Section 3.1.1); those of low pitches may be empty where the bins are farther apart than
    the semitones.

    Parameters
    ----------
    sample_rate : float
        Hz.
    window_length : int
        N, samples.
    pitches : array_like, shape (P,)
        MIDI pitches.
    tuning : float
        Cents by which the instruments lie above A4 = 440 Hz.

    Returns
    -------
    ndarray, shape (P, N/2 + 1), float32
        Ones and zeros.
    """
    pitches = np.asarray(pitches, dtype=np.float64)[:, None]
    frequency = bin_frequencies(sample_rate, window_length)
    lower, upper = pitch_frequency(pitches - 0.5, tuning), pitch_frequency(pitches + 0.5, tuning)
    return ((lower <= frequency) & (frequency < upper)).astype(np.float32)


def gaussian_bank(
    sample_rate: float, window_length: int, pitches: ArrayLike, tuning: float = 0.0, width: float = 0.5
) -> NDArray[np.float32]:
    """Return a matrix that pools bins to pitches with Gaussian weights over the pitch.

    A weight is exp(-½ (d / s)²), d being the distance of bin and pitch in semitones and s half of `width`, or half the
    distance of neighbouring bins where that is larger: no pitch stays empty. Each row is scaled to the number of bins
    that lie within its semitone, so that levels compare with `semitone_bank`.

    Parameters
    ----------
    sample_rate, window_length, pitches, tuning
        As for `semitone_bank`.
    width : float
        Semitones between the points where the weight is exp(-½).

    Returns
    -------
    ndarray, shape (P, N/2 + 1), float32
    """
    if width <= 0:
        raise ParameterError("the width of a filter must be positive")
    pitches = np.asarray(pitches, dtype=np.float64)[:, None]
    frequency = bin_frequencies(sample_rate, window_length)
    centre = pitch_frequency(pitches, tuning)
    spacing = 12 / np.log(2) * (sample_rate / window_length) / centre  # semitones between bins
    spread = np.maximum(width, spacing) / 2
    distance = frequency_pitch(frequency, tuning) - pitches
    weights = np.exp(-0.5 * (distance / spread) ** 2)
    weights[(np.abs(distance) > 4 * spread)] = 0
    weights[centre[:, 0] > sample_rate / 2] = 0
    total = weights.sum(axis=1, keepdims=True)
    weights *= np.maximum(1 / spacing, 1) / np.where(total > 0, total, 1)
    bank: NDArray[np.float32] = weights.astype(np.float32)
    return bank


def chroma_bank(pitches: ArrayLike) -> NDArray[np.float32]:
    """Return the matrix (12, P) that adds up the pitches of each chroma c = p mod 12, C first (FMP, Section 3.1.2)."""
    chroma = np.mod(np.asarray(pitches, dtype=np.int64), 12)
    bank: NDArray[np.float32] = (np.arange(12)[:, None] == chroma).astype(np.float32)
    return bank


def mel_bank(sample_rate: float, window_length: int, bands: int, low: float, high: float) -> NDArray[np.float32]:
    """Return triangular filters, overlapping by half, whose centres are equally far apart in mel.

    m = 1127 ln(1 + f / 700) (O'Shaughnessy, Speech Communication: Human and Machine, 1987).

    Parameters
    ----------
    sample_rate : float
        Hz.
    window_length : int
        N, samples.
    bands : int
    low, high : float
        Where the first filter begins and the last ends (Hz).

    Returns
    -------
    ndarray, shape (bins, bands), float32
        The peak of each is 1.

    Raises
    ------
    ParameterError
        No filter, ends that are no range of frequencies, or bands that are narrower than the bins are far apart.
    """
    if bands < 1 or not 0 <= low < high <= sample_rate / 2:
        raise ParameterError(f"no {bands} bands lie between {low:g} and {high:g} Hz")
    first, last = 1127 * np.log1p(np.array((low, high)) / 700)
    edges = 700 * np.expm1(np.linspace(first, last, bands + 2) / 1127)
    if edges[2] - edges[0] < sample_rate / window_length:
        raise ParameterError(f"{bands} bands are too narrow for a window of {window_length} samples")
    k = bin_frequencies(sample_rate, window_length)[:, None]
    below, centre, above = edges[:-2], edges[1:-1], edges[2:]
    filters = np.minimum((k - below) / (centre - below), (above - k) / (above - centre))
    bank: NDArray[np.float32] = np.maximum(filters, 0).astype(np.float32)
    return bank
