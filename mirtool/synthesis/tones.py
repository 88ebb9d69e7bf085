"""Tones that follow curves: a fundamental frequency over time, chroma as Shepard tones, energies over pitch as sines.

As in FMP's sonifications (Müller and Zalkow, "libfmp: A Python package for fundamentals of music processing", JOSS
2021), but with amplitudes that glide from frame to frame, and computed while they are read.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import DataError, ParameterError
from mirtool.pitch import pitch_frequency
from mirtool.synthesis.placement import LATEST, Samples
from mirtool.types import Events, Features

LEVEL = 0.3  # amplitude of the loudest moment
PARTIALS = (1.0, 0.5, 0.3, 0.2, 0.1)  # of a tone with an f0: so that low ones are heard on small loudspeakers, too
RAMP = 0.01  # seconds in which a tone comes and goes
GAP = 2.5  # of the usual distance: rows of an f0 table that lie farther apart have an unvoiced stretch between them
HIGHEST = 0.45  # of the sample rate
SHEPARD_CENTRE, SHEPARD_WIDTH = 60.0, 15.0  # MIDI pitches: libfmp's envelope over the octaves of a Shepard tone
TABLE_BITS = 17
TABLE = 1 << TABLE_BITS  # samples of a tabulated period: so many that the nearest one is near enough

log = logging.getLogger(__name__)


class Computed(ABC):
    """A mono `AudioSource` of a known length, of which any stretch can be computed."""

    channels = 1

    def __init__(self, sample_rate: int, frames: int) -> None:
        if sample_rate <= 0:
            raise ParameterError(f"the sample rate must be positive, not {sample_rate}")
        self.sample_rate, self.frames = sample_rate, frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        """Yield blocks (n × 1, float32); see `AudioSource`."""
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[Samples]:
        for begin in range(0, self.frames, CHUNK):
            yield self._samples(np.arange(begin, min(begin + CHUNK, self.frames)))[:, None]

    @abstractmethod
    def _samples(self, places: NDArray[np.int64]) -> Samples:
        """Return the samples at these places, which follow each other."""


class PitchCurve(Computed):
    """A harmonic tone that follows an f0 curve.

    The frequency glides linearly between the rows; the phase is its exact integral, through unvoiced stretches, too.

    Parameters
    ----------
    curve : Events
        `time`, increasing, and `f0_hz` (0 or below: unvoiced); `confidence` (0 to 1) is the amplitude.
    sample_rate : int
        Hz.

    Raises
    ------
    DataError
        Times that do not increase, or values that are no numbers.
    """

    def __init__(self, curve: Events, sample_rate: int) -> None:
        time, f0 = curve["time"], curve["f0_hz"]
        if f0.dtype == object or not (np.isfinite(time).all() and np.isfinite(f0).all()):
            raise DataError("an f0 curve with values that are no numbers")
        if (np.diff(time) <= 0).any() or time.max(initial=0) > LATEST:
            raise DataError(f"an f0 curve needs times that increase, up to {LATEST:g} s")
        step = float(np.median(np.diff(time))) if len(time) > 1 else 2 * RAMP
        end = float(time[-1]) + step / 2 if len(time) else 0.0
        super().__init__(sample_rate, max(round(end * sample_rate), 0))
        if (high := f0 > HIGHEST * sample_rate).any():
            log.warning("frequencies that %d Hz cannot hold are left out: %d", sample_rate, np.count_nonzero(high))
        voiced = np.flatnonzero((f0 > 0) & ~high)
        self._time, self._f0 = time[voiced], f0[voiced]
        self._confidence = _amplitudes(curve)[voiced]
        self._ramps = _envelope(time, voiced, step)
        # Cycles at each row: the trapezium rule is exact for linear glides.
        cycles = np.diff(self._time) * (self._f0[1:] + self._f0[:-1]) / 2
        self._cycles = np.concatenate(([0.0], np.cumsum(cycles)))
        most = HIGHEST * sample_rate / max(float(self._f0.max(initial=1.0)), 1.0)
        kept = [a for k, a in enumerate(PARTIALS, 1) if k <= most]
        self._wave = _period(np.arange(1, len(kept) + 1), np.array(kept))

    def _samples(self, places: NDArray[np.int64]) -> Samples:
        if not len(self._time):
            return np.zeros(len(places), np.float32)
        times = places / self.sample_rate
        amplitude = LEVEL * np.interp(times, *self._ramps) * np.interp(times, self._time, self._confidence)
        row = np.clip(np.searchsorted(self._time, times, side="right") - 1, 0, len(self._time) - 1)
        passed = times - self._time[row]
        after = np.minimum(row + 1, len(self._time) - 1)
        width = np.maximum(self._time[after] - self._time[row], 1e-9)
        slope = np.where(passed < 0, 0.0, (self._f0[after] - self._f0[row]) / width)
        phase = self._cycles[row] + passed * (self._f0[row] + slope * passed / 2)
        return _read(self._wave, phase) * amplitude.astype(np.float32)


class ToneBank(Computed):
    """A tone for each row of a feature matrix, as loud as the row says at each moment.

    Parameters
    ----------
    features : Features
        Rows × N; what is negative is silent. The loudest frame has the amplitude `LEVEL`.
    frequencies : ndarray, shape (rows,)
        Hz.
    wave : ndarray
        One period.
    sample_rate : int
        Hz.
    """

    def __init__(self, features: Features, frequencies: NDArray[np.float64], wave: Samples, sample_rate: int) -> None:
        times = features.times
        step = 1 / float(features.feature_rate or 1)
        super().__init__(sample_rate, max(round((times[-1] + step / 2) * sample_rate), 0) if len(times) else 0)
        if not np.isfinite(features.data).all():
            raise DataError("a feature matrix with values that are no numbers")
        values = np.maximum(features.data, 0).astype(np.float64)
        loudest = values.sum(axis=0).max(initial=0)
        self._values = values * (LEVEL / loudest if loudest else 0.0)
        self._times, self._step = times, step
        self._wave = wave
        # Phases are counted in 2^-32 of a period and wrap around by themselves.
        self._steps = np.rint(frequencies / sample_rate * 2.0**32).astype(np.uint64)

    def _samples(self, places: NDArray[np.int64]) -> Samples:
        times = places / self.sample_rate
        total = np.zeros(len(times), np.float32)
        first, last = np.searchsorted(self._times, (times[0] - self._step, times[-1] + self._step))
        for row in np.flatnonzero(self._values[:, first:last].any(axis=1)):
            phase = (places.astype(np.uint64) * self._steps[row]).astype(np.uint32)
            tone = self._wave[phase >> np.uint32(32 - TABLE_BITS)]
            tone *= np.interp(times, self._times[first:last], self._values[row, first:last])
            total += tone
        begin, end = max(self._times[0] - self._step / 2, 0.0), self._times[-1] + self._step / 2
        fade = np.clip(np.minimum(times - begin, end - times) / RAMP, 0, 1)
        return np.asarray(total * fade, dtype=np.float32)


def shepard_tones(features: Features, sample_rate: int, tuning: float = 0.0) -> ToneBank:
    """Play chroma features: each row is a Shepard tone, which has a chroma but no octave.

    Parameters
    ----------
    features : Features
        12 × N, C first.
    sample_rate : int
        Hz.
    tuning : float
        Cents above A4 = 440 Hz.
    """
    lowest = np.arange(12) + 24.0
    octaves = np.arange(8)
    # One table for all rows: the envelope lies over the octaves of the middle of them.
    weights = np.exp(-((lowest.mean() + 12 * octaves - SHEPARD_CENTRE) ** 2) / (2 * SHEPARD_WIDTH**2))
    frequencies = pitch_frequency(lowest, tuning)
    kept = frequencies.max() * 2.0**octaves < HIGHEST * sample_rate
    return ToneBank(features, frequencies, _period(2 ** octaves[kept], weights[kept]), sample_rate)


def pitch_tones(features: Features, sample_rate: int, tuning: float = 0.0) -> ToneBank:
    """Play energies over pitch: each row is a sine at the frequency of its MIDI pitch, which the axis names."""
    frequencies = pitch_frequency(np.array(features.axis, dtype=np.float64), tuning)
    heard = frequencies < HIGHEST * sample_rate
    data = np.where(heard[:, None], features.data, 0)
    return ToneBank(
        Features(data, features.feature_rate, start=features.start),
        np.where(heard, frequencies, 0.0),
        _period(np.ones(1, np.int64), np.ones(1)),
        sample_rate,
    )


def _amplitudes(curve: Events) -> NDArray[np.float64]:
    if "confidence" not in curve:
        return np.ones(len(curve))
    return np.asarray(np.clip(np.nan_to_num(curve["confidence"], nan=1.0), 0, 1))


def _envelope(
    time: NDArray[np.float64], voiced: NDArray[np.int64], step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return corners (s) of an envelope that is 1 in the voiced runs of a curve, and its values there."""
    if not len(voiced):
        return np.zeros(1), np.zeros(1)
    breaks = np.flatnonzero((np.diff(voiced) > 1) | (np.diff(time[voiced]) > GAP * step)) + 1
    begin = time[voiced[np.concatenate(([0], breaks))]] - step / 2
    end = time[voiced[np.concatenate((breaks - 1, [len(voiced) - 1]))]] + step / 2
    begin = np.maximum(begin, np.concatenate(([0.0], end[:-1])))
    ramp = np.minimum(RAMP, np.maximum(end - begin, 0) / 2)
    corners = np.stack((begin, begin + ramp, end - ramp, end), axis=1).ravel()
    return np.maximum.accumulate(corners), np.tile([0.0, 1.0, 1.0, 0.0], len(begin))


def _period(partials: NDArray[np.int64], amplitudes: NDArray[np.float64]) -> Samples:
    """Return one period of Σ a_k sin(2πkt), with a peak of at most 1, shape (TABLE,)."""
    spectrum = np.zeros(TABLE // 2 + 1, dtype=np.complex128)
    if len(partials):
        spectrum[partials] = -0.5j * TABLE * amplitudes / amplitudes.sum()
    return np.asarray(np.fft.irfft(spectrum, TABLE), dtype=np.float32)


def _read(wave: Samples, phase: NDArray[np.float64]) -> Samples:
    """Read a tabulated period at phases (cycles)."""
    return wave[(phase % 1.0 * len(wave)).astype(np.int64) % len(wave)]
