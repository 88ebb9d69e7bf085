"""Novelty curves: how much begins at a moment (FMP, Section 6.1)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.enhancement import USUAL, EnhancementState
from mirtool.features.flux import FluxState
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    compress,
    power,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import NOVELTY_METHODS, NoveltyParameters
from mirtool.features.pitch import checked_times, note_frames
from mirtool.types import AudioSource, Features, Notes

FLUX = ("superflux", "complexflux")
# How far before the centre of the window, in windows, an onset raises a curve the most: the middle between impulses and
# soft attacks. A logarithm sees what begins as soon as the window reaches it.
EARLY = {"energy": 0.1, "spectral": 0.2, "phase": 0.3, "complex": 0.2}


def change_state(parameters: NoveltyParameters, batch: int | None = None) -> "FluxState | ChangeState":
    """Return the online state of a method, without post-processing."""
    if parameters.method not in NOVELTY_METHODS:
        raise ParameterError(f"no novelty method {parameters.method} (there are: {', '.join(NOVELTY_METHODS)})")
    if parameters.method in FLUX:
        return FluxState(parameters, batch, tremolo=parameters.method != "complexflux")
    return ChangeState(parameters, batch)


class NoveltyState:
    """Online novelty: samples in, values of the curve out, post-processed but for the norm ``max``.

    Parameters
    ----------
    parameters : NoveltyParameters
    batch : int, optional
        Frames of the transform at a time, as for `mirtool.signal.stft.STFT`; live use takes 1.

    Attributes
    ----------
    latency : float
        How much of what follows a value must be heard before it is complete (s), a batch of one frame assumed.
    """

    def __init__(self, parameters: NoveltyParameters, batch: int | None = None) -> None:
        self._change = change_state(parameters, batch)
        self._enhancement = EnhancementState(parameters, USUAL[parameters.method])
        frames = self._change.delay + self._enhancement.delay
        self.latency = parameters.window_length / 2 / parameters.analysis_rate + frames / parameters.feature_rate

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the analysis rate; return the values (m,) that are complete."""
        return [self._enhancement.push(values.ravel()) for values in self._change.push(samples)]

    def flush(self) -> list[Frames]:
        """Return the remaining values; the state is spent."""
        rest = [self._enhancement.push(values.ravel()) for values in self._change.flush()]
        return [*rest, self._enhancement.flush()]


class ChangeState:
    """Online change from frame to frame: samples in, values of the curve out, without post-processing.

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

    Attributes
    ----------
    delay : int
        Frames that must follow a value before it is complete.
    """

    def __init__(self, parameters: NoveltyParameters, batch: int | None = None) -> None:
        self.delay = 0
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


def note_novelty(notes: Notes, feature_rate: float) -> Frames:
    """Return, shape (N,), the velocities (1 for 127) of the notes that begin at each frame."""
    onset, _ = checked_times(notes)
    frame = np.floor(onset * feature_rate + 0.5).astype(np.int64)
    N = max(note_frames(notes, feature_rate), int(frame.max(initial=-1)) + 1)
    return np.bincount(frame, notes["velocity"] / 127, minlength=N).astype(np.float32)


def raw_values(source: AudioSource, parameters: NoveltyParameters) -> Iterator[Frames]:
    """Yield the values (n,) of the curve of a sound, without post-processing."""
    state = change_state(parameters)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from (values.ravel() for values in state.push(samples))
    yield from (values.ravel() for values in state.flush())


def novelty_values(source: AudioSource, parameters: NoveltyParameters) -> Iterator[Frames]:
    """Yield the values (n,) of the curve of a sound, post-processed as far as that can be done online."""
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
        Kind ``novelty``, 1 × N; see `novelty_start` for the time of its first value.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite.
    """
    check_analysis(parameters)
    if isinstance(source, Notes):
        start = 0.0
        curve = post_processed(note_novelty(source, parameters.feature_rate), parameters, USUAL["notes"])
    else:
        curve = _relative(np.concatenate([np.zeros(0, np.float32), *novelty_values(source, parameters)]), parameters)
        start = novelty_start(parameters)
    made = provenance(parameters)
    return Features(
        curve[None, :], parameters.feature_rate, "novelty", ("novelty", "time"), ("novelty",), start, provenance=made
    )


def post_processed(curve: Frames, parameters: NoveltyParameters, usual: float) -> Frames:
    """Subtract the local average of a whole curve (N,), and normalise it; see `EnhancementState`."""
    state = EnhancementState(parameters, usual)
    return _relative(np.concatenate((state.push(curve), state.flush())), parameters)


def _relative(curve: Frames, parameters: NoveltyParameters) -> Frames:
    """Divide a curve by its largest value, if that is its norm."""
    largest = curve.max(initial=0)
    return curve / largest if parameters.norm == "max" and largest > 0 else curve


def novelty_start(parameters: NoveltyParameters) -> float:
    """Return the time of the first value of the curve of a sound (s).

    What compares two frames lies between them; and it rises most before the window's centre comes to the onset.
    """
    if parameters.method in FLUX:
        return 0.0
    early = EARLY[parameters.method] * parameters.window_length / parameters.analysis_rate
    return round(early - 0.5 / parameters.feature_rate, 6)


def checked_curve(curve: Features) -> Features:
    """Return features that are a curve of finite numbers over time, such as a novelty.

    Raises
    ------
    DataError
        A matrix of more than one row, without a time axis, or with values that are not finite numbers.
    """
    if curve.data.ndim != 2 or curve.data.shape[0] != 1 or np.iscomplexobj(curve.data):
        shape = " × ".join(map(str, curve.data.shape))
        raise DataError(f"no novelty curve: a matrix of {shape} values instead of one row of real numbers")
    if curve.feature_rate is None:
        raise DataError("a curve without frames per second")
    if not np.isfinite(curve.data).all():
        raise DataError("the novelty holds values that are not finite numbers")
    return curve
