"""A drum loop taken apart, with templates of drums to begin with."""

import loops
import numpy as np
import pytest
from performances import compiled

from mirtool.decomposition.factorization.beginnings import Setting
from mirtool.decomposition.factorization.components import decompose, stems
from mirtool.decomposition.factorization.drum_templates import drums
from mirtool.decomposition.factorization.grid import grid_of
from mirtool.decomposition.factorization.known_templates import activations
from mirtool.decomposition.parameters import (
    ComponentParameters,
    DrumTemplateParameters,
    FactorizationParameters,
    MaskParameters,
)
from mirtool.errors import ParameterError
from mirtool.types import Audio, Events

NMFD = ComponentParameters(model="nmfd")
KIT = DrumTemplateParameters()


def si_sdr(reference, estimate):
    scale = estimate @ reference / (reference @ reference)
    error = estimate - scale * reference
    return 10 * np.log10(scale**2 * (reference @ reference) / (error @ error))


def setting_of(shape, samples):
    grid = grid_of(shape, 1.0, loops.RATE)
    length = None if shape.model == "nmf" else round(shape.template_length * grid.feature_rate)
    return Setting(grid, grid.frames(len(samples)), length, Audio(samples, loops.RATE), 3)


@compiled
@pytest.mark.parametrize(("shape", "least"), [(NMFD, 10.0), (ComponentParameters(), 5.0)], ids=["nmfd", "nmf"])
def test_the_drums_of_a_loop_come_apart(shape, least):
    samples, begins = loops.loop(1)
    source = Audio(samples, loops.RATE)
    grid = grid_of(shape, 1.0, loops.RATE)
    found = decompose(
        source, grid, shape, FactorizationParameters(iterations=30), lambda s: drums(s, KIT), lambda _: None
    )
    assert found.model.labels == ("kick", "snare", "hihat")
    streams = stems(source, found.model, grid, MaskParameters())
    parts = [np.concatenate(blocks)[:, 0] for blocks in zip(*streams.blocks(), strict=True)]
    np.testing.assert_allclose(sum(parts), samples, atol=1e-5)
    truth = loops.stems_of(begins, len(samples))
    for name, part in zip(found.model.labels, parts, strict=True):
        assert si_sdr(truth[name], part) - si_sdr(truth[name], samples) > least, name


def test_each_drum_is_named_once():
    setting = setting_of(NMFD, np.zeros(5000, np.float32))
    for names, message in (((), "one at least"), (("kick", "kick"), "once each"), (("gong",), "no drum 'gong'")):
        with pytest.raises(ParameterError, match=message):
            drums(setting, DrumTemplateParameters(names))


@pytest.mark.parametrize("shape", [NMFD, ComponentParameters()], ids=["nmfd", "nmf"])
def test_a_beginning_fits_the_sound_also_silence(shape):
    setting = setting_of(shape, np.zeros(5000, np.float32))
    begin = drums(setting, KIT)
    K = len(setting.grid.frequencies)
    assert begin.start.W.shape == ((K, 3) if setting.length is None else (K, 3, setting.length))
    assert begin.start.H.shape == (3, setting.frames)
    assert not begin.start.H.any()


def test_known_templates_are_found_where_they_are():
    rng = np.random.default_rng(0)
    W = rng.random((12, 2, 3)).astype(np.float32) ** 4
    W /= W.sum(axis=(0, 2))[:, None]
    H = np.zeros((2, 60))
    H[0, [5, 30, 50]] = (1, 2, 0.5)
    H[1, [6, 20, 51]] = (3, 1, 1)
    V = sum(W[:, r, t, None] * np.roll(H[r], t) for r in range(2) for t in range(3)).T.astype(np.float32)
    (found,) = activations([V[:10], V[10:]], W, 300)
    np.testing.assert_allclose(found.T, H, atol=0.02)


@compiled
def test_known_strokes_silence_a_drum_elsewhere():
    samples, begins = loops.loop(1)
    setting = setting_of(NMFD, samples)
    known = Events({"time": begins["kick"], "label": ["kick"] * len(begins["kick"])})
    H = drums(setting, KIT, known).start.H
    times = np.arange(setting.frames) / setting.grid.feature_rate
    distance = (times[:, None] - begins["kick"]).clip(-10, 10)
    near = ((distance > -0.06) & (distance < 0.51)).any(axis=1)
    assert H[0][near].max() > 0
    assert not H[0][~near].any()
    assert not H[1:].any()
