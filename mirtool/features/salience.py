"""Salience: how much of the sound could be the harmonics of each pitch, where what stays the same counts less.

Harmonic summation: a pitch gets the magnitudes at its multiples, each less than the one before (Hermes, JASA 83(1),
1988; Klapuri, ISMIR 2006; Salamon and Gómez, TASLP 20(6), 2012, Section II.B). Before that spectra are flattened, so
that no register outweighs the others (Klapuri, TASLP 16(2), 2008), and tones that stand still are turned down: a voice
glides and trembles, keys and pads do not (Tachibana, Ono, Ono, Sagayama, ICASSP 2010).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import (
    Frames,
    analysis_state,
    expected_frames,
    features,
    gathered,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import SalienceParameters
from mirtool.signal._median_kernels import column_medians
from mirtool.signal.filters import bin_frequencies
from mirtool.types import AudioSource, Features

_CHUNK = 256  # frames worked on at a time
_HIGHEST = 5000.0  # Hz; harmonics above are hidden by others
_LOBE = 1.0  # bins: standard deviation of a Gaussian about as wide as the main lobe of the Hann window
_BETWEEN = 0.2  # share of what lies half-way between two harmonics that speaks against a pitch: an octave too low
_WIDENING = 0.01  # of its frequency by which a harmonic may be off: half a step of the pitches, and gliding
_FLOOR = 0.01  # of the level of a frame, below which nothing is flattened
_LOUDNESS = 0.4  # power of the level around a bin that is left after flattening
_SURE = 3.0  # a bin counts in full at so many times its median over time
_LEAST = 1e-9  # magnitude of nothing that is heard

LOWEST, HIGHEST = 40.0, 2000.0  # Hz, of pitches


class Salience(NamedTuple):
    """Frames with, for each pitch, the salience and the energy of its harmonics as they are."""

    values: Frames  # N × P
    energies: Frames  # N × P


class SalienceState:
    """Online salience: samples in, frames out.

    Parameters
    ----------
    parameters : SalienceParameters

    Attributes
    ----------
    pitches : ndarray, shape (P,)
        Hz.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """

    def __init__(self, parameters: SalienceParameters) -> None:
        _check(parameters)
        self._stft = analysis_state(parameters)
        self.pitches = pitch_axis(parameters)
        bins = bin_frequencies(parameters.analysis_rate, parameters.window_length)
        self._comb = _comb(bins, self.pitches, parameters)
        self._teeth = _teeth(bins, self.pitches)
        self._half = int(parameters.steadiness * parameters.feature_rate / 2)
        self._smoothing = int(parameters.flattening / bins[1] / 2)
        self._held: Frames = np.zeros((0, len(bins)), np.float32)
        self._has_begun = False

    def push(self, samples: NDArray[np.float32]) -> Iterator[Salience]:
        """Take samples (n,), mono, at the analysis rate; yield the frames that are complete."""
        for spectra in self._stft.push(samples):
            yield from self._frames(np.abs(spectra))

    def flush(self) -> Iterator[Salience]:
        """Yield the remaining frames; the state is spent."""
        for spectra in self._stft.flush():
            yield from self._frames(np.abs(spectra))
        if not len(self._held):
            return
        begin = 0 if self._has_begun else self._half
        self._held = np.pad(self._held, ((begin, self._half), (0, 0)), mode="reflect")
        yield from self._complete(1)

    def _frames(self, magnitudes: Frames) -> Iterator[Salience]:
        self._held = np.concatenate((self._held, magnitudes))
        if not self._has_begun and len(self._held) > self._half:
            self._held = np.concatenate((self._held[1 : self._half + 1][::-1], self._held))
            self._has_begun = True
        yield from self._complete(_CHUNK)

    def _complete(self, least: int) -> Iterator[Salience]:
        """Work on the frames that have what the medians need on both sides, if there are `least` of them."""
        while len(self._held) >= least + 2 * self._half:
            frames = self._held[: _CHUNK + 2 * self._half]
            self._held = self._held[_CHUNK:] if len(frames) == _CHUNK + 2 * self._half else self._held[:0]
            yield self._computed(np.ascontiguousarray(frames))

    def _computed(self, frames: Frames) -> Salience:
        magnitudes = frames[self._half : len(frames) - self._half]
        steady = np.empty_like(magnitudes)
        column_medians(frames, 2 * self._half + 1, steady)
        moving = magnitudes * np.minimum(magnitudes / (_SURE * steady + _LEAST), 1)
        values = np.maximum(self._flattened(moving) @ self._comb, 0)
        return Salience(values, np.square(magnitudes) @ self._teeth)

    def _flattened(self, magnitudes: Frames) -> Frames:
        """Divide by most of the level around each bin: of registers little is left, of loudness some."""
        energies = np.square(magnitudes, dtype=np.float64)
        level = np.sqrt(_running_mean(energies, self._smoothing))
        level += _FLOOR * np.sqrt(energies.mean(axis=1, keepdims=True)) + _LEAST
        flat: Frames = (magnitudes / level ** (1 - _LOUDNESS)).astype(np.float32)
        return flat


def salience(source: AudioSource, parameters: SalienceParameters) -> Features:
    """Compute the salience of pitches over time.

    Parameters
    ----------
    source : AudioSource
    parameters : SalienceParameters

    Returns
    -------
    Features
        Pitches (Hz) × frames; frame n is centred at n / feature_rate seconds.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    state = SalienceState(parameters)

    def frames() -> Iterator[Frames]:
        for samples in sample_blocks(source, parameters.analysis_rate):
            yield from (found.values for found in state.push(samples))
        yield from (found.values for found in state.flush())

    data = gathered(frames(), len(state.pitches), expected_frames(source, parameters.feature_rate))
    axis = tuple(state.pitches.tolist())
    return features(data, "salience", "frequency", axis, parameters.feature_rate, provenance(parameters))


