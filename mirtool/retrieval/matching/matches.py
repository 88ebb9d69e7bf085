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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import ParameterError
from mirtool.features.chroma import CHROMA_NAMES
from mirtool.features.frames import Frames, features
from mirtool.retrieval.matching.features import Bytes, matching_frames, smoothed
from mirtool.retrieval.matching.features import check as check_features
from mirtool.retrieval.matching.scan import LONGEST, Block, Curve, Piece, blocks, matching_curve
from mirtool.retrieval.parameters import MATCHING_METHODS, MatchingFeatureParameters, MatchingParameters
from mirtool.store import Kind
from mirtool.store.entries import Layout
from mirtool.sync.dtw import NoPathError, dtw
from mirtool.threads import in_order
from mirtool.types import AudioSource, Features, Notes, Score

_ENOUGH, _MORE = 40, 4  # places that are looked at closely: so many, and so many for each hit
_FINE = 5  # frames of the window with which a place is looked at closely
_SLACK = 0.15  # of the length of a match: how far its ends may move when it is looked at closely …
_LEAST_SLACK = 20  # … and at least so many frames
# Each frame of the query counts once; a step aside costs half of 1 + c more, c being the cost of its cell (0 for the
# same harmony, 1 for unrelated ones): so the path leaves the tempo that was found only where that is worth it.
_CLOSE_WEIGHTS, _CLOSE_BIAS = (1.0, 1.5, 2.5), 2.0
_FASTEST = 10.0  # tempo, and the inverse of the slowest
_BRIEF = 2  # columns: a query up to this length does not tell its tempo, which is then taken as it is
_CLEAR = 50  # columns: of shorter matches, whose tempo is less clear, the neighbouring lengths are tried, too
_TEMPO_SLACK = 0.02  # share by which a hit may be out of the range of tempi
# Correlation along the best path that ends anywhere, in the best key, of music that has nothing to do with the query:
# the median of the matching function over 40 min of other pieces is 0.45 for queries of 20 s, 0.47 for those of 10 s.
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
    if not (low >= 1 / _FASTEST and high <= _FASTEST):
        raise ParameterError(f"tempi lie in {1 / _FASTEST:g} … {_FASTEST:g}, not {low:g},{high:g}")
    if not 0 <= parameters.max_overlap <= 1:
        raise ParameterError(f"hits may overlap by a share from 0 to 1, not {parameters.max_overlap:g}")
    smoothed(np.zeros((1, 12), np.int8), parameters.smoothing, parameters.downsampling)


def entry_of(container: AudioSource | Score | Notes, parameters: MatchingFeatureParameters) -> dict[str, Bytes]:
    """Return what an index keeps of a recording, or of the notes of a score."""
    source = container.notes if isinstance(container, Score) else container
    return {"frames": matching_frames(source, parameters)}


