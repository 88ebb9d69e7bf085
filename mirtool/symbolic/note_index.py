"""An index of notes: which documents of a large corpus are worth a search for a melody.

Three notes that follow each other in a melodic line are known by two intervals and the ratio of the two steps in time,
whatever the key and the tempo; also such that leave one note out, so that wrong and missing notes leave others whole.
The index keeps, for each such triple, where it is. A triple of the query that is found votes for the place where the
query would begin, in the key and the tempo that the two tell; the documents with the weightiest cells of votes are
worth a search, rare triples weighing more (geometric hashing: Wolfson and Rigoutsos 1997; for scores Lemström,
Mikkilä and Mäkinen 2010, Filtering methods for content-based retrieval on indexed symbolic music databases).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.store import Document, Index, Kind, Segment
from mirtool.store import entries as stored
from mirtool.symbolic import _gram_kernels as kernels
from mirtool.symbolic.entries import Entry, entry_of
from mirtool.symbolic.points import DRUMS, PointSet

UNIT = 100  # places in the index are hundredths of a second
REST = 30 * UNIT  # between two documents
LAST = (1 << 32) - 1
KEYS = (2 * kernels.WIDEST + 1) ** 2 * kernels.RATIOS
MOST = 2_000_000  # votes of a query: of common triples, those that come beyond are not asked
CERTAIN = 0.25  # octaves that a triple may be off in its duration
MOST_TRIPLES = 1 << 16
SHARE = 0.45  # of the best document's weight; unrelated ones have less in corpora of any size that was tried
FEWEST = 20  # documents that are searched whatever their weight

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Triples:
    """As `kernels.triples` returns them."""

    pairs: NDArray[np.int32]
    ratios: NDArray[np.float32]
    times: NDArray[np.float64]
    shapes: NDArray[np.uint16]


def _triples(
    onset: NDArray[np.float64], pitch: NDArray[np.int32], track: NDArray[np.int32], channel: NDArray[np.int32]
) -> _Triples:
    """Return the triples of all melodic lines; drums have none."""
    _, voice = np.unique(track.astype(np.int32) * 256 + channel, return_inverse=True)
    voice[channel == DRUMS] = -1
    arrays = onset, pitch, voice.astype(np.int32)
    return _Triples(*kernels.triples(*arrays, *kernels.lines(*arrays, int(voice.max(initial=-1)) + 1)))


def posted(arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return the posting lists of a segment, made of the entries of its documents.

    Parameters
    ----------
    arrays : mapping
        As `mirtool.store.entries.packed` makes them.

    Returns
    -------
    dict of ndarray
        ``triples/starts`` (KEYS + 1), ``triples/times`` and ``triples/shapes``: the places of each triple, and
        ``triples/origins`` (documents + 1): where documents begin on the time line of all.
    """
    keys, times, shapes = [], [], []
    origins = [0]
    for begin, end in pairwise(arrays[f"{stored.STARTS}onset"].tolist()):
        onset, pitch, track, channel = (arrays[name][begin:end] for name in ("onset", "pitch", "track", "channel"))
        triples = _triples(onset, pitch.astype(np.int32), track, channel)
        places = np.rint(triples.times * UNIT) + origins[-1]
        kept = (places >= 0) & (places <= LAST)
        keys.append((triples.pairs * kernels.RATIOS + np.rint(triples.ratios).astype(np.int32))[kept])
        times.append(places[kept].astype(np.uint32))
        shapes.append(triples.shapes[kept])
        origins.append(min(origins[-1] + int(max(onset[-1] * UNIT, 0) if len(onset) else 0) + REST, LAST))
    starts = np.zeros(KEYS + 1, np.int64)
    every = np.concatenate(times), np.concatenate(shapes)
    sorted_times, sorted_shapes = np.empty_like(every[0]), np.empty_like(every[1])
    kernels.distribute(np.concatenate(keys), *every, starts, sorted_times, sorted_shapes)
    return {
        "triples/starts": starts,
        "triples/times": sorted_times,
        "triples/shapes": sorted_shapes,
        "triples/origins": np.array(origins, np.int64),
    }


LAYOUT = stored.Layout(Kind("notes", 1), entry_of, posted, largest=32 << 20)


