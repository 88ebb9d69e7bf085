import numpy as np
import pytest
from naive_decomposition import tied_amplitudes
from performances import compiled
from trios import ORGAN, PIANO, RATE, SCORES, SECONDS, notes, scale_invariant, scores, stems

from mirtool.decomposition.factorization.harmonic_templates import HarmonicTemplates, smoothed_over_frequency
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import ATTACK, STROKE, TONE, Constraints, ScorePart
from mirtool.decomposition.scores.model import ScoreModel
from mirtool.decomposition.scores.separation import ScoreInformed, of_groups, separate
from mirtool.errors import DataError, ParameterError
from mirtool.synthesis.render import render
from mirtool.types import Audio, Notes, Stems

QUICK = ScoreParameters(rounds=10)


def parts_of(separated: ScoreInformed):
    assert isinstance(separated, Stems)
    blocks = zip(*separated.blocks(), strict=True)
    return dict(zip(separated.names, (np.concatenate(part) for part in blocks), strict=True))


def gains(separated, true):
    mixture = sum(true.values())
    found = parts_of(separated)
    return {
        name: scale_invariant(stem, found[name][:, 0]) - scale_invariant(stem, mixture) for name, stem in true.items()
    }


# ------------------------------------------------------------------------------------------------------- constraints


def test_components_are_pitches_attacks_and_strokes():
    constraints = Constraints(scores("piano", "drums"), QUICK)
    tones = constraints.kind == TONE
    assert sorted(constraints.pitch[tones]) == sorted(set(PIANO["pitch"]))
    assert sorted(constraints.pitch[constraints.kind == STROKE]) == [36, 38]
    assert constraints.part[constraints.kind == ATTACK].tolist() == [0]


def test_notes_sound_within_their_tolerances():
    parts = [ScorePart("one", notes([(1.0, 1.0, 60), (2.1, 0.4, 60)]))]
    allowed = Constraints(parts, ScoreParameters(early=0.05, late=0.4)).allowed(0, 400, 100.0)
    tone = 1  # the attacks of a part come after its tones, but have pitch -1
    constraints = Constraints(parts, QUICK)
    tone = int(np.flatnonzero(constraints.kind == TONE)[0])
    sounding = np.flatnonzero(allowed.owner[:, tone] >= 0)
    assert (sounding[0], sounding[-1]) == (95, 290)
    assert np.flatnonzero(allowed.owner[:, tone] == 1)[0] == 205  # the second note takes over
    inside = np.arange(100, 200)
    assert (allowed.penalty[inside, tone] == 0).all()
    assert allowed.penalty[95, tone] == pytest.approx(1)
    assert allowed.penalty[204, tone] == pytest.approx(0.1)


def test_stretches_of_a_score_fit_together():
    constraints = Constraints(scores("piano", "drums"), QUICK)
    whole = constraints.allowed(0, 300, 50.0)
    later = constraints.allowed(120, 100, 50.0)
    np.testing.assert_array_equal(later.owner, whole.owner[120:220])
    np.testing.assert_allclose(later.penalty, whole.penalty[120:220], atol=1e-6)


# --------------------------------------------------------------------------------------------------------- templates


def harmonic(pitches=(57, 60, 69), partials=6):
    count = len(pitches)
    bins = np.arange(1025) * (RATE / 2048)
    return HarmonicTemplates(np.array(pitches), np.zeros(count, int), 1, bins, partials, 60.0)


def test_partials_lie_where_they_should():
    templates = harmonic()
    start = templates.start()
    assert start.sum(axis=1) == pytest.approx(1, abs=1e-5)
    bins = np.flatnonzero(start[2]) * (RATE / 2048)
    cents = 1200 * np.log2(bins / 440)
    nearest = 1200 * np.log2(np.maximum(np.round(bins / 440), 1))
    assert (np.abs(cents - nearest) <= np.maximum(60, 1200 * np.log2(1 + 2 * RATE / 2048 / 440)) + 1).all()
    assert start[2].argmax() == round(440 / (RATE / 2048))
    sums = templates.amplitudes(start)
    np.testing.assert_allclose(sums[0, 1:] / sums[0, 1], 1 / np.arange(1, 7), rtol=1e-4)


