"""Energy over pitch: the log-frequency spectrogram of sound (FMP, Section 3.1.1), and its like for notes."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.frames import Frames, analysis_state, check_analysis, compress, power
from mirtool.features.parameters import KeyParameters, PitchParameters
from mirtool.signal.filters import gaussian_bank, semitone_bank
from mirtool.types import Notes

# Pitches that are pooled by one product: a group uses few bins, and the product is so small that BLAS does not wake its
# threads, which would cost more than the work.
_GROUP = 6


class Pooling:
    """A filter bank that is applied to the energies of spectra.

    Parameters
    ----------
    bank : ndarray, shape (P, bins)
    """

    def __init__(self, bank: Frames) -> None:
        self._groups = []
        for first in range(0, len(bank), _GROUP):
            rows = bank[first : first + _GROUP]
            used = np.flatnonzero(rows.any(axis=0))
            bins = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
            self._groups.append((bins, np.ascontiguousarray(rows[:, bins].T)))
        self._bins = max(bins.stop for bins, _ in self._groups)

    def __call__(self, spectra: NDArray[np.complex64]) -> Frames:
        """Return Σ_k bank(p, k) |X(n, k)|², shape (N, P)."""
        energies = power(spectra[:, : self._bins])
        return np.concatenate([energies[:, bins] @ weights for bins, weights in self._groups], axis=1)


def pitch_axis(parameters: KeyParameters) -> NDArray[np.int64]:
    """Return the pitches of the rows, shape (P,).

    Raises
    ------
    ParameterError
        Not 0 ≤ pitch_low ≤ pitch_high ≤ 127.
    """
    if not 0 <= parameters.pitch_low <= parameters.pitch_high <= 127:
        raise ParameterError(
            f"pitches must lie in 0 … 127, the lowest first: not {parameters.pitch_low} … {parameters.pitch_high}"
        )
    return np.arange(parameters.pitch_low, parameters.pitch_high + 1)


class PitchState:
    """Online log-frequency spectrogram: samples in, compressed energies over pitch out.

    Y_LF(n, p) = Γ_γ(Σ_{k ∈ P(p)} |X(n, k)|²), where a sine at full scale has |X|² = 1 at its bin.

    Parameters
    ----------
    parameters : PitchParameters
    tuning : float
        Cents.
    batch : int, optional
        Frames given out at a time, as for `mirtool.signal.stft.STFT`.
    """

    def __init__(self, parameters: PitchParameters, tuning: float, batch: int | None = None) -> None:
        self.pitches = pitch_axis(parameters)
        self._gamma = parameters.compression
        self._stft = analysis_state(parameters, batch)
        banks = {"semitone": semitone_bank, "gaussian": gaussian_bank}
        if parameters.bank not in banks:
            raise ParameterError(f"no filter bank {parameters.bank} (there are: {', '.join(banks)})")
        bank = banks[parameters.bank](parameters.analysis_rate, parameters.window_length, self.pitches, tuning)
        self._pooling = Pooling(bank)

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the sample rate of the analysis; return the frames (batch × P) that are complete."""
        return [self._pooled(spectra) for spectra in self._stft.push(samples)]

    def flush(self) -> list[Frames]:
        """Return the remaining frames."""
        return [self._pooled(spectra) for spectra in self._stft.flush()]

    def _pooled(self, spectra: NDArray[np.complex64]) -> Frames:
        return compress(self._pooling(spectra), self._gamma)


def note_frames(notes: Notes, feature_rate: float) -> int:
    """Return the number of frames up to the end of the last note."""
    return math.floor(notes["offset"].max() * feature_rate + 1e-9) + 1 if len(notes) else 0


def note_energies(notes: Notes, parameters: PitchParameters) -> Frames:
    """Return energies over pitch of notes, as the log-frequency spectrogram would show sines.

    A note has amplitude velocity / 127, which falls by `decay` dB a second; a frame sees the part of the squared
    window that the note fills: the magnitude is W((offset - t_n) / T) - W((onset - t_n) / T), W being the integral
    of the Hann window of length T. Partial h of a note is added at its nearest pitch with amplitude 1/h.

    Parameters
    ----------
    notes : Notes
        Onset and offset (s), pitch, velocity (0 to 127).
    parameters : PitchParameters

    Returns
    -------
    ndarray, shape (N, P), float32
        Compressed energies.

    Raises
    ------
    DataError
        Times that are not finite, or an onset before 0 s.
    """
    check_analysis(parameters)
    pitches = pitch_axis(parameters)
    if parameters.partials < 1:
        raise ParameterError(f"a note needs at least one partial, not {parameters.partials}")
    onset, offset = checked_times(notes)
    rate, half = parameters.feature_rate, parameters.window_length / parameters.analysis_rate / 2
    N, P = note_frames(notes, rate), len(pitches)
    energy = np.zeros(N * P)
    first = np.maximum(np.ceil((onset - half) * rate), 0).astype(np.int64)
    count = np.maximum(np.minimum(np.floor((offset + half) * rate), N - 1).astype(np.int64) - first + 1, 0)
    note = np.repeat(np.arange(len(notes)), count)  # entry e belongs to this note …
    frame = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[note]  # … and this frame
    time = frame / rate
    magnitude = _hann_integral((offset[note] - time) / (2 * half)) - _hann_integral((onset[note] - time) / (2 * half))
    magnitude *= notes["velocity"][note] / 127 * 10 ** (-parameters.decay / 20 * np.maximum(time - onset[note], 0))
    for partial in range(1, parameters.partials + 1):
        row = np.round(notes["pitch"] + 12 * np.log2(partial)).astype(np.int64)[note] - pitches[0]
        inside = (row >= 0) & (row < P)
        energy += np.bincount(frame[inside] * P + row[inside], (magnitude[inside] / partial) ** 2, minlength=N * P)
    return compress(energy.reshape(N, P).astype(np.float32), parameters.compression)


def checked_times(notes: Notes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return onsets and offsets (s) of notes, none before 0 s and no offset before its onset."""
    onset, offset = notes["onset"], notes["offset"]
    if not (np.isfinite(onset).all() and np.isfinite(offset).all()):
        raise DataError("notes whose times are not finite numbers")
    if len(onset) and onset.min() < 0:
        raise DataError(f"a note that begins before 0 s (at {onset.min():g} s)")
    return onset, np.maximum(onset, offset)


def _hann_integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the integral from -½ to x of the Hann window of length 1 and area 1 around 0."""
    x = np.clip(x, -0.5, 0.5)
    return x + 0.5 + np.sin(2 * np.pi * x) / (2 * np.pi)
