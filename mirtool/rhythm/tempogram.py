"""Tempograms: how strongly each tempo is there at each moment (FMP, Section 6.2)."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, gathered, provenance
from mirtool.features.novelty import checked_curve, novelty
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.parameters import TEMPOGRAMS, PeriodicityParameters, TempogramParameters
from mirtool.signal.stft import Windows, frame_count, hann
from mirtool.types import AudioSource, Features, Notes

# The curve that periodicities are looked for in, where sound or notes are given.
CURVE = NoveltyParameters(
    method="spectral", analysis_rate=22050, window_length=1024, compression=1e3, average=0.1, norm="max"
)
_MAX_TEMPI = 20000  # rows of a matrix
_LONGEST = 600.0  # s of a window
_ROUNDING = 1e-6  # of the energy of a window: rounding errors of an autocorrelation by float32 transforms


class FourierState:
    """Online Fourier tempogram: novelty in, complex coefficients out (FMP, Section 6.2.2).

    Frame n is F(n, ω) = Σ_m Δ(m) w(m - c_n) exp(-2πi ω (m - c_n)) with ω = τ / 60 over the novelty rate and a Hann
    window w. The phase is that at the centre c_n of the frame. The window is scaled such that a cosine of amplitude a
    in the novelty gives a magnitude of a.

    Parameters
    ----------
    tempi : ndarray, shape (K,)
        BPM.
    novelty_rate : float
        Values of the novelty per second (Hz).
    length : int
        Of the window, in values.
    hop : float
        Distance of the frames in values; may be fractional.
    batch : int, optional
        Frames given out at a time.
    """

    def __init__(
        self, tempi: NDArray[np.float64], novelty_rate: float, length: int, hop: float, batch: int | None = None
    ) -> None:
        window = hann(length)
        self.kernels = sinusoids(tempi, novelty_rate, window)
        self._basis = np.ascontiguousarray(self.kernels.conj().T * np.float32(2 / window.sum()))
        self._windows = Windows(length, hop, batch)

    def push(self, curve: Frames) -> list[NDArray[np.complex64]]:
        """Take values (n,) of the novelty and return the batches of frames (batch × K) that they complete."""
        return [self._transform(windows) for windows in self._windows.push(curve)]

    def flush(self) -> list[NDArray[np.complex64]]:
        """Continue the novelty by zeros and return the remaining frames; the state is spent."""
        return [self._transform(windows) for windows in self._windows.flush()]

    def centres(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the indices of the values at the centres of frames, shape (count,)."""
        return self._windows.centres(first, count)

    def _transform(self, windows: Frames) -> NDArray[np.complex64]:
        # One product of real matrices: half the work of a complex one.
        spectra: NDArray[np.complex64] = (np.ascontiguousarray(windows) @ self._basis.view(np.float32)).view(
            np.complex64
        )
        return spectra


def sinusoids(tempi: NDArray[np.float64], novelty_rate: float, window: Frames) -> NDArray[np.complex64]:
    """Return w(m) exp(2πi ω (m - length // 2)), shape (K, length): the phase is 0 at the centre."""
    m = np.arange(window.size) - window.size // 2
    turns = np.outer(tempi / (60 * novelty_rate), m)
    kernels: NDArray[np.complex64] = (np.exp(2j * np.pi * turns) * window).astype(np.complex64)
    return kernels


