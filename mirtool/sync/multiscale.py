"""From coarse to fine: a box of two versions is aligned at falling frame lengths [1]_.

The coarsest level, solved exactly, has at most `CELLS` cells; the others are cut into sections, so that only compact
features, and never the embedded ones of a whole recording, are held [2]_.

References
----------
.. [1] M. Müller, H. Mattes, F. Kurth: An efficient multiscale approach to audio synchronization. ISMIR 2006.
.. [2] T. Prätzlich, J. Driedger, M. Müller: Memory-restricted multiscale dynamic time warping. ICASSP 2016.
"""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.sync.dtw import NoPathError, Path, dtw, dtw_banded
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.streams import COSINE, EUCLIDEAN, Frames, PooledSide, Side, Version, bias, distances, embedded

Window = tuple[NDArray[np.int64], NDArray[np.int64]]

CELLS = 8_000_000  # of the coarsest level
MARGIN = 40  # frames of a level by which its band is wider than the path of the level before
_FIRST = 5  # frames that the second finest level gathers
_PAIRS = 4096  # frames whose costs are computed at a time
_SECTION = 4096  # frames of the first version that are aligned at a time on the finest level
_OVERLAP = 384  # frames that neighbouring sections share
_ELSEWHERE = 4  # parts by which a path is moved against itself
# Ratio of what onsets cost along a path and elsewhere: up to the first it is trusted fully, beyond the second least.
_FULL_TRUST, _NO_TRUST, _LEAST_TRUST = 0.6, 0.85, 0.1


