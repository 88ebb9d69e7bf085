"""Three instruments that play together, with their scores, synthesised."""

from functools import cache

import numpy as np

from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.synthesis.render import render
from mirtool.types import Notes

RATE = 11025
SECONDS = 7.0


def notes(rows, **more):
    onset, duration, pitch = np.array(rows, dtype=float).reshape(-1, 3).T
    columns = {"onset": onset, "offset": onset + duration, "pitch": pitch, "velocity": np.full(len(pitch), 90.0)}
    return Notes({**columns, **{name: np.full(len(pitch), value) for name, value in more.items()}})


# A melody over broken chords, whose notes share many partials; and a beat.
ORGAN = notes([(0.2 + 0.75 * n, 0.7, pitch) for n, pitch in enumerate((67, 69, 71, 72, 74, 72, 71, 69))])
PIANO = notes(
    [(0.2 + 0.375 * n, 0.5, pitch) for n, pitch in enumerate((48, 55, 60, 64, 53, 57, 60, 65, 43, 50) * 2)][:16]
)
DRUMS = notes([(0.3 + 0.5 * n, 0.1, 36 if n % 2 else 38) for n in range(12)], channel=9)
SCORES = {"organ": ORGAN, "piano": PIANO, "drums": DRUMS}


@cache
def stems(*players):
    return {name: render(SCORES[name], RATE, name, SECONDS).samples[:, 0] for name in players}


def scores(*players, late=0.0):
    parts = []
    for name in players:
        score = SCORES[name]
        parts.append(ScorePart(name, score.replace(onset=score["onset"] + late, offset=score["offset"] + late)))
    return parts


def scale_invariant(reference, estimate):
    """Return the SI-SDR (Le Roux et al., SDR - half-baked or well done?, 2019, Equation 3) in dB."""
    target = np.dot(estimate, reference) / np.dot(reference, reference) * reference
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))
