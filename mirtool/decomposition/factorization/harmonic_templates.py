"""Templates of pitches: where their partials may lie, and how loud partials are in one instrument.

The bins around a partial belong to it, within a tolerance; all others stay zero (Ewert and Müller, ICASSP 2012). Of few
notes, which other instruments cover, amplitudes of partials can hardly be learned one by one. So those of all pitches
of a part are tied by a source and a filter: the amplitude of partial k at frequency f is about e(k) φ(f), e being
what excites the instrument and φ its body (Carabias-Orti et al., Musical instrument sound multi-excitation model for
non-negative spectrogram factorization, IEEE JSTSP 5(6), 2011; Ewert, Pardo, Müller, Plumbley, IEEE SPM 31(3), 2014).
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.pitch import pitch_frequency

Matrix = NDArray[np.float32]
Amplitudes = NDArray[np.float64]
Indices = NDArray[np.int64]

_MAIN_LOBE = 0.85  # bins: standard deviation of the Gaussian that stands for the main lobe of a Hann window
_DRIFT = 15.0  # cents by which partials wander: vibrato, intonation
_LEAST_BINS = 2.0  # of the tolerance
_FILTER_STEP = 1.5  # semitones from one value of φ to the next
_FILTER_SMOOTHING = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)  # of neighbouring values of φ
_FILTER_LOWEST, _FILTER_VALUES = 0.0, 108  # MIDI pitch of the first value of φ, and their number
_FLAT = 0.1  # how much e holds on to 1
_PASSES = 4
_TINY = 1e-12
_TUNED_PARTIALS, _TUNED_FROM = 12, 150.0  # the tuning is read from partials up to this one, above this frequency (Hz)


class HarmonicTemplates:
    """The partials of R pitches on K bins of a spectrum.

    Parameters
    ----------
    pitch : ndarray, shape (R,)
        MIDI numbers.
    part : ndarray of int64, shape (R,)
        Instruments, counted from 0.
    parts : int
        Number of instruments.
    frequencies : ndarray, shape (K,)
        Of the bins (Hz), evenly spaced from 0 on.
    partials : int
        Largest number of a partial, P.
    tolerance : float
        Cents by which a partial may lie beside its frequency.
    """

    def __init__(
        self,
        pitch: Indices,
        part: Indices,
        parts: int,
        frequencies: Amplitudes,
        partials: int,
        tolerance: float,
    ) -> None:
        self._pitch, self._part = pitch, part
        self._frequencies, self._partials, self._tolerance = frequencies, partials, tolerance
        self._parts = parts
        self.tune(np.zeros(parts))

    def tune(self, cents: Amplitudes) -> None:
        """Move the partials of each part by its tuning (cents)."""
        self._number, shape = self._laid_out(pitch_frequency(self._pitch + cents[self._part] / 100))
        rows = np.arange(len(self._pitch))[:, None] * (self._partials + 1)
        self._cell = (self._number + rows).ravel()
        sums = self._gathered(shape)
        self._exists = sums > 0
        self._exists[:, 0] = False
        inside = self._number > 0
        sums = np.maximum(sums, _TINY)
        shape /= sums.ravel()[self._cell].reshape(shape.shape)
        self.shape: Matrix = np.where(inside, shape, 0).astype(np.float32)
        order = np.log2(np.maximum(np.arange(self._partials + 1), 1))
        place = (self._pitch[:, None] + 12 * order - _FILTER_LOWEST) / _FILTER_STEP
        place = np.clip(np.round(place), 0, _FILTER_VALUES - 1).astype(np.int64)
        self._filter_cell = place + _FILTER_VALUES * self._part[:, None]

    def start(self) -> Matrix:
        """Return templates (R × K) that sum to 1, with amplitudes that fall as 1/k."""
        k = np.arange(self._partials + 1)
        return self.spread(_normalized(np.where(self._exists, 1 / np.maximum(k, 1), 0.0)))

    def amplitudes(self, templates: Matrix) -> Amplitudes:
        """Return the sums (R × P + 1) of templates (R × K) over the bins of each partial; column 0 is empty."""
        sums = self._gathered(templates)
        sums[:, 0] = 0
        return sums

    def spread(self, amplitudes: Amplitudes) -> Matrix:
        """Return templates (R × K) whose partials have their usual shapes and these amplitudes."""
        spread: Matrix = amplitudes.ravel()[self._cell].reshape(self.shape.shape).astype(np.float32)
        spread *= self.shape
        return spread

    def tied(self, amplitudes: Amplitudes) -> Amplitudes:
        """Return what source and filter of each part make of amplitudes (R × P + 1); rows sum to 1.

        Minimises the Kullback-Leibler divergence of g_r e_i(k) φ_i(f) by turns, which are closed.
        """
        width = self._partials + 1
        totals = amplitudes.sum(axis=1)
        level = totals.copy()
        excitation = np.ones((self._parts, width))
        filters = np.ones(self._parts * _FILTER_VALUES)

        def model() -> Amplitudes:
            product: Amplitudes = level[:, None] * excitation[self._part] * filters[self._filter_cell] * self._exists
            return product

        for _ in range(_PASSES):
            now = model()
            wanted, had = np.zeros_like(excitation), np.zeros_like(excitation)
            np.add.at(wanted, self._part, amplitudes)
            np.add.at(had, self._part, now)
            excitation *= (wanted + _FLAT * had + _TINY) / ((1 + _FLAT) * had + _TINY)
            filters *= (self._by_frequency(amplitudes) + _TINY) / (self._by_frequency(model()) + _TINY)
            level *= totals / (model().sum(axis=1) + _TINY)
        return _normalized(model())

    def tuning(self, templates: Matrix) -> Amplitudes:
        """Return how far weighted templates (R × K) lie beside A4 = 440 Hz, in cents, for each part."""
        k = self._number
        with np.errstate(divide="ignore"):
            bins = 1200 * np.log2(self._frequencies[None] / pitch_frequency(self._pitch)[:, None] / np.maximum(k, 1))
        read = (k > 0) & (k <= _TUNED_PARTIALS) & (self._frequencies > _TUNED_FROM)
        read &= np.abs(bins) <= self._tolerance
        weights = np.where(read, templates, 0)
        by_row = np.where(read, weights * np.where(read, bins, 0), 0).sum(axis=1)
        moments = np.bincount(self._part, by_row, self._parts)
        cents: Amplitudes = moments / (np.bincount(self._part, weights.sum(axis=1), self._parts) + _TINY)
        return cents

    def _laid_out(self, fundamental: Amplitudes) -> tuple[Indices, Amplitudes]:
        """Return the number of the partial to which each bin belongs (R × K; 0: none), and its usual shape."""
        f, f0 = self._frequencies[None], fundamental[:, None]
        step = float(self._frequencies[1])
        number: Indices = np.maximum(np.round(f / f0), 1).astype(np.int64)
        distance: Amplitudes = np.abs(f - number * f0)
        reach = np.maximum(number * f0 * (2 ** (self._tolerance / 1200) - 1), _LEAST_BINS * step)
        number[(distance > reach) | (number > self._partials)] = 0
        deviation = np.hypot(_MAIN_LOBE * step, number * f0 * (2 ** (_DRIFT / 1200) - 1))
        shape = np.exp(-0.5 * (distance / deviation) ** 2) + 1e-4
        shape[number == 0] = 0
        return number, shape

    def _gathered(self, values: NDArray[np.floating]) -> Amplitudes:
        width = self._partials + 1
        sums = np.bincount(self._cell, values.ravel(), len(self._pitch) * width)
        return sums.astype(np.float64, copy=False).reshape(-1, width)

    def _by_frequency(self, amplitudes: Amplitudes) -> Amplitudes:
        """Return smoothed sums of amplitudes over the values of φ of each part, one part after the other."""
        values = np.bincount(self._filter_cell.ravel(), amplitudes.ravel(), self._parts * _FILTER_VALUES)
        kernel = _FILTER_SMOOTHING / _FILTER_SMOOTHING.sum()
        rows = values.reshape(self._parts, _FILTER_VALUES)
        return np.concatenate([np.convolve(np.pad(row, 3, mode="edge"), kernel, "valid") for row in rows])


def smoothed_over_frequency(spectra: Matrix, share: float) -> Matrix:
    """Return the means of spectra (R × K) over the bins within ± share · k of bin k."""
    K = spectra.shape[1]
    k = np.arange(K)
    half = np.maximum(1, np.floor(share * k)).astype(np.int64)
    low, high = np.maximum(k - half, 0), np.minimum(k + half + 1, K)
    sums = np.concatenate((np.zeros((len(spectra), 1)), np.cumsum(spectra, axis=1, dtype=np.float64)), axis=1)
    means: Matrix = ((sums[:, high] - sums[:, low]) / (high - low)).astype(np.float32)
    return means


def _normalized(rows: Amplitudes) -> Amplitudes:
    sums: Amplitudes = np.maximum(rows.sum(axis=1, keepdims=True), _TINY * _TINY)
    return rows / sums