LAYOUT = Layout(Kind("audio matching", 1), entry_of, check=check_features)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings that are searched.

    Attributes
    ----------
    frames : sequence of ndarray of int8, shape (N, 12)
        From `mirtool.retrieval.matching.features.matching_frames`.
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
        From `mirtool.retrieval.matching.features.matching_frames`.
    recordings : Recordings
    parameters : MatchingParameters
    top : int
        How many hits at most.

    Returns
    -------
    list of Hit
        The best first, none with a score of 0; none at all for silence.

    Raises
    ------
    ParameterError
        A parameter outside its domain, or a query of many hours.
    """
    check(parameters)
    if not query.any():
        return []
    columns, wanted = coarse(query, parameters), _ENOUGH + _MORE * top
    if len(columns) > LONGEST:
        raise ParameterError(f"the query is too long: {len(columns)} columns, of {LONGEST} at most")
    longest = int(len(columns) * parameters.tempo_range[1]) + 1

    radius = max(1, int(len(columns) * (1 - parameters.max_overlap) / 2))

    def promising(block: Block) -> list[Candidate]:
        return candidates(matching_curve(columns, block, parameters), block, radius, wanted)

    found: list[Candidate] = []
    for batch in in_order(promising, blocks(recordings.columns, longest)):
        found = sorted([*found, *batch], key=lambda item: (item.cost, item.document, item.first))[:wanted]
    close = (refined(query, recordings.frames[item.document], item, parameters) for item in found)
    return apart([hit for hit in close if hit is not None], parameters.max_overlap)[:top]


def candidates(curve: Curve, block: Block, radius: int, count: int) -> list[Candidate]:
    """Return the least minima of a matching function, in a recording more than `radius` columns apart."""
    found: list[Candidate] = []
    cost = curve.cost.copy()
    begins = np.array([piece.begin for piece in block.pieces])
    while len(found) < count and (value := float(cost[m := int(np.argmin(cost))])) < 1:
        piece = block.pieces[int(np.searchsorted(begins, m, side="right")) - 1]
        offset = piece.first - piece.begin
        found.append(Candidate(value, piece.document, int(curve.start[m]) + offset, m + offset, int(curve.shift[m])))
        cost[max(m - radius, piece.begin) : min(m + radius + 1, piece.stop)] = np.inf
    return found


def refined(query: Bytes, recording: Bytes, item: Candidate, parameters: MatchingParameters) -> Hit | None:
    """Look closely at a place: the query, brought to the tempo that was found, is warped as little as need be.

    Parameters
    ----------
    query, recording : ndarray of int8, shapes (N, 12) and (M, 12)
    item : Candidate
    parameters : MatchingParameters

    Returns
    -------
    Hit or None
        None if there is no match in the range of tempi that is better than chance.
    """
    d = parameters.downsampling
    length = (item.last - item.first) * d + 1
    slack = int(_SLACK * length) + _LEAST_SLACK + d
    begin = max(0, item.first * d - slack)
    Y = smoothed(recording[begin : item.last * d + slack + 1], _FINE, 1)
    if len(query) <= _BRIEF * d:
        lengths: tuple[int, ...] = (len(query),)
    else:
        lengths = (length, length - d, length + d) if length < _CLEAR * d else (length,)
    found = [_warped(query, item.shift, count, Y) for count in lengths if count > 0]
    cost, first, last = min(found, key=lambda match: match[0])
    score = float(_score(cost))
    ratio = (last - first) / (len(query) - 1) if len(query) > 1 else 1.0
    low, high = parameters.tempo_range
    if score <= 0 or not low * (1 - _TEMPO_SLACK) <= ratio <= high * (1 + _TEMPO_SLACK):
        return None
    transposition = (item.shift + 6) % 12 - 6
    return Hit(item.document, begin + first, begin + last, min(score, 1.0), transposition, ratio)


def _warped(query: Bytes, shift: int, count: int, Y: Frames) -> tuple[float, int, int]:
    """Bring a query to a length of `count` frames, warp it onto a part of Y, and return mean cost, begin and end."""
    X = np.roll(smoothed(stretched(query, count), _FINE, 1), shift, axis=1)
    try:
        path, _ = dtw(X.T, Y.T, "slanted", _CLOSE_WEIGHTS, subsequence=True, bias=_CLOSE_BIAS)
    except NoPathError:
        return np.inf, 0, 0
    rows = np.diff(path[:, 0], prepend=-1)  # of the query that each cell stands for
    likeness = np.average((X[path[:, 0]] * Y[path[:, 1]]).sum(axis=1), weights=rows)
    return 1 - float(likeness), int(path[0, 1]), int(path[-1, 1])


def stretched(frames: Bytes, count: int) -> Frames:
    """Return frames (N × 12) at another tempo: `count` of them, interpolated."""
    if len(frames) == count:
        return frames.astype(np.float32)
    places = np.linspace(0, len(frames) - 1, count)
    before = np.minimum(places.astype(np.int64), len(frames) - 1)
    after = np.minimum(before + 1, len(frames) - 1)
    part = (places - before).astype(np.float32)[:, None]
    between: Frames = frames[before] * (1 - part) + frames[after] * part
    return between


def _score(cost: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return what mean costs are as scores: 0 where the correlation is what chance gives, 1 where it is 1."""
    return (1 - np.asarray(cost) - CHANCE) / (1 - CHANCE)


def apart(hits: Sequence[Hit], overlap: float) -> list[Hit]:
    """Keep the best of hits that overlap by more than a share of the shorter one, and put the best first.

    Hits of a single frame have no length to share; they are apart where they are not at the same place.
    """
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.document, hit.first)):
        if all(
            hit.document != other.document
            or (
                (hit.first, hit.last) != (other.first, other.last)
                and min(hit.last, other.last) - max(hit.first, other.first)
                <= overlap * min(hit.last - hit.first, other.last - other.first)
            )
            for other in kept
        ):
            kept.append(hit)
    return kept


def matching_function(query: Bytes, columns: Frames, parameters: MatchingParameters, rate: float) -> Features:
    """Return how much like the query what ends at each moment of a recording is, on the scale of scores; 1 × M.

    Parameters
    ----------
    query : ndarray of int8, shape (N, 12)
    columns : ndarray, shape (M, 12)
        Of `Recordings`.
    parameters : MatchingParameters
    rate : float
        Feature rate of the query (Hz).
    """
    block = Block(columns, (Piece(0, 0, 0, len(columns)),))
    likeness = np.maximum(_score(matching_curve(coarse(query, parameters), block, parameters).cost), 0)
    return Features(likeness[None], rate / parameters.downsampling, "matching", ("likeness", "time"), ("likeness",))


def harmonies(query: Bytes, recording: Bytes, hit: Hit, rate: float) -> tuple[Features, Features]:
    """Return what was compared, as chroma: the query in the key of a hit, and the hit."""
    found = features(
        smoothed(recording[hit.first : hit.last + 1], _FINE, 1).T, "chroma", "chroma", CHROMA_NAMES, rate, {}
    )
    moved = np.roll(smoothed(query, _FINE, 1), hit.transposition, axis=1)
    asked = features(moved.T, "chroma", "chroma", CHROMA_NAMES, rate, {})
    return asked, replace(found, start=hit.first / rate)
