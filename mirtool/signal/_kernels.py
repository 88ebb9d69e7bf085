"""Compiled loops of time-scale modification."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def _next_peak(power: NDArray[np.float32], begin: int) -> int:
    """Return the first bin from `begin` on that is larger than its four neighbours, or the number of bins."""
    bins = len(power)
    for k in range(max(begin, 2), bins - 2):
        here = power[k]
        if here > power[k - 1] and here > power[k + 1] and here > power[k - 2] and here > power[k + 2]:
            return k
    return bins


@kernel
def lock_phases(
    X: NDArray[np.complex64],
    current: NDArray[np.int64],
    before: NDArray[np.int64],
    Y: NDArray[np.complex64],
    last: NDArray[np.complex64],
) -> None:
    """Turn the phases of analysis frames so that they continue the synthesis, one rotation a spectral peak.

    X : (C × U × K), spectra of C channels; frame i of the synthesis is analysed by X[:, current[i]], and one synthesis
    hop earlier by X[:, before[i]].
    Y : (C × M × K), result; last : (C × K), the synthesis frame before the first, overwritten by the last one.
    """
    channels, frames, bins = Y.shape
    power = np.empty(bins, dtype=np.float32)
    for i in range(frames):
        here, earlier = current[i], before[i]
        for k in range(bins):
            total = np.float32(0.0)
            for c in range(channels):
                value = X[c, here, k]
                total += value.real * value.real + value.imag * value.imag
            power[k] = total
        begin = 0
        peak = _next_peak(power, 0)
        if peak == bins:
            peak = 0  # nothing stands out (silence): one region
        while begin < bins:
            following = _next_peak(power, peak + 1)
            end = bins
            if following < bins:
                end = peak + 1
                for k in range(peak + 1, following + 1):
                    if power[k] < power[end]:
                        end = k
            re, im = 0.0, 0.0  # double precision: products of tiny values must not vanish
            for c in range(channels):
                a, b = last[c, peak], X[c, earlier, peak]
                re += float(a.real) * b.real + float(a.imag) * b.imag
                im += float(a.imag) * b.real - float(a.real) * b.imag
            size = math.sqrt(re * re + im * im)
            rotation = np.complex64(complex(re / size, im / size) if size > 1e-60 else 1.0)
            for c in range(channels):
                for k in range(begin, end):
                    Y[c, i, k] = X[c, here, k] * rotation
            begin, peak = end, following
        for c in range(channels):
            for k in range(bins):
                last[c, k] = Y[c, i, k]


def warm() -> None:
    """Compile every kernel with the types that are used."""
    X = np.zeros((1, 1, 5), np.complex64)
    order = np.zeros(1, np.int64)
    lock_phases(X, order, order, np.empty_like(X), np.empty((1, 5), np.complex64))
