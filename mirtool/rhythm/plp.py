"""Predominant local pulse: the sinusoid that fits the novelty best at each moment, added up over time.

Offline as in Grosche and Müller, "Extracting predominant local pulse information from music recordings", IEEE TASLP 19
(2011), Sections III.C and III.D (FMP, Section 6.3.1); in real time as in Meier, Chiu and Müller, "A real-time beat
tracking system with zero latency and enhanced controllability", TISMIR 7 (2024), Section 3.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, features, provenance
from mirtool.rhythm.parameters import PulseParameters
from mirtool.rhythm.tempogram import FourierState, novelty_curve, sinusoids, tempo_axis, window_length
from mirtool.signal.stft import hann
from mirtool.types import AudioSource, Features, Notes


class PulseState:
    """Online predominant local pulse: novelty in, pulse curve out, later by two halves of the window.

    Of each frame n of the Fourier tempogram, the tempo τ_n of largest magnitude and its phase φ_n give a kernel
    κ_n(m) = w(m - c_n) cos(2π ω_n (m - c_n) + φ_n), ω_n being τ_n / 60 over the novelty rate. The curve is
    Γ(m) = |Σ_n κ_n(m)|≥0 / Σ_n w(m - c_n): from 0 to 1, and 1 where all kernels agree.

    Parameters
    ----------
    parameters : PulseParameters
    novelty_rate : float
        Values of the novelty, and of the curve, per second (Hz).
    """

    def __init__(self, parameters: PulseParameters, novelty_rate: float) -> None:
        self._length = window_length(parameters, novelty_rate)
        hop = parameters.hop * novelty_rate
        if not 1 - 1e-9 <= hop < math.inf:
            raise ParameterError(f"the hop must be one value of the novelty at least, not {parameters.hop:g} s")
        self._waves = FourierState(tempo_axis(parameters), novelty_rate, self._length, max(hop, 1.0))
        self._window = hann(self._length)
        self._frame = self._taken = self._given = 0
        self._origin = -(self._length // 2)  # of the first value in the buffers
        self._pulse: Frames = np.zeros(0, np.float32)
        self._weight: Frames = np.zeros(0, np.float32)

    def push(self, curve: Frames) -> list[Frames]:
        """Take values (n,) of the novelty and return those (m,) of the pulse curve that are complete."""
        self._taken += len(curve)
        return [self._added(batch) for batch in self._waves.push(curve)]

    def flush(self) -> list[Frames]:
        """Return the remaining values; the state is spent."""
        rest = [self._added(batch) for batch in self._waves.flush()]
        return [*rest, self._ready(self._taken)]

    def _added(self, batch: NDArray[np.complex64]) -> Frames:
        """Add the kernels of frames and return what no later frame reaches."""
        centres = self._waves.centres(self._frame, len(batch) + 1)
        self._frame += len(batch)
        self._reserve(int(centres[-2]) - self._length // 2 + self._length)
        best = np.argmax(batch.real**2 + batch.imag**2, axis=1)
        kernels = self._kernels(best, batch[np.arange(len(batch)), best])
        for kernel, centre in zip(kernels, centres.tolist(), strict=False):
            begin = centre - self._length // 2 - self._origin
            self._pulse[begin : begin + self._length] += kernel
            self._weight[begin : begin + self._length] += self._window
        return self._ready(int(centres[-1]) - self._length // 2)

    def _kernels(self, best: NDArray[np.intp], values: NDArray[np.complex64]) -> Frames:
        """Return the windowed sinusoids, shape (frames, length), of the best tempi with their phases."""
        size = np.abs(values)
        phase = np.divide(values, size, out=np.zeros_like(values), where=size > 0)[:, None]
        waves = self._waves.kernels[best]
        return np.asarray(waves.real * phase.real - waves.imag * phase.imag, dtype=np.float32)

    def _reserve(self, stop: int) -> None:
        """Make the buffers reach to a value."""
        missing = max(stop - self._origin - len(self._pulse), 0)
        self._pulse = np.concatenate((self._pulse, np.zeros(missing, np.float32)))
        self._weight = np.concatenate((self._weight, np.zeros(missing, np.float32)))

    def _ready(self, stop: int) -> Frames:
        """Return the curve up to a value, and forget it."""
        stop = min(max(stop, self._given), self._taken)
        self._reserve(stop)
        begin, end = self._given - self._origin, stop - self._origin
        pulse, weight = self._pulse[begin:end], self._weight[begin:end]
        curve = np.divide(np.maximum(pulse, 0), weight, out=np.zeros_like(pulse), where=weight > 0)
        self._pulse, self._weight = self._pulse[end:], self._weight[end:]
        self._given = self._origin = stop
        return np.minimum(curve, 1)  # rounding


class LivePulse:
    """Predominant local pulse in real time: the newest value of the novelty is the last that is known.

    Each value of the novelty moves the centre of the window; the half of it that lies in the future is taken as zero.
    The kernel goes on into that half, so that the sum of the kernels foretells the pulse (TISMIR 2024, Section 3).

    Parameters
    ----------
    parameters : PulseParameters
        The hop is one value, whatever it says.
    novelty_rate : float
        Values of the novelty per second (Hz).
    lookahead : int, optional
        How many values before it comes a beat is told; less than half the window.

    Attributes
    ----------
    pulse : ndarray, shape (length // 2,), float32
        From -1 to 1: the pulse at the newest value and after it.
    tempo : float
        Of the newest kernel (BPM); 0 where there is nothing but silence.
    """

    def __init__(self, parameters: PulseParameters, novelty_rate: float, lookahead: int = 0) -> None:
        length = window_length(parameters, novelty_rate)
        half = length // 2
        if not 0 <= lookahead < half - 1:
            raise ParameterError(f"the pulse is foretold over {half - 2} values at most, not {lookahead}")
        self._tempi = tempo_axis(parameters)
        window = hann(length)
        kernels = sinusoids(self._tempi, novelty_rate, window)
        self._past = np.ascontiguousarray(kernels[:, 1 : half + 1].conj())
        self._future = np.ascontiguousarray(kernels[:, half : 2 * half])
        self._total = np.cumsum(window[half : 2 * half][::-1], dtype=np.float64)[::-1].astype(np.float32)
        self._novelty: Frames = np.zeros(half, np.float32)
        self._sum: Frames = np.zeros(half, np.float32)
        self._next = -1  # where the next maximum behind the place of the lookahead was
        self._lookahead = lookahead
        self.pulse: Frames = np.zeros(half, np.float32)
        self.tempo = 0.0

    def push(self, value: float) -> bool:
        """Take the next value of the novelty; tell whether a beat lies `lookahead` values after it.

        A beat is a local maximum of `pulse` that passes that place, whose height is then ``pulse[lookahead]``.
        """
        self._novelty[:-1] = self._novelty[1:]
        self._novelty[-1] = value
        coefficients = self._past @ self._novelty
        best = int(np.argmax(coefficients.real**2 + coefficients.imag**2))
        self._sum[:-1] = self._sum[1:]
        self._sum[-1] = 0
        size = abs(coefficients[best])
        self.tempo = float(self._tempi[best]) if size > 0 else 0.0
        if size > 0:
            self._sum += (self._future[best] * (coefficients[best] / size)).real
        self.pulse = self._sum / self._total
        return self._passed()

    def _passed(self) -> bool:
        """Whether the maximum that was ahead is there now: the next one is farther away than the last time."""
        ahead = self.pulse[self._lookahead :]
        peaks = np.flatnonzero((ahead[1:-1] > ahead[:-2]) & (ahead[1:-1] >= ahead[2:]) & (ahead[1:-1] > 0))
        distance = int(peaks[0]) if len(peaks) else -1
        passed = self._next >= 0 and (distance < 0 or distance > self._next)
        self._next = distance
        return passed


def plp(source: AudioSource | Notes | Features, parameters: PulseParameters) -> Features:
    """Compute the predominant local pulse of sound, of notes, or of a novelty curve.

    Parameters
    ----------
    source : AudioSource, Notes or Features
    parameters : PulseParameters

    Returns
    -------
    Features
        Kind ``plp``, 1 × N, from 0 to 1, with the rate of the novelty (100 Hz for sound and notes).

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are not finite, or features that are no curve.
    """
    curve = novelty_curve(source)
    rate = curve.feature_rate or 0.0
    state = PulseState(parameters, rate)
    pieces = [*state.push(curve.data[0]), *state.flush()]
    made = features(np.concatenate(pieces)[None, :], "plp", "plp", ("plp",), rate, provenance(parameters))
    return replace(made, start=curve.start)
