"""The index of fingerprints: a file of tracks that are to be recognised (`mirtool.store`).

A segment of the file is an inverted list (`mirtool.retrieval.recognition.postings`) with the duration and the number of
landmarks of each track. Tracks that are added make a small segment; when segments pile up, those of one size are merged
to one of the next, so that each landmark is written a few times only, and a search meets few segments, however an index
grew.
"""

import contextlib
import os
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool import store
from mirtool.errors import DataError, FormatError
from mirtool.retrieval.parameters import FingerprintParameters, RecognitionParameters
from mirtool.retrieval.recognition import postings
from mirtool.retrieval.recognition.fingerprints import FINGERPRINT_VERSION, Fingerprint
from mirtool.retrieval.recognition.landmark_search import Hit, query_density, search
from mirtool.retrieval.recognition.peaks import Peaks

KIND = store.Kind("fingerprints", FINGERPRINT_VERSION)
FANOUT = 8  # segments of about one size make one of the next
PATIENCE = 3600.0  # seconds that work which has been done waits for other writers
WASTE = 1 << 26  # bytes of removed tracks and merged segments that are always let be


@dataclass(frozen=True, eq=False)
class Track:
    """A track that goes into an index.

    Parameters
    ----------
    document : Document
        What tells whether its file has changed.
    duration : float
        Seconds.
    fingerprint : Fingerprint
    """

    document: store.Document
    duration: float
    fingerprint: Fingerprint


class Library:
    """An index that is searched.

    Attributes
    ----------
    parameters : FingerprintParameters
        Of the fingerprints in it; a query needs the same.
    segments : list of Segment
        Those with live tracks.
    lists : list of Postings
        Of these segments.
    """

    def __init__(self, index: store.Index) -> None:
        self.parameters = parameters_of(index)
        self.segments = [segment for segment in index.segments if segment.live]
        self.lists = [postings.Postings(segment, segment.documents.live) for segment in self.segments]

    @property
    def query_density(self) -> float:
        """How many peaks a second a query should have."""
        return query_density(self.parameters)

    def search(self, query: Peaks, frames: float, recognition: RecognitionParameters) -> list[Hit]:
        """Find the tracks that a query of so many frames comes from; see `landmark_search.search`."""
        return search(query, frames, self.lists, self.parameters, recognition)

    def name(self, hit: Hit) -> str:
        """Return what the track of a hit is called."""
        document: store.Document = self.segments[hit.segment].documents[hit.track]
        return document.name


def parameters_of(index: store.Index) -> FingerprintParameters:
    """Return the parameters with which an index was built.

    Raises
    ------
    FormatError
        They are not those of fingerprints.
    """
    try:
        return FingerprintParameters(**index.parameters)
    except TypeError:
        raise FormatError(
            "an index with parameters that this version does not know: build it again", index.file
        ) from None


def tracks_of(index: store.Index) -> Iterator[tuple[str, float, int]]:
    """Yield the name, the duration (s) and the number of landmarks of each live track."""
    for segment in index.segments:
        documents = segment.documents
        rows = zip(
            documents.names(),
            segment.whole("durations").tolist(),
            segment.whole("landmarks").tolist(),
            documents.live.tolist(),
            strict=True,
        )
        yield from ((name, duration, landmarks) for name, duration, landmarks, live in rows if live)


@dataclass(frozen=True)
class Known:
    """What an index knows of a file.

    Parameters
    ----------
    document : Document
    duration : float
        Seconds.
    """

    document: store.Document
    duration: float


def known(index: store.Index, names: Sequence[str]) -> dict[str, Known]:
    """Find live tracks by name."""
    found = {}
    for name, hit in zip(names, index.find(names), strict=True):
        if hit is not None:
            segment, number = hit
            found[name] = Known(segment.documents[number], float(segment.array("durations")[number]))
    return found


def agreed(index: store.Index, asked: FingerprintParameters, given: Collection[str]) -> FingerprintParameters:
    """Return the parameters with which tracks are added to an index: its own.

    Parameters
    ----------
    index : Index
    asked : FingerprintParameters
    given : collection of str
        Names of those that are asked for; the others may differ.

    Raises
    ------
    ParameterError
        Others are asked for.
    """
    own = parameters_of(index)
    store.check_parameters(index, {**asdict(own), **{name: getattr(asked, name) for name in given}})
    return own


# ------------------------------------------------------------------------------------------------------------- writing


def add(path: str, tracks: Sequence[Track], parameters: FingerprintParameters) -> None:
    """Add tracks to the index at `path`, which is made if there is none; each takes the place of one of its name."""
    with store.writing(path, KIND, asdict(parameters), patience=PATIENCE) as writer:
        put(writer, tracks)
    tidy(path)


def remove(path: str, names: Sequence[str]) -> list[str]:
    """Remove tracks, all or none.

    Parameters
    ----------
    path : str
    names : sequence of str
        Of tracks, or of folders that tracks lie in.

    Returns
    -------
    list of str
        The tracks that were removed, sorted.

    Raises
    ------
    DataError
        A name is none of a track or folder.
    """
    with store.writing(path, KIND, patience=PATIENCE) as writer, store.reading(path, KIND) as index:
        every = sorted(name for name, _, _ in tracks_of(index))
        removed = {inside for name in names for inside in _inside(name, every, path)}
        writer.remove(sorted(removed))
    tidy(path)
    return sorted(removed)


