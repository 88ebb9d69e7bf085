"""Audio matching: where in recordings another performance of an excerpt stands (FMP, Section 7.2).

In two stages. The matching function over all recordings [1]_ [2]_, from few frames a second, tells the places that are
worth a closer look: its minima. There subsequence DTW with all frames finds beginning and end, and what it costs ranks
the hits.

References
----------
.. [1] M. Müller, F. Kurth, M. Clausen: Audio matching via chroma-based statistical features. ISMIR 2005.
.. [2] F. Kurth, M. Müller: Efficient index-based audio matching. IEEE TASLP 16(2), 2008.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.features.frames import Frames
from mirtool.retrieval.matching_features import Bytes, matching_frames, smoothed
from mirtool.retrieval.matching_scan import STEP_WEIGHTS, Block, Curve, blocks, matching_curve
from mirtool.retrieval.parameters import MATCHING_METHODS, MatchingFeatureParameters, MatchingParameters
from mirtool.store import Kind
from mirtool.store.entries import Layout
from mirtool.sync.dtw import NoPathError, dtw
from mirtool.threads import in_order
from mirtool.types import AudioSource, Notes, Score

_FINE = 5  # frames of the window with which a place is looked at closely
_SLACK = 0.15  # of the length of a match: how far its ends may move when it is looked at closely …
_LEAST_SLACK = 20  # … and at least so many frames
# Correlation along the best path that ends anywhere, in the best key, of music that has nothing to do with the query:
# the median of the matching function over 45 min of other pieces, for queries of 10 s and 20 s alike.
CHANCE = 0.45


@dataclass(frozen=True)
class Candidate:
    """A minimum of the matching function.

    Attributes
    ----------
    cost : float
    document : int
    first, last : int
        Columns of the recording.
    shift : int
        Semitones, 0 … 11.
    """

    cost: float
    document: int
    first: int
    last: int
    shift: int


@dataclass(frozen=True, eq=False)
class Hit:
    """A place where the query was found.

    Attributes
    ----------
    document : int
        Number of the recording.
    first, last : int
        Frames of the recording.
    score : float
        0 to 1.
    transposition : int
        Semitones that are added to the query, -6 … 5 (the octave is not known).
    tempo_ratio : float
        Duration of the hit by that of the query.
    """

    document: int
    first: int
    last: int
    score: float
    transposition: int
    tempo_ratio: float


def check(parameters: MatchingParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    low, high = parameters.tempo_range
    if parameters.method not in MATCHING_METHODS:
        raise ParameterError(f"no method {parameters.method} (there are: {', '.join(MATCHING_METHODS)})")
    if not 0 < low <= high < np.inf:
        raise ParameterError(f"the range of tempi must be positive, and its low end first: not {low:g},{high:g}")
    if parameters.method == "dtw" and not (low >= 0.5 and high <= 2):
        raise ParameterError(f"subsequence DTW finds tempi from 0.5 to 2, not {low:g},{high:g}")
    if not 0 <= parameters.overlap <= 1:
        raise ParameterError(f"a share lies in 0 … 1, not {parameters.overlap:g}")
    smoothed(np.zeros((1, 12), np.int8), parameters.smoothing, parameters.downsampling)


def entry_of(container: AudioSource | Score | Notes, parameters: MatchingFeatureParameters) -> dict[str, Bytes]:
    """Return what an index keeps of a recording, or of the notes of a score."""
    source = container.notes if isinstance(container, Score) else container
    return {"frames": matching_frames(source, parameters)}


LAYOUT = Layout(Kind("audio matching", 1), entry_of)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings that are searched.

    Attributes
    ----------
    frames : sequence of ndarray of int8, shape (N, 12)
        From `mirtool.retrieval.matching_features.matching_frames`.
    columns : sequence of ndarray, shape (M, 12)
        Smoothed and thinned out, for the comparison of all places.
    """

    frames: Sequence[Bytes]
    columns: Sequence[Frames]

    @classmethod
    def of(cls, frames: Sequence[Bytes], parameters: MatchingParameters) -> "Recordings":
        """Prepare recordings for a search with some parameters."""
        return cls(frames, [coarse(recording, parameters) for recording in frames])