def candidates(
    index: Index,
    query: PointSet,
    *,
    ratios: tuple[float, float] = (0.5, 2.0),
    transpose: bool = True,
    elastic: bool = False,
    most: int = 300,
) -> list[tuple[Document, Entry]] | None:
    """Return the documents that are worth a search.

    Parameters
    ----------
    index : Index
        Of `LAYOUT`.
    query : PointSet
    ratios : tuple of float
        Smallest and largest ratio of durations, hit over query.
    transpose : bool
        Hits may be in other keys.
    elastic : bool
        Each step in time may be longer or shorter by a ratio of its own.
    most : int
        How many documents at most; fewer, where few have as much as `SHARE` of the weight of the best.

    Returns
    -------
    list of (Document, entry) or None
        The most promising first. None if the query has no triple: all documents must be searched.
    """
    triples = _triples(query.onset, query.pitch, query.track, query.channel)
    if not len(triples.pairs):
        return None
    search = _Search(query, triples, ratios, transpose, elastic)
    ranges = [_Ranges(segment.whole("triples/starts"), search.keys) for segment in index.segments]
    if not ranges:
        return []
    lengths: NDArray[np.int64] = np.stack([found.lengths for found in ranges]).sum(axis=0)
    asked, weights = _chosen(lengths, sum(found.size for found in ranges))
    best: list[tuple[float, int, int]] = []
    for place, (segment, found) in enumerate(zip(index.segments, ranges, strict=True)):
        scores = search.scores(segment, found, asked, weights)
        scores[~segment.documents.live] = 0
        chosen = np.argsort(-scores, kind="stable")[:most]
        best += [(-float(scores[number]), place, int(number)) for number in chosen if scores[number] > 0]
        segment.release()
    best = sorted(best)[:most]
    best = [found for rank, found in enumerate(best) if rank < FEWEST or found[0] <= SHARE * best[0][0]]
    return [found for _, found in sorted(_taken(index, best), key=lambda item: item[0])]


def _taken(index: Index, best: list[tuple[float, int, int]]) -> Iterator[tuple[int, tuple[Document, Entry]]]:
    """Yield documents by segment, with their ranks; their entries are copies, so that memory of the file is free."""
    for place, segment in enumerate(index.segments):
        for rank, (_, owner, number) in enumerate(best):
            if owner == place:
                entry = {name: values.copy() for name, values in stored.entry(segment, number).items()}
                yield rank, (segment.documents[number], entry)
        segment.release()


class _Ranges:
    """Where the posting lists of keys lie in a segment."""

    def __init__(self, starts: NDArray[np.int64], keys: NDArray[np.int64]) -> None:
        self.begins, self.ends = starts[keys[:, 0]], starts[keys[:, 1]]
        self.lengths = self.ends - self.begins
        self.size = int(starts[-1])


def _chosen(lengths: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Choose the rarest lists, up to `MOST` postings in all; return their numbers and the weight of each list."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    kept = order[: max(1, int(np.searchsorted(np.cumsum(lengths[order]), MOST, side="right")))]
    return kept, np.log2(size / np.maximum(lengths, 1) + 1).astype(np.float32)


class _Search:
    """A query, ready to be looked up in segments.

    Attributes
    ----------
    keys : ndarray, shape (lists, 2)
        First and last + 1 key of each list that is to be read.
    """

    def __init__(
        self, query: PointSet, triples: _Triples, ratios: tuple[float, float], transpose: bool, elastic: bool
    ) -> None:
        count = min(len(triples.pairs), MOST_TRIPLES)
        base = triples.pairs[:count].astype(np.int64) * kernels.RATIOS
        self._shapes = triples.shapes[:count]
        span = float(query.onset[-1] - query.onset[0])
        self._times = triples.times[:count] - query.onset[0] - span / 2
        self._width = UNIT * (max(10.0, span) if elastic else 0.25 + 0.03 * span)
        self._limits = np.log2(np.array(ratios)) + np.array((-CERTAIN, CERTAIN))
        self._transpose = transpose
        if elastic:
            self._numbers = np.arange(count)
            self.keys = np.stack((base, base + kernels.RATIOS), axis=1)
            return
        nearest = np.rint(triples.ratios[:count])
        second = np.where(triples.ratios[:count] > nearest, nearest + 1, nearest - 1)
        self._numbers = np.tile(np.arange(count), 2)
        first = np.concatenate((base + nearest.astype(np.int64), base + second.astype(np.int64)))
        inside = np.concatenate((nearest, second))
        inside = (inside >= 0) & (inside < kernels.RATIOS)
        self._numbers, first = self._numbers[inside], first[inside]
        self.keys = np.stack((first, first + 1), axis=1)

    def scores(
        self, segment: Segment, found: _Ranges, asked: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the weight of the best cell of each document of a segment."""
        cells = np.empty(int(found.lengths[asked].sum()), np.int64)
        heaviest = np.zeros(len(self._times), np.float32)
        count = 0
        times, shapes = segment.array("triples/times"), segment.array("triples/shapes")
        for place in asked.tolist():
            begin, end, number = int(found.begins[place]), int(found.ends[place]), int(self._numbers[place])
            heaviest[number] = max(heaviest[number], weights[place])
            count += kernels.cast(
                times[begin:end],
                shapes[begin:end],
                UNIT * float(self._times[number]),
                int(self._shapes[number]),
                number,
                self._limits,
                self._width,
                self._transpose,
                cells[count:],
            )
        scores = np.zeros(len(segment), np.float32)
        if count:
            origins = (segment.whole("triples/origins") - REST / 2) / self._width
            cells[:count].sort()
            kernels.tally(cells[:count], heaviest, origins, scores)
        return scores
