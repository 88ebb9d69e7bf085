"""Magnitudes in bands that are equally spaced on a logarithmic axis of frequency, and how they rise."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, analysis_state, compress, power
from mirtool.features.parameters import BandParameters

_GROUP = 16  # bands


def log_bands(parameters: BandParameters) -> tuple[Frames, NDArray[np.float64]]:
    """Return triangular filters, overlapping by half, whose centres lie on a grid around A4 = 440 Hz.

    Where the grid is finer than the bins of the transform, centres that fall on one bin become one filter (Böck,
    Krebs and Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012).

    Parameters
    ----------
    parameters : BandParameters

    Returns
    -------
    filters : ndarray, shape (bins, K), float32
        The peak of each is 1.
    centres : ndarray, shape (K,)
        Hz.

    Raises
    ------
    ParameterError
        Fewer than one band a octave, or no band between the two ends.
    """
    if not parameters.octave_bands >= 1:
        raise ParameterError(f"an octave needs at least one band, not {parameters.octave_bands}")
    if not 0 < parameters.low < parameters.high < math.inf:
        raise ParameterError(f"no band lies between {parameters.low:g} and {parameters.high:g} Hz")
    B, N, rate = parameters.octave_bands, parameters.window_length, parameters.analysis_rate
    first, last = (B * math.log2(edge / 440) for edge in (parameters.low, min(parameters.high, rate / 2)))
    grid = 440 * 2 ** (np.arange(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1) / B)
    edges = np.unique(np.floor(grid * N / rate + 0.5))
    edges = edges[(edges > 0) & (edges <= N // 2)]
    if edges.size < 3:
        raise ParameterError(f"no band lies between {parameters.low:g} and {parameters.high:g} Hz")
    k = np.arange(N // 2 + 1)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    filters = np.minimum((k - low) / (centre - low), (high - k) / (high - centre))
    return np.maximum(filters, 0).astype(np.float32), centre * rate / N


class BandState:
    """Online log-compressed magnitudes in bands: samples in, frames (n × K) out.

    Parameters
    ----------
    parameters : BandParameters
    batch : int, optional
        Frames given out at a time, as for `mirtool.signal.stft.STFT`.

    Attributes
    ----------
    centres : ndarray, shape (K,)
        Of the bands (Hz).
    """

    def __init__(self, parameters: BandParameters, batch: int | None = None) -> None:
        self._stft = analysis_state(parameters, batch)
        filters, self.centres = log_bands(parameters)
        self._groups = _groups(filters)
        self._gamma = parameters.compression

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the analysis rate; return the batches of frames (m × K) that are complete."""
        return [self._bands(spectra) for spectra in self._stft.push(samples)]

    def flush(self) -> list[Frames]:
        """Return the remaining frames; the state is spent."""
        return [self._bands(spectra) for spectra in self._stft.flush()]

    def frames(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Frames]:
        """Yield all batches of frames (m × K) of samples that come in blocks (n,); the state is spent."""
        for samples in blocks:
            yield from self.push(samples)
        yield from self.flush()

    def _bands(self, spectra: NDArray[np.complex64]) -> Frames:
        magnitudes = np.sqrt(power(spectra))
        bands = np.concatenate([magnitudes[:, bins] @ filters for bins, filters in self._groups], axis=1)
        return compress(bands, self._gamma)


def _groups(filters: Frames) -> list[tuple[slice, Frames]]:
    """Cut filters (bins × K) into groups of neighbours, with the bins that each needs: most of the matrix is 0."""
    groups = []
    for first in range(0, filters.shape[1], _GROUP):
        some = filters[:, first : first + _GROUP]
        used = np.flatnonzero(some.any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1)
        groups.append((bins, np.ascontiguousarray(some[bins])))
    return groups


class RiseState:
    """Online rise of band magnitudes, what moves by a band or less not counted.

    SuperFlux (Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013, equations 3 and
    4): R(n, k) = |Y(n, k) - max_{|j - k| ≤ reach} Y(n - lag, j)|≥0. The first frames, which have none before them,
    rise by nothing: that a recording begins is no event in it.

    Parameters
    ----------
    lag : int
        Frames.
    reach : int
        Bands to either side; 0 compares a band with itself.
    """

    def __init__(self, lag: int, reach: int) -> None:
        if lag < 1 or reach < 0:
            raise ParameterError(f"a rise over {lag} frames and {reach} bands")
        self._reach = reach
        self._lag = lag
        self._before: Frames | None = None

    def push(self, bands: Frames) -> Frames:
        """Take frames (n × K) and return their rise (n × K)."""
        if not len(bands):
            return bands
        before = self._widest(bands)
        if self._before is None:  # as if the first frame had always sounded
            self._before = np.repeat(before[:1], self._lag, axis=0)
        past = np.concatenate((self._before, before))
        self._before = past[len(past) - self._lag :].copy()
        rise: Frames = bands - past[: len(bands)]
        return np.maximum(rise, 0, out=rise)

    def _widest(self, bands: Frames) -> Frames:
        widest = bands.copy()
        for shift in range(1, min(self._reach, bands.shape[1] - 1) + 1):
            np.maximum(widest[:, shift:], bands[:, :-shift], out=widest[:, shift:])
            np.maximum(widest[:, :-shift], bands[:, shift:], out=widest[:, :-shift])
        return widest