def _inside(name: str, every: list[str], path: str) -> list[str]:
    """Return the track of that name, or those in the folder of that name."""
    place = bisect_left(every, name)
    if every[place : place + 1] == [name]:
        return [name]
    folder = name.rstrip("/") + "/"
    found = every[bisect_left(every, folder) : bisect_left(every, folder[:-1] + chr(ord("/") + 1))]
    if not found:
        raise DataError(f"{name}: not in {path}")
    return found


def merge(path: str, others: Sequence[store.Index]) -> None:
    """Bring the tracks of indexes into the one at `path`, in one segment; it is made if there is none.

    Of tracks of one name, that of the last index is taken; what `path` held itself counts as first.

    Raises
    ------
    ParameterError
        They were not all built with the same parameters.
    """
    with contextlib.ExitStack() as stack:
        if os.path.lexists(path):
            first, writer = stack.enter_context(store.rewriting(path, KIND, patience=PATIENCE))
            indexes = [first, *others]
        else:
            writer = stack.enter_context(store.writing(path, KIND, others[0].parameters))
            indexes = [*others]
        for index in indexes:
            store.check_parameters(index, writer.parameters)
        put_merged(writer, [segment for index in indexes for segment in index.segments if segment.live])


def put(writer: store.Writer, tracks: Sequence[Track]) -> None:
    """Add tracks; each takes the place of one of the same name."""
    prints = [track.fingerprint for track in tracks]
    lists = postings.build(
        [found.hashes for found in prints], [found.times for found in prints], [found.frames for found in prints]
    )
    numbers: dict[str, NDArray[Any]] = {
        "durations": np.array([track.duration for track in tracks], dtype=np.float64),
        "landmarks": np.array([len(found.hashes) for found in prints], dtype=np.uint32),
    }
    writer.update([track.document for track in tracks], {**lists, **numbers})


def put_merged(writer: store.Writer, segments: Sequence[store.Segment]) -> None:
    """Add the live tracks of segments as few segments, nearly always one; of those of one name, the last is taken."""
    last: dict[str, tuple[int, int]] = {}
    for place, segment in enumerate(segments):
        live = segment.documents.live
        last.update((name, (place, number)) for number, name in enumerate(segment.documents.names()) if live[number])
    kept = [np.zeros(len(segment), dtype=bool) for segment in segments]
    for place, number in last.values():
        kept[place][number] = True
    for group in _groups(segments):
        _put_group(writer, [(segments[place], kept[place]) for place in group])


def _groups(segments: Sequence[store.Segment]) -> list[list[int]]:
    """Divide segments into groups that a list can hold."""
    groups: list[list[int]] = []
    room = 0
    for place, segment in enumerate(segments):
        room -= _frames(segment)
        if room < 0:
            groups.append([])
            room = postings.MOST - _frames(segment)
        groups[-1].append(place)
    return groups


def _frames(segment: store.Segment) -> int:
    """Return how much of what a list can hold a segment needs."""
    return max(int(segment.array("starts")[-1]), len(segment.array("positions")))


def _put_group(writer: store.Writer, parts: Sequence[tuple[store.Segment, NDArray[np.bool_]]]) -> None:
    documents = [
        document for segment, kept in parts for document, going in zip(segment.documents, kept, strict=True) if going
    ]
    arrays: dict[str, NDArray[Any] | Iterator[NDArray[Any]]] = dict(
        postings.merged([postings.Part(segment, kept) for segment, kept in parts])
    )
    for name in ("durations", "landmarks"):
        arrays[name] = np.concatenate([segment.whole(name)[kept] for segment, kept in parts])
    writer.update(documents, arrays)


def tidy(path: str) -> None:
    """Merge segments of an index where there are many, and write its file anew where most of it is waste."""
    with store.reading(path, KIND) as index:
        if not _due(index) and not _is_wasteful(index):
            return
    with store.writing(path, KIND, patience=PATIENCE) as writer, store.reading(path, KIND) as index:
        put_merged(writer, _due(index))
    with store.reading(path, KIND) as index:
        wasteful = _is_wasteful(index)
    if wasteful:
        merge(path, [])


def _due(index: store.Index) -> list[store.Segment]:
    """Return the segments that are to be merged; those that would soon be more than a list can hold are let be."""
    live = [segment for segment in index.segments if segment.live and _frames(segment) <= postings.MOST // 2]
    return [live[number] for number in due([len(segment.array("positions")) for segment in live])]


def _is_wasteful(index: store.Index) -> bool:
    needed = sum(segment.size * segment.live / len(segment) for segment in index.segments if segment.live)
    return index.size > 2 * needed + WASTE


def due(sizes: Sequence[int], fanout: int = FANOUT) -> list[int]:
    """Return which segments are to be merged.

    Sizes between two powers of `fanout` are one class. Segments up to a class are merged when they are enough for one
    of the next class: so a landmark is written once a class, and there are at most `fanout` segments in each.

    Parameters
    ----------
    sizes : sequence of int
        Landmarks of each segment.
    fanout : int

    Returns
    -------
    list of int
        Their numbers, ascending; empty where there is nothing to do.
    """
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    chosen: list[int] = []
    total, above = 0, 1  # the power of `fanout` above the class of the segment
    for count, number in enumerate(order, 1):
        total += sizes[number]
        while sizes[number] >= above:
            above *= fanout
        if count > 1 and total >= above:
            chosen = order[:count]
    return sorted(chosen)
