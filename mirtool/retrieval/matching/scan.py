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
Numbers = NDArray[np.int64]

BLOCK = 1 << 12  # columns that are compared together, about
LONGEST = 1 << 16  # columns of a query
_GAP = 2  # columns between recordings, which no step passes over
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
        Between two recordings there are columns that belong to none.
    pieces : tuple of Piece
    """

    frames: Frames
    pieces: tuple[Piece, ...]

    @property
    def gaps(self) -> Numbers:
        """Columns between recordings."""
        begins = np.array([piece.stop for piece in self.pieces[:-1]], np.int64)
        gaps: Numbers = (begins[:, None] + np.arange(_GAP)).ravel()
        return gaps


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
    room = max(BLOCK, 4 * longest)
    parts: list[Frames] = []
    pieces: list[Piece] = []
    used = 0
    for document, frames in enumerate(recordings):
        for first in range(0, max(len(frames) - longest, 1), room - longest):
            part = frames[first : first + room]
            if used and used + _GAP + len(part) > room:
                yield Block(np.concatenate(parts), tuple(pieces))
                parts, pieces, used = [], [], 0
            if used:
                parts.append(np.zeros((_GAP, 12), np.float32))
                used += _GAP
            parts.append(part)
            pieces.append(Piece(document, first, used, used + len(part)))
            used += len(part)
    if used:
        yield Block(np.concatenate(parts), tuple(pieces))


def matching_curve(query: Frames, block: Block, parameters: MatchingParameters) -> Curve:
    """Compute the matching function of a query over a block.

    Parameters
    ----------
    query : ndarray, shape (N, 12)
    block : Block
    parameters : MatchingParameters
    """
    M = len(block.frames)
    best = Curve(np.full(M, np.inf, np.float32), np.zeros(M, np.int64), np.zeros(M, np.int64))
    compare = warping if parameters.method == "dtw" else diagonals
    columns, gaps = np.ascontiguousarray(block.frames.T), block.gaps
    for shift in range(12 if parameters.transpose else 1):
        C = np.roll(query, shift, axis=1) @ columns
        np.subtract(1, C, out=C)
        C[:, gaps] = np.inf
        cost, start = compare(C, parameters.tempo_range)
        better = cost < best.cost
        best.cost[better] = cost[better]
        best.start[better] = start[better]
        best.shift[better] = shift
    return best


def warping(C: Frames, tempo_range: tuple[float, float]) -> tuple[Vector, Numbers]:
    """Return the matching function of subsequence DTW with the steps (1,1), (1,2), (2,1) (FMP, Section 7.2.3).

    Parameters
    ----------
    C : ndarray, shape (N, M)
    tempo_range : tuple of float
        Of the lengths of paths, relative to the query.

    Returns
    -------
    cost : ndarray, shape (M,)
        Mean cost of the frames of the query on the best path that ends in a column; infinite where there is none.
    start : ndarray, shape (M,)
        Column where that path begins.
    """
    from mirtool.retrieval.matching._kernels import BARRED, SCALE, warped

    N, M = C.shape
    cells = np.empty((3, M + 2), np.int64)
    warped(C, cells)
    paths = cells[(N - 1) % 3, 2:]
    start = paths & 0xFFFFFFFF
    length = np.arange(M) - start
    low, high = (ratio * (N - 1) for ratio in tempo_range)
    fits = (paths < BARRED) & (length >= np.floor(low)) & (length <= np.ceil(high))
    cost = np.where(fits, (paths >> 32) / (SCALE * N), np.inf).astype(np.float32)
    return cost, start


def diagonals(C: Frames, tempo_range: tuple[float, float]) -> tuple[Vector, Numbers]:
    """Return the matching function of straight lines at several tempi (FMP, Section 7.2.2); see `warping`."""
    N, M = C.shape
    low, high = tempo_range
    count = 1 + int(np.ceil(np.log(high / low) / np.log(_TEMPI) - 1e-9))
    cost, start = np.full(M, np.inf, np.float32), np.zeros(M, np.int64)
    for tempo in np.geomspace(low, high, count):
        places = np.round(np.arange(N) * tempo).astype(np.int64)
        reach = int(places[-1])
        if reach >= M:
            continue
        total = np.zeros(M - reach, np.float32)
        for row, place in zip(C, places, strict=True):
            total += row[place : place + len(total)]
        total /= N
        better = np.flatnonzero(total < cost[reach:])
        cost[better + reach] = total[better]
        start[better + reach] = better
    return cost, start
