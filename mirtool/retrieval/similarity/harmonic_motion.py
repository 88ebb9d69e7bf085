"""Harmony of a piece, whatever its key and tuning: which intervals sound together, and which follow each other.

Pitch classes are kept as Fourier coefficients F_k = Σ_p a(p) exp(-2πikp/12) / Σ_p a(p), k = 1 … 6, of the amplitudes a
at pitches p, which may lie anywhere between the keys. Their magnitudes tell what sounds together: |F_5| is large for
diatonic, |F_3| for triadic, |F_4| for diminished sets, and so on (Quinn, "General equal-tempered harmony",
Perspectives of New Music 44(2), 2006). A transposition by t semitones turns F_k by -2πkt/12, which products
F_k(n) F_k(m)* do not show.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.features.frames import Frames, power
from mirtool.pitch import frequency_pitch

COEFFICIENTS = 6
LOWEST, HIGHEST = 80.0, 2000.0  # Hz: where fundamentals and low partials are, and a window tells semitones apart
_RANGE = 1e-4  # of energy: a peak counts up to 40 dB below the strongest of its frame
_QUIETEST = 1e-10  # and not below -100 dB of full scale
_WEIGHT = 0.2  # of the logarithm of a mean square among correlations, which lie between -1 and 1
_LEAST = 1e-6  # mean square of a coefficient


def pitch_class_spectra(spectra: NDArray[np.complex64], bin_width: float) -> NDArray[np.complex64]:
    """Return F_1 … F_6 of the peaks of spectra (n × bins), shape (n, 6).

    A peak lies where a parabola through the logarithm of three magnitudes has its top.

    Parameters
    ----------
    spectra : ndarray, shape (n, bins), complex64
    bin_width : float
        Hz.
    """
    low = max(int(LOWEST / bin_width), 1)
    high = min(int(HIGHEST / bin_width), spectra.shape[1] - 1)
    energy = power(spectra[:, low - 1 : high + 1])
    middle = energy[:, 1:-1]
    floor = np.maximum(middle.max(axis=1, keepdims=True) * _RANGE, _QUIETEST)
    row, column = np.nonzero((middle > floor) & (middle > energy[:, :-2]) & (middle >= energy[:, 2:]))
    left, top, right = (np.log(np.maximum(energy[row, column + k], 1e-30)) for k in range(3))
    place = low + column + 0.5 * (left - right) / (left - 2 * top + right)
    turns = np.exp(-2j * np.pi / 12 * frequency_pitch(place * bin_width)[:, None] * np.arange(1, COEFFICIENTS + 1))
    amplitude = np.sqrt(middle[row, column].astype(np.float64))
    weighted = amplitude[:, None] * turns
    total = np.maximum(np.bincount(row, amplitude, len(spectra)), 1e-30)
    sums = [
        np.bincount(row, weighted[:, k].real, len(spectra)) + 1j * np.bincount(row, weighted[:, k].imag, len(spectra))
        for k in range(COEFFICIENTS)
    ]
    return (np.stack(sums, axis=1) / total[:, None]).astype(np.complex64)


def motion(F: NDArray[np.complex64], lags: tuple[int, ...]) -> Frames:
    """Return what does not depend on the key: how much of each coefficient there is, and how it goes on.

    Parameters
    ----------
    F : ndarray, shape (n, 6), complex
    lags : tuple of int
        Frames.

    Returns
    -------
    ndarray, shape (6 + 12 · lags,), float32
        w · ln m_k with m_k = mean |F_k(n)|², then for each lag the real and the imaginary parts of
        mean F_k(n) F_k(n + lag)* / m_k, which tell by which intervals the harmony moves, and how often.
    """
    F = F.astype(np.complex128)
    m = np.maximum((np.abs(F) ** 2).mean(axis=0), _LEAST)
    parts = [_WEIGHT * np.log(m)]
    for lag in lags:
        followed = (F[: max(len(F) - lag, 0)] * F[lag:].conj()).sum(axis=0) / max(len(F) - lag, 1) / m
        parts += [followed.real, followed.imag]
    return np.concatenate(parts).astype(np.float32)