def coarse(frames: Bytes, parameters: MatchingParameters) -> Frames:
    """Return the columns of a recording or a query."""
    return smoothed(frames, parameters.smoothing, parameters.downsampling)


def matches(query: Bytes, recordings: Recordings, parameters: MatchingParameters, top: int) -> list[Hit]:
    """Find where another performance of an excerpt stands.

    Parameters
    ----------
    query : ndarray of int8, shape (N, 12)
        From `mirtool.retrieval.matching_features.matching_frames`.
    recordings : Recordings
    parameters : MatchingParameters
    top : int
        How many hits at most.

    Returns
    -------
    list of Hit
        The best first, none with a score of 0.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        A query in which nothing is heard.
    """
    check(parameters)
    if not query.any():
        raise DataError("nothing is heard in the query")
    columns, wanted = coarse(query, parameters), 2 * top + 10
    longest = int(len(columns) * parameters.tempo_range[1]) + 1

    def promising(block: Block) -> list[Candidate]:
        return candidates(matching_curve(columns, block, parameters), block, len(columns), wanted)

    found: list[Candidate] = []
    for batch in in_order(promising, blocks(recordings.columns, longest)):
        found = sorted([*found, *batch], key=lambda item: (item.cost, item.document, item.first))[:wanted]
    fine = smoothed(query, _FINE, 1)
    hits = [hit for item in found if (hit := refined(fine, recordings.frames[item.document], item, parameters)) is not None]
    return apart(hits, parameters.overlap)[:top]


def candidates(curve: Curve, block: Block, rows: int, count: int) -> list[Candidate]:
    """Return the least minima of a matching function, none within half a query of a lesser one in the same recording."""
    found: list[Candidate] = []
    cost = curve.cost.copy()
    radius = max(1, rows // 2)
    owner = np.concatenate([np.full(piece.stop - piece.begin, n) for n, piece in enumerate(block.pieces)])
    while len(found) < count and (value := float(cost[m := int(np.argmin(cost))])) < 1:
        piece = block.pieces[int(owner[m])]
        offset = piece.first - piece.begin
        found.append(
            Candidate(value, piece.document, int(curve.start[m]) + offset, m + offset, int(curve.shift[m]))
        )
        cost[max(m - radius, piece.begin) : min(m + radius + 1, piece.stop)] = np.inf
    return found


def refined(query: Frames, recording: Bytes, item: Candidate, parameters: MatchingParameters) -> Hit | None:
    """Look closely at a place.

    Parameters
    ----------
    query : ndarray, shape (N, 12)
    recording : ndarray of int8, shape (M, 12)
    item : Candidate
    parameters : MatchingParameters

    Returns
    -------
    Hit or None
        None if there is no match at all.
    """
    d = parameters.downsampling
    slack = int(_SLACK * (item.last - item.first) * d) + _LEAST_SLACK + d
    begin = max(0, item.first * d - slack)
    part = smoothed(recording[begin : item.last * d + slack + 1], _FINE, 1)
    try:
        path, cost = dtw(
            np.roll(query, item.shift, axis=1).T, part.T, "slanted", STEP_WEIGHTS, subsequence=True
        )
    except NoPathError:
        return None
    first, last = begin + int(path[0, 1]), begin + int(path[-1, 1])
    score = (1 - cost / len(query) - CHANCE) / (1 - CHANCE)
    if score <= 0:
        return None
    ratio = (last - first) / max(len(query) - 1, 1)
    return Hit(item.document, first, last, min(score, 1.0), (item.shift + 6) % 12 - 6, ratio)


def apart(hits: Sequence[Hit], overlap: float) -> list[Hit]:
    """Keep the best of hits that overlap by more than a share of the shorter one, and put the best first."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.document, hit.first)):
        if all(
            hit.document != other.document
            or min(hit.last, other.last) - max(hit.first, other.first)
            <= overlap * min(hit.last - hit.first, other.last - other.first)
            for other in kept
        ):
            kept.append(hit)
    return kept
