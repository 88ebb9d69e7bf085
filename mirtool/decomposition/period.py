"""The period with which music repeats (Rafii, Pardo, REpeating Pattern Extraction Technique, TASLP 21(1), 2013)."""

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]

_BINS = 128  # that are transformed at a time
_SLACK = 0.1  # of the period, by which a repetition may miss its multiple: δ of Algorithm 1, which is fixed there


def beat_spectrum(V: NDArray[np.float32]) -> Curve:
    """Return how like itself a spectrogram is after each lag (Equations 1 to 3).

    Parameters
    ----------
    V : ndarray, shape (N, bins)
        Magnitudes.

    Returns
    -------
    ndarray, shape (N,)
        The autocorrelations of the energies in each bin, added up, each lag divided by the number of pairs of frames
        that lie so far apart; 1 at lag 0. All 0 for silence.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    frames = len(V)
    size = 2 * int(next_fast_len(max(frames, 1), real=True))
    total = np.zeros(size // 2 + 1, np.float32)
    for first in range(0, V.shape[1], _BINS):
        energies = np.square(V[:, first : first + _BINS].T)
        spectra = rfft(energies, size)
        total += (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=0)
    b: Curve = irfft(total)[:frames] / np.arange(frames, 0, -1, dtype=np.float32)
    return b / b[0] if frames and b[0] > 0 else np.zeros(frames, np.float32)


def repeating_period(b: Curve, shortest: int, longest: int) -> int:
    """Return the lag whose multiples are the most prominent peaks of a beat spectrum (Algorithm 1).

    A multiple counts if the largest value near it is also the largest far around; it counts with how far that value
    stands out from the mean around.

    Parameters
    ----------
    b : ndarray, shape (N,)
        Beat spectrum; of its last quarter, where few frames are compared, nothing is used.
    shortest, longest : int
        Range of the lag; at least three periods must fit into what is used.

    Returns
    -------
    int
        At least 1; `shortest` where no lag fits three times.
    """
    b = b[: 3 * len(b) // 4]
    best, period = -np.inf, max(shortest, 1)
    for lag in range(period, min(longest, (len(b) - 1) // 3) + 1):
        multiples = range(lag, len(b), lag)
        mean = sum(_prominence(b, place, lag) for place in multiples) / len(multiples)
        if mean > best:
            best, period = mean, lag
    return period


def _prominence(b: Curve, place: int, lag: int) -> float:
    """Return how far the peak at a multiple of a lag stands out, 0 if there is none."""
    slack, around = max(int(_SLACK * lag), 1), 3 * lag // 4
    near = b[max(place - slack, 0) : place + slack + 1]
    far = b[max(place - around, 0) : place + around + 1]
    highest = near.max()
    return float(highest - far.mean()) if highest >= far.max() else 0.0
