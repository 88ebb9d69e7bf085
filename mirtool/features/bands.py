"""Bands that are equally spaced on a logarithmic axis of frequency."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames
from mirtool.features.parameters import BandParameters

MOST = 1200  # bands of an octave: one a cent


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
        Fewer than one band an octave or more than 1200, or no band between the two ends.
    """
    if not 1 <= parameters.octave_bands <= MOST:
        raise ParameterError(f"an octave has at least one band and at most {MOST}, not {parameters.octave_bands}")
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
