"""Novelty curves: how much begins at a moment (FMP, Section 6.1)."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    compress,
    features,
    power,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import NoveltyParameters
from mirtool.features.pitch import checked_times, note_frames
from mirtool.types import AudioSource, Features, Notes

METHODS = ("energy", "spectral", "phase", "complex")


class NoveltyState:
    """Online novelty without post-processing: samples in, values of the curve out.

    Value n compares frame n with the frames before it, and is 0 where there are none: that a recording begins is no
    event in it.

    * energy: |E(n) - E(n-1)|≥0 of the compressed local energy E (Section 6.1.1);
    * spectral: Σ_k |Y(n, k) - Y(n-1, k)|≥0 of the compressed magnitudes Y (6.1.2);
    * phase: Σ_k |φ''(n, k)|, the second difference of the phase over time (6.1.3);
    * complex: Σ_k |Z(n, k) - Ẑ(n, k)| where the magnitude rises, Z being the compressed magnitude with its phase and
      Ẑ its prediction by the last magnitude and a steady phase (6.1.4).

    Parameters
    ----------
    parameters : NoveltyParameters
    batch : int, optional
        Frames given out at a time, as for `mirtool.signal.stft.STFT`.
    """

    def __init__(self, parameters: NoveltyParameters, batch: int | None = None) -> None:
        if parameters.method not in METHODS:
            raise ParameterError(f"no novelty method {parameters.method} (there are: {', '.join(METHODS)})")
        self._stft = analysis_state(parameters, batch)
        self._gamma = parameters.compression
        self._novelty = {
            "energy": self._energy,
            "spectral": self._spectral,
            "phase": self._phase,
            "complex": self._complex,
        }[parameters.method]
        self._frame = 0
        N = parameters.window_length
        self._turns = np.exp(-2j * np.pi * np.arange(N) / N).astype(np.complex64)
        self._last: Frames | None = None
        self._units: NDArray[np.complex64] = np.ones((2, self._stft.bins), np.complex64)

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the sample rate of the analysis; return the values (m,) that are complete."""
        return [self._novelty(spectra) for spectra in self._stft.push(samples)]

    def flush(self) -> list[Frames]:
        """Return the remaining values."""
        return [self._novelty(spectra) for spectra in self._stft.flush()]

    def _before(self, values: Frames) -> Frames:
        """Return the frame before each frame, the first one standing for what was before the sound."""
        before = np.concatenate((values[:1] if self._last is None else self._last, values[:-1]))
        self._last = values[-1:].copy()
        return before

    def _rise(self, values: Frames) -> Frames:
        """Return the sum over the bins of what rises."""
        rise: Frames = np.maximum(values - self._before(values), 0).sum(axis=1)
        return rise

    def _energy(self, spectra: NDArray[np.complex64]) -> Frames:
        # Parseval, both halves of the spectrum; the factor gives a steady sine at full scale the energy 1.
        energies = power(spectra)
        energies[:, 0] /= 2
        if self._turns.size % 2 == 0:
            energies[:, -1] /= 2
        total: Frames = energies.sum(axis=1, keepdims=True) * np.float32(2 / 3)
        return self._rise(compress(total, self._gamma))

    def _spectral(self, spectra: NDArray[np.complex64]) -> Frames:
        return self._rise(compress(np.sqrt(power(spectra)), self._gamma))

    def _directions(self, spectra: NDArray[np.complex64], magnitude: Frames) -> NDArray[np.complex64]:
        """Return exp(iφ) of the frames, after the two before them; φ is measured against the clock of the sound.

        The turn by exp(-2πi k c_n / N) drops out of the second difference where the hop is a whole number of samples;
        where it is not, it takes away what the rounding of the centres c_n does.
        """
        N = self._turns.size
        centres = self._stft.centres(self._frame, len(spectra))
        self._frame += len(spectra)
        turns = self._turns[(centres % N)[:, None] * np.arange(spectra.shape[1]) % N]
        silent = magnitude == 0
        directions = spectra * turns / np.where(silent, np.float32(1), magnitude)
        directions[silent] = 1
        result = np.concatenate((self._units, directions))
        self._units = result[-2:].copy()
        return result

    def _phase(self, spectra: NDArray[np.complex64]) -> Frames:
        directions = self._directions(spectra, np.sqrt(power(spectra)))
        step = directions[1:] * directions[:-1].conj()
        change: Frames = np.abs(np.angle(step[1:] * step[:-1].conj())).sum(axis=1) / np.float32(2 * np.pi)
        return self._predicted(change)

    def _complex(self, spectra: NDArray[np.complex64]) -> Frames:
        magnitude = np.sqrt(power(spectra))
        directions = self._directions(spectra, magnitude)
        values = compress(magnitude, self._gamma)
        before = self._before(values)
        predicted = before * directions[1:-1] * directions[1:-1] * directions[:-2].conj()
        surprise = np.sqrt(power(values * directions[2:] - predicted))
        surprise[values <= before] = 0
        return self._predicted(surprise.sum(axis=1))

    def _predicted(self, values: Frames) -> Frames:
        """Drop what came before there were two frames to predict a phase from."""
        values[: max(0, 2 - (self._frame - len(values)))] = 0
        return values


