"""DLNCO: decaying locally normalised chroma onsets (Ewert, Müller and Grosche, ICASSP 2009)."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.chroma import CHROMA_NAMES
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    compress,
    features,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import AnalysisParameters, DlncoParameters
from mirtool.features.pitch import Pooling, checked_times, note_frames, pitch_axis
from mirtool.features.tuning import resolved_tuning
from mirtool.signal.filters import gaussian_bank
from mirtool.signal.stft import frame_count
from mirtool.types import AudioSource, Features, Notes

# Lowest pitch and window (s) of each register: windows as long as semitones need (34 periods and more; bass notes are
# left with less, and are heard by their partials), and shorter above, to tell the time.
_REGISTERS = ((0, 0.186), (66, 0.093), (78, 0.0464))
_HOPS = 8  # frames in a window
_REACH = 0.12  # seconds to either side in which a peak must stand out …
_SHARE = 2 / 3  # … by reaching this share of the largest value (as in the Sync Toolbox)
# Smaller compressed onsets are dropped: sums in float64 of the others, which are float32, are exact, so that the order
# in which the registers deliver them, which depends on the sizes of the blocks, does not matter.
_LEAST = 2.0**-20


class RegisterState:
    """Online onsets of pitches of one register: samples in; time, pitch and energy of onsets out.

    The magnitude over pitch is differentiated and half-wave rectified; the peaks of that curve are the onsets. The
    slope of a magnitude, unlike that of an energy, is steepest in the middle of the window, so that the times need no
    correction; a parabola through three values places them between the frames.

    Parameters
    ----------
    sample_rate : int
        Hz.
    window_length : int
        Samples.
    pitches : ndarray, shape (P,)
    tuning : float
        Cents.
    """

    def __init__(self, sample_rate: int, window_length: int, pitches: NDArray[np.int64], tuning: float) -> None:
        rate = _HOPS * sample_rate / window_length
        self._stft = analysis_state(AnalysisParameters(rate, sample_rate, window_length))
        self._pooling = Pooling(gaussian_bank(sample_rate, window_length, pitches, tuning))
        self._pitches = pitches
        self._rate = rate
        self._reach = max(1, round(_REACH * rate))
        self._last: Frames = np.zeros((1, len(pitches)), np.float32)
        # Slopes that have been seen only in part: slope i lies between frames first + i - 1 and first + i.
        self._slopes: Frames = np.zeros((self._reach, len(pitches)), np.float32)
        self._first = -self._reach

    def push(self, samples: NDArray[np.float32]) -> "Onsets":
        """Take samples (n,); return the onsets that are certain."""
        return self._onsets(self._stft.push(samples))

    def flush(self) -> "Onsets":
        """Return the remaining onsets."""
        after = np.zeros((self._reach, len(self._pitches)), np.float32)
        return self._onsets(self._stft.flush(), after)

    def _onsets(self, batches: Iterable[NDArray[np.complex64]], after: Frames | None = None) -> "Onsets":
        slopes = [self._slopes]
        for spectra in batches:
            magnitudes = np.sqrt(self._pooling(spectra))
            rise = np.diff(magnitudes, axis=0, prepend=self._last)
            self._last = magnitudes[-1:].copy()
            slopes.append(np.maximum(rise, 0) * np.float32(_HOPS / 2))
        self._slopes = np.concatenate(slopes if after is None else [*slopes, after])
        certain = len(self._slopes) - 2 * self._reach
        if certain <= 0:
            return np.zeros(0), np.zeros(0, np.int64), np.zeros(0)
        found = _peaks(self._slopes, self._reach)
        first, self._first = self._first + self._reach, self._first + certain
        frame, row, offset, slope = found
        self._slopes = self._slopes[certain:]
        return (first + frame + offset - 0.5) / self._rate, self._pitches[row], slope**2


Onsets = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def sliding_maximum(values: Frames, length: int) -> Frames:
    """Return the maxima over `length` successive rows, shape (N - length + 1, …), in about log2(length) passes."""
    span = 1
    while 2 * span <= length:
        values = np.maximum(values[:-span], values[span:])
        span *= 2
    rest = length - span
    return np.maximum(values[: len(values) - rest], values[rest:])


def _peaks(
    slopes: Frames, reach: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find peaks in the columns; return row (counted from `reach`), column, offset from the row and height."""
    end = len(slopes) - reach
    left, centre, right = slopes[reach - 1 : end - 1], slopes[reach:end], slopes[reach + 1 : end + 1]
    enough = sliding_maximum(slopes, 2 * reach + 1) * np.float32(_SHARE)
    frame, row = np.nonzero((centre > left) & (centre >= right) & (centre >= enough))
    before, peak, after = (values[frame, row].astype(np.float64) for values in (left, centre, right))
    offset = (after - before) / (2 * (2 * peak - before - after))
    return frame, row, offset, peak - (before - after) * offset / 4


