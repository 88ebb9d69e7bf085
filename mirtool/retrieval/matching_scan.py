"""The matching function of audio matching: how well each moment of many recordings ends the query (FMP, Section 7.2).

Recordings are put one after the other into blocks, and a block is compared as a whole. The cost of two frames is
1 - <x, y>, 0 for the same harmony and 1 for unrelated ones; the matching function is the mean cost of the frames of the
query, on the best path (subsequence DTW) or the best of several straight lines (diagonal matching), in the best key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.features.frames import Frames
from mirtool.retrieval.parameters import MatchingParameters

Vector = NDArray[np.float32]
Numbers = NDArray[np.int32]

BLOCK = 1 << 13  # columns that are compared together, about
STEP_WEIGHTS = (1.0, 1.0, 2.0)  # of (1,1), (1,2), (2,1): each frame of the query counts once
_TEMPI = 1.15  # ratio of neighbouring tempi of diagonal matching


@dataclass(frozen=True)
class Piece:
    """Columns of a block that belong to one recording.

    Attributes
    ----------
    document : int
    first : int
        Column of the recording that comes first.
    begin, stop : int
        Where they stand in the block.
    """

    document: int
    first: int
    begin: int
    stop: int


@dataclass(frozen=True, eq=False)
class Block:
    """Frames of recordings, one after the other.

    Attributes
    ----------
    frames : ndarray, shape (M, 12)
    pieces : tuple of Piece
    """

    frames: Frames
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, eq=False)
class Curve:
    """The matching function over the columns of a block.

    Attributes
    ----------
    cost : ndarray, shape (M,)
        Mean cost of the best match that ends in a column; infinite where none does.
    start : ndarray, shape (M,)
        Column of its beginning.
    shift : ndarray, shape (M,)
        Semitones, 0 … 11, by which the query was moved up.
    """

    cost: Vector
    start: Numbers
    shift: Numbers


def blocks(recordings: Sequence[Frames], longest: int) -> Iterator[Block]:
    """Put recordings into blocks; what is longer than a block is cut, with an overlap as long as a match may be.

    Parameters
    ----------
    recordings : sequence of ndarray, shape (M, 12)
    longest : int
        Columns of the longest match.
    """
    overlap = longest
    room = max(BLOCK, 4 * overlap)
    parts: list[Frames] = []
    pieces: list[Piece] = []
    used = 0
    for document, frames in enumerate(recordings):
        for first in range(0, max(len(frames) - overlap, 1), room - overlap):
            part = frames[first : first + room]
            if used and used + len(part) > room:
                yield Block(np.concatenate(parts), tuple(pieces))
                parts, pieces, used = [], [], 0
            parts.append(part)
            pieces.append(Piece(document, first, used, used + len(part)))
            used += len(part)
    if used:
        yield Block(np.concatenate(parts), tuple(pieces))


def matching_curve(query: Frames, block: Block, parameters: MatchingParameters) -> Curve:
    """Compute the matching function of a query (N × 12) over a block.

    Parameters
    ----------
    query : ndarray, shape (N, 12)
    block : Block
    parameters : MatchingParameters
    """
    M = len(block.frames)
    best = Curve(np.full(M, np.inf, np.float32), np.zeros(M, np.int32), np.zeros(M, np.int32))
    compare = _Warping(block, len(query), parameters) if parameters.method == "dtw" else _Diagonals(block, parameters)
    for shift in range(12 if parameters.transpose else 1):
        C = 1 - np.roll(query, shift, axis=1) @ block.frames.T
        cost, start = compare(C)
        better = cost < best.cost
        best = Curve(
            np.where(better, cost, best.cost),
            np.where(better, start, best.start),
            np.where(better, np.int32(shift), best.shift),
        )
    return best


class _Warping:
    """Subsequence DTW with the steps (1,1), (1,2), (2,1) (FMP, Section 7.2.3)."""

    def __init__(self, block: Block, rows: int, parameters: MatchingParameters) -> None:
        M = len(block.frames)
        self._gates = np.zeros((2, M), np.float32)
        for piece in block.pieces:
            self._gates[0, piece.begin] = np.inf
            self._gates[1, piece.begin : min(piece.begin + 2, piece.stop)] = np.inf
        self._weights = np.array(STEP_WEIGHTS, np.float32)
        self._cells, self._origins = np.empty((3, M + 2), np.float32), np.empty((3, M + 2), np.int32)
        self._shortest, self._longest = (ratio * (rows - 1) for ratio in parameters.tempo_range)

    def __call__(self, C: Frames) -> tuple[Vector, Numbers]:
        from mirtool.retrieval._matching_kernels import warped

        cost, start = np.empty(C.shape[1], np.float32), np.empty(C.shape[1], np.int32)
        warped(C, self._gates, self._weights, self._cells, self._origins, cost, start)
        cost /= len(C)
        length = np.arange(len(start)) - start
        cost[(length < np.floor(self._shortest)) | (length > np.ceil(self._longest))] = np.inf
        return cost, start


class _Diagonals:
    """Straight lines at several tempi (FMP, Section 7.2.2)."""

    def __init__(self, block: Block, parameters: MatchingParameters) -> None:
        low, high = parameters.tempo_range
        count = 1 + int(np.ceil(np.log(high / low) / np.log(_TEMPI) - 1e-9))
        self._tempi = np.geomspace(low, high, count)
        self._stop = np.concatenate([np.full(piece.stop - piece.begin, piece.stop) for piece in block.pieces])

    def __call__(self, C: Frames) -> tuple[Vector, Numbers]:
        N, M = C.shape
        cost, start = np.full(M, np.inf, np.float32), np.zeros(M, np.int32)
        for tempo in self._tempi:
            places = np.round(np.arange(N) * tempo).astype(np.int64)
            reach = int(places[-1])
            count = M - reach
            if count < 1:
                continue
            total = np.zeros(count, np.float32)
            for row, place in zip(C, places, strict=True):
                total += row[place : place + count]
            total /= N
            total[np.arange(count) + reach >= self._stop[:count]] = np.inf
            better = total < cost[reach:]
            cost[reach:][better] = total[better]
            start[reach:][better] = np.flatnonzero(better)
        return cost, start
