import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from performances import compiled

from mirtool.decomposition.factorization import components as chapter
from mirtool.decomposition.factorization.beginnings import (
    Beginning,
    Setting,
    completed,
    harmonic_templates,
    pitch,
    pitch_label,
    random,
)
from mirtool.decomposition.factorization.components import decompose, overview, stems
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.description import components, template_pitch
from mirtool.decomposition.factorization.grid import Grid, grid_of
from mirtool.decomposition.parameters import (
    ComponentParameters,
    FactorizationParameters,
    MaskParameters,
    PitchTemplateParameters,
)
from mirtool.errors import DataError, ParameterError
from mirtool.types import Audio

RATE = 8000
GRID = Grid(RATE, 512, 128)


def tone(pitch, onsets, seconds=4.0):
    t = np.arange(int(seconds * RATE)) / RATE
    wave = np.zeros(len(t))
    for onset in onsets:
        inside = (t >= onset) & (t < onset + 0.4)
        for h in range(1, 6):
            partial = np.sin(2 * np.pi * h * 440 * 2 ** ((pitch - 69) / 12) * t) / h
            wave += partial * inside * np.clip(np.minimum(50 * (t - onset), 1 - (t - onset) / 0.4), 0, 1)
    return 0.2 * wave


TONES = {60: tone(60, (0.1, 2.0)), 66: tone(66, (0.7, 2.0, 3.0)), 71: tone(71, (1.4, 2.6))}
MIXTURE = Audio(sum(TONES.values()), RATE)


def decomposed(source=MIXTURE, begin=random, learning=300.0, **changes):
    shape = ComponentParameters(
        window=512 / RATE, learning=learning, template_length=0.1, model=changes.pop("model", "nmf")
    )
    parameters = FactorizationParameters(**{"rank": 3, "restarts": 3, **changes})

    def beginning(setting):
        return begin if isinstance(begin, Beginning) else begin(setting)

    return decompose(source, GRID, shape, parameters, beginning, lambda _: None)


def sounds(found, source=MIXTURE, **mask):
    stream = stems(source, found.model, GRID, MaskParameters(**mask))
    blocks = list(stream.blocks())
    return {name: np.concatenate([block[place] for block in blocks]) for place, name in enumerate(stream.names)}


