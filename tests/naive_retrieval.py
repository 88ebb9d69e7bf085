"""Slow, obvious versions of the algorithms of retrieval, to test the fast ones against."""

import numpy as np


def local_maxima(spectra, reach, widths, floor):
    """Cells (frame, bin) that are larger than all around them; of equal ones the first in (frame, bin)."""
    N, K = spectra.shape
    found = []
    for n in range(N):
        for k in range(1, K - 1):
            if widths[k] == 0 or spectra[n, k] <= floor:
                continue
            around = [
                (m, i)
                for m in range(max(n - reach, 0), min(n + reach + 1, N))
                for i in range(max(k - widths[k], 0), min(k + widths[k] + 1, K))
            ]
            if max(around, key=lambda cell: (spectra[cell], -cell[0], -cell[1])) == (n, k):
                found.append((n, k))
    return found


def outstanding(times, levels, reach, most):
    """Whether fewer than `most` points nearer than `reach` stand higher."""
    order = [(-level, i) for i, level in enumerate(levels)]
    return [
        sum(order[j] < order[i] for j in range(len(times)) if abs(times[j] - times[i]) < reach) < most
        for i in range(len(times))
    ]


def pairs(times, bins, levels, zone, fan_out):
    """Anchor and target, the strongest targets of each anchor."""
    least, most, apart = zone
    found = []
    for i in range(len(times)):
        targets = [
            j
            for j in range(i + 1, len(times))
            if least <= times[j] - times[i] <= most and abs(bins[j] - bins[i]) <= apart
        ]
        strongest = sorted(targets, key=lambda j: (-levels[j], j))[:fan_out]
        found += [(i, j) for j in sorted(strongest)]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def best_windows(votes, width, weights, gains, limits, density):
    """For each track the highest evidence, the hashes behind it and the track; votes are (offset, hash)."""
    found = []
    for track in range(len(limits) - 1):
        inside = [vote for vote in votes if limits[track] <= vote[0] < limits[track + 1]]
        if not inside:
            continue
        cost = np.log(max(len(inside) / (density * (limits[track + 1] - limits[track])), 1))
        windows = [{number for offset, number in inside if last - width <= offset <= last} for last, _ in inside]
        evidence = [sum(weights[number] - cost for number in window) + gains[len(window)] for window in windows]
        best = int(np.argmax(evidence))
        if len(windows[best]) > 1:
            found.append((evidence[best], len(windows[best]), track))
    return sorted(found, reverse=True)


class TrackList:
    """Tracks on one time line."""

    def __init__(self, tracks, gap, live=None):
        lengths = [track.frames + gap for track in tracks]
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.live = live
        self.places = {}
        for track, start in zip(tracks, self.starts, strict=False):
            for number, time in zip(track.hashes.tolist(), track.times.tolist(), strict=True):
                self.places.setdefault(number, []).append(int(start) + time)

    def counts(self, hashes):
        return np.array([len(self.places.get(number, ())) for number in hashes.tolist()], np.int64)

    def find_between(self, hashes, low, high):
        which, positions = self.find(hashes)
        inside = (positions >= low) & (positions < high)
        return which[inside], positions[inside]

    def find(self, hashes):
        found = [(n, place) for n, number in enumerate(hashes.tolist()) for place in self.places.get(number, ())]
        which, places = np.array(found, np.int64).reshape(-1, 2).T
        return which.astype(np.intp), places.astype(np.uint32)
