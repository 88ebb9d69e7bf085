"""Melody the slow and obvious way."""

from itertools import pairwise, product

import numpy as np


def path_score(likelihood, moves, jump, path):
    """Return the logarithmic score of a path of pitches; any move may also be a jump, and any pitch come before."""
    reach = len(moves) // 2

    def move(before, after):
        near = moves[after - before + reach] if abs(after - before) <= reach else -np.inf
        return max(near, jump)

    score = max(move(before, path[0]) for before in range(likelihood.shape[1]))
    score += sum(move(before, after) for before, after in pairwise(path))
    return score + sum(likelihood[n, pitch] for n, pitch in enumerate(path))


def best_score(likelihood, moves, jump):
    """Return the highest score of all paths."""
    frames, pitches = likelihood.shape
    return max(path_score(likelihood, moves, jump, path) for path in product(range(pitches), repeat=frames))


def salience(magnitudes, bins, pitches, partials, decay, lobe, widening, highest, between):
    """Return for each frame and pitch what Gaussians at its harmonics take, less what those between them take."""

    def taken(centre, width):
        return magnitudes @ np.exp(-0.5 * ((bins - centre) / width) ** 2)

    found = np.zeros((len(magnitudes), len(pitches)))
    for p, pitch in enumerate(pitches):
        for h in range(1, partials + 1):
            if h * pitch <= highest:
                width = max(lobe, widening * h * pitch)
                weight = h**-decay * lobe / width
                found[:, p] += weight * (taken(h * pitch, width) - between * taken((h - 0.5) * pitch, width))
    return found