def pitch_axis(parameters: SalienceParameters) -> NDArray[np.float64]:
    """Return the pitches that salience is computed for (Hz), equally spaced on a logarithmic axis."""
    low, high = parameters.f0_range
    count = int(1200 * np.log2(high / low) / parameters.pitch_step) + 1
    axis: NDArray[np.float64] = low * 2 ** (np.arange(count) * parameters.pitch_step / 1200)
    return axis


def _comb(bins: NDArray[np.float64], pitches: NDArray[np.float64], parameters: SalienceParameters) -> Frames:
    """Return for each pitch the weights of the bins, shape (K, P).

    A Gaussian at each harmonic, of equal area, and a smaller one with the opposite sign half a harmonic below.
    """
    comb = np.zeros((len(bins), len(pitches)))
    lobe = _LOBE * bins[1]
    for partial in range(1, parameters.partials + 1):
        harmonics = np.where(partial * pitches <= min(_HIGHEST, bins[-1]), partial * pitches, np.inf)
        widths = np.maximum(lobe, _WIDENING * partial * pitches)
        weights = partial**-parameters.partial_decay * lobe / widths
        for sign, centres in ((1, harmonics), (-_BETWEEN, harmonics - 0.5 * pitches)):
            comb += sign * weights * np.exp(-0.5 * np.square((bins[:, None] - centres) / widths))
    return comb.astype(np.float32)


def _teeth(bins: NDArray[np.float64], pitches: NDArray[np.float64]) -> Frames:
    """Return which bins belong to the harmonics of each pitch, 1 or 0, shape (K, P)."""
    nearest = np.maximum(np.round(bins[:, None] / pitches), 1) * pitches
    teeth: Frames = (np.abs(bins[:, None] - nearest) < 2 * _LOBE * bins[1]).astype(np.float32)
    return teeth


def _running_mean(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the means of 2 · reach + 1 bins, of fewer at both ends."""
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    bins = np.arange(values.shape[1])
    low, high = np.maximum(bins - reach, 0), np.minimum(bins + reach + 1, values.shape[1])
    means: NDArray[np.float64] = np.maximum(total[:, high] - total[:, low], 0) / (high - low)
    return means


def _check(parameters: SalienceParameters) -> None:
    low, high = parameters.f0_range
    if not LOWEST <= low < high <= HIGHEST:
        raise ParameterError(
            f"pitches lie between {LOWEST:g} and {HIGHEST:g} Hz, the lower first, not {low:g},{high:g}"
        )
    if not 1 <= parameters.pitch_step <= 100:
        raise ParameterError(f"pitches are 1 to 100 cents apart, not {parameters.pitch_step:g}")
    if not 1 <= parameters.partials <= 100:
        raise ParameterError(f"a pitch has 1 to 100 partials, not {parameters.partials}")
    if not 0 <= parameters.partial_decay <= 10:
        raise ParameterError(f"the exponent of the weights of partials is 0 to 10, not {parameters.partial_decay:g}")
    if not 0 <= parameters.steadiness <= 60:
        raise ParameterError(f"the median over time takes up to 60 s, not {parameters.steadiness:g}")
    if not 0 < parameters.flattening < parameters.analysis_rate:
        raise ParameterError(f"spectra are not flattened over {parameters.flattening:g} Hz")
