"""The methods of point-set matching on whole numbers: P1 to P3, SIAM, S1, S2, W1 and W2.

Where query and piece both have musical time, their onsets are compared in it, exactly, whatever the tempo and the ticks
of a quarter note; else, and in P3, in milliseconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.symbolic import _scaling_kernels as scaling
from mirtool.symbolic import _translation_kernels as translation
from mirtool.symbolic import _warping_kernels as warping
from mirtool.symbolic.hits import Matches, described
from mirtool.symbolic.parameters import MatchParameters
from mirtool.symbolic.points import PointSet

# 2^10 · 3² · 5 · 7: whole numbers for the ticks of nearly all MIDI files, so that equal fractions of a beat stay equal.
STEPS_OF_A_BEAT = 322_560
STEPS_OF_A_SECOND = 1_000
SKIPPED = 3  # notes of the query that W2 may leave out at a time


@dataclass(frozen=True, eq=False)
class Grid:
    """Points on whole numbers, sorted by time and then by pitch, each once.

    Parameters
    ----------
    time, stop, pitch : ndarray, shape (n,), int64
    source : ndarray, shape (n,), int64
        Which point of the set each is; of several in one place, the longest.
    """

    time: NDArray[np.int64]
    stop: NDArray[np.int64]
    pitch: NDArray[np.int64]
    source: NDArray[np.int64]


def on_grid(points: PointSet, *, in_beats: bool) -> Grid:
    """Put points on a grid of musical time, which they must have, or of milliseconds; stops are in milliseconds."""
    stop = np.rint(points.offset * STEPS_OF_A_SECOND).astype(np.int64)
    if in_beats and points.beat is not None:
        time = np.rint(points.beat * STEPS_OF_A_BEAT).astype(np.int64)
    else:
        time = np.rint(points.onset * STEPS_OF_A_SECOND).astype(np.int64)
    order = np.lexsort((-stop, points.pitch, time))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(time[order]) != 0) | (np.diff(points.pitch[order]) != 0)
    order = order[first]
    return Grid(time[order], stop[order], points.pitch[order].astype(np.int64), order)


def matches(query: PointSet, points: PointSet, parameters: MatchParameters, least: float) -> Matches:
    """Find a query in a piece by one of the methods of the literature.

    Parameters
    ----------
    query, points : PointSet
        The query has a note at least.
    parameters : MatchParameters
        `method` is not ``graded``.
    least : float
        Smallest score.

    Returns
    -------
    Matches
        Score: the share of the notes of the query that meet notes of the piece; with P3, of their time.
    """
    method = parameters.method
    in_beats = query.beat is not None and points.beat is not None and method != "p3"
    sought, piece = (on_grid(each, in_beats=in_beats) for each in (query, points))
    needed = max(1, int(np.ceil(least * len(sought.time) - 1e-9)))
    if method == "p3":
        partners, score = _longest(sought, piece, parameters, least)
    else:
        partners = _partners(sought, piece, parameters, needed)
        score = (partners >= 0).mean(axis=1) if len(partners) else np.zeros(0)
    every = np.full((len(partners), len(query)), -1, dtype=np.int32)
    every[:, sought.source] = np.where(partners >= 0, piece.source[partners], -1)
    return described(every, score, query, points, transpose=parameters.transpose)


def _partners(sought: Grid, piece: Grid, parameters: MatchParameters, needed: int) -> NDArray[np.int32]:
    """Return pairings of grids by all methods but P3."""
    four = (piece.time, piece.pitch, sought.time, sought.pitch)
    method, ratios = parameters.method, parameters.tempo_range
    if method == "s1":
        return scaling.s1(*four, ratios)
    if method == "s2":
        return scaling.s2(*four, ratios, needed)
    if method in ("w1", "w2"):
        count = len(sought.time)
        times, pitches = piece.time.astype(np.float64), piece.pitch.astype(np.int32)
        query = sought.time.astype(np.float64), sought.pitch.astype(np.int32)
        exactly = method == "w1"
        return warping.chains(
            times, pitches, *query, ratios, 0.0, count if exactly else needed, 0 if exactly else SKIPPED
        )
    if method == "p1":
        found = translation.p1(*four)
    else:
        found = (translation.p2 if method == "p2" else translation.siam)(*four, needed)
    return translation.partners_of(*four, found)


def _longest(
    sought: Grid, piece: Grid, parameters: MatchParameters, least: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return pairings by P3, and what share of the time of the query is common."""
    six = (piece.time, piece.stop, piece.pitch, sought.time, sought.stop, sought.pitch)
    total = max(int((sought.stop - sought.time).sum()), 1)
    found = translation.p3(*six, max(1, int(np.ceil(least * total - 1e-9))))
    if not parameters.transpose:
        found = found[found[:, 1] == 0]
    return translation.companions_of(*six, found), np.minimum(found[:, 2] / total, 1.0)