class AutocorrelationState:
    """Online autocorrelation tempogram: novelty in, frames over tempo out (FMP, Section 6.2.3).

    Frame n is A(n, ℓ) = Σ_m Δ(m) Δ(m - ℓ) / (L - ℓ) over the pairs of values that lie in the window (a box of length L
    around the centre), read at the lag ℓ = 60 · rate / τ of each tempo τ, linearly between whole lags.

    Parameters
    ----------
    tempi, novelty_rate, length, hop, batch
        As for `FourierState`.
    """

    def __init__(
        self, tempi: NDArray[np.float64], novelty_rate: float, length: int, hop: float, batch: int | None = None
    ) -> None:
        lags = 60 * novelty_rate / tempi
        if lags.max() > length - 1:
            raise ParameterError(
                f"a window of {length / novelty_rate:g} s is too short for the period of {tempi.min():g} BPM"
            )
        self._below = np.floor(lags).astype(np.int64)
        self._share = (lags - self._below).astype(np.float32)
        self._size = 1 << (length + int(self._below.max())).bit_length()  # without wrapping round
        self._overlap = np.maximum(length - np.arange(length + 1), 1).astype(np.float32)
        self._windows = Windows(length, hop, batch or max(1, (1 << 17) // self._size))

    def push(self, curve: Frames) -> list[Frames]:
        """Take values (n,) of the novelty and return the batches of frames (batch × K) that they complete."""
        return [self._transform(windows) for windows in self._windows.push(curve)]

    def flush(self) -> list[Frames]:
        """Continue the novelty by zeros and return the remaining frames; the state is spent."""
        return [self._transform(windows) for windows in self._windows.flush()]

    def _transform(self, windows: Frames) -> Frames:
        spectra = np.fft.rfft(windows, self._size)
        products: NDArray[Any] = np.fft.irfft(spectra.real**2 + spectra.imag**2, self._size)[:, : self._overlap.size]
        products[products < _ROUNDING * products[:, :1]] = 0  # what the transform leaves where nothing recurs
        products /= self._overlap
        low, high = products[:, self._below], products[:, self._below + 1]
        frames: Frames = low + self._share * (high - low)
        return frames


def tempo_axis(parameters: PeriodicityParameters) -> NDArray[np.float64]:
    """Return evenly spaced tempi (BPM), from low to high."""
    low, high, step = parameters.tempo_low, parameters.tempo_high, parameters.tempo_step
    if not (0 < low <= high < math.inf):
        raise ParameterError(f"the tempi must be positive and rise, not from {low:g} to {high:g} BPM")
    if not 0 < step < math.inf:
        raise ParameterError(f"the step of the tempi must be positive, not {step:g} BPM")
    if (high - low) / step >= _MAX_TEMPI:
        raise ParameterError(f"{low:g} to {high:g} BPM are more than {_MAX_TEMPI} tempi; choose a larger step")
    count = math.floor((high - low) / step + 1e-9) + 1
    tempi: NDArray[np.float64] = low + step * np.arange(count, dtype=np.float64)
    return tempi


def octave_axis(parameters: TempogramParameters) -> tuple[NDArray[np.float64], int]:
    """Return tempi (BPM), `octave_bins` an octave, over the whole octaves from low, and how many these are."""
    if parameters.octave_bins < 1:
        raise ParameterError(f"an octave needs at least one bin, not {parameters.octave_bins}")
    tempo_axis(parameters)  # the same bounds
    octaves = math.floor(math.log2(parameters.tempo_high / parameters.tempo_low) + 1e-9)
    if octaves < 1:
        raise ParameterError("a cyclic tempogram needs tempi over an octave at least")
    if octaves * parameters.octave_bins > _MAX_TEMPI:
        raise ParameterError(f"{octaves} octaves of {parameters.octave_bins} bins are more than {_MAX_TEMPI} tempi")
    steps = np.arange(octaves * parameters.octave_bins) / parameters.octave_bins
    return parameters.tempo_low * 2.0**steps, octaves


def window_length(parameters: PeriodicityParameters, novelty_rate: float) -> int:
    """Return the length of the window in values of the novelty."""
    if not 0 < parameters.tempo_window <= _LONGEST:
        raise ParameterError(
            f"the window must be longer than 0 s, up to {_LONGEST:g} s: not {parameters.tempo_window:g} s"
        )
    length = round(parameters.tempo_window * novelty_rate)
    if length < 2:
        raise ParameterError(f"a window of {parameters.tempo_window:g} s holds less than two values of the novelty")
    return length


def novelty_curve(source: AudioSource | Notes | Features, feature_rate: float = 100.0) -> Features:
    """Return the novelty of sound or notes, or the curve itself if it is one.

    Raises
    ------
    DataError
        A matrix of more than one row, without a time axis, or with values that are not finite numbers.
    """
    if isinstance(source, Features):
        return checked_curve(source)
    return novelty(source, replace(CURVE, feature_rate=feature_rate))


def tempogram(source: AudioSource | Notes | Features, parameters: TempogramParameters) -> Features:
    """Compute a tempogram of sound, of notes, or of a novelty curve.

    Parameters
    ----------
    source : AudioSource, Notes or Features
    parameters : TempogramParameters

    Returns
    -------
    Features
        K × N. Fourier (|F(n, ω)|) and autocorrelation: a row a tempo (BPM). Cyclic: a row a tempo between 1 and 2 times
        the lowest, tempi an octave apart added up: C(n, [τ]) = Σ_{λ ∈ [τ]} T(n, λ) (FMP, Section 6.2.4).

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are not finite, or features that are no curve.
    """
    if parameters.method not in TEMPOGRAMS:
        raise ParameterError(f"no tempogram method {parameters.method} (there are: {', '.join(TEMPOGRAMS)})")
    curve = novelty_curve(source)
    rate = curve.feature_rate or 0.0
    hop = _hop(parameters.feature_rate, rate)
    cyclic = parameters.method.startswith("cyclic")
    tempi, octaves = octave_axis(parameters) if cyclic else (tempo_axis(parameters), 1)
    length = window_length(parameters, rate)
    batches = _frames(curve.data[0], parameters.method, tempi, rate, length, hop)
    if cyclic:
        bins = parameters.octave_bins
        batches = (batch.reshape(len(batch), octaves, bins).sum(axis=1) for batch in batches)
        tempi = tempi[:bins] / tempi[0]
    data = gathered(batches, len(tempi), frame_count(curve.frames, hop))
    return Features(
        data,
        rate / hop,
        kind="cyclic_tempogram" if cyclic else "tempogram",
        dims=("relative_tempo" if cyclic else "tempo", "time"),
        axis=tuple(tempi.tolist()),
        start=curve.start,
        provenance=provenance(parameters),
    )


def _hop(feature_rate: float, novelty_rate: float) -> float:
    if not (feature_rate > 0 and math.isfinite(feature_rate)):
        raise ParameterError(f"the feature rate must be positive, not {feature_rate:g}")
    if feature_rate > novelty_rate * (1 + 1e-9):
        raise ParameterError(f"{feature_rate:g} frames per second of a novelty that has {novelty_rate:g}")
    return max(novelty_rate / feature_rate, 1.0)


def _frames(
    curve: Frames, method: str, tempi: NDArray[np.float64], novelty_rate: float, length: int, hop: float
) -> Iterator[Frames]:
    """Yield the frames (n × K) of a curve."""
    step = 1 << 15
    blocks = (curve[begin : begin + step] for begin in range(0, len(curve), step))
    if method.endswith("autocorrelation"):
        lags = AutocorrelationState(tempi, novelty_rate, length, hop)
        for block in blocks:
            yield from lags.push(block)
        yield from lags.flush()
        return
    waves = FourierState(tempi, novelty_rate, length, hop)
    for block in blocks:
        yield from map(np.abs, waves.push(block))
    yield from map(np.abs, waves.flush())
