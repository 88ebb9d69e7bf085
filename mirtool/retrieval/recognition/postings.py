"""Inverted lists: where in a set of tracks each hash stands.

The tracks of a list stand one behind the other on one time line of frames, with a gap behind each, so that a place in
any of them is a single number of 32 bits, and its difference to a place in a query needs no look at the track.

The arrays of a list, as they lie in a segment of an index:

====================  ========================================================================
``keys`` (U,)         the hashes that occur, ascending
``blocks`` (⌈U/B⌉,)   every B-th key, so that a search reads little of ``keys``
``bounds`` (U + 1,)   where the postings of each key begin
``positions`` (P,)    the postings: places on the time line, ascending for each key
``starts`` (T + 1,)   where each track begins on the time line, and where the next would
====================  ========================================================================

It takes four bytes a landmark, and eight a hash that occurs: a list of one track is small, too. Lists are searched one
by one, and merged when there are many (O'Neil et al., 1996, The log-structured merge-tree).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.store.ragged import inside

BLOCK = 256  # keys: 1 KiB of them
NARROW = 128  # postings that are read rather than searched
GAP = 1024  # frames behind each track, which no query of up to 23 s reaches over
MOST = (1 << 32) - 1  # the largest position
AT_ONCE = 1 << 22  # postings in memory while lists are merged

Stretches = NDArray[np.int64]


class Array(Protocol):
    """An array of which parts are read: that of a segment (`mirtool.store.CheckedArray`), or in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Any: ...

    def pieces(self, starts: Stretches, stops: Stretches) -> NDArray[Any]:
        """Return the stretches [start, stop), one after the other."""
        ...


class Arrays(Protocol):
    """Arrays by name: a segment of an index (`mirtool.store.Segment`), or `InMemory`."""

    def array(self, name: str) -> Array:
        """Return an array of which parts are to be read."""
        ...

    def whole(self, name: str) -> NDArray[Any]:
        """Return an array."""
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """Arrays in memory."""

    arrays: Mapping[str, NDArray[Any]]

    def array(self, name: str) -> "_InMemory":
        """Return an array of which parts are to be read."""
        return _InMemory(self.arrays[name])

    def whole(self, name: str) -> NDArray[Any]:
        """Return an array."""
        return self.arrays[name]


@dataclass(frozen=True, eq=False)
class _InMemory:
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return self.values[rows]

    def pieces(self, starts: Stretches, stops: Stretches) -> NDArray[Any]:
        return self.values[inside(starts, stops)]


