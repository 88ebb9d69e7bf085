"""Compiled loops over the places where the hashes of a query were found."""

import math

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def best_offsets(
    votes: NDArray[np.int64],
    bits: int,
    width: int,
    weights: NDArray[np.float64],
    gains: NDArray[np.float64],
    limits: NDArray[np.int64],
    density: float,
    best: NDArray[np.float64],
) -> int:
    """Fill best with the tracks for which most speaks, and return how many there are; one offset a track.

    votes : (n,) ascending, offset · 2^bits + number of the hash of the query; an offset is a place on the time line.
    width : how far apart the offsets of votes may lie that count together; a hash counts once among them.
    weights : (hashes,) what a hash adds to the evidence. gains : (hashes + 1,) what their number adds.
    limits : (tracks + 1,) between which offsets belong to a track.
    density : votes a frame; where a track has more, log(more) is taken off for each hash that counts.
    best : (room × 5) result, the highest evidence first: evidence, number of hashes, track, first and last offset.
    """
    mask = (1 << bits) - 1
    counts = np.zeros(len(weights), np.int32)
    room, used = len(best), 0
    begin = 0
    while begin < len(votes):
        track = np.searchsorted(limits, votes[begin] >> bits, side="right") - 1
        end = begin
        while end < len(votes) and (votes[end] >> bits) < limits[track + 1]:
            end += 1
        surplus = (end - begin) / (density * (limits[track + 1] - limits[track]))
        cost = math.log(max(surplus, 1.0))
        evidence, hashes, low, high = _best_window(votes[begin:end], bits, width, weights, gains, cost, counts)
        for n in range(begin, end):
            counts[votes[n] & mask] = 0
        if hashes > 1 and (used < room or evidence > best[used - 1, 0]):
            place = min(used, room - 1)
            while place > 0 and best[place - 1, 0] < evidence:
                best[place] = best[place - 1]
                place -= 1
            best[place, 0], best[place, 1], best[place, 2] = evidence, hashes, track
            best[place, 3], best[place, 4] = low, high
            used = min(used + 1, room)
        begin = end
    return used


@kernel
def _best_window(
    votes: NDArray[np.int64],
    bits: int,
    width: int,
    weights: NDArray[np.float64],
    gains: NDArray[np.float64],
    cost: float,
    counts: NDArray[np.int32],
) -> tuple[float, int, int, int]:
    """Return the highest evidence of one track, the number of hashes, the first and the last offset."""
    mask = (1 << bits) - 1
    best, most, low, high = -math.inf, 0, 0, 0
    total, hashes, first = 0.0, 0, 0
    for n in range(len(votes)):
        offset, number = votes[n] >> bits, votes[n] & mask
        while (votes[first] >> bits) < offset - width:
            old = votes[first] & mask
            counts[old] -= 1
            if counts[old] == 0:
                hashes -= 1
                total -= weights[old]
            first += 1
        counts[number] += 1
        if counts[number] == 1:
            hashes += 1
            total += weights[number]
        if n + 1 == len(votes) or (votes[n + 1] >> bits) != offset:
            evidence = total + gains[hashes] - cost * hashes
            if evidence > best:
                best, most, low, high = evidence, hashes, votes[first] >> bits, offset
    return best, most, low, high


def warm() -> None:
    """Compile all kernels."""
    votes, limits = np.zeros(1, np.int64), np.array((0, 1))
    best_offsets(votes, 1, 1, np.zeros(1), np.zeros(2), limits, 1.0, np.empty((1, 5)))