def similarity(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@compiled
@pytest.mark.parametrize("learning", [300.0, 2.5])
def test_tones_come_apart(learning):
    found = decomposed(learning=learning)
    table = components(found.model, found.pitches)
    assert sorted(table["pitch"].round().tolist()) == [60, 66, 71]
    assert table["onsets"][np.argsort(table["pitch"])].tolist() == [2, 3, 2]
    assert (np.diff(table["energy"]) <= 0).all()
    assert table["energy"].sum() == pytest.approx(1)
    parts = sounds(found)
    for row, number in enumerate(table["pitch"]):
        assert similarity(parts[table["label"][row]][:, 0], TONES[round(number)]) > 0.95


@compiled
@pytest.mark.parametrize("mask", [{}, {"mask": "soft", "power": 1.0}, {"mask": "binary"}])
@pytest.mark.parametrize("model", ["nmf", "nmfd", "autoencoder"])
def test_parts_sum_to_the_mixture_in_all_channels(mask, model):
    source = Audio(np.stack([MIXTURE.samples[:, 0], -0.5 * MIXTURE.samples[:, 0]], axis=1), RATE)
    parts = sounds(decomposed(source, model=model, iterations=5), source, **mask)
    np.testing.assert_allclose(sum(parts.values()), source.samples, atol=1e-6)


@compiled
def test_sections_and_stretches_agree_with_the_whole():
    # Forty seconds, so that activations are found in two stretches, of templates that are given.
    source = Audio(np.tile(MIXTURE.samples, (10, 1)), RATE)
    for model in ("nmf", "nmfd"):
        W = decomposed(model=model, iterations=50).model.templates
        begin = Beginning(Start(W, fixed_templates=True))
        whole, short = (
            decomposed(source, begin, learning, model=model, iterations=200, tolerance=0.0)
            for learning in (300.0, 12.0)
        )
        assert short.model.frames == whole.model.frames
        difference = short.model.product() - whole.model.product()
        assert np.linalg.norm(difference) < 0.05 * np.linalg.norm(whole.model.product())


@given(st.integers(1, 5000), st.floats(0.01, 100), st.floats(0.5, 100))
def test_excerpts_are_apart(frames, learning, rate):
    excerpts = chapter._excerpts(frames, rate, learning)
    assert excerpts[0].start == 0
    assert excerpts[-1].stop == frames or len(excerpts) == 1
    for one, other in itertools.pairwise(excerpts):
        assert one.stop <= other.start


@compiled
def test_pitches_begin_with_their_partials():
    keys = PitchTemplateParameters(pitch_low=59, pitch_high=72, tuning=0.0)
    found = decomposed(begin=lambda setting: pitch(setting, keys))
    assert found.model.labels[:3] == ("B3", "C4", "C#4")
    strongest = np.argsort(components(found.model, found.pitches)["energy"])[-3:]
    assert sorted(found.pitches[strongest].tolist()) == [60, 66, 71]
    np.testing.assert_array_equal(
        found.model.templates[harmonic_templates(GRID, np.arange(59, 73)) == 0], 0
    )  # what is zero stays zero


@compiled
def test_one_label_is_one_part():
    W = decomposed(iterations=100).model.templates
    found = decomposed(begin=Beginning(Start(W), ("low", "high", "low"), (np.nan, 60.0, 1.0)))
    parts = sounds(found)
    assert list(parts) == ["low", "high"]
    np.testing.assert_allclose(sum(parts.values()), MIXTURE.samples, atol=1e-6)
    assert components(found.model, found.pitches)["pitch"].tolist()[1:] == [60, 1]


def test_harmonic_templates():
    W = harmonic_templates(GRID, np.array([60, 72]), partials=2)
    spacing = RATE / 512
    for column, fundamental in zip(W.T, (261.63, 523.25), strict=True):
        peaks = np.flatnonzero((column[1:-1] > column[:-2]) & (column[1:-1] >= column[2:])) + 1
        np.testing.assert_allclose(peaks * spacing, [fundamental, 2 * fundamental], atol=spacing)
        first, second = (column[np.abs(np.arange(257) - peak) < 4].sum() for peak in peaks)
        assert second / first == pytest.approx(0.5, abs=0.01)
    assert not W[int(1200 / spacing) :].any()
    assert not harmonic_templates(GRID, np.array([127])).any()  # 12.5 kHz, above what there is
    power = harmonic_templates(Grid(RATE, 512, 128, True), np.array([60, 72]), partials=2)
    np.testing.assert_allclose(power, W**2, rtol=1e-5)
    tuned = harmonic_templates(GRID, np.array([60]), tuning=40.0)
    assert tuned[:, 0] @ GRID.frequencies > harmonic_templates(GRID, np.array([60]))[:, 0] @ GRID.frequencies


def test_pitch_of_templates():
    templates = harmonic_templates(Grid(22050, 2048, 512), np.arange(48, 85, 6), partials=8)
    frequencies = Grid(22050, 2048, 512).frequencies
    for number, template in zip(range(48, 85, 6), templates.T, strict=True):
        assert template_pitch(template, frequencies) == pytest.approx(number, abs=0.5)
    assert np.isnan(template_pitch(np.random.default_rng(0).random(1025), frequencies))
    assert np.isnan(template_pitch(np.zeros(1025), frequencies))
    assert [pitch_label(number) for number in (0, 60, 69, 70)] == ["C-1", "C4", "A4", "A#4"]


@compiled
def test_silence():
    source = Audio(np.zeros((RATE, 2)), RATE)
    for model in ("nmf", "nmfd", "autoencoder"):
        found = decomposed(source, model=model, iterations=5)
        assert not any(part.any() for part in sounds(found, source).values())
        if model != "autoencoder":
            assert components(found.model, found.pitches)["energy"].tolist() == [0, 0, 0]


def test_no_sound_and_parameters_outside_their_domain():
    with pytest.raises(DataError, match="no sound"):
        decomposed(Audio(np.zeros((0, 1)), RATE))
    with pytest.raises(ParameterError, match="learn"):
        decomposed(learning=0.0)
    with pytest.raises(ParameterError, match="hop"):
        grid_of(ComponentParameters(hop=1.0), 1.0, RATE)
    with pytest.raises(ParameterError, match="power"):
        sounds(decomposed(iterations=1, restarts=1), mask="soft", power=-1.0)
    setting = Setting(GRID, 10, None, MIXTURE, 1)
    with pytest.raises(ParameterError, match="tuning"):
        pitch(setting, PitchTemplateParameters(tuning=np.nan))
    with pytest.raises(ParameterError, match="from 80 to 20"):
        pitch(setting, PitchTemplateParameters(pitch_low=80, pitch_high=20))
    with pytest.raises(ParameterError, match="given twice"):
        completed(Beginning(Start(np.ones((3, 1)))), np.ones((3, 1)), None, False, False)
    with pytest.raises(ParameterError, match="only what is given"):
        completed(Beginning(Start()), None, None, True, False)


@pytest.mark.parametrize("columns", [10, 720])
def test_overview_holds_the_means_of_frames(columns):
    whole, few = overview(MIXTURE, GRID, 10_000), overview(MIXTURE, GRID, columns)
    run = -(-whole.frames // columns)
    assert whole.data.shape == (257, GRID.frames(len(MIXTURE.samples)))
    assert few.frames == -(-whole.frames // run)
    np.testing.assert_allclose(few.data[:, 1], whole.data[:, run : 2 * run].mean(axis=1), rtol=1e-5)
    assert few.times[1] == pytest.approx(whole.times[run : 2 * run].mean())


def test_grid_follows_the_model_and_the_cost():
    assert grid_of(ComponentParameters(), 1.0, 44100) == Grid(44100, 4096, 1024)
    drums = grid_of(ComponentParameters(model="nmfd"), 0.0, 44100)
    assert drums.size == 4 * drums.hop
    assert 0.04 < drums.size / 44100 < 0.05
    assert drums.power
