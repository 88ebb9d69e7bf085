"""Memory of the audio features: it grows with the result, not with the sound."""

import tracemalloc

import numpy as np
import pytest
from performances import compiled

from mirtool.features.cens import cens
from mirtool.features.chroma import chroma
from mirtool.features.dlnco import dlnco
from mirtool.features.novelty import novelty
from mirtool.features.parameters import CensParameters, ChromaParameters, DlncoParameters, NoveltyParameters
from mirtool.features.tuning import estimate_tuning
from mirtool.rhythm.parameters import TempogramParameters, TempoParameters
from mirtool.rhythm.tempo import accent_curves, estimate
from mirtool.rhythm.tempogram import tempogram

RATE = 22050


class Noise:
    """A recording that never stands in memory as a whole, of which it is not known how long it is."""

    sample_rate, channels, frames = RATE, 2, None

    def __init__(self, seconds):
        self.seconds = seconds

    def blocks(self, size, overlap=0):
        rng = np.random.default_rng(0)
        left = self.seconds * RATE
        while left > 0:
            yield rng.standard_normal((min(size, left), 2), np.float32)
            left -= size


@pytest.mark.parametrize(
    "compute",
    [
        lambda source: chroma(source, ChromaParameters(tuning=0.0)),
        lambda source: cens(source, CensParameters(tuning=0.0)),
        lambda source: dlnco(source, DlncoParameters(tuning=0.0)),
        lambda source: novelty(source, NoveltyParameters(method="spectral", norm="max")),
        pytest.param(lambda source: novelty(source, NoveltyParameters()), marks=compiled),
        lambda source: tempogram(source, TempogramParameters()),
        estimate_tuning,
    ],
    ids=["chroma", "cens", "dlnco", "spectral", "superflux", "tempogram", "tuning"],
)
def test_growth(compute):
    peaks, sizes = [], []
    for seconds in (20, 80):
        tracemalloc.start()
        result = compute(Noise(seconds))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(0 if isinstance(result, float) else result.data.nbytes)
    # One minute more of sound is 5 MB a channel.
    assert peaks[1] - peaks[0] < 6 * (sizes[1] - sizes[0]) + 300_000


@compiled
def test_growth_of_tempo():
    peaks = []
    for seconds in (60, 240):
        tracemalloc.start()
        assert estimate(accent_curves(Noise(seconds)), TempoParameters()).best is not None
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 20e6 * 3 / 20  # 20 MB in 20 minutes
