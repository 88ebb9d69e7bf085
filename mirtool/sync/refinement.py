"""Where a path says something: at the beginnings of notes that both versions have.

Between them a path is made of rounded steps, while music goes on at an even tempo; so the path is thinned out to the
places where the same pitches begin in both versions, and these are placed between the frames.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.features.dlnco import sliding_maximum
from mirtool.features.sync import KIND, PITCHES
from mirtool.sync.dtw import Path
from mirtool.sync.streams import Frames, moved
from mirtool.types import Features

_NEAR = 0.03  # seconds by which the onsets of two versions may miss each other on the path
_APART = 0.03  # seconds; of onsets that are closer to each other, the best one stands for all
_SHARE = 0.15  # of the strongest match within _LOCAL: weaker ones are noise
_LOCAL = 1.0  # seconds
_LONGEST = 2.0  # seconds without an onset, after which the path itself counts
_LATE = 0.35  # a vertex of a parabola further off than this share of a frame says nothing
_BLOCK = 1 << 12


def onset_points(path: Path, a: Features, b: Features, transposition: int) -> NDArray[np.int64]:
    """Return the indices of the points of a path that count, the first and the last among them.

    A point counts if the onsets that both versions have in common there are a local maximum along the path and strong
    for their neighbourhood; in long stretches without any, points at a regular distance do. Features of other kinds
    than ``sync`` do not know onsets: all points count.

    Parameters
    ----------
    path : ndarray, shape (L, 2)
        Frames.
    a, b : Features
    transposition : int
        Semitones from a to b.
    """
    if a.kind != KIND or len(path) < 3:
        return np.arange(len(path))
    rate = float(a.feature_rate or 1)
    match = _matches(path, a, b, transposition, round(_NEAR * rate))
    strong = _spread(match, round(_LOCAL * rate))
    peaks = (match >= _spread(match, round(_APART * rate))) & (match > _SHARE * strong) & (match > 0)
    chosen = [0]
    for index in np.flatnonzero(peaks):
        if np.all(path[index] > path[chosen[-1]]):
            chosen.append(int(index))
    if chosen[-1] != len(path) - 1:
        chosen.append(len(path) - 1)
    return _filled(path, np.array(chosen), _LONGEST * rate)


def _matches(path: Path, a: Features, b: Features, transposition: int, near: int) -> NDArray[np.float64]:
    """Return how strong the onsets are that both versions have near each point of a path, shape (L,)."""
    P = len(PITCHES)
    rows_a, rows_b = a.data.T[:, P:], b.data.T[:, P:]
    match = np.empty(len(path))
    for first in range(0, len(path), _BLOCK):
        cells = path[first : first + _BLOCK]
        (at_a, wide_a), (at_b, wide_b) = (
            _gathered(rows, cells[:, side], near, shift)
            for side, (rows, shift) in enumerate(((rows_a, 0), (rows_b, -transposition)))
        )
        common = np.minimum(at_a, wide_b) + np.minimum(wide_a, at_b)
        match[first : first + _BLOCK] = common.sum(axis=1)
    return match


def _gathered(rows: Frames, frames: NDArray[np.int64], near: int, shift: int) -> tuple[Frames, Frames]:
    """Return rows at some (rising) frames, and their maxima over `near` frames to either side."""
    first, stop = int(frames[0]), int(frames[-1]) + 1
    begin, end = max(0, first - near), min(len(rows), stop + near)
    cut = moved(rows[begin:end], shift)
    padded = np.pad(cut, ((near - (first - begin), near - (end - stop)), (0, 0)))
    wide = sliding_maximum(padded, 2 * near + 1)
    return cut[frames - begin], wide[frames - first]


def _spread(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the maximum within `reach` points to either side."""
    padded = np.pad(values[:, None].astype(np.float32), ((reach, reach), (0, 0)))
    return np.asarray(sliding_maximum(padded, 2 * reach + 1)[:, 0], dtype=np.float64)


def _filled(path: Path, chosen: NDArray[np.int64], longest: float) -> NDArray[np.int64]:
    """Add points where two neighbours are further apart than `longest` frames of either version."""
    place = path.sum(axis=1)
    parts = [chosen]
    for index in np.flatnonzero(np.diff(path[chosen], axis=0).max(axis=1) > longest):
        low, high = place[chosen[index]], place[chosen[index + 1]]
        steps = int((high - low) // (2 * longest)) + 1
        wanted = low + (high - low) * np.arange(1, steps) / steps
        parts.append(np.searchsorted(place, wanted))
    return np.unique(np.concatenate(parts))


def between_frames(path: Path, a: Features, b: Features) -> NDArray[np.float64]:
    """Place points between the frames, where onsets peak in both versions.

    A parabola through the strength of the onsets around a frame gives the offset of the peak.

    Returns
    -------
    ndarray, shape (L, 2)
        In frames; monotone.
    """
    placed = path.astype(np.float64)
    if a.kind != KIND:
        return placed
    offsets = np.stack([_vertices(features)[path[:, side]] for side, features in enumerate((a, b))], axis=1)
    both = ~np.isnan(offsets).any(axis=1)
    placed[both] += offsets[both]
    return np.maximum.accumulate(placed, axis=0)


def _vertices(features: Features) -> NDArray[np.float64]:
    """Return the offset of the peak of the onset strength at each frame that is a peak, else NaN."""
    strength = features.data[len(PITCHES) :].sum(axis=0, dtype=np.float64)
    offset = np.full(len(strength), np.nan)
    left, centre, right = strength[:-2], strength[1:-1], strength[2:]
    peak = (centre > left) & (centre >= right)
    curvature = np.where(peak, 2 * centre - left - right, 1)
    offset[1:-1] = np.where(peak, np.clip((right - left) / (2 * curvature), -_LATE, _LATE), np.nan)
    return offset
