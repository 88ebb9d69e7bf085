"""Periodicities of accent curves: autocorrelation and Fourier magnitudes over one logarithmic axis of tempo."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.features.frames import Frames
from mirtool.signal.stft import hann

LOWEST, OCTAVES, BINS = (
    15.0,
    6,
    96,
)  # BPM; tempi from 15 to 960, so that those of bars and of quick notes are there, too
AXIS: NDArray[np.float64] = LOWEST * 2.0 ** (np.arange(OCTAVES * BINS + 1) / BINS)
_AVERAGE = 0.5  # s to either side: what changes more slowly than any beat is no accent
_LONGEST = 8.0  # s: lags of the autocorrelation


@dataclass(frozen=True, eq=False)
class Periodicity:
    """How much recurs at each tempo, for C curves in W windows.

    Parameters
    ----------
    lags : ndarray, shape (W, C, L), float32
        Autocorrelation at whole lags of the curves, 1 at lag 0.
    waves : ndarray, shape (W, C, K), float32
        Magnitudes of the Fourier transform at the tempi of `AXIS`: 1 for a sinusoid, whatever its amplitude.
    rate : float
        Of the curves (Hz).
    """

    lags: Frames
    waves: Frames
    rate: float

    def plus(self, other: "Periodicity") -> "Periodicity":
        """Return the sum of the values, window by window."""
        return Periodicity(self.lags + other.lags, self.waves + other.waves, self.rate)

    def over(self, number: float) -> "Periodicity":
        """Return all values divided by a number."""
        return Periodicity(self.lags / number, self.waves / number, self.rate)

    def recurrence(self, bpm: NDArray[np.float64], beats: float = 1.0) -> NDArray[np.float64]:
        """Return the autocorrelation after so many beats of tempi (n,), shape (W, C, n); 0 beyond the longest lag."""
        lag = beats * 60 * self.rate / bpm
        below = np.minimum(lag.astype(np.int64), self.lags.shape[-1] - 2)
        share = lag - below
        values = (1 - share) * self.lags[..., below] + share * self.lags[..., below + 1]
        return np.asarray(np.where(share <= 1, np.maximum(values, 0), 0))

    def wave(self, bpm: NDArray[np.float64], multiple: float = 1.0) -> NDArray[np.float64]:
        """Return the Fourier magnitude at a multiple of tempi (n,), shape (W, C, n); 0 beyond the axis."""
        place = np.log2(bpm * multiple / LOWEST) * BINS
        below = np.clip(place.astype(np.int64), 0, AXIS.size - 2)
        share = np.clip(place - below, 0, 1)
        values = (1 - share) * self.waves[..., below] + share * self.waves[..., below + 1]
        return np.asarray(np.where((place >= 0) & (place <= AXIS.size - 1), values, 0))


def sharpened(curves: Frames, rate: float) -> Frames:
    """Subtract a local average from curves (C × N) and keep what is positive."""
    reach = max(round(_AVERAGE * rate), 1)
    window = hann(2 * reach + 2)[1:]
    window = window / window.sum()
    smooth = np.empty_like(curves)
    for row, curve in zip(smooth, curves if curves.shape[1] else (), strict=False):
        row[:] = np.convolve(curve, window)[reach : reach + curve.size]
    np.subtract(curves, smooth, out=smooth)
    return np.maximum(smooth, 0, out=smooth)


def windows(frames: int, length: int, hop: int) -> list[int]:
    """Return where windows begin, so that all frames are covered; one window if there are less frames than it has."""
    last = max(frames - length, 0)
    starts = list(range(0, last + 1, hop))
    return [*starts, last] if starts[-1] != last else starts


def periodicities(curves: Frames, rate: float, length: int, starts: list[int]) -> Iterator[Periodicity]:
    """Yield the periodicity of curves (C × N) in one window after the other."""
    longest = min(math.ceil(_LONGEST * rate) + 2, length)
    size = 1 << (length + longest).bit_length()
    fine = 1 << (8 * length).bit_length()
    bins = AXIS / 60 / rate * fine
    inside = bins < fine // 2
    below = np.where(inside, bins, 0).astype(np.int64)
    share = np.where(inside, bins - below, 0).astype(np.float32)
    window = hann(length + 1)[1:]
    whole = float(window.sum()) / math.sqrt(2 * float((window**2).sum()))  # a sinusoid has 1
    for start in starts:
        x = curves[:, start : start + length]
        x = x - x.mean(axis=1, keepdims=True)
        x = np.pad(x, ((0, 0), (0, length - x.shape[1])))
        products = np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2, size)[:, :longest]
        energy = np.maximum(products[:, :1], np.finfo(np.float32).tiny)
        x = x * window
        spectrum = np.abs(np.fft.rfft(x, fine))
        scale = whole * np.sqrt(np.maximum((x**2).sum(axis=1, keepdims=True), 1e-30))
        waves = (spectrum[:, below] * (1 - share) + spectrum[:, below + 1] * share) / scale
        waves[:, ~inside] = 0
        yield Periodicity((products / energy)[None].astype(np.float32), waves[None].astype(np.float32), rate)