def test_tuning_is_found_and_followed():
    sharp = harmonic()
    sharp.tune(np.array([30.0]))
    found = harmonic().tuning(sharp.start())
    assert found == pytest.approx([30], abs=8)


def test_ties_are_those_of_the_definition():
    templates = harmonic()
    amplitudes = np.random.default_rng(0).random((3, 7))
    amplitudes[:, 0] = 0
    tied = templates.tied(amplitudes)
    np.testing.assert_allclose(tied, tied_amplitudes(amplitudes, [57, 60, 69]), rtol=1e-9)


def test_what_source_and_filter_make_stays():
    templates = harmonic(range(50, 74), 8)
    k = np.arange(9)
    frequency = np.log2(np.maximum(k, 1)) + np.arange(50, 74)[:, None] / 12
    amplitudes = (k > 0) * np.where(k % 2, 1.0, 0.2) * np.exp(-((frequency - 6) ** 2))
    amplitudes /= amplitudes.sum(axis=1, keepdims=True)
    assert np.abs(templates.tied(amplitudes) - amplitudes).max() < 0.05


def test_attacks_are_smooth():
    spectra = np.zeros((1, 101), np.float32)
    spectra[0, 50] = 11
    smooth = smoothed_over_frequency(spectra, 0.1)
    assert smooth[0, 50] == pytest.approx(1)
    assert smooth[0, 60] == 0
    np.testing.assert_allclose(smoothed_over_frequency(np.ones((2, 101), np.float32), 0.1), 1)


# ------------------------------------------------------------------------------------------------------- separation


@compiled
def test_instruments_come_apart():
    true = stems("organ", "piano", "drums")
    mixture = Audio(sum(true.values()), RATE)
    found = gains(separate(mixture, scores(*true, late=0.02), ScoreParameters()), true)
    assert found["organ"] > 10
    assert found["piano"] > 10
    assert found["drums"] > 12


@compiled
def test_constraints_are_kept_and_templates_sum_to_one():
    true = stems("organ", "piano")
    V = np.random.default_rng(0).random((200, 513), dtype=np.float32)
    constraints = Constraints(scores(*true), QUICK)
    allowed = constraints.allowed(0, 200, 40.0)
    learned = ScoreModel(constraints, np.arange(513) * (RATE / 1024), QUICK).learn(V, allowed)
    assert (learned.H[allowed.owner < 0] == 0).all()
    np.testing.assert_allclose(learned.W.sum(axis=1), 1, atol=1e-4)
    assert (learned.W >= 0).all()


@compiled
@pytest.mark.parametrize("residual", [None, "rest"])
def test_parts_sum_to_the_mixture(residual):
    left, right = stems("organ", "piano").values()
    sound = np.stack((left + 0.5 * right, 0.2 * left - right), axis=1)
    found = parts_of(separate(Audio(sound, RATE), scores("organ", "piano"), QUICK, residual))
    assert list(found) == ["organ", "piano", *([residual] if residual else [])]
    np.testing.assert_allclose(sum(found.values()), sound, atol=1e-5)


@compiled
def test_the_residual_takes_what_no_score_explains():
    true = stems("organ", "piano", "drums")
    found = parts_of(separate(Audio(sum(true.values()), RATE), scores("organ", "piano"), QUICK, "rest"))
    drums = sum(true.values()) - true["organ"] - true["piano"]
    assert scale_invariant(drums, found["rest"][:, 0]) > 2


@compiled
def test_level_changes_nothing():
    mixture = sum(stems("organ", "piano").values())
    loud, soft = (
        parts_of(separate(Audio(mixture * gain, RATE), scores("organ", "piano"), QUICK)) for gain in (1.0, 2.0**-20)
    )
    for name, part in loud.items():
        np.testing.assert_allclose(soft[name] * 2.0**20, part, atol=1e-5)