class OnsetState:
    """Online chroma onsets (CO): samples in, the sum of compressed pitch onsets over chroma and frames gathered.

    Parameters
    ----------
    parameters : DlncoParameters
    tuning : float
        Cents.
    """

    def __init__(self, parameters: DlncoParameters, tuning: float) -> None:
        rate = parameters.analysis_rate
        pitches = pitch_axis(parameters)
        check_analysis(parameters)
        self._registers = []
        for (low, seconds), (high, _) in zip(_REGISTERS, (*_REGISTERS[1:], (128, 0.0)), strict=True):
            inside = pitches[(pitches >= low) & (pitches < high)]
            if inside.size:
                window_length = _HOPS * max(2, round(seconds * rate / _HOPS))
                self._registers.append(RegisterState(rate, window_length, inside, tuning))
        self._parameters = parameters
        self._samples = 0
        self._sum = np.zeros((1024, 12))

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take samples (n,) at the sample rate of the analysis."""
        self._samples += samples.size
        for register in self._registers:
            self._add(register.push(samples))

    def flush(self) -> Frames:
        """Return the chroma onsets, shape (N, 12)."""
        for register in self._registers:
            self._add(register.flush())
        N = frame_count(self._samples, self._parameters.analysis_rate / self._parameters.feature_rate)
        self._grow(N)
        return self._sum[:N].astype(np.float32)

    def _add(self, onsets: Onsets) -> None:
        time, pitch, energy = onsets
        frame = np.maximum(np.floor(time * self._parameters.feature_rate + 0.5), 0).astype(np.int64)
        values = compress(energy.astype(np.float32), self._parameters.onset_compression)
        used = values > _LEAST
        self._grow(int(frame.max(initial=-1)) + 1)
        np.add.at(self._sum, (frame[used], pitch[used] % 12), values[used])

    def _grow(self, frames: int) -> None:
        """Make room for some frames."""
        if frames > len(self._sum):
            more = max(frames, 2 * len(self._sum)) - len(self._sum)
            self._sum = np.concatenate((self._sum, np.zeros((more, 12))))


def chroma_onsets(source: AudioSource, parameters: DlncoParameters, tuning: float) -> Frames:
    """Return the chroma onsets (CO) of a sound, shape (N, 12)."""
    state = OnsetState(parameters, tuning)
    for samples in sample_blocks(source, parameters.analysis_rate):
        state.push(samples)
    return state.flush()


def note_onsets(notes: Notes, parameters: DlncoParameters) -> Frames:
    """Return the chroma onsets (CO) of notes, shape (N, 12): a note of velocity v has the energy (v / 127)²."""
    low, high = pitch_axis(parameters)[[0, -1]]
    onset, _ = checked_times(notes)
    frame = np.floor(onset * parameters.feature_rate + 0.5).astype(np.int64)
    N = max(note_frames(notes, parameters.feature_rate), int(frame.max(initial=-1)) + 1)
    pitch = np.round(notes["pitch"]).astype(np.int64)
    inside = (pitch >= low) & (pitch <= high)
    energy = compress(((notes["velocity"] / 127) ** 2).astype(np.float32), parameters.onset_compression)
    cell = frame * 12 + pitch % 12
    return np.bincount(cell[inside], energy[inside], minlength=12 * N).astype(np.float32).reshape(N, 12)


def locally_normalized(onsets: Frames, reach: int, threshold: float) -> Frames:
    """Divide by the largest norm within `reach` frames to either side, at least `threshold` (LNCO).

    Parameters
    ----------
    onsets : ndarray, shape (N, 12)
        CO.
    reach : int
        Frames.
    threshold : float

    Returns
    -------
    ndarray, shape (N, 12)
    """
    norm: Frames = np.sqrt(np.square(onsets).sum(axis=1, keepdims=True))
    largest = sliding_maximum(np.pad(norm, ((reach, reach), (0, 0))), 2 * reach + 1)
    largest[largest < threshold] = threshold
    normalized: Frames = onsets / largest
    return normalized


def decaying(onsets: Frames, frames: int) -> Frames:
    """Let every value decay: max_i √(1/i) · onsets(n - i + 1), i = 1 … frames (DLNCO)."""
    decayed = onsets.copy()
    for i in range(2, min(frames, len(onsets)) + 1):
        later = decayed[i - 1 :]
        np.maximum(later, onsets[: len(later)] * np.float32(math.sqrt(1 / i)), out=later)
    return decayed


def dlnco_frames(onsets: Frames, parameters: DlncoParameters) -> Frames:
    """Make DLNCO of chroma onsets, both of shape (N, 12)."""
    if not (parameters.local_norm >= 0 and math.isfinite(parameters.local_norm)):
        raise ParameterError(f"the length of the local norm must not be negative, not {parameters.local_norm:g} s")
    if not parameters.local_threshold > 0:
        raise ParameterError(f"the threshold of the local norm must be positive, not {parameters.local_threshold:g}")
    if parameters.decay_frames < 1:
        raise ParameterError(f"an onset needs at least one frame to decay, not {parameters.decay_frames}")
    reach = int(parameters.local_norm * parameters.feature_rate) // 2
    return decaying(locally_normalized(onsets, reach, parameters.local_threshold), parameters.decay_frames)


def dlnco(source: AudioSource | Notes, parameters: DlncoParameters) -> Features:
    """Compute DLNCO features of a sound or of notes.

    Parameters
    ----------
    source : AudioSource or Notes
        Sound is read twice where the tuning is to be estimated.
    parameters : DlncoParameters

    Returns
    -------
    Features
        Kind ``dlnco``, 12 × N, rows C, C#, … B.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite.
    """
    check_analysis(parameters)
    if isinstance(source, Notes):
        onsets, tuning = note_onsets(source, parameters), 0.0
    else:
        tuning = resolved_tuning(source, parameters)
        onsets = chroma_onsets(source, parameters, tuning)
    data = dlnco_frames(onsets, parameters).T
    made = provenance(parameters, {"tuning": tuning})
    return features(data, "dlnco", "chroma", CHROMA_NAMES, parameters.feature_rate, made)
