import naive
import numpy as np
import pytest
from test_chroma import notes

from mirtool.errors import DataError, ParameterError
from mirtool.features.novelty import novelty
from mirtool.features.parameters import NOVELTY_METHODS, NOVELTY_STAGES, NoveltyParameters
from mirtool.features.stages import novelty_stage
from mirtool.signal.stft import hann
from mirtool.types import Audio, Features

RATE = 8000
SOUND = Audio(np.random.default_rng(0).standard_normal(4000).astype(np.float32), RATE)


def parameters(**changes):
    common = {"method": "spectral", "analysis_rate": RATE, "window_length": 256, "compression": 10.0}
    return NoveltyParameters(**{**common, **changes})


def test_each_stage_agrees_with_the_book():
    X = np.abs(naive.stft(SOUND.samples[:, 0], hann(256) * (2 / hann(256).sum()), 80))
    Y = np.log(1 + 10 * X)
    rise = np.maximum(np.diff(Y, axis=0, prepend=Y[:1]), 0)
    expected = {"spectrogram": X.T, "compression": Y.T, "difference": rise.T, "accumulation": rise.sum(axis=1)[None, :]}
    for stage, values in expected.items():
        found = novelty_stage(SOUND, parameters(), stage)
        np.testing.assert_allclose(found.data, values, atol=2e-4)
        # What compares two frames lies between them, and rises most a fifth of a window early.
        start = 0.2 * 256 / RATE - 0.005 if stage in ("difference", "accumulation") else 0.0
        assert (found.kind, found.start) == (stage, pytest.approx(start))


@pytest.mark.parametrize("norm", ["none", "max", "local"])
@pytest.mark.parametrize("stage", NOVELTY_STAGES[:-1])
def test_going_on_from_a_stage_gives_the_same_bits(stage, norm):
    direct = novelty(SOUND, parameters(norm=norm))
    through = novelty_stage(novelty_stage(SOUND, parameters(norm=norm), stage), parameters(norm=norm), "novelty")
    assert (through.start, through.feature_rate) == (direct.start, direct.feature_rate)
    np.testing.assert_array_equal(through.data, direct.data)


@pytest.mark.parametrize("method", NOVELTY_METHODS)
def test_every_method_has_its_raw_curve(method):
    raw = novelty_stage(SOUND, parameters(method=method), "accumulation")
    through = novelty_stage(raw, parameters(method=method), "novelty")
    np.testing.assert_array_equal(through.data, novelty(SOUND, parameters(method=method)).data)


@pytest.mark.parametrize(
    ("source", "stage", "changes", "error", "message"),
    [
        (SOUND, "sum", {}, ParameterError, "no stage sum"),
        (SOUND, "difference", {"method": "superflux"}, ParameterError, "of the method spectral, not superflux"),
        (notes((0, 1, 60, 80)), "accumulation", {}, ParameterError, "of notes"),
        (Features(np.ones((3, 4)), 10.0, "chroma"), "novelty", {}, DataError, "the kind chroma"),
        (Features(np.ones((3, 4)), 10.0, "difference"), "compression", {}, DataError, "no stage before"),
        (Features(np.ones((3, 4)), 10.0, "difference"), "novelty", {"method": "phase"}, ParameterError, "not phase"),
        (Features(np.full((3, 4), np.nan), 10.0, "difference"), "novelty", {}, DataError, "not finite"),
        (Features(np.ones((3, 4)), None, "difference"), "novelty", {}, DataError, "matrix of real numbers over time"),
        (Features(np.ones((3, 4)), 10.0, "accumulation"), "novelty", {}, DataError, "no novelty curve"),
    ],
)
def test_what_cannot_be(source, stage, changes, error, message):
    with pytest.raises(error, match=message):
        novelty_stage(source, parameters(**changes), stage)
