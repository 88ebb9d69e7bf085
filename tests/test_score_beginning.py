import numpy as np
from performances import compiled
from trios import RATE, notes, scale_invariant, scores, stems

from mirtool.decomposition.factorization.beginnings import Setting
from mirtool.decomposition.factorization.components import decompose
from mirtool.decomposition.factorization.components import stems as stems_of
from mirtool.decomposition.factorization.grid import grid_of
from mirtool.decomposition.parameters import (
    ComponentParameters,
    FactorizationParameters,
    MaskParameters,
    ScoreParameters,
)
from mirtool.decomposition.scores.beginning import score
from mirtool.decomposition.scores.constraints import ScorePart
from mirtool.types import Audio

GRID = grid_of(ComponentParameters(), 1.0, RATE)


def setting(frames=300, length=None, grid=GRID):
    return Setting(grid, frames, length, Audio(np.zeros(RATE, np.float32), RATE), 2)


def test_components_of_parts_and_of_pitches():
    parts = [ScorePart("one", notes([(0.5, 0.5, 60), (1.0, 0.5, 64)])), *scores("drums")]
    found = score(setting(), parts, ScoreParameters(), False)
    assert found.labels == ("one", "one", "one", "drums", "drums")
    np.testing.assert_array_equal(found.pitches, [60, 64, np.nan, np.nan, np.nan])
    found = score(setting(), parts, ScoreParameters(), True)
    assert found.labels == ("one-C4", "one-E4", "one-attacks", "drums-drum-36", "drums-drum-38")
    alone = score(setting(), parts[:1], ScoreParameters(), True)
    assert alone.labels == ("C4", "E4", "attacks")
    assert score(setting(length=3), parts, ScoreParameters(), True).start.W.shape[1:] == (5, 3)


def test_zeros_are_where_nothing_sounds():
    start = score(setting(), scores("organ"), ScoreParameters(), False).start
    rate = GRID.feature_rate
    assert not start.H[:, : int(0.14 * rate)].any()
    assert start.H[:, int(0.3 * rate)].any()
    assert 0.05 < np.mean(start.W[:, 0] > 0) < 0.95


def test_activations_do_not_depend_on_how_many_frames_are_done_at_a_time(monkeypatch):
    whole = score(setting(), scores("organ", "drums"), ScoreParameters(), False).start.H
    monkeypatch.setattr("mirtool.decomposition.scores.beginning._FRAMES", 7)
    np.testing.assert_array_equal(score(setting(), scores("organ", "drums"), ScoreParameters(), False).start.H, whole)


@compiled
def test_instruments_come_apart_under_plain_updates():
    true = stems("organ", "piano")
    mixture = Audio(sum(true.values()), RATE)
    parameters = FactorizationParameters(iterations=30)
    found = decompose(
        mixture,
        GRID,
        ComponentParameters(),
        parameters,
        lambda setting: score(setting, scores(*true), ScoreParameters(), False),
        lambda _: None,
    )
    assert (np.diff(found.cost) <= 1e-6 * found.cost[0]).all()
    start = score(setting(found.model.frames), scores(*true), ScoreParameters(), False).start
    assert not found.model.activations[start.H == 0].any()
    assert not found.model.templates[start.W == 0].any()
    parts = zip(*stems_of(mixture, found.model, GRID, MaskParameters()).blocks(), strict=True)
    for (name, stem), part in zip(true.items(), parts, strict=True):
        gain = scale_invariant(stem, np.concatenate(part)[:, 0]) - scale_invariant(stem, mixture.samples[:, 0])
        assert gain > 8, name