@compiled
def test_groups_may_cut_across_parts():
    true = stems("piano")
    constraints = Constraints(scores("piano"), QUICK)
    late = (constraints.onset > 3).astype(int)
    separated = of_groups(Audio(true["piano"], RATE), constraints, late, ["first", "second"], QUICK)
    found = parts_of(separated)
    np.testing.assert_allclose(found["first"] + found["second"], true["piano"][:, None], atol=1e-5)
    assert np.abs(found["second"][: int(2.5 * RATE)]).max() < 1e-3
    assert np.sum(found["first"][int(4.5 * RATE) :] ** 2) < 0.01 * np.sum(found["second"] ** 2)


@compiled
@pytest.mark.parametrize("cents", [0.0, 30.0])
def test_many_stretches_are_about_as_good_as_one(monkeypatch, cents):
    true = {name: render(SCORES[name], RATE, name, SECONDS, cents).samples[:, 0] for name in ("organ", "piano")}
    mixture = Audio(sum(true.values()), RATE)
    whole = gains(separate(mixture, scores(*true), ScoreParameters()), true)
    monkeypatch.setattr("mirtool.decomposition.scores.separation._STRETCH", 1.5)
    monkeypatch.setattr("mirtool.decomposition.scores.separation._CONTEXT", 0.5)
    separated = separate(mixture, scores(*true), ScoreParameters())
    np.testing.assert_allclose(sum(parts_of(separated).values())[:, 0], mixture.samples[:, 0], atol=1e-5)
    for name, gain in gains(separated, true).items():
        assert gain > whole[name] - 1.5, name


@compiled
@pytest.mark.parametrize("length", [0, 1, 100, 3000])
def test_short_and_silent_sound(length):
    for sound in (np.zeros(length, np.float32), np.full(length, 0.5, np.float32)):
        separated = separate(Audio(sound, RATE), scores("organ", "piano"), QUICK)
        found = list(separated.blocks())
        total = np.concatenate([sum(block) for block in found]) if found else np.zeros((0, 1))
        np.testing.assert_allclose(total[:, 0], sound, atol=1e-5)


@compiled
def test_pitches_out_of_hearing_are_silent():
    strange = [
        ScorePart("organ", ORGAN),
        ScorePart("high", notes([(0.5, 1, 127), (2, 1, 130)])),
        ScorePart("none", PIANO),
    ]
    strange[2] = ScorePart("none", Notes({name: PIANO[name][:0] for name in PIANO.columns}))
    organ = stems("organ")["organ"]
    found = parts_of(separate(Audio(organ, RATE), strange, QUICK))
    assert scale_invariant(organ, found["organ"][:, 0]) > 15
    assert np.abs(found["none"]).max() < 1e-3


def test_scores_without_notes_and_wrong_parameters():
    sound = Audio(np.zeros(RATE, np.float32), RATE)
    with pytest.raises(DataError, match="no notes"):
        separate(sound, [], QUICK)
    with pytest.raises(DataError, match="not finite"):
        separate(sound, [ScorePart("x", notes([(np.nan, 1, 60)]))], QUICK)
    for wrong in (
        {"score_window": 99.0},
        {"early": 0.0},
        {"late": -1.0},
        {"partials": 0},
        {"rounds": 0},
        {"pitch_tolerance": np.nan},
    ):
        with pytest.raises(ParameterError):
            separate(sound, scores("organ"), ScoreParameters(**wrong))


@pytest.mark.parametrize(("seconds", "size"), [(0.032, 0.032 * RATE), (0.128, 0.128 * RATE)])
def test_the_window_is_chosen(seconds, size):
    sound = Audio(np.zeros(RATE, np.float32), RATE)
    assert separate(sound, scores("organ"), ScoreParameters(score_window=seconds)).masks.size == pytest.approx(
        size, rel=0.03
    )
