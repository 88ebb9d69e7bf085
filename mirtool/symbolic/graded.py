"""The graded search: each note of a query by how well it suits, at any tempo.

Candidates are places, keys and tempi about which enough notes agree; each is then refined and scored. The two steps
are apart, so that an index can bring candidates of its own.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.symbolic._grading_kernels import complete, verify
from mirtool.symbolic._voting_kernels import vote
from mirtool.symbolic._warping_kernels import chains
from mirtool.symbolic.hits import Matches, described
from mirtool.symbolic.parameters import GradedParameters, MatchParameters
from mirtool.symbolic.points import PointSet

AGREEING = 0.6  # share of the notes of the query that must be there, of the right pitch, for a place to be looked at
ANCHORS = 5  # notes of the query of which one must be there; of short queries, all are tried
SKIPPED = 3  # notes that a chain may leave out at a time
SLACK = 1.5  # tolerances that the distance of two notes may be off before its place is refined


def candidates(
    query: PointSet, points: PointSet, parameters: MatchParameters, least: float = AGREEING
) -> NDArray[np.float64]:
    """Return where enough notes of a query agree about key and tempo.

    Parameters
    ----------
    query, points : PointSet
    parameters : MatchParameters
    least : float
        Share of the notes that must agree, if it is less than `AGREEING`.

    Returns
    -------
    ndarray, shape (C, 3)
        Time of the first note of the query in the piece (s), transposition, tempo ratio.
    """
    count = len(query)
    return vote(
        points.onset,
        points.pitch,
        query.onset - query.onset[0],
        query.pitch,
        anchors(count),
        np.array(parameters.tempo_range if parameters.time == "scaled" else (1.0, 1.0)),
        SLACK * parameters.tolerance,
        max(min(count, 2), int(np.ceil(min(AGREEING, least) * count - 1e-9))),
        parameters.transpose,
    )


def anchors(count: int) -> NDArray[np.int64]:
    """Return the notes of a query, of so many, that candidates are built on: spread, the first and last among them."""
    if count <= ANCHORS + 1:
        return np.arange(count)
    return np.unique(np.rint(np.linspace(0, count - 1, ANCHORS)).astype(np.int64))


def verified(
    places: NDArray[np.float64],
    query: PointSet,
    points: PointSet,
    parameters: MatchParameters,
    grading: GradedParameters,
) -> Matches:
    """Refine and score candidates.

    A note of the query is worth ``(1 - d / (D + 1)) exp(-t² / 2T²)`` if the best partner near its place is off by d
    semitones and t seconds, with the tolerances D and T; less where it is longer or shorter, in relation to the others,
    than in the query, and where other notes of the same voice, near in pitch, come between it and the one before. The
    score is the mean over all notes of the query, less for a tempo other than that of the query.

    Parameters
    ----------
    places : ndarray, shape (C, 3)
        As `candidates` returns them.
    query, points : PointSet
    parameters : MatchParameters
    grading : GradedParameters
    """
    refined = np.array(places, dtype=np.float64).reshape(-1, 3)
    scores = np.zeros(len(refined))
    partners = np.full((len(refined), len(query)), -1, dtype=np.int32)
    verify(
        points.onset,
        points.offset - points.onset,
        points.pitch,
        points.voice,
        query.onset - query.onset[0],
        query.offset - query.onset,
        query.pitch,
        refined,
        parameters.time == "scaled",
        parameters.tolerance,
        parameters.pitch_tolerance,
        np.array([grading.duration_weight, grading.interruption_weight, grading.tempo_weight]),
        scores,
        partners,
    )
    found = scores > 0
    return Matches(scores, refined[:, 1].astype(np.int64), refined[:, 2], partners).take(found)


def warped(
    query: PointSet, points: PointSet, parameters: MatchParameters, grading: GradedParameters, least: float = AGREEING
) -> Matches:
    """Find a query whose every step may be longer or shorter, within `parameters.tempo_range`.

    Chains of notes of the right pitch (`mirtool.symbolic._warping_kernels.chains`) are scored as by `verified`, but for
    their times.
    """
    count = len(query)
    partners = chains(
        points.onset,
        points.pitch,
        query.onset,
        query.pitch,
        parameters.tempo_range,
        parameters.tolerance,
        max(min(count, 2), int(np.ceil(min(AGREEING, least) * count - 1e-9))),
        SKIPPED,
    )
    scores = np.zeros(len(partners))
    complete(
        points.onset,
        points.offset - points.onset,
        points.pitch,
        points.voice,
        query.onset,
        query.offset - query.onset,
        query.pitch,
        parameters.tolerance,
        parameters.pitch_tolerance,
        np.array([grading.duration_weight, grading.interruption_weight, 0.0]),
        scores,
        partners,
    )
    return described(partners, scores, query, points, transpose=parameters.transpose)