class Postings:
    """A list that is searched.

    Parameters
    ----------
    arrays : Arrays
    live : ndarray, shape (T,), bool, optional
        Which tracks have not been removed; their landmarks are still found.

    Attributes
    ----------
    live : ndarray, shape (T,), bool
    starts : ndarray, shape (T + 1,), int64
        Where each track begins on the time line (frames); behind the last one, where it ends.
    postings : int
        Landmarks of all tracks.
    """

    def __init__(self, arrays: Arrays, live: NDArray[np.bool_] | None = None) -> None:
        self.starts: NDArray[np.int64] = arrays.whole("starts")
        self.live = np.ones(len(self.starts) - 1, dtype=bool) if live is None else live
        self._blocks: NDArray[np.uint32] = arrays.whole("blocks")
        self._keys, self._bounds = arrays.array("keys"), arrays.array("bounds")
        self._positions = arrays.array("positions")
        self.postings = len(self._positions)

    def counts(self, hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return how often each hash occurs, shape (n,)."""
        begins, ends = self._ranges(hashes)
        return ends - begins

    def find(self, hashes: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
        """Return where hashes occur.

        Parameters
        ----------
        hashes : ndarray, shape (n,)
            In any order; doubles are found each time.

        Returns
        -------
        which : ndarray, shape (m,)
            Number of the hash, ascending.
        positions : ndarray, shape (m,)
            Places on the time line, ascending for each hash (frames).
        """
        begins, ends = self._ranges(hashes)
        which = np.repeat(np.arange(len(hashes)), ends - begins)
        return which, self._positions.pieces(begins, ends)

    def find_between(
        self, hashes: NDArray[np.uint32], low: int, high: int
    ) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
        """Return where hashes occur from `low` to before `high` on the time line; else as `find`.

        How much is read hardly depends on how often they occur elsewhere.
        """
        begins, ends = self._ranges(hashes)
        firsts, _ = self._narrowed(begins, ends, low)
        _, lasts = self._narrowed(begins, ends, high)
        which = np.repeat(np.arange(len(hashes)), lasts - firsts)
        positions = self._positions.pieces(firsts, lasts)
        inside = (positions >= low) & (positions < high)
        return which[inside], positions[inside]

    def _narrowed(self, begins: Stretches, ends: Stretches, value: int) -> tuple[Stretches, Stretches]:
        """Narrow stretches of postings by bisection to some in which, or at whose ends, `value` would stand."""
        begins, ends = begins.copy(), ends.copy()
        while len(wide := np.flatnonzero(ends - begins > NARROW)):
            middle = (begins[wide] + ends[wide]) // 2
            before = self._positions.pieces(middle, middle + 1) < value
            begins[wide[before]] = middle[before]
            ends[wide[~before]] = middle[~before]
        return begins, ends

    def _ranges(self, hashes: NDArray[np.uint32]) -> tuple[Stretches, Stretches]:
        """Return where the postings of each hash begin and end; only blocks that hashes fall into are read."""
        begins, ends = np.zeros(len(hashes), dtype=np.int64), np.zeros(len(hashes), dtype=np.int64)
        block = np.searchsorted(self._blocks, hashes, side="right") - 1
        used = np.unique(block[block >= 0])
        if not len(used):
            return begins, ends
        first, last = used * BLOCK, np.minimum((used + 1) * BLOCK, len(self._keys))
        keys = self._keys.pieces(first, last)
        bounds = self._bounds.pieces(first, last + 1)
        place = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
        there = np.flatnonzero(keys[place] == hashes)
        place = place[there]
        bound = place + np.searchsorted(np.cumsum(last - first), place, side="right")  # a block has one bound more
        begins[there], ends[there] = bounds[bound], bounds[bound + 1]
        return begins, ends


# ------------------------------------------------------------------------------------------------------------- making


def build(
    hashes: Sequence[NDArray[np.uint32]], frames: Sequence[NDArray[np.uint32]], lengths: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Make the list of some tracks.

    Parameters
    ----------
    hashes, frames : sequence of ndarray, shape (n,)
        Of the landmarks of each track.
    lengths : sequence of int
        Frames of each track.

    Returns
    -------
    dict
        The arrays.

    Raises
    ------
    DataError
        More frames than a list can hold.
    """
    starts = line_of(np.asarray(lengths, dtype=np.int64))
    pairs = [_pairs(*track) for track in zip(hashes, frames, starts[:-1], strict=True)]
    together = np.concatenate([np.zeros(0, dtype=np.uint64), *pairs])
    together.sort()
    return {**_arrays(together), "starts": starts}


def line_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where tracks of these lengths begin on a time line, and where the next would, shape (T + 1,)."""
    starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(lengths + GAP)]).astype(np.int64)
    if starts[-1] > MOST:
        raise DataError(f"{starts[-1]} frames are too many for one list")
    return starts


def _pairs(hashes: NDArray[Any], frames: NDArray[Any], shift: int) -> NDArray[np.uint64]:
    """Return numbers that sort as (hash, position)."""
    positions = frames.astype(np.uint64) + np.uint64(shift)
    return hashes.astype(np.uint64) << np.uint64(32) | positions


def _arrays(pairs: NDArray[np.uint64]) -> dict[str, NDArray[Any]]:
    """Take sorted pairs apart; doubles are left out."""
    pairs = pairs[_changes(pairs)]
    every = (pairs >> np.uint64(32)).astype(np.uint32)
    first = np.flatnonzero(_changes(every))
    return {
        "keys": every[first],
        "blocks": every[first[::BLOCK]],
        "bounds": np.append(first, len(every)).astype(np.uint32),
        "positions": (pairs & np.uint64(MOST)).astype(np.uint32),
    }


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values differ from the one before."""
    differs = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs


# ------------------------------------------------------------------------------------------------------------ merging


@dataclass(frozen=True, eq=False)
class Part:
    """A list that goes into a merged one.

    Parameters
    ----------
    arrays : Arrays
    kept : ndarray, shape (T,), bool
        Which of its tracks go on.
    """

    arrays: Arrays
    kept: NDArray[np.bool_]


def merged(parts: Sequence[Part], at_once: int = AT_ONCE) -> dict[str, NDArray[Any] | Iterator[NDArray[Any]]]:
    """Merge lists, hash after hash, so that memory does not grow with them.

    Parameters
    ----------
    parts : sequence of Part
        Their tracks follow each other in this order.
    at_once : int
        Postings in memory.

    Returns
    -------
    dict
        The arrays; the first ones as iterators over what is to be joined, to be used up in this order.
    """
    lengths = [np.diff(part.arrays.whole("starts"))[part.kept] - GAP for part in parts]
    starts = line_of(np.concatenate([np.zeros(0, dtype=np.int64), *lengths]))
    moves = np.split(starts[:-1], np.cumsum([len(part) for part in lengths])[:-1])
    keys = [np.zeros(0, dtype=np.uint32)]
    counts = [np.zeros(1, dtype=np.int64)]

    def positions() -> Iterator[NDArray[Any]]:
        yield np.zeros(0, dtype=np.uint32)
        for low, high in _spans(parts, 0, 1 << 32, at_once):
            pairs = np.concatenate([_moved(part, move, low, high) for part, move in zip(parts, moves, strict=True)])
            pairs.sort()
            made = _arrays(pairs)
            keys.append(made["keys"])
            counts.append(np.diff(made["bounds"]))
            yield made["positions"]

    def later(make: Callable[[], NDArray[Any]]) -> Iterator[NDArray[Any]]:
        yield make()

    return {
        "positions": positions(),
        "keys": later(lambda: np.concatenate(keys)),
        "blocks": later(lambda: np.concatenate(keys)[::BLOCK]),
        "bounds": later(lambda: np.cumsum(np.concatenate(counts)).astype(np.uint32)),
        "starts": starts,
    }


def _spans(parts: Sequence[Part], low: int, high: int, at_once: int) -> Iterator[tuple[int, int]]:
    """Cut the hashes from `low` to `high` into spans with at most so many postings, or one hash, each."""
    total = 0
    for part in parts:
        begin, end = _keys_between(part.arrays, low, high)
        bounds = part.arrays.whole("bounds")
        total += int(bounds[end]) - int(bounds[begin])
    if total > at_once and high - low > 1:
        middle = (low + high) // 2
        yield from _spans(parts, low, middle, at_once)
        yield from _spans(parts, middle, high, at_once)
    elif total:
        yield low, high


def _keys_between(arrays: Arrays, low: int, high: int) -> tuple[int, int]:
    keys = arrays.whole("keys")
    begin = np.searchsorted(keys, np.uint32(low))
    return int(begin), int(np.searchsorted(keys, np.uint32(high - 1), side="right"))


def _moved(part: Part, move: NDArray[np.int64], low: int, high: int) -> NDArray[np.uint64]:
    """Return the pairs of a part between two hashes, of the tracks that go on, where they begin then."""
    begin, end = _keys_between(part.arrays, low, high)
    bounds = part.arrays.whole("bounds")[begin : end + 1].astype(np.int64)
    keys = np.repeat(part.arrays.whole("keys")[begin:end], np.diff(bounds))
    positions = part.arrays.array("positions")[int(bounds[0]) : int(bounds[-1])].astype(np.int64)
    starts = part.arrays.whole("starts")
    if part.kept.all():  # they keep their distances
        return _pairs(keys, positions, int(move[0]) if len(move) else 0)
    shifts = np.zeros(len(part.kept), dtype=np.int64)
    shifts[part.kept] = move - starts[:-1][part.kept]
    track = np.searchsorted(starts, positions, side="right") - 1
    going = part.kept[track]
    return _pairs(keys[going], (positions + shifts[track])[going], 0)
