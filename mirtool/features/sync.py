"""What `sync` compares: energies over pitch, and onsets over pitch, at a feature rate of 100 Hz.

Each register of pitches has a window of its own, so that low pitches are told apart and high ones keep their time, and
a sample rate of its own, so that long windows cost little. The time line of all is the same: frame n is centred at
n / feature_rate. From these rows, `mirtool.sync.streams` makes chroma and decaying onsets (DLNCO), whatever the key.

References
----------
.. [1] M. Müller, *Fundamentals of Music Processing*, Springer, 2015/2021, Sections 3.1 and 6.1.
.. [2] S. Ewert, M. Müller, P. Grosche: High resolution audio synchronization using chroma onset features. ICASSP 2009.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    compress,
    expected_frames,
    features,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import AnalysisParameters, PitchParameters, SyncFeatureParameters
from mirtool.features.pitch import Pooling, note_energies
from mirtool.features.tuning import TuningState
from mirtool.signal.filters import gaussian_bank
from mirtool.signal.resampling import Resampler
from mirtool.types import AudioSource, Features, Notes

PITCHES = range(24, 109)  # C1 to C8; MIDI numbers of the rows of either half
KIND = "sync"

_SAMPLE_RATE = 10000  # Hz: holds the highest pitch
# Lowest pitch, sample rate (Hz) and window (samples) of each register.
_REGISTERS = ((24, 2000, 512), (60, 2000, 256), (76, 10000, 640))
_TUNING_SECONDS = 120.0  # that are listened to before the first frame
_LOUD = 90.0  # percentile of the energy of a frame to which energies are related
_BLOCK = 1 << 12  # frames that are worked on at a time
_LAG = 2 / 100  # seconds between the two frames whose difference is an onset
_PARTIALS, _DECAY = 8, 8.7  # of notes: as of a piano, amplitude 1/h, falling to 1/e in a second


class SyncState:
    """Online energies over pitch: samples at 10 kHz in, frames out at the end.

    Parameters
    ----------
    parameters : SyncFeatureParameters
    expected : int, optional
        About how many frames will come, where that is known.
    """

    def __init__(self, parameters: SyncFeatureParameters, expected: int | None = None) -> None:
        self._parameters = parameters
        self._tuning = TuningState(_SAMPLE_RATE) if parameters.tuning is None else None
        self._heard: list[NDArray[np.float32]] = []  # until the tuning is known
        self._registers: list[_Register] = []
        self._low = Resampler(_SAMPLE_RATE, _REGISTERS[0][1])
        self._data = _room(expected or 0)
        self.cents = 0.0 if parameters.tuning is None else parameters.tuning
        if self._tuning is None:
            self._begin()

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take samples (n,) at 10 kHz."""
        if self._tuning is None:
            self._analyse(samples)
            return
        self._tuning.push(samples)
        self._heard.append(samples)
        if sum(len(block) for block in self._heard) >= _TUNING_SECONDS * _SAMPLE_RATE:
            self._settle()

    def flush(self) -> Frames:
        """Return a matrix (N × 170) whose first half holds the energies; the second half is not filled in."""
        if self._tuning is not None:
            self._settle()
        rest = self._low.flush()
        for register in self._registers:
            if register.sample_rate != _SAMPLE_RATE:
                self._put(register, register.push(rest))
            self._put(register, register.flush())
        return self._data[: min(register.frames for register in self._registers)]

    def _settle(self) -> None:
        """Fix the tuning, and analyse what has been heard so far."""
        assert self._tuning is not None
        self._tuning.flush()
        self.cents = round(self._tuning.cents, 2)
        self._tuning = None
        self._begin()
        for samples in self._heard:
            self._analyse(samples)
        self._heard.clear()

    def _begin(self) -> None:
        rate = self._parameters.feature_rate
        self._registers = [_Register(*register, rate, self.cents) for register in registers()]

    def _analyse(self, samples: NDArray[np.float32]) -> None:
        low = self._low.push(samples)
        for register in self._registers:
            self._put(register, register.push(samples if register.sample_rate == _SAMPLE_RATE else low))

    def _put(self, register: "_Register", batches: Iterable[Frames]) -> None:
        for batch in batches:
            end = register.frames + len(batch)
            if end > len(self._data):
                larger = _room(max(end, 2 * len(self._data)))
                larger[: len(self._data)] = self._data
                self._data = larger
            self._data[register.frames : end, register.columns] = batch
            register.frames = end


def _room(frames: int) -> Frames:
    return np.empty((frames, 2 * len(PITCHES)), np.float32)