@dataclass(frozen=True)
class Box:
    """A rectangle of frames: first ≤ n < stop in either version."""

    first_a: int
    stop_a: int
    first_b: int
    stop_b: int

    def coarser(self, factor: int) -> "Box":
        """Return the rectangle of groups of `factor` frames that holds this one."""
        return Box(self.first_a // factor, -(-self.stop_a // factor), self.first_b // factor, -(-self.stop_b // factor))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of frames of either version."""
        return self.stop_a - self.first_a, self.stop_b - self.first_b


@dataclass(frozen=True)
class Level:
    """Both versions at one frame length.

    Attributes
    ----------
    factor : int
        Frames of the finest level that make a frame of this one.
    a, b : Side
    """

    factor: int
    a: Side
    b: Side

    def coarser(self, factor: int) -> "Level":
        """Return the level whose frames are `factor` times as long."""
        with ThreadPoolExecutor(2) as threads:
            return Level(self.factor * factor, *threads.map(lambda side: PooledSide(side, factor), (self.a, self.b)))

    @property
    def whole(self) -> Box:
        """All frames of both versions."""
        return Box(0, self.a.frames, 0, self.b.frames)

    def embedded(self, box: Box) -> tuple[Frames, Frames]:
        """Return X (K × N) and Y (K × M) of a box in frames of this level."""
        return (
            embedded(self.a.streams(box.first_a, box.stop_a), self.a.weights, left=True),
            embedded(self.b.streams(box.first_b, box.stop_b), self.b.weights, left=False),
        )

    def weighted(self, factors: Mapping[str, float]) -> "Level":
        """Return the level with the weights of some streams multiplied; not for the finest."""
        assert isinstance(self.a, PooledSide)
        assert isinstance(self.b, PooledSide)
        return Level(self.factor, self.a.weighted(factors), self.b.weighted(factors))

    def costs_elsewhere(
        self, n: NDArray[np.int64], m: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the costs along a path, and what the same frames cost with others: the path moved against itself."""
        shifts = [len(n) * part // _ELSEWHERE for part in range(1, _ELSEWHERE)]
        moved = [self.costs(np.roll(n, shift), m) + self.costs(n, np.roll(m, shift)) for shift in shifts]
        return self.costs(n, m), np.sum(moved, axis=0) / np.float32(2 * len(shifts))

    def costs(self, n: NDArray[np.int64], m: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the costs of some pairs of frames, shape (L,)."""
        costs = np.zeros(len(n), np.float32)
        streams_a, streams_b = self.a.streams(0, self.a.frames), self.b.streams(0, self.b.frames)
        for name in streams_a:
            weight = self.a.weights[name]
            for first in range(0, len(n), _PAIRS):
                cut = slice(first, first + _PAIRS)
                costs[cut] += weight * distances(name, streams_a[name][n[cut]], streams_b[name][m[cut]])
        return costs


class Pair:
    """Two versions with their coarser levels.

    Parameters
    ----------
    a, b : Version
        Of the same feature rate and weights.
    parameters : SyncParameters
    """

    def __init__(self, a: Version, b: Version, parameters: SyncParameters) -> None:
        self.a, self.b, self.parameters = a, b, parameters
        self.bias = bias(a.weights)
        finest = Level(1, a, b)
        middle = finest.coarser(_FIRST)
        coarse = [*(middle.coarser(factor) for factor in _factors(middle.a.frames, middle.b.frames)), middle]
        trust = dict.fromkeys(EUCLIDEAN, _onset_trust(coarse[0]))
        self.levels = [*(level.weighted(trust) for level in coarse), finest]  # from coarse to fine

    def align(self, box: Box) -> Path:
        """Return the path through a box, from its first to its last pair of frames, as frames of the versions."""
        parameters = self.parameters
        N, M = sorted(box.shape)
        if parameters.steps == "slanted" and M - 1 > 2 * (N - 1):
            raise NoPathError(f"steps (1,1), (1,2), (2,1) cannot join {N} and {M} frames (more than twice as many)")
        levels = self.levels[-1:] if parameters.method == "exact" else self.levels
        path: Path | None = None
        factor = levels[0].factor
        for level in levels:
            part = box.coarser(level.factor)
            window = self._band(part, level.factor)
            if path is None:
                path = self._solved(level, part, window, rounded=level.factor > 1)
            else:
                ratio = factor / level.factor
                path = self._sections(level, part, _narrowed(window, project(path, ratio, part)), path * ratio)
            factor = level.factor
        assert path is not None
        return path

    def _solved(self, level: Level, box: Box, window: Window | None, rounded: bool) -> Path:
        """Return the best path through a box, within a window (relative to the box) if there is one.

        Slanted steps may find no way through a narrow band, and then get the whole box; nor through one whose sides
        were rounded (of a coarse level, of a section), which is then crossed with classic steps.
        """
        steps, weights = self.parameters.steps, self.parameters.step_weights
        X, Y = level.embedded(box)
        try:
            if window is None:
                path, _ = dtw(X, Y, steps, weights, bias=self.bias)
            else:
                path, _ = dtw_banded(X, Y, *window, steps, weights, bias=self.bias)
        except NoPathError:
            if window is not None:
                return self._solved(level, box, None, rounded)
            if not rounded:
                raise
            path, _ = dtw(X, Y, bias=self.bias)
        absolute: Path = path + np.array([box.first_a, box.first_b])
        return absolute

    def _band(self, box: Box, factor: int) -> Window | None:
        """Return the window that the option --band leaves of a box, None for all."""
        if self.parameters.band is None:
            return None
        N, M = box.shape
        reach = self.parameters.band * self.a.feature_rate / factor
        straight = np.arange(N) * ((M - 1) / max(N - 1, 1))
        tilt = max(1.0, (M - 1) / max(N - 1, 1))  # however narrow the band, a path must fit in
        low = np.clip(np.floor(straight - reach - tilt), 0, M - 1).astype(np.int64)
        high = np.clip(np.ceil(straight + reach + tilt) + 1, 1, M).astype(np.int64)
        low[0], high[-1] = 0, M
        return low, high

    def _sections(self, level: Level, box: Box, window: Window, coarse: NDArray[np.floating[Any]]) -> Path:
        """Align a level section by section, two at a time; in the middle of an overlap one takes over.

        `coarse` is the path of the level before, in frames of this one.
        """
        N, M = box.shape
        low, high = window
        expected = np.interp(np.arange(N), *_graph(coarse - np.array([box.first_a, box.first_b]))).round()
        expected = np.clip(expected, low, high - 1).astype(np.int64)

        def section(first: int) -> Path:
            begin, stop = max(0, first - _OVERLAP), min(first + _SECTION + _OVERLAP, N)
            left = int(expected[begin]) if begin else 0
            right = int(expected[stop - 1]) + 1 if stop < N else M
            inner_low = np.clip(low[begin:stop] - left, 0, right - left - 1)
            inner_high = np.clip(high[begin:stop] - left, 1, right - left)
            inner_low[0], inner_high[-1] = 0, right - left
            part = Box(box.first_a + begin, box.first_a + stop, box.first_b + left, box.first_b + right)
            rounded = level.factor > 1 or part != box
            path = self._solved(level, part, (inner_low, inner_high), rounded)
            inside = (path[:, 0] >= box.first_a + first) & (path[:, 0] < box.first_a + first + _SECTION)
            return path[inside]

        with ThreadPoolExecutor(2) as threads:
            path = np.concatenate(list(threads.map(section, range(0, N, _SECTION))))
        return path[path[:, 1] >= np.maximum.accumulate(path[:, 1])]


def _onset_trust(level: Level) -> float:
    """Return the factor on the weights of onsets with which the way is looked for, 0.1 to 1.

    Bows and voices begin softly; what the analysis takes for onsets there leads astray. So onsets count by how much
    less they differ along the path that harmony alone takes than elsewhere. On the finest level they count in full.
    """
    if not any(name in level.a.weights for name in COSINE) or not any(name in level.a.weights for name in EUCLIDEAN):
        return 1.0
    harmony, onsets = (level.weighted(dict.fromkeys(names, 0.0)) for names in (EUCLIDEAN, COSINE))
    path, _ = dtw(*harmony.embedded(level.whole), bias=bias(harmony.a.weights))
    here, elsewhere = (costs.sum() for costs in onsets.costs_elsewhere(*path.T))
    ratio = here / elsewhere if elsewhere > 0 else 1.0
    return float(np.clip((_NO_TRUST - ratio) / (_NO_TRUST - _FULL_TRUST), _LEAST_TRUST, 1))


def project(path: Path, ratio: float, box: Box, margin: int = MARGIN) -> Window:
    """Project a coarse path onto a box of finer frames, and widen it to a band.

    Coarse cell (n, m) becomes the rectangle of fine cells from ratio · (n - 1/2) to ratio · (n + 1), likewise for m, so
    that it does not matter whether coarse frames were centred on, or begin at, every ratio-th fine frame. The band is
    the union of the rectangles, each widened by `margin` cells to all sides.

    Parameters
    ----------
    path : ndarray of int, shape (L, 2)
        Monotone, pairs of coarse frames counted from the beginning of the versions.
    ratio : float
        Fine frames a coarse frame.
    box : Box
        In fine frames.
    margin : int
        Fine frames.

    Returns
    -------
    low, high : ndarray of int64, shape (N,)
        Relative to the box: frame n meets frames low[n] ≤ m < high[n].
    """
    # Cell by cell along the path all four edges of the rectangles rise, so those that meet row n are a run of cells.
    begin, stop = (path - 0.5) * ratio - margin, (path + 1) * ratio + margin
    rows = np.arange(box.first_a, box.stop_a)
    first = np.minimum(np.searchsorted(np.ceil(stop[:, 0]), rows, side="right"), len(path) - 1)
    last = np.maximum(np.searchsorted(np.floor(begin[:, 0]), rows, side="right") - 1, 0)
    M = box.shape[1]
    low = np.clip(np.floor(begin[first, 1]).astype(np.int64) - box.first_b, 0, M - 1)
    high = np.clip(np.ceil(stop[last, 1]).astype(np.int64) - box.first_b, 1, M)
    low[0], high[-1] = 0, M
    return low, np.maximum(high, low + 1)


def _narrowed(outer: Window | None, inner: Window) -> Window:
    """Return what two windows share; where they have nothing in common, the outer one."""
    if outer is None:
        return inner
    low, high = np.maximum(outer[0], inner[0]), np.minimum(outer[1], inner[1])
    apart = low >= high
    low, high = np.where(apart, outer[0], low), np.where(apart, outer[1], high)
    return np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)


def _graph(path: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a path as a function of the first version: its frames, and the mean frame of the second at each."""
    frames, inverse = np.unique(path[:, 0], return_inverse=True)
    return frames.astype(np.float64), np.bincount(inverse, path[:, 1]) / np.bincount(inverse)


def _factors(N: int, M: int) -> list[int]:
    """Return by how much the levels above the second finest one (N × M) are coarser, from coarse to fine."""
    coarsest = math.ceil(math.sqrt(N * M / CELLS))
    if coarsest <= 1:
        return []
    middle = math.isqrt(coarsest)
    return [coarsest] if coarsest <= 8 else [coarsest, middle]
