"""Align two versions of a piece of music: which moment of one is which moment of the other.

The cost of two frames is the weighted sum of the distances of chroma and pitch levels and of their onsets
(`mirtool.sync.streams`): harmony finds the way, onsets find the moment [1]_. Dynamic time warping from coarse to fine
[2]_ [3]_, or exactly in linear memory [4]_, gives the path, which is then made strictly increasing, refined between the
frames where notes begin in both versions, and carried on at the local tempo through what was passed over at the ends.

References
----------
.. [1] S. Ewert, M. Müller, P. Grosche: High resolution audio synchronization using chroma onset features. ICASSP 2009.
.. [2] M. Müller, H. Mattes, F. Kurth: An efficient multiscale approach to audio synchronization. ISMIR 2006.
.. [3] T. Prätzlich, J. Driedger, M. Müller: Memory-restricted multiscale dynamic time warping. ICASSP 2016.
.. [4] C. Tralie, E. Dempsey: Exact, parallelizable dynamic time warping alignment with linear memory. ISMIR 2020.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.sync.dtw import Path, cost_matrix
from mirtool.sync.ends import common_box, excerpt_box
from mirtool.sync.levels import Box, Pair
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.paths import CLOSEST_SECONDS, edge_slopes, strictly_increasing
from mirtool.sync.streams import Frames, embedded, pooled, side
from mirtool.sync.transposition import find_transposition
from mirtool.types import Features, WarpingPath

_SMOOTH = 1.0  # seconds over which the confidence is averaged
_NEAR = 1e-3  # seconds; how close to its end a version is when the other one has not yet reached its own
_LATE = 0.35  # a vertex of a parabola further off than this share of a frame says nothing


@dataclass(frozen=True)
class Alignment:
    """What came of aligning two versions.

    Attributes
    ----------
    path : WarpingPath
        From the beginning to the end of both versions (of the first, for an excerpt), with a column ``confidence``.
    transposition : int
        Semitones from the first version to the second.
    pair : Pair
        The versions at all levels, for the cost matrix.
    """

    path: WarpingPath
    transposition: int
    pair: Pair


def align(a: Features, b: Features, parameters: SyncParameters, anchors: ArrayLike | None = None) -> Alignment:
    """Align two versions.

    Parameters
    ----------
    a, b : Features
        Kind ``sync`` (`mirtool.features.sync.sync_features`), or any features of one kind, which are compared by the
        cosine distance of their columns. Their feature rates are equal.
    parameters : SyncParameters
    anchors : array_like, shape (L, 2), optional
        Pairs of times (s) that must be met.

    Returns
    -------
    Alignment

    Raises
    ------
    DataError
        Features without frames or feature rate, of different kinds or rates.
    ParameterError
        A parameter outside its domain, anchors that run backwards or lie outside.
    """
    _check(a, b, parameters)
    transposition = find_transposition(a, b) if parameters.transpose is None else parameters.transpose
    weights = parameters.feature_weights
    pair = Pair(side(a, 0, weights), side(b, -transposition, weights), parameters)
    if anchors is not None and len(np.atleast_1d(anchors)):
        frames = _anchor_frames(np.asarray(anchors, dtype=np.float64), a, b)
    else:
        frames = np.empty((0, 2), np.int64)
    box = _box(pair, parameters, anchored=len(frames) > 0)
    path = _through(pair, box, frames)
    return Alignment(_timed(pair, path, a, b, parameters, anchors if len(frames) else None), transposition, pair)


def _check(a: Features, b: Features, parameters: SyncParameters) -> None:
    if a.kind != b.kind or a.data.shape[0] != b.data.shape[0]:
        raise DataError(
            f"features of different kinds: {a.kind or 'unknown'} ({a.data.shape[0]} rows) and "
            f"{b.kind or 'unknown'} ({b.data.shape[0]} rows)"
        )
    if not a.feature_rate or not b.feature_rate:
        raise DataError("features without a feature rate cannot be aligned")
    if a.feature_rate != b.feature_rate:
        raise DataError(f"features of different rates: {a.feature_rate:g} and {b.feature_rate:g} Hz")
    if parameters.band is not None and not parameters.band > 0:
        raise ParameterError(f"the band must be above 0 s, not {parameters.band:g}")
    if parameters.method not in ("multiscale", "exact"):
        raise ParameterError(f"no method {parameters.method} (there are: multiscale, exact)")


def _anchor_frames(anchors: NDArray[np.float64], a: Features, b: Features) -> Path:
    """Return anchors as pairs of frames, checked."""
    if anchors.ndim != 2 or anchors.shape[1] != 2:
        raise ParameterError("anchors are pairs of times")
    if np.any(np.diff(anchors, axis=0) <= 0):
        raise ParameterError("anchors must increase in both versions")
    ends = np.array([a.times[[0, -1]], b.times[[0, -1]]])
    half = 0.5 / float(a.feature_rate or 1)
    if np.any(anchors < ends[:, 0] - half) or np.any(anchors > ends[:, 1] + half):
        raise ParameterError("an anchor lies outside of the versions")
    frames = np.round((anchors - ends[:, 0]) * float(a.feature_rate or 1)).astype(np.int64)
    inside: Path = np.minimum(np.maximum(frames, 0), np.array([a.frames - 1, b.frames - 1]))
    return inside


def _box(pair: Pair, parameters: SyncParameters, anchored: bool) -> Box:
    """Return the part of both versions that is aligned."""
    whole = Box(0, pair.a.frames, 0, pair.b.frames)
    if parameters.subsequence:
        return excerpt_box(pair)
    return common_box(pair) if parameters.trim and not anchored else whole


def _through(pair: Pair, box: Box, anchors: Path) -> Path:
    """Return the path through a box that meets the anchors."""
    corners = [(box.first_a, box.first_b), *map(tuple, anchors), (box.stop_a - 1, box.stop_b - 1)]
    parts: list[Path] = []
    for (n0, m0), (n1, m1) in pairwise(corners):
        if n1 > n0 or m1 > m0 or not parts:
            parts.append(pair.align(Box(n0, n1 + 1, m0, m1 + 1)))
    path = np.concatenate(parts)
    return path[np.concatenate(([True], np.any(np.diff(path, axis=0) != 0, axis=1)))]


def _timed(
    pair: Pair, path: Path, a: Features, b: Features, parameters: SyncParameters, anchors: ArrayLike | None
) -> WarpingPath:
    """Turn a path of frames into a strictly increasing one in seconds, refined, with confidence, to the ends."""
    rate = pair.a.feature_rate
    costs, typical = _costs(pair, path)
    confidence = np.clip(1 - _smoothed(costs, path, rate) / max(typical, 1e-9), 0, 1)
    times = refined(path, a, b) / rate + (a.start, b.start)
    strict = strictly_increasing(times, confidence)
    if anchors is not None:
        strict = _pinned(strict, np.asarray(anchors, dtype=np.float64))
    ends = (a.times[0], a.times[-1]), (b.times[0], b.times[-1])
    return _carried_on(strict, ends, excerpt=parameters.subsequence)


def _pinned(path: WarpingPath, anchors: NDArray[np.float64]) -> WarpingPath:
    """Put anchors (s), shape (L, 2), into a strictly increasing path; points that contradict them leave."""
    times, confidence = path.times, path["confidence"]
    passed = np.stack(
        [
            np.searchsorted(anchors[:, column], times[:, column] + side * CLOSEST_SECONDS)
            for column in range(2)
            for side in (-1, 1)
        ]
    )
    kept = np.ptp(passed, axis=0) == 0
    times = np.concatenate((times[kept], anchors))
    confidence = np.concatenate((confidence[kept], np.ones(len(anchors))))
    order = np.argsort(times[:, 0], kind="stable")
    return strictly_increasing(times[order], confidence[order])


def refined(path: Path, a: Features, b: Features) -> NDArray[np.float64]:
    """Place the points of a path between the frames where onsets peak in both versions.

    A parabola through the strength of the onsets around each frame gives the offset of the peak; a point is moved where
    either version has its peak.

    Returns
    -------
    ndarray, shape (L, 2)
        In frames; monotone.
    """
    moved = path.astype(np.float64)
    if a.kind != "sync":
        return moved
    vertices = [_vertices(features) for features in (a, b)]
    both = ~np.isnan(vertices[0][path[:, 0]]) & ~np.isnan(vertices[1][path[:, 1]])
    for column, offset in enumerate(vertices):
        moved[both, column] += offset[path[both, column]]
    return np.maximum.accumulate(moved, axis=0)


def _vertices(features: Features) -> NDArray[np.float64]:
    """Return the offset of the peak of the onset strength at each frame that is a peak, else NaN."""
    half = features.data.shape[0] // 2
    strength = features.data[half:].sum(axis=0, dtype=np.float64)
    offset = np.full(len(strength), np.nan)
    left, centre, right = strength[:-2], strength[1:-1], strength[2:]
    peak = (centre > left) & (centre >= right)
    curvature = np.where(peak, 2 * centre - left - right, 1)
    vertex = (right - left) / (2 * curvature)
    offset[1:-1] = np.where(peak, np.clip(vertex, -_LATE, _LATE), np.nan)
    return offset


def _costs(pair: Pair, path: Path) -> tuple[NDArray[np.float64], float]:
    """Return the cost of each cell of a path, and that of cells far from it (the median)."""
    costs, elsewhere = [], []
    block = 1 << 13
    for first in range(0, len(path), block):
        cells = path[first : first + block]
        n0, m0 = cells[0]
        n1, m1 = cells[-1] + 1
        X = embedded(pair.a.streams(n0, n1), pair.a.weights, left=True)
        Y = embedded(pair.b.streams(m0, m1), pair.b.weights, left=False)
        n, m = cells[:, 0] - n0, cells[:, 1] - m0
        costs.append(pair.bias - np.einsum("kl,kl->l", X[:, n], Y[:, m]))
        elsewhere.append(pair.bias - np.einsum("kl,kl->l", X[:, n], Y[:, m[::-1]]))
    return np.concatenate(costs).astype(np.float64), float(np.median(np.concatenate(elsewhere)))


def _smoothed(costs: NDArray[np.float64], path: Path, rate: float) -> NDArray[np.float64]:
    """Average costs (L,) over a second of the path."""
    total = np.concatenate(([0.0], np.cumsum(costs)))
    place = path.sum(axis=1) / (2 * rate)
    first = np.searchsorted(place, place - _SMOOTH / 2)
    stop = np.searchsorted(place, place + _SMOOTH / 2, side="right")
    return np.asarray((total[stop] - total[first]) / (stop - first))


def _carried_on(path: WarpingPath, ends: tuple[tuple[float, float], tuple[float, float]], excerpt: bool) -> WarpingPath:
    """Carry a path on at the local tempo until one version ends, and from there straight to the ends of both."""
    times, confidence = path.times, path["confidence"]
    slopes = edge_slopes(times[:, 0], times[:, 1])
    for last, slope in enumerate(slopes):
        sign = 1 if last else -1
        edge = times[-1 if last else 0]
        goal = np.array([ends[0][last], ends[1][last]])
        room = np.maximum(sign * (goal - edge), 0)
        if np.all(room <= _NEAR):
            continue
        speed = np.array([1.0, slope])
        if excerpt:
            added = [edge + sign * speed * room[0]] if room[0] > _NEAR else []
        else:
            # Leave room for the last stretch, along which one version is all but at its end.
            inside = np.all(sign * (goal - times) > _NEAR, axis=1)
            times, confidence = times[inside], confidence[inside]
            edge = times[-1 if last else 0]
            room = sign * (goal - edge)
            stride = float(((room - _NEAR) / speed).min())
            added = [edge + sign * speed * stride] if stride > _NEAR else []
            added.append(goal)
        if not len(added):
            continue
        new = np.array(added)
        new = new if last else new[::-1]
        times = np.concatenate((times, new) if last else (new, times))
        zeros = np.zeros(len(new))
        confidence = np.concatenate((confidence, zeros) if last else (zeros, confidence))
    return strictly_increasing(times, confidence)


def coarse_cost(pair: Pair, rate: float | None) -> tuple[Frames, float]:
    """Return the cost matrix C (N × M) of the coarsest level, or at about a given rate, and its frame rate (Hz)."""
    if rate is None:
        level = pair.levels[0]
        factor, a, b = level.factor, level.a, level.b
    else:
        if not 0 < rate <= pair.a.feature_rate:
            raise ParameterError(f"the rate of the cost matrix must lie in 0 … {pair.a.feature_rate:g} Hz")
        factor = max(1, round(pair.a.feature_rate / rate))
        a, b = pooled(pair.a, factor), pooled(pair.b, factor)
    X, Y = embedded(a, pair.a.weights, left=True), embedded(b, pair.b.weights, left=False)
    return cost_matrix(X, Y, pair.bias), pair.a.feature_rate / factor