def enhanced(curve: Frames, reach: int) -> Frames:
    """Subtract the average over 2 · reach + 1 values around each, and keep what is positive (FMP, Section 6.1.2).

    Beyond the ends the curve counts as zero. A reach of 0 leaves the curve as it is.
    """
    if reach < 0:
        raise ParameterError("the local average needs a reach that is not negative")
    if reach == 0:
        return curve
    total = np.concatenate(([0.0], np.cumsum(curve, dtype=np.float64)))
    n = np.arange(len(curve))
    average = (total[np.minimum(n + reach + 1, len(curve))] - total[np.maximum(n - reach, 0)]) / (2 * reach + 1)
    return np.maximum(curve - average, 0).astype(np.float32)


def note_novelty(notes: Notes, feature_rate: float) -> Frames:
    """Return, shape (N,), the velocities (1 for 127) of the notes that begin at each frame."""
    onset, _ = checked_times(notes)
    frame = np.floor(onset * feature_rate + 0.5).astype(np.int64)
    N = max(note_frames(notes, feature_rate), int(frame.max(initial=-1)) + 1)
    return np.bincount(frame, notes["velocity"] / 127, minlength=N).astype(np.float32)


def novelty_values(source: AudioSource, parameters: NoveltyParameters) -> Iterator[Frames]:
    """Yield the values (n,) of the curve of a sound, without post-processing."""
    state = NoveltyState(parameters)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from state.push(samples)
    yield from state.flush()


def novelty(source: AudioSource | Notes, parameters: NoveltyParameters) -> Features:
    """Compute a novelty curve of a sound, or of notes (the sum of the velocities that begin at a frame).

    Parameters
    ----------
    source : AudioSource or Notes
    parameters : NoveltyParameters

    Returns
    -------
    Features
        Kind ``novelty``, 1 × N.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite.
    """
    check_analysis(parameters)
    if parameters.norm not in ("none", "max"):
        raise ParameterError(f"no norm {parameters.norm} (there are: none, max)")
    if not 0 <= parameters.average < math.inf:
        raise ParameterError(f"the local average needs a reach that is not negative, not {parameters.average:g} s")
    if isinstance(source, Notes):
        curve = note_novelty(source, parameters.feature_rate)
    else:
        curve = np.concatenate([np.zeros(0, np.float32), *novelty_values(source, parameters)])
    curve = enhanced(curve, round(parameters.average * parameters.feature_rate))
    largest = curve.max(initial=0)
    if parameters.norm == "max" and largest > 0:
        curve = curve / largest
    return features(curve[None, :], "novelty", "novelty", ("novelty",), parameters.feature_rate, provenance(parameters))