def registers() -> Iterator[tuple[range, int, int]]:
    """Yield pitches, sample rate (Hz) and length of the window (samples) of each register."""
    ends = [low for low, _, _ in _REGISTERS[1:]] + [PITCHES.stop]
    for (low, sample_rate, window), end in zip(_REGISTERS, ends, strict=True):
        yield range(low, end), sample_rate, window


class _Register:
    """Online energies of one register."""

    def __init__(self, pitches: range, sample_rate: int, window: int, feature_rate: float, cents: float) -> None:
        self.sample_rate = sample_rate
        self.columns = slice(pitches.start - PITCHES.start, pitches.stop - PITCHES.start)
        self.frames = 0  # given out so far
        self._stft = analysis_state(AnalysisParameters(feature_rate, sample_rate, window))
        self._pooling = Pooling(gaussian_bank(sample_rate, window, np.array(pitches), cents, width=0.6))

    def push(self, samples: NDArray[np.float32]) -> Iterator[Frames]:
        return (self._pooling(spectra) for spectra in self._stft.push(samples))

    def flush(self) -> Iterator[Frames]:
        return (self._pooling(spectra) for spectra in self._stft.flush())


def _note_energies(notes: Notes, feature_rate: float) -> Frames:
    """Return the matrix that `SyncState` makes of sound for notes, as the same analysis would show them."""
    parts = [
        note_energies(
            notes,
            PitchParameters(
                feature_rate=feature_rate,
                analysis_rate=sample_rate,
                window_length=window,
                pitch_low=pitches[0],
                pitch_high=pitches[-1],
                compression=0.0,
                partials=_PARTIALS,
                decay=_DECAY,
            ),
        )
        for pitches, sample_rate, window in registers()
    ]
    data = _room(len(parts[0]))
    np.concatenate(parts, axis=1, out=data[:, : len(PITCHES)])
    return data


def onset_peaks(levels: Frames, lag: int) -> Frames:
    """Return the rise of levels (N × P) over `lag` frames where it peaks, 0 elsewhere.

    The rise L(n + lag/2) - L(n - lag/2) is half-wave rectified, and kept where it exceeds the frame before and is not
    below the frame after.
    """
    N = len(levels)
    rise = np.zeros_like(levels)
    after = lag - lag // 2
    if lag < N:
        np.subtract(levels[lag:], levels[:-lag], out=rise[lag // 2 : N - after])
    np.maximum(rise, 0, out=rise)
    peaks = np.zeros_like(rise)
    centre = rise[1:-1]
    kept = (centre > rise[:-2]) & (centre >= rise[2:])
    np.multiply(centre, kept, out=peaks[1:-1])
    return peaks


def sync_features(source: AudioSource | Notes, parameters: SyncFeatureParameters) -> Features:
    """Compute what `sync` compares.

    Energies are related to the loud parts of the recording (90th percentile of the frames) and compressed.

    Parameters
    ----------
    source : AudioSource or Notes
        Sound is read once, block by block.
    parameters : SyncFeatureParameters

    Returns
    -------
    Features
        Kind ``sync``, 170 × N: the compressed energies of pitches 24 to 108, then the onsets of the same pitches.

    Raises
    ------
    DataError
        Samples or times that are not finite; no frames.
    """
    rate = parameters.feature_rate
    check_analysis(AnalysisParameters(rate, _SAMPLE_RATE))
    if isinstance(source, Notes):
        cents, data = 0.0, _note_energies(source, rate)
    else:
        state = SyncState(parameters, expected_frames(source, rate))
        for samples in sample_blocks(source, _SAMPLE_RATE):
            state.push(samples)
        data = state.flush()
        cents = state.cents
    P, N = len(PITCHES), len(data)
    if N == 0:
        raise DataError("nothing to hear: no notes and no sound")
    loud = float(np.percentile(data[:, :P].sum(axis=1), _LOUD))
    if loud > 0:
        data[:, :P] /= np.float32(loud)
    lag = max(1, round(_LAG * rate))
    for first in range(0, N, _BLOCK):
        begin = max(0, first - lag - 1)
        levels = compress(data[begin : first + _BLOCK + lag + 1, :P], parameters.onset_compression)
        data[first : first + _BLOCK, P:] = onset_peaks(levels, lag)[first - begin :][:_BLOCK]
    for first in range(0, N, _BLOCK):
        data[first : first + _BLOCK, :P] = compress(data[first : first + _BLOCK, :P], parameters.compression)
    axis = tuple(f"{half} {pitch}" for half in ("pitch", "onset") for pitch in PITCHES)
    return features(data.T, KIND, "pitch", axis, rate, provenance(parameters, {"tuning": cents}))
