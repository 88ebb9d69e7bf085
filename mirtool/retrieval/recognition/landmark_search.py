"""Find the tracks that a sound comes from: landmarks that agree in time (Wang, ISMIR 2003, Section 2.3).

Of each hash of the query the places in the tracks are looked up; where the query comes from a track, place less time in
the query is the same for many of them. What so many agreements are worth is told by
`mirtool.retrieval.recognition.chance`.

Deviations from Wang:

- The query has twice as many peaks as an index keeps of a track: of those that noise adds none agrees, but of those
  that the index knows more are among them.
- A query that runs faster or slower, with its pitch or without, is found with the same index: its peaks are moved back
  by each of a few speeds, and combined to hashes anew, which needs no other spectrogram. This is done where no track
  is found clearly at the usual speed.
- The rarest hashes are looked up first, up to a number of places: these tell most, and neither time nor memory grow
  with the index.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import FingerprintParameters, RecognitionParameters
from mirtool.retrieval.recognition import chance
from mirtool.retrieval.recognition._landmark_kernels import best_offsets
from mirtool.retrieval.recognition.fingerprints import combination
from mirtool.retrieval.recognition.peaks import FRAME, Peaks, outstanding_of

LONGEST = 1000  # frames of a query; tracks of a list stand at least so far apart
QUERY_DENSITY = 2.0  # peaks of a query for one of a track

_WIDTH = 2  # frames by which agreeing offsets may differ
_PLACES = 1 << 23  # looked up at the usual speed: enough among 100,000 tracks, and half a second of work
_PLACES_AT_ONCE = 1 << 20
_PLACES_MOVED = 1 << 17  # at each other speed
_WINDOW = 500  # frames: of a query longer than `LONGEST`, several windows are searched for
_WINDOWS = 6  # at most, evenly spread
_SPEED_STEP = 0.01
_REFINEMENT = (0.005, 0.0025)
_CLEAR = 1000.0  # evidence that a query hardly gives at a speed that is not its own
_CANDIDATES = 16


class TrackList(Protocol):
    """Tracks one after the other on one time line, and where on it each hash stands.

    Attributes
    ----------
    starts : ndarray, shape (tracks + 1,), int64
        Frame at which each track begins; behind the last one, the end. There are `LONGEST` frames of nothing behind
        each track.
    live : ndarray, shape (tracks,), bool, or None
        Which tracks may be found; None for all.
    """

    @property
    def starts(self) -> NDArray[np.int64]: ...
    @property
    def live(self) -> NDArray[np.bool_] | None: ...

    def counts(self, hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return how often each hash occurs."""
        ...

    def find(self, hashes: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
        """Return number of the hash and place on the time line of each occurrence."""
        ...

    def find_between(
        self, hashes: NDArray[np.uint32], low: int, high: int
    ) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
        """Return those from `low` to before `high` only, whatever the others are."""
        ...


@dataclass(frozen=True)
class Warp:
    """How a query differs from the track: it runs `speed` times as fast, and `pitch` times as high."""

    speed: float = 1.0
    pitch: float = 1.0


@dataclass(frozen=True, eq=False)
class Hit:
    """A track that a query comes from.

    Attributes
    ----------
    segment, track : int
        Numbers of the list, and of the track in it.
    start : float
        Where in the track the query begins (s); negative where it begins before the track.
    score : float
        Share of the query's landmarks, as many as an index keeps, that stand at this place of the track.
    confidence : float
        1 - the probability that chance gives as much evidence; see `mirtool.retrieval.recognition.chance`.
    speed, pitch : float
        How many times as fast and as high as the track the query is.
    evidence : float
        log L, less the logarithm of the number of places in a stretch and of speeds; see there.
    pairs : ndarray, shape (m, 2), float64
        Times of the landmarks found, in the query, ascending, and in the track (s).
    """

    segment: int
    track: int
    start: float
    score: float
    confidence: float
    speed: float
    pitch: float
    evidence: float
    pairs: NDArray[np.float64]


@dataclass(frozen=True)
class _Candidate:
    evidence: float
    segment: int
    track: int
    low: int  # offsets on the time line
    high: int
    warp: Warp


def search(
    query: Peaks,
    frames: float,
    lists: Sequence[TrackList],
    parameters: FingerprintParameters,
    matching: RecognitionParameters,
) -> list[Hit]:
    """Find the tracks that a query comes from.

    Parameters
    ----------
    query : Peaks
        With the density `query_density(parameters)`.
    frames : float
        Length of the query. Of a long one, `_WINDOWS` windows are searched for at most.
    lists : sequence of TrackList
    parameters : FingerprintParameters
        Those of the index.
    matching : RecognitionParameters

    Returns
    -------
    list of Hit
        A track at most once, the one with most evidence first.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    check_recognition(matching)
    index = _Index(lists, parameters)
    if not index.frames:
        return []
    begins = [0.0] if frames <= LONGEST else np.linspace(0, frames - _WINDOW, _WINDOWS).tolist()
    hits = [hit for begin in begins for hit in _window_hits(query, begin, len(begins), index, matching)]
    best: dict[tuple[int, int], Hit] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.evidence, hit.segment, hit.track)):
        best.setdefault((hit.segment, hit.track), hit)
    return list(best.values())


def query_density(parameters: FingerprintParameters) -> float:
    """Return how many peaks a second a query of an index with these parameters should have."""
    return QUERY_DENSITY * parameters.density


def _window_hits(
    query: Peaks, begin: float, count: int, index: "_Index", matching: RecognitionParameters
) -> Iterator[Hit]:
    """Yield the sure hits of one of several windows of a query, with times in the query."""
    window = query
    if count > 1:
        inside = query.chosen((query.times >= begin) & (query.times < begin + _WINDOW))
        window = replace(inside, times=inside.times - np.float32(begin))
    stretches = count * index.stretches
    for candidate in _candidates(window, index, matching):
        confidence = chance.confidence(candidate.evidence, stretches)
        if confidence >= max(matching.min_confidence, 1e-9):
            hit = index.hit(window, candidate, confidence)
            pairs = hit.pairs + np.array((begin * FRAME, 0.0))
            yield replace(hit, start=hit.start - begin * FRAME * hit.speed, pairs=pairs)


def _candidates(query: Peaks, index: "_Index", matching: RecognitionParameters) -> list[_Candidate]:
    """Return the best place of each track; the usual speed is as probable as all others together."""
    if not len(query):
        return []
    others = warps(matching.speed_range)
    found = list(index.candidates(query, Warp(), _PLACES, 2 if others else 1))
    if others:
        trials = 2 * len(others)
        if not found or _best(found).evidence < _CLEAR:
            found += [c for warp in others for c in index.candidates(query, warp, _PLACES_MOVED, trials)]
        found += _refined(query, trials, index, found, matching.speed_range / 100 + _SPEED_STEP / 2)
    best: dict[tuple[int, int], _Candidate] = {}
    for candidate in sorted(found, key=lambda c: -c.evidence):
        best.setdefault((candidate.segment, candidate.track), candidate)
    return list(best.values())


def check_recognition(matching: RecognitionParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if not 0 <= matching.min_confidence <= 1:
        raise ParameterError(f"a confidence lies between 0 and 1, not at {matching.min_confidence:g}")
    if not 0 <= matching.speed_range <= 50:
        raise ParameterError(f"the range of speeds lies between 0 and 50 %, not at {matching.speed_range:g}")


def warps(speed_range: float) -> list[Warp]:
    """Return the speeds that are tried beside the usual one, up to `speed_range` percent, with and without pitch."""
    count = math.floor(speed_range / 100 / _SPEED_STEP + 1e-9)
    speeds = [1 + n * _SPEED_STEP for n in range(-count, count + 1) if n]
    return [Warp(speed, speed) for speed in speeds] + [Warp(speed, 1.0) for speed in speeds]


def _refined(
    query: Peaks, trials: int, index: "_Index", found: Sequence[_Candidate], furthest: float
) -> list[_Candidate]:
    """Climb from the speed of the best place to one between those that were tried."""
    every = list(found)
    for step in _REFINEMENT if every else ():
        climbing = True
        while climbing:
            best = _best(every)
            for speed in (best.warp.speed - step, best.warp.speed + step):
                if abs(speed - 1) > furthest:
                    continue
                between = Warp(speed, 1.0 if best.warp.pitch == 1 != best.warp.speed else speed)
                every += index.candidates(query, between, _PLACES_MOVED, trials)
            climbing = _best(every) is not best
    return every[len(found) :]


def _best(found: Sequence[_Candidate]) -> _Candidate:
    return max(found, key=lambda candidate: candidate.evidence)


def _votes(
    one: TrackList, hashes: NDArray[np.uint32], times: NDArray[np.int64], counts: NDArray[np.int64], bits: int
) -> NDArray[np.int64]:
    """Return the offset and the number of the hash, as one number, of each place where hashes occur, ascending.

    `counts` tells how often each occurs at most; many places are looked up in several steps, which takes less memory.
    """
    ends = np.cumsum(counts)
    room = np.empty(int(ends[-1]) if len(ends) else 0, np.int64)
    used = 0
    for part in np.split(
        np.arange(len(hashes)), np.searchsorted(ends, range(_PLACES_AT_ONCE, len(room), _PLACES_AT_ONCE))
    ):
        which, positions = one.find(hashes[part])
        which = part[which]
        offsets = positions.astype(np.int64) - times[which] + LONGEST
        room[used : used + len(which)] = np.left_shift(offsets, bits) | which
        used += len(which)
    votes = room[:used]
    votes.sort()
    return votes


class _Index:
    """The lists together."""

    def __init__(self, lists: Sequence[TrackList], parameters: FingerprintParameters) -> None:
        self._lists, self._parameters, self._combine = lists, parameters, combination(parameters.method)
        self.frames = sum(max(int(one.starts[-1]) - LONGEST * (len(one.starts) - 1), 0) for one in lists)

    @property
    def stretches(self) -> float:
        return self.frames / chance.STRETCH

    def candidates(self, query: Peaks, warp: Warp, places: int, trials: int) -> Iterator[_Candidate]:
        """Yield the best tracks of each list for a query that is moved back by a warp, one of several trials."""
        hashes, times, _ = self._combine(query, self._parameters.fan_out + 1, warp.speed, warp.pitch)
        counts = self._counts(hashes)
        order = np.argsort(counts, kind="stable")
        rarest = np.sort(order[: np.searchsorted(np.cumsum(counts[order]), places, side="right")])
        hashes, counts = hashes[rarest], counts[rarest]
        rounded: NDArray[np.int64] = np.rint(times[rarest]).astype(np.int64)
        weights = chance.weights(counts, self.frames, _WIDTH + 1)
        gains = chance.gains(counts, self.frames, _WIDTH + 1)
        density = max(int(counts.sum()), 1) / self.frames
        bits = max(len(hashes).bit_length(), 1)
        for number, one in enumerate(self._lists):
            votes = _votes(one, hashes, rounded, counts, bits)
            best = np.empty((_CANDIDATES, 5))
            used = best_offsets(votes, bits, _WIDTH, weights, gains, one.starts, density, best)
            for evidence, _, track, low, high in best[:used].tolist():
                if one.live is None or one.live[int(track)]:
                    evidence -= math.log(chance.STRETCH * trials)
                    yield _Candidate(evidence, number, int(track), int(low) - LONGEST, int(high) - LONGEST, warp)

    def hit(self, query: Peaks, candidate: _Candidate, confidence: float) -> Hit:
        """Look closer at a candidate."""
        _, times, places = self._agreeing(query, self._parameters.fan_out + 1, candidate)
        start = float(np.median(places - times)) * FRAME
        order = np.argsort(times, kind="stable")
        pairs = np.column_stack((times / candidate.warp.speed, places))[order] * FRAME
        thinned = outstanding_of(query, self._parameters.density)
        kept, _, _ = self._agreeing(thinned, self._parameters.fan_out, candidate)
        every = len(self._combine(thinned, self._parameters.fan_out, 1.0, 1.0)[0])
        return Hit(
            candidate.segment,
            candidate.track,
            start,
            len(np.unique(kept)) / max(every, 1),
            confidence,
            candidate.warp.speed,
            candidate.warp.pitch,
            candidate.evidence,
            pairs,
        )

    def _agreeing(
        self, query: Peaks, fan_out: int, candidate: _Candidate
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Return the hashes that agree, their times (moved back) and their places in the track (frames)."""
        one = self._lists[candidate.segment]
        hashes, times, _ = self._combine(query, fan_out, candidate.warp.speed, candidate.warp.pitch)
        which, positions = one.find_between(hashes, *one.starts[candidate.track : candidate.track + 2].tolist())
        offsets = positions.astype(np.int64) - np.rint(times).astype(np.int64)[which]
        agree = (offsets >= candidate.low) & (offsets <= candidate.high)
        places = positions[agree].astype(np.float64) - float(one.starts[candidate.track])
        return which[agree], times[which[agree]].astype(np.float64), places

    def _counts(self, hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
        total = np.zeros(len(hashes), np.int64)
        for one in self._lists:
            total += one.counts(hashes)
        return total
