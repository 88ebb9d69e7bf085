"""From a path of frames to a warping path in seconds: placed at onsets, with confidence, carried on to the ends."""

import numpy as np
from numpy.typing import NDArray

from mirtool.sync.dtw import Path
from mirtool.sync.multiscale import Pair
from mirtool.sync.paths import CLOSEST_SECONDS, edge_slopes, strictly_increasing
from mirtool.sync.refinement import between_frames, onset_points
from mirtool.types import Features, WarpingPath

_SMOOTH = 1.0  # seconds over which the confidence is averaged
_NEAR = 1e-3  # seconds; how close to its end a version is when the other one has not yet reached its own

Times = NDArray[np.float64]


def timed(
    pair: Pair, path: Path, versions: tuple[Features, Features], transposition: int, anchors: Times
) -> WarpingPath:
    """Return the warping path of a path of frames.

    Parameters
    ----------
    pair : Pair
    path : ndarray, shape (L, 2)
        Frames.
    versions : tuple of Features
    transposition : int
        Semitones from the first to the second.
    anchors : ndarray, shape (A, 2)
        Pairs of times (s) that are met exactly.

    Returns
    -------
    WarpingPath
        Strictly increasing, to the ends of both versions (of the first, for an excerpt), with ``confidence``: 1 less
        the cost along the path, averaged over a second, relative to what the same frames cost with others.
    """
    a, b = versions
    kept = onset_points(path, a, b, transposition)
    times = between_frames(path[kept], a, b) / pair.a.feature_rate + np.array([a.start, b.start])
    strict = strictly_increasing(times, _confidence(pair, path)[kept])
    if len(anchors):
        strict = _pinned(strict, anchors)
    ends = np.array([a.times[[0, -1]], b.times[[0, -1]]])
    return _carried_on(strict, ends, pair.parameters.subsequence)


def _pinned(path: WarpingPath, anchors: Times) -> WarpingPath:
    """Put anchors (s), shape (A, 2), into a strictly increasing path; points that contradict them leave."""
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


def _confidence(pair: Pair, path: Path) -> Times:
    """Return the confidence (L,) of the points of a path.

    What a frame costs with frames to which it does not belong is seen along the path moved against itself; dense music
    is so judged by dense music.
    """
    level = pair.levels[-2]  # at the finest one costs are not held
    cells = path // level.factor
    fresh = np.concatenate(([True], np.any(np.diff(cells, axis=0) != 0, axis=1)))
    n, m = cells[fresh].T
    totals = [np.concatenate(([0.0], np.cumsum(costs, dtype=np.float64))) for costs in level.costs_elsewhere(n, m)]
    place = (n + m) * level.factor / (2 * pair.a.feature_rate)
    first = np.searchsorted(place, place - _SMOOTH / 2)
    stop = np.searchsorted(place, place + _SMOOTH / 2, side="right")
    matched, other = (total[stop] - total[first] for total in totals)
    confidence: Times = np.clip(1 - matched / np.maximum(other, 1e-9), 0, 1)
    return np.asarray(confidence[np.cumsum(fresh) - 1])


def _carried_on(path: WarpingPath, ends: Times, excerpt: bool) -> WarpingPath:
    """Carry a path on at the local tempo until one version ends, and from there straight to the ends of both.

    An excerpt is carried on to the ends of the first version alone.
    """
    times, confidence = path.times, path["confidence"]
    for last, slope in enumerate(edge_slopes(times[:, 0], times[:, 1])):
        sign, goal, speed = 2 * last - 1, ends[:, last], np.array([1.0, slope])
        bound = slice(0, 1) if excerpt else slice(0, 2)
        # The last stretch needs room: there one version is all but at its end while the other one goes on.
        inside = np.all(sign * (goal - times)[:, bound] > _NEAR, axis=1)
        if not inside.any():
            continue
        times, confidence = times[inside], confidence[inside]
        edge = times[-1 if last else 0]
        room = float(((sign * (goal - edge) - (0 if excerpt else _NEAR)) / speed)[bound].min())
        added = [edge + sign * speed * room] if room > 0 else []
        if not excerpt:
            added.append(goal)
        if not last:
            added.reverse()
        new, none = np.array(added).reshape(-1, 2), np.zeros(len(added))
        times = np.concatenate((times, new) if last else (new, times))
        confidence = np.concatenate((confidence, none) if last else (none, confidence))
    return strictly_increasing(times, confidence)
