"""Rhythm of a piece: how strongly each band pulsates at each tempo."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import sections
from mirtool.features.frames import Frames
from mirtool.retrieval.similarity.timbre import cosine_basis
from mirtool.signal.filters import bin_frequencies
from mirtool.signal.stft import hann

FLOOR = 1e-4  # of the level nearby: what begins 40 dB below it is not heard
AVERAGE = 0.25  # s to either side, over which the local average is taken
WINDOW, HOP = 8.0, 2.0  # s
LOWEST, OCTAVES, STEPS = 30.0, 5, 5  # BPM; pulsations from 30 to 960 a minute, five tempi an octave
_QUIETEST = 1e-2  # of pulsations, whose logarithm is taken; in nepers
_SECTION = 512  # frames
_TRANSFORM = 1024  # bins are a third as far apart as the lowest tempi


def tempi() -> NDArray[np.float64]:
    """Return the tempi at which pulsations are looked for (BPM)."""
    return LOWEST * 2.0 ** (np.arange(OCTAVES * STEPS + 1) / STEPS)


def rises(shares: Iterable[Frames], reach: int) -> Iterator[Frames]:
    """Compress the energies of bands, and keep what lies above the local average; put pairs of bands together.

    Parameters
    ----------
    shares : iterable of ndarray, shape (n, K)
        Batches of energies, relative to the level nearby; K even.
    reach : int
        Frames to either side over which the average is taken.

    Yields
    ------
    ndarray, shape (n, K / 2)
    """
    for section in sections(shares, _SECTION, reach):
        frames = np.log(section.frames + np.float32(FLOOR))
        sums = np.concatenate((np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)))
        places = np.arange(len(frames))[section.inner]
        first, stop = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(frames))
        average = (sums[stop] - sums[first]) / (stop - first)[:, None]
        above = np.maximum(frames[section.inner] - average, 0)
        yield (0.5 * (above[:, ::2] + above[:, 1::2])).astype(np.float32)


class PulsationState:
    """Online onset patterns: how strongly curves pulsate at each of `tempi`, on average over windows of eight seconds.

    Parameters
    ----------
    curves : int
    rate : float
        Of the curves (Hz).
    """

    def __init__(self, curves: int, rate: float) -> None:
        self._length, self._hop = round(WINDOW * rate), round(HOP * rate)
        window = hann(self._length)
        self._window = (window / window.sum())[:, None]
        frequencies = bin_frequencies(rate, _TRANSFORM)
        edges = np.exp2(np.arange(-1, OCTAVES * STEPS + 2) / STEPS) * (LOWEST / 60)
        self._pooling = _triangles(frequencies, edges)
        self._held: Frames = np.zeros((0, curves), np.float32)
        self._sum: NDArray[np.float64] = np.zeros((edges.size - 2, curves))
        self._count = 0

    def push(self, frames: Frames) -> None:
        """Take frames (n × curves)."""
        self._held = np.concatenate((self._held, frames))
        while len(self._held) >= self._length:
            self._add(self._held[: self._length])
            self._held = self._held[self._hop :]

    def strengths(self) -> NDArray[np.float64]:
        """Return the amplitude of the pulsations (tempi × curves); what is shorter than a window is one with zeros."""
        if not self._count:
            missing = self._length - len(self._held)
            self._add(np.pad(self._held, ((0, missing), (0, 0))))
        return np.sqrt(self._sum / self._count)

    def _add(self, frames: Frames) -> None:
        spectra = np.fft.rfft((frames - frames.mean(axis=0)) * self._window, _TRANSFORM, axis=0)
        self._sum += self._pooling.T @ (spectra.real**2 + spectra.imag**2)
        self._count += 1


def _triangles(frequencies: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return filters of sum 1: triangles over the logarithm of frequency, overlapping by half (bins × filters)."""
    place = np.log2(np.maximum(frequencies, edges[0] / 2))[:, None]
    below, centre, above = (np.log2(edges[k : edges.size - 2 + k]) for k in range(3))
    filters = np.maximum(np.minimum((place - below) / (centre - below), (above - place) / (above - centre)), 0)
    weights: NDArray[np.float64] = filters / filters.sum(axis=0)
    return weights


def onset_coefficients(strengths: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the lowest coefficients of the cosine transform of log pulsations, over tempo and over bands, as a vector.

    Fine detail over tempo is left out: a little faster is nearly the same (onset coefficients: Pohle, Schnitzer,
    Schedl, Knees and Widmer, "On rhythm and general music similarity", ISMIR 2009, Sections 2.1 and 2.2).

    Parameters
    ----------
    strengths : ndarray, shape (tempi, curves)
    shape : tuple of int
        Coefficients over tempo and over bands.

    Returns
    -------
    ndarray, shape (product of `shape`,), float32
    """
    over_tempo, over_bands = (
        cosine_basis(min(count, size), size) for count, size in zip(shape, strengths.shape, strict=True)
    )
    return (over_tempo.T @ np.log(strengths + _QUIETEST) @ over_bands).astype(np.float32).ravel()
