"""Pieces of random harmony, played in other keys and tempi: what an excerpt is looked for in."""

from functools import cache

import numpy as np

from mirtool.retrieval.matching.features import matching_frames
from mirtool.retrieval.parameters import MatchingFeatureParameters
from mirtool.types import Notes

CHORD = 1.5  # seconds at the usual tempo


def music(seed, chords=30, semitones=0, tempo=1.0, lilt=0.0):
    """Return notes: chords with a melody. `tempo` is that of the clock, `lilt` how far it sways."""
    rng = np.random.default_rng(seed)
    beats = 3 * np.arange(chords + 1)
    clock = CHORD / 3 / tempo * (beats + lilt * np.sin(beats / 7))
    rows = []
    for place in range(chords):
        root, third = rng.integers(12), rng.choice([3, 4])
        chord = [48 + (root + step) % 12 for step in (0, third, 7)]
        rows += [(clock[place], clock[place + 1], pitch, 80) for pitch in chord]
        for part in range(3):
            begin, end = np.interp(3 * place + part + np.array([0, 1]), beats, clock)
            rows.append((begin, end, rng.choice(chord) + 24 + rng.choice([0, 0, 2]), 100))
    columns = np.array(rows).T
    columns[2] += semitones
    return Notes(dict(zip(("onset", "offset", "pitch", "velocity"), columns, strict=True)))


@cache
def frames(seed, chords=30, semitones=0, tempo=1.0, lilt=0.0):
    """Return what is kept of such notes."""
    return matching_frames(music(seed, chords, semitones, tempo, lilt), MatchingFeatureParameters())
