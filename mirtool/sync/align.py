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
from mirtool.sync.dtw import Path, checked_weights, cost_matrix
from mirtool.sync.ends import common_box, excerpt_box
from mirtool.sync.multiscale import Box, Pair
from mirtool.sync.parameters import METHODS, SyncParameters
from mirtool.sync.streams import COSINE, EUCLIDEAN, Frames, check_weights, side
from mirtool.sync.timing import timed
from mirtool.sync.transposition import find_transposition
from mirtool.types import Features, WarpingPath


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
    check(parameters)
    _check(a, b)
    transposition = find_transposition(a, b) if parameters.transpose is None else parameters.transpose
    weights = parameters.feature_weights
    pair = Pair(side(a, 0, weights), side(b, -transposition, weights), parameters)
    if anchors is not None and len(np.atleast_1d(anchors)):
        frames = _anchor_frames(np.asarray(anchors, dtype=np.float64), a, b)
    else:
        frames = np.empty((0, 2), np.int64)
    box = _box(pair, parameters, anchored=len(frames) > 0)
    path = _through(pair, box, frames)
    met = np.asarray(anchors, dtype=np.float64) if len(frames) else np.empty((0, 2))
    return Alignment(timed(pair, path, (a, b), transposition, met), transposition, pair)


def check(parameters: SyncParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain, before anything is computed."""
    if parameters.band is not None and not parameters.band > 0:
        raise ParameterError(f"the band must be above 0 s, not {parameters.band:g}")
    if parameters.method not in METHODS:
        raise ParameterError(f"no method {parameters.method} (there are: {', '.join(METHODS)})")
    checked_weights(parameters.steps, parameters.step_weights)
    check_weights(parameters.feature_weights)


def _check(a: Features, b: Features) -> None:
    if a.kind != b.kind or a.data.shape[0] != b.data.shape[0]:
        raise DataError(
            f"features of different kinds: {a.kind or 'unknown'} ({a.data.shape[0]} rows) and "
            f"{b.kind or 'unknown'} ({b.data.shape[0]} rows)"
        )
    if not a.feature_rate or not b.feature_rate:
        raise DataError("features without a feature rate cannot be aligned")
    if a.feature_rate != b.feature_rate:
        raise DataError(f"features of different rates: {a.feature_rate:g} and {b.feature_rate:g} Hz")


def _anchor_frames(anchors: NDArray[np.float64], a: Features, b: Features) -> Path:
    """Return anchors as pairs of frames, checked."""
    if anchors.ndim != 2 or anchors.shape[1] != 2:
        raise ParameterError("anchors are pairs of times")
    if np.any(np.diff(anchors, axis=0) <= 0):
        raise ParameterError("anchors must increase in both versions")
    ends = np.array([a.times[[0, -1]], b.times[[0, -1]]])
    half = 0.5 / float(a.feature_rate or 1)
    outside = np.any((anchors < ends[:, 0] - half) | (anchors > ends[:, 1] + half), axis=1)
    if outside.any():
        time_a, time_b = anchors[outside.argmax()]
        raise ParameterError(f"an anchor lies outside of the versions ({time_a:g} s, {time_b:g} s)")
    frames = np.round((anchors - ends[:, 0]) * float(a.feature_rate or 1)).astype(np.int64)
    inside: Path = np.minimum(np.maximum(frames, 0), np.array([a.frames - 1, b.frames - 1]))
    return inside


def _box(pair: Pair, parameters: SyncParameters, anchored: bool) -> Box:
    """Return the part of both versions that is aligned."""
    whole = pair.levels[-1].whole
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


def coarse_cost(pair: Pair, rate: float | None) -> tuple[Frames, float]:
    """Return the cost matrix C (N × M) of the coarsest level, or at about a given rate, and its frame rate (Hz)."""
    level = pair.levels[0]
    if rate is not None:
        if not 0 < rate <= pair.a.feature_rate:
            raise ParameterError(f"the rate of the cost matrix must lie in 0 … {pair.a.feature_rate:g} Hz")
        level = pair.levels[-1].coarser(max(1, round(pair.a.feature_rate / rate)))
    return cost_matrix(*level.embedded(level.whole), pair.bias), level.a.feature_rate


def harmony_cost(pair: Pair) -> tuple[Frames, float]:
    """Return the cost matrix of the coarsest level without onsets, which would cover it with stripes, and its rate."""
    level = pair.levels[0]
    if any(name in COSINE for name in level.a.weights):
        level = level.weighted(dict.fromkeys(EUCLIDEAN, 0.0))
    return cost_matrix(*level.embedded(level.whole), pair.bias), level.a.feature_rate
