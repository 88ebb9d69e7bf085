"""Search for a query in a piece: every method, the forms of the query, and the choice of hits."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.symbolic import exact, graded
from mirtool.symbolic.hits import FORMS, Hit, Matches, hits_of
from mirtool.symbolic.parameters import METHODS, TIMES, GradedParameters, MatchParameters
from mirtool.symbolic.points import HIGHEST, PointSet

LEAST = 0.5  # score below which nothing is told, unless asked
SHARE = 0.75  # of the best score, from which hits are told, unless asked


def search(
    query: PointSet,
    points: PointSet,
    parameters: MatchParameters,
    grading: GradedParameters,
    least: float = LEAST,
) -> list[Hit]:
    """Find a query in a piece.

    Parameters
    ----------
    query : PointSet
        At least one note; see `audible`.
    points : PointSet
    parameters : MatchParameters
    grading : GradedParameters
    least : float
        Smallest score.

    Returns
    -------
    list of Hit
        Best first. No two share a note, unless `parameters.overlap`.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        The query has no note.
    """
    check(parameters, grading)
    if not len(query):
        raise DataError("a query without notes")
    hits = []
    for form, asked in forms(query, parameters):
        found = _matches(asked, points, parameters, grading, least)
        found = found.take(found.score >= least - 1e-9)
        hits += hits_of(found, asked, points, form, overlap=parameters.overlap)
    return hits if len(hits) < 2 else _apart(hits, len(points), overlap=parameters.overlap)


def check(parameters: MatchParameters, grading: GradedParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if parameters.method not in METHODS:
        raise ParameterError(f"method {parameters.method!r}: one of {', '.join(METHODS)}")
    if parameters.time not in TIMES:
        raise ParameterError(f"time {parameters.time!r}: one of {', '.join(TIMES)}")
    low, high = parameters.tempo_range
    if not 0 < low <= high < np.inf:
        raise ParameterError(f"tempo range {low:g},{high:g}: two numbers above 0, the smaller one first")
    if not 0 < parameters.tolerance < np.inf:
        raise ParameterError(f"tolerance {parameters.tolerance:g}: above 0 s")
    if not 0 <= parameters.pitch_tolerance <= HIGHEST:
        raise ParameterError(f"pitch tolerance {parameters.pitch_tolerance}: 0 to {HIGHEST} semitones")
    weights = (grading.duration_weight, grading.interruption_weight, grading.tempo_weight)
    if not all(0 <= weight <= 1 for weight in weights):
        raise ParameterError("the weights of a graded search are 0 to 1")


def forms(query: PointSet, parameters: MatchParameters) -> Iterator[tuple[str, PointSet]]:
    """Yield the forms of a query that are searched for, each with its name."""
    mirrored = (False, True) if parameters.inversion else (False,)
    reversed = (False, True) if parameters.retrograde else (False,)
    for backwards in reversed:
        for upside_down in mirrored:
            yield FORMS[2 * backwards + upside_down], _form(query, upside_down=upside_down, backwards=backwards)


def _form(query: PointSet, *, upside_down: bool, backwards: bool) -> PointSet:
    """Return a query mirrored about its first note, and played from its end to its beginning."""
    if upside_down:
        query = replace(query, pitch=2 * query.pitch[0] - query.pitch)
    if backwards:
        end = query.offset.max()
        order = np.lexsort((query.pitch, end - query.offset))
        turned = replace(query, onset=end - query.offset, offset=end - query.onset, beat=None)
        return turned.take(order)
    return query.take(np.lexsort((query.pitch, query.onset))) if upside_down else query


def _matches(
    query: PointSet, points: PointSet, parameters: MatchParameters, grading: GradedParameters, least: float
) -> Matches:
    if parameters.method != "graded":
        return exact.matches(query, points, parameters, least)
    if parameters.time == "warped":
        return graded.warped(query, points, parameters, grading, least)
    return graded.verified(graded.candidates(query, points, parameters, least), query, points, parameters, grading)


def _apart(hits: list[Hit], count: int, *, overlap: bool) -> list[Hit]:
    """Return the hits of several forms, best first; of those that share notes, the best."""
    hits = sorted(hits, key=lambda hit: (-hit.score, FORMS.index(hit.form), hit.start))
    taken = np.zeros(count, dtype=np.bool_)
    kept = []
    for hit in hits:
        if overlap or not taken[hit.notes].any():
            taken[hit.notes] = True
            kept.append(hit)
    return kept
