"""Bars and beats of moments, where a piece has time signatures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.tempo_map import TempoMap

QUARTERS = 4  # quarter notes in a whole note
ROUNDING = 1e-6  # quarter notes: what times in seconds lose


def bars_and_beats(
    seconds: ArrayLike, tempo_map: TempoMap | None, signatures: Sequence[tuple[int, int, int]]
) -> NDArray[np.float64]:
    """Return in which bar moments lie, and on which beat of it, both counted from 1.

    Beats are of the lower number of the time signature, with fractions. Bars are counted from the beginning of the
    file; a change of the time signature begins a bar.

    Parameters
    ----------
    seconds : array_like, shape (N,)
    tempo_map : TempoMap or None
    signatures : sequence of (int, int, int)
        Tick, numerator and denominator, in order of time.

    Returns
    -------
    ndarray, shape (N, 2)
        NaN where there is no musical time, or before the first time signature.
    """
    times = np.asarray(seconds, dtype=np.float64)
    found = np.full((len(times), 2), np.nan)
    if tempo_map is None:
        return found
    quarters = tempo_map.ticks_at(times) / tempo_map.ticks_per_beat + ROUNDING
    begin, length, bars = 0.0, float(QUARTERS), 1.0
    for number, (tick, numerator, denominator) in enumerate(signatures):
        start = tick / tempo_map.ticks_per_beat
        beat = QUARTERS / denominator
        if number:
            bars += np.ceil((start - begin) / length - ROUNDING)
        begin, length = start, numerator * beat
        inside = quarters >= begin
        passed = np.floor((quarters[inside] - begin) / length)
        found[inside, 0] = bars + passed
        found[inside, 1] = 1 + (quarters[inside] - ROUNDING - begin - passed * length) / beat
    found[:, 1] = np.maximum(found[:, 1], 1.0)
    return found
