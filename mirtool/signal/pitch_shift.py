"""Change the pitch of a single note: stretched in time by a phase vocoder, then played faster or slower.

Around the attack nothing is stretched, so that its partials keep their phases to each other; from there on each region
around a spectral peak continues its own phase (Laroche and Dolson, Improved phase vocoder time-scale modification of
audio, IEEE Transactions on Speech and Audio Processing 7(3), 1999). The result does not depend on what sounds before
the note.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.signal.resampling import Resampler
from mirtool.signal.stft import hann, overlap_add

_WINDOW = 0.093  # s
_OVERLAP = 4
_GAIN = np.float32(1.5)  # sum of squared Hann windows at a quarter of their length

Samples = NDArray[np.float32]


def shift_pitch(samples: Samples, sample_rate: int, semitones: float, onset: int) -> Samples:
    """Change the pitch of a note, not its duration; formants move along.

    Parameters
    ----------
    samples : ndarray, shape (n, channels), float32
    sample_rate : int
        Hz.
    semitones : float
    onset : int
        The sample where the note begins: it stays where it is.

    Returns
    -------
    ndarray, shape (n, channels), float32
    """
    rate = max(round(sample_rate * 2 ** (semitones / 12)), 1)
    if rate == sample_rate or not samples.any():
        return samples
    stretched = _stretched(samples, rate / sample_rate, onset, 2 ** round(math.log2(_WINDOW * sample_rate)))
    resampler = Resampler(rate, sample_rate, samples.shape[1])
    parts = (resampler.push(stretched), resampler.flush())
    result = np.zeros_like(samples)
    played = np.concatenate(parts)[: len(samples)]
    result[: len(played)] = played
    return result


def _stretched(samples: Samples, ratio: float, onset: int, size: int) -> Samples:
    """Return a sound `ratio` times as long; its onset lies at ratio · onset."""
    from mirtool.signal._kernels import lock_phases

    hop, there, length = size // _OVERLAP, round(onset * ratio), round(len(samples) * ratio)
    # frame centres, relative to the onset, in the result; then where in the note they are read
    centres = np.arange(-(there + size // 2) // hop, (length - there + size // 2) // hop + 1) * hop
    attack = size // 2
    places = np.floor(np.where(centres <= attack, centres, attack + (centres - attack) / ratio) + 0.5).astype(np.int64)
    needed, index = np.unique(np.concatenate((places, places - hop)), return_inverse=True)
    X = _spectra(samples, needed + onset, size)
    current, before = (part.astype(np.int64) for part in np.split(index.reshape(-1), 2))
    kept = int(np.count_nonzero(centres <= attack))
    Y = np.empty((X.shape[0], len(places), X.shape[2]), dtype=np.complex64)
    Y[:, :kept] = X[:, current[:kept]]
    last = Y[:, kept - 1].copy()
    continued = np.empty((X.shape[0], len(places) - kept, X.shape[2]), dtype=np.complex64)
    lock_phases(X, current[kept:].copy(), before[kept:].copy(), continued, last)
    Y[:, kept:] = continued
    framed: NDArray[Any] = np.fft.irfft(Y, size)
    framed *= hann(size) / _GAIN
    begin = there + int(centres[0]) - size // 2
    return np.ascontiguousarray(overlap_add(framed, hop)[:, -begin : length - begin].T)


def _spectra(samples: Samples, centres: NDArray[np.int64], size: int) -> NDArray[np.complex64]:
    """Return spectra (channels × m × bins) around samples; there is silence outside."""
    margin = size // 2 + max(-int(centres.min()), int(centres.max()) - len(samples), 0) + 1
    padded = np.pad(samples, ((margin, margin), (0, 0)))
    windows = sliding_window_view(padded, size, axis=0)[centres + margin - size // 2]  # m × channels × size
    spectra = np.fft.rfft(windows * hann(size))
    return np.ascontiguousarray(spectra.transpose(1, 0, 2))
