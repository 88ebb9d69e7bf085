"""How far a recording lies from A4 = 440 Hz (FMP, Section 3.1.2.2; notebook C3/C3S1_TranspositionTuning)."""

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, power, sample_blocks
from mirtool.features.parameters import KeyParameters
from mirtool.pitch import frequency_pitch, pitch_frequency
from mirtool.signal.stft import STFT, hann
from mirtool.types import AudioSource, Notes

_WINDOW_SECONDS = 0.75  # bins 1.3 Hz apart: neighbouring semitones are told apart from C3 on
_PITCH_LOW, _PITCH_HIGH = 45, 96  # below, bins are too coarse; above, partials are not in tune with the keys
_LOUDNESS_RANGE = 1e-4  # a peak counts up to 40 dB below the loudest one of its frame
_QUIETEST = 1e-10  # and not below -100 dB of full scale
_GAMMA = 100.0  # of the compression of magnitudes to weights (FMP)
_SPREAD = 5.0  # cents, of the comb's teeth
FARTHEST = 1200.0  # cents
_DURATION = 120.0  # seconds that are listened to before a feature is computed


class TuningState:
    """Online estimate of the tuning: a histogram of the deviations of spectral peaks from the keys.

    Peaks of a spectrum with a long window are placed between the bins by a parabola through the logarithm of three
    magnitudes; each votes for its deviation from the nearest key with weight log(1 + γ |X|). The tuning is where a
    comb of Gaussian teeth, one at every semitone, collects the most votes (the comb of FMP with soft teeth).

    Parameters
    ----------
    sample_rate : int
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        length = max(64, 1 << round(math.log2(_WINDOW_SECONDS * sample_rate)))
        window = hann(length)
        self._stft = STFT(window * (2 / window.sum()), length / 2)
        self._bin = sample_rate / length
        low, high = pitch_frequency((_PITCH_LOW, _PITCH_HIGH)) / self._bin
        self._low, self._high = max(1, int(low)), min(int(high) + 1, length // 2 - 1)
        self._votes = np.zeros(100)

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take samples (n,)."""
        for spectra in self._stft.push(samples):
            self._vote(power(spectra[:, self._low - 1 : self._high + 1]))

    def flush(self) -> None:
        """Take the end of the sound into account."""
        for spectra in self._stft.flush():
            self._vote(power(spectra[:, self._low - 1 : self._high + 1]))

    @property
    def cents(self) -> float:
        """The tuning so far, -50 ≤ cents < 50; 0 for silence."""
        if not self._votes.any():
            return 0.0
        distance = np.mod(np.arange(100) + 50, 100) - 50
        tooth = np.exp(-0.5 * (distance / _SPREAD) ** 2)
        comb = np.fft.irfft(np.fft.rfft(self._votes) * np.fft.rfft(tooth), 100)
        best = int(comb.argmax())
        offset = float(_vertex(comb[best - 1], comb[best], comb[(best + 1) % 100]))
        return (best + offset) % 100 - 50

    def _vote(self, energies: Frames) -> None:
        """Add the peaks of spectra (n × bins), whose first bin is the one below the range."""
        centre, left, right = energies[:, 1:-1], energies[:, :-2], energies[:, 2:]
        loud = np.maximum(energies.max(axis=1, keepdims=True) * _LOUDNESS_RANGE, _QUIETEST)
        peaks = (centre > left) & (centre >= right) & (centre > loud)
        logarithms = [np.log(values[peaks] + np.float32(1e-30)).astype(np.float64) for values in (left, centre, right)]
        position = np.nonzero(peaks)[1] + self._low + _vertex(*logarithms)
        deviation = 100 * frequency_pitch(position * self._bin)
        weight = np.log(1 + _GAMMA * np.sqrt(centre[peaks]))
        # Cell c holds the deviations around c - 50 cents; a vote is split between the two nearest cells.
        cell = np.floor(deviation)
        share = deviation - cell
        index = np.mod(cell.astype(np.int64) + 50, 100)
        self._votes += np.bincount(index, weight * (1 - share), minlength=100)
        self._votes += np.bincount((index + 1) % 100, weight * share, minlength=100)


def estimate_tuning(source: AudioSource, sample_rate: int = 22050, duration: float | None = None) -> float:
    """Estimate the deviation of a sound from A4 = 440 Hz.

    Parameters
    ----------
    source : AudioSource
    sample_rate : int
        Rate to which the sound is brought (Hz).
    duration : float, optional
        Seconds from the beginning that are taken into account; all by default.

    Returns
    -------
    float
        Cents, -50 ≤ cents < 50.
    """
    state = TuningState(sample_rate)
    left = math.inf if duration is None else duration * sample_rate
    for samples in sample_blocks(source, sample_rate):
        state.push(samples)
        left -= samples.size
        if left <= 0:
            break
    state.flush()
    return state.cents


def checked(tuning: float) -> float:
    """Return a tuning in cents; raise `ParameterError` where it is none."""
    if not abs(tuning) <= FARTHEST:
        raise ParameterError(f"a tuning lies within {FARTHEST:g} cents of A4 = 440 Hz, not {tuning:g}")
    return float(tuning)


def tuned(
    blocks: Iterator[NDArray[np.float32]], sample_rate: int, tuning: float | None
) -> tuple[float, Iterator[NDArray[np.float32]]]:
    """Find the tuning of a sound that is read once.

    Parameters
    ----------
    blocks : iterator of ndarray, shape (n,)
        Mono; the first two minutes are held until the tuning is known.
    sample_rate : int
        Hz.
    tuning : float or None
        Cents; None: estimated.

    Returns
    -------
    cents : float
    blocks : iterator of ndarray
        All of them, from the first on.
    """
    if tuning is not None:
        return checked(tuning), blocks
    state, heard, left = TuningState(sample_rate), [], _DURATION * sample_rate
    for samples in blocks:
        state.push(samples)
        heard.append(samples)
        left -= samples.size
        if left <= 0:
            break
    state.flush()
    return round(state.cents, 2), chain(heard, blocks)


def resolved_tuning(source: AudioSource | Notes, parameters: KeyParameters) -> float:
    """Return the tuning in cents: the one given; 0 for notes; else an estimate from the first two minutes."""
    if parameters.tuning is not None:
        return checked(parameters.tuning)
    return 0.0 if isinstance(source, Notes) else round(estimate_tuning(source, parameters.analysis_rate, _DURATION), 2)


def _vertex(left: np.ndarray, centre: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return where, in -½ … ½, the parabola through values at -1, 0, 1 has its maximum; 0 where they are equal."""
    curvature = np.asarray(2 * centre - left - right)
    return np.where(curvature > 0, (right - left) / np.where(curvature > 0, 2 * curvature, 1), 0.0)
