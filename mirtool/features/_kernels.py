"""Compiled loops of novelty: bands with their delays, the level of a sound, rises, and the placing of what rises."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def band_frames(
    spectra: NDArray[np.complex64],
    first: NDArray[np.int64],
    place: NDArray[np.int64],
    weights: NDArray[np.float32],
    bands: NDArray[np.float32],
    turns: NDArray[np.complex64],
) -> None:
    """Fill the magnitudes in bands (m × K) and how the phase turns in them (m × K) from spectra (m × bins).

    Band k takes the bins from first[k] on with weights[place[k] : place[k + 1]]. Its turn is the sum over these bins
    of the directions of -X(n, j) · conj(X(n, j + 1)); of an impulse d samples behind the centre of N samples, each is
    exp(2πi d / N).
    """
    frames, bins = spectra.shape
    count = len(first)
    size = np.empty(bins, dtype=np.float32)
    real = np.zeros(bins, dtype=np.float32)
    imag = np.zeros(bins, dtype=np.float32)
    for n in range(frames):
        for j in range(bins):
            size[j] = math.sqrt(spectra[n, j].real * spectra[n, j].real + spectra[n, j].imag * spectra[n, j].imag)
        for j in range(bins - 1):
            a, b = spectra[n, j], spectra[n, j + 1]
            # frames are cut from their first sample on: relative to their centre, every other bin changes its sign
            scale = np.float32(-1.0) / (size[j] * size[j + 1] + np.float32(1e-30))
            real[j] = (a.real * b.real + a.imag * b.imag) * scale
            imag[j] = (a.imag * b.real - a.real * b.imag) * scale
        for k in range(count):
            total = np.float32(0.0)
            x = np.float32(0.0)
            y = np.float32(0.0)
            for i in range(place[k], place[k + 1]):
                j = first[k] + i - place[k]
                total += weights[i] * size[j]
                x += real[j]
                y += imag[j]
            bands[n, k] = total
            turns[n, k] = complex(x, y)


@kernel
def held_level(norms: NDArray[np.float64], ahead: int, decay: float, last: float, level: NDArray[np.float64]) -> float:
    """Fill level (m,): the largest of the norms (m + ahead,) up to `ahead` later and, decaying, of all before.

    last : the level before the first; the last one is returned.
    """
    for n in range(len(level)):
        last *= decay
        for i in range(n, n + ahead + 1):
            if norms[i] > last:
                last = norms[i]
        level[n] = last
    return last


@kernel
def weighted_rises(
    bands: NDArray[np.float32],
    lag: int,
    reach: int,
    floor: NDArray[np.float64],
    masks: NDArray[np.float32],
    weights: NDArray[np.float64],
    turns: NDArray[np.complex64],
    values: NDArray[np.float64],
    sums: NDArray[np.complex128],
) -> None:
    """Fill how much the bands rise in each frame (m × R), and the turns of what rises with its weight (m × R).

    bands : (m + lag) × K, the frames with those before them. The rise of band k is log((B(n, k) + c) / (M + c)) with
    the floor c of frame n and the largest magnitude M in the bands k - reach … k + reach, `lag` frames before.
    masks : m × K, or 1 × K for all frames. weights : R × K, one row a curve.
    """
    frames, count = turns.shape
    values[:] = 0.0
    sums[:] = 0.0
    for n in range(frames):
        c = floor[n]
        mask = min(n, len(masks) - 1)
        for k in range(count):
            here = bands[n + lag, k]
            before = bands[n, k]
            for j in range(max(k - reach, 0), min(k + reach + 1, count)):
                before = max(before, bands[n, j])
            if here > before:
                rise = math.log((here + c) / (before + c))
                rise = rise * math.sqrt(rise) * masks[mask, k]
                for r in range(len(weights)):
                    if weights[r, k] > 0:
                        values[n, r] += rise * weights[r, k]
                        sums[n, r] += rise * weights[r, k] * turns[n, k]


@kernel
def place_values(values: NDArray[np.float64], places: NDArray[np.float64], curves: NDArray[np.float64]) -> None:
    """Add values (m × R) to curves (N × R) at places (m × R) between their points: to both neighbours, in parts."""
    end = len(curves) - 1
    for n in range(len(values)):
        for r in range(values.shape[1]):
            place = min(max(places[n, r], 0.0), float(end))
            i = int(place)
            part = place - i
            curves[i, r] += (1 - part) * values[n, r]
            if i < end:
                curves[i + 1, r] += part * values[n, r]


@kernel
def root_mean_squares(
    values: NDArray[np.float64], first: int, count: int, past: int, ahead: int, result: NDArray[np.float64]
) -> None:
    """Fill result (count,) with the root mean square around the values from `first` on, as far as there are values."""
    for n in range(count):
        begin = max(first + n - past, 0)
        end = min(first + n + ahead + 1, len(values))
        total = 0.0
        for i in range(begin, end):
            total += values[i] * values[i]
        result[n] = math.sqrt(total / (end - begin))


def warm() -> None:
    """Compile all kernels."""
    spectra = np.zeros((2, 3), np.complex64)
    bands, turns = np.zeros((2, 1), np.float32), np.zeros((2, 1), np.complex64)
    index, values, one = np.zeros(2, np.int64), np.zeros(1), np.zeros((1, 1))
    band_frames(spectra, index[:1], index, np.zeros(0, np.float32), bands, turns)
    held_level(values, 0, 1.0, 0.0, np.zeros(1))
    weighted_rises(bands, 1, 1, values, bands[:1], one, turns[:1], one.copy(), np.zeros((1, 1), np.complex128))
    place_values(one, one, one.copy())
    root_mean_squares(values, 0, 1, 0, 0, np.zeros(1))
