"""Search for queries in many pieces."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool import threads
from mirtool.errors import DataError
from mirtool.store import Index
from mirtool.symbolic import entries
from mirtool.symbolic.bars import bars_and_beats
from mirtool.symbolic.hits import Hit
from mirtool.symbolic.matching import LEAST, SHARE, forms, search
from mirtool.symbolic.note_index import candidates
from mirtool.symbolic.parameters import GradedParameters, MatchParameters
from mirtool.symbolic.points import PointSet

Entry = Mapping[str, NDArray[Any]]

ANY_TEMPO = (1 / 16, 16.0)


@dataclass(frozen=True, eq=False)
class Occurrence:
    """A hit in one of many pieces.

    Parameters
    ----------
    file : str
        Name of the piece.
    hit : Hit
    bar, beat : float
        Of its start, counted from 1; NaN where the piece has no time signature.
    lowest, highest : int
        Pitches of its notes.
    """

    file: str
    hit: Hit
    bar: float
    beat: float
    lowest: int
    highest: int


def selected(points: PointSet, *, drums: bool, track: int | None = None, channel: int | None = None) -> PointSet:
    """Return the notes of a query that are searched for.

    Parameters
    ----------
    points : PointSet
    drums : bool
        Those of channel 10, too.
    track, channel : int or None
        Those of one track or channel alone, counted from 1.

    Raises
    ------
    DataError
        There is none.
    """
    kept = np.ones(len(points), dtype=np.bool_)
    if track is not None:
        kept &= points.track == track - 1
    if channel is not None:
        kept &= points.channel == channel - 1
    if not kept.any():
        where = " there" if len(points) else ""
        raise DataError(f"a query without notes{where}")
    if not drums:
        kept &= ~points.is_drum
    if not kept.any():
        raise DataError("a query of drums alone; --drums searches for them")
    return points.take(kept)


def in_pieces(
    queries: Sequence[PointSet],
    pieces: Iterable[tuple[str, Entry]],
    parameters: MatchParameters,
    grading: GradedParameters,
    least: float | None = None,
) -> list[list[Occurrence]]:
    """Search for queries in pieces, which are read once.

    Parameters
    ----------
    queries : sequence of PointSet
    pieces : iterable of (name, entry)
    parameters : MatchParameters
    grading : GradedParameters
    least : float or None
        Smallest score; None: `matching.SHARE` of the best one, and at least `matching.LEAST`.

    Returns
    -------
    list of list of Occurrence
        Of each query, best first.
    """

    def in_piece(piece: tuple[str, Entry]) -> list[list[Occurrence]]:
        name, entry = piece
        points = entries.points(entry)
        points = points if parameters.drums else points.take(~points.is_drum)
        floor = LEAST if least is None else least
        return [_located(name, entry, points, search(query, points, parameters, grading, floor)) for query in queries]

    found: list[list[Occurrence]] = [[] for _ in queries]
    for of_piece in threads.in_order(in_piece, pieces):
        for mine, more in zip(found, of_piece, strict=True):
            mine += more
    return [_best(mine, least) for mine in found]


def in_index(
    query: PointSet,
    index: Index,
    parameters: MatchParameters,
    grading: GradedParameters,
    least: float | None = None,
) -> list[Occurrence]:
    """Search for a query in those pieces of an index that are worth it; see `in_pieces`."""
    return in_pieces([query], _worth_a_search(query, index, parameters), parameters, grading, least)[0]


def _worth_a_search(query: PointSet, index: Index, parameters: MatchParameters) -> Iterator[tuple[str, Entry]]:
    """Yield the pieces of an index that one of the forms of a query may be in; all of them, if that cannot be told."""
    from mirtool.store.entries import entries as every

    ratios = _ratios(parameters)
    elastic = parameters.method in ("w1", "w2") or (parameters.method == "graded" and parameters.time == "warped")
    found: dict[str, Entry] = {}
    for _, asked in forms(query, parameters):
        told = candidates(index, asked, ratios=ratios, transpose=parameters.transpose, elastic=elastic)
        if told is None or parameters.method == "p3" or parameters.drums:
            yield from ((document.name, entry) for document, entry in every(index))
            return
        found.update((document.name, entry) for document, entry in told)
    yield from found.items()


def _ratios(parameters: MatchParameters) -> tuple[float, float]:
    """Return the ratios of times in seconds that hits may have; the exact methods count beats, at any tempo."""
    if parameters.method != "graded":
        return ANY_TEMPO
    return (1.0, 1.0) if parameters.time == "fixed" else parameters.tempo_range


def _located(name: str, entry: Entry, points: PointSet, hits: Sequence[Hit]) -> list[Occurrence]:
    signatures = [(int(tick), int(above), int(below)) for tick, above, below in entry["signatures"]]
    places = bars_and_beats([hit.start for hit in hits], entries.tempo_map(entry), signatures)
    found = []
    for hit, (bar, beat) in zip(hits, places.tolist(), strict=True):
        pitches = points.pitch[hit.notes]
        found.append(Occurrence(name, hit, bar, beat, int(pitches.min()), int(pitches.max())))
    return found


def _best(found: list[Occurrence], least: float | None) -> list[Occurrence]:
    """Return occurrences that are told, best first."""
    if least is None:
        least = max([SHARE * occurrence.hit.score for occurrence in found], default=0.0) - 1e-9
    kept = [occurrence for occurrence in found if occurrence.hit.score >= least]
    return sorted(kept, key=lambda occurrence: (-occurrence.hit.score, occurrence.file, occurrence.hit.start))
