"""Scores of onsets, beats and tempi: by hand, against mir_eval and slow oracles, and on hostile pairs."""

import warnings

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation import beats, onsets, tempo
from mirtool.evaluation.corpus import report
from mirtool.evaluation.events import bias_ms, nearest, onsets_of
from mirtool.evaluation.parameters import BeatMatching, Bootstrap, OnsetMatching, TempoMatching
from mirtool.types import Events, Notes, Table

QUICK = Bootstrap(resamples=200)
NOTHING = Events({"time": np.zeros(0)})


def events(*times, **columns):
    return Events({"time": np.array(times, dtype=float), **columns})


def table(*bpm, **columns):
    return Table({"bpm": np.array(bpm, dtype=float), **columns})


lists = st.lists(st.integers(0, 3000), max_size=25).map(lambda ms: np.unique(ms) / 1000)


# ------------------------------------------------------------------------------------------------------------- onsets


def test_onsets_by_hand():
    scores = onsets.evaluate(events(1, 2, 3, 4), events(1.01, 2.04, 3.06, 9, 9.5))
    assert scores == pytest.approx(
        {
            "onsets": 4,
            "estimated": 5,
            "hits": 2,
            "f": 4 / 9,
            "precision": 2 / 5,
            "recall": 2 / 4,
            "f25": 2 / 9,
            "bias_ms": 25,
        }
    )
    assert onsets.evaluate(events(1, 2, 3, 4), events(3.06), window=0.07)["f"] == pytest.approx(2 / 5)


def test_each_onset_counts_once():
    scores = onsets.evaluate(events(1.0), events(0.98, 1.0, 1.02))
    assert (scores["hits"], scores["precision"], scores["recall"]) == (1, 1 / 3, 1)
    # the nearest estimate of both is the same one; two hits are possible, and so two are counted
    assert onsets.evaluate(events(1.0, 1.04), events(0.96, 1.02))["hits"] == 2
    # of estimates that nothing else can use, the nearest is the hit
    assert onsets.matched(np.array([1.0, 2.0]), np.array([0.97, 0.99, 1.04, 2.01]), 0.05).tolist() == [[0, 1], [1, 3]]


def largest_matching(truth, found, window):
    """Try every way to match the first reference onset, and the rest after it."""
    if not len(truth):
        return 0
    best = largest_matching(truth[1:], found, window)
    for k, time in enumerate(found):
        if abs(time - truth[0]) <= window:
            best = max(best, 1 + largest_matching(truth[1:], np.delete(found, k), window))
    return best


@given(st.lists(st.integers(0, 16), max_size=6), st.lists(st.integers(0, 16), max_size=6))
@settings(deadline=None, max_examples=60)
def test_matching_equals_the_oracle(truth, found):
    truth, found = (np.unique(times) / 4 for times in (truth, found))  # quarters are exact
    pairs = onsets.matched(truth, found, 0.5)
    assert len(pairs) == largest_matching(truth, found, 0.5)
    assert all(len(set(column)) == len(column) for column in pairs.T)
    assert (np.abs(truth[pairs[:, 0]] - found[pairs[:, 1]]) <= 0.5).all()


@given(lists.filter(len), lists)
@settings(deadline=None, max_examples=60)
def test_onset_scores_are_those_of_mir_eval(truth, found):
    scores = onsets.evaluate(events(*truth), events(*found))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = mir_eval.onset.f_measure(truth, found)
        fine = mir_eval.onset.f_measure(truth, found, window=0.025)[0]
    assert [scores["f"], scores["precision"], scores["recall"], scores["f25"]] == pytest.approx([*expected, fine])


@given(lists, lists)
@settings(deadline=None, max_examples=60)
def test_nearest_equals_the_oracle(truth, found):
    expected = [min((other - time for other in found), key=abs, default=np.inf) for time in truth]
    np.testing.assert_allclose(np.abs(nearest(truth, found)), np.abs(expected), atol=1e-12)


def test_bias_is_that_of_the_hits():
    truth = np.arange(1.0, 10)
    assert bias_ms(truth, truth + 0.012, 0.05) == pytest.approx(12)
    assert bias_ms(truth, np.concatenate((truth[:6] - 0.004, truth[6:] + 0.3)), 0.05) == pytest.approx(-4)
    assert np.isnan(bias_ms(truth, truth + 0.3, 0.05))
    assert np.isnan(bias_ms(truth, np.zeros(0), 0.05))


def test_order_and_doubles_do_not_matter():
    truth, found = events(1, 2, 3), events(1.01, 2.01)
    assert onsets.evaluate(truth, found) == onsets.evaluate(events(3, 1, 2, 2), events(2.01, 1.01, 1.01))


def test_onsets_without_an_estimate():
    scores = onsets.failure(events(1, 2))
    assert np.isnan(scores.pop("bias_ms"))
    assert scores == {"onsets": 2, "estimated": 0, "hits": 0, "f": 0, "precision": 0, "recall": 0, "f25": 0}


def test_onsets_of_one_item_have_intervals_over_their_hits_and_misses():
    truth = np.arange(1.0, 41.0)
    found = np.concatenate((truth[:30] + 0.01, [50, 51, 52, 53]))
    reference, estimate = events(*truth), events(*found)
    intervals = onsets.intervals(reference, estimate, QUICK)
    scores = onsets.evaluate(reference, estimate)
    for name in ("f", "precision", "recall", "f25"):
        assert intervals[name].value == pytest.approx(scores[name])
        assert 0.5 < intervals[name].low < scores[name] < intervals[name].high <= 1
    perfect = onsets.intervals(reference, reference, QUICK)["f"]
    assert (perfect.value, perfect.low, perfect.high) == (1, 1, 1)
    nothing = onsets.intervals(reference, NOTHING, QUICK)
    assert {interval.high for interval in nothing.values()} == {0}


def test_onsets_of_notes():
    notes = Notes({"onset": [1.0], "offset": [2.0], "pitch": [60], "velocity": [64]})
    assert onsets_of(notes)["time"].tolist() == [1.0]
    assert onsets_of(NOTHING) is NOTHING


# -------------------------------------------------------------------------------------------------------------- beats

STEADY = np.arange(0.5, 30.5, 0.5)


def test_perfect_beats():
    position = np.arange(60) % 4 + 1
    scores = beats.evaluate(events(*STEADY, beat=position), events(*STEADY, beat=position))
    assert scores.pop("beats") == scores.pop("estimated") == 51  # from 5 s on
    assert scores.pop("bias_ms") == 0
    assert set(scores) == {*beats.METRICS, "downbeat_f"}
    assert all(value == pytest.approx(1) for value in scores.values())


def test_beats_at_another_level():
    scores = beats.evaluate(events(*STEADY), events(*STEADY[::2]))
    assert scores["cmlt"] < 0.1
    assert scores["amlt"] > 0.95
    assert scores["f"] == pytest.approx(2 / 3, abs=0.01)
    assert np.isnan(scores["downbeat_f"])


def test_downbeats_apart_from_beats():
    position = np.arange(60) % 4 + 1
    shifted = np.roll(position, 1)
    scores = beats.evaluate(events(*STEADY, beat=position), events(*STEADY + 0.02, beat=shifted))
    assert scores["f"] == 1
    assert scores["downbeat_f"] == 0
    assert scores["bias_ms"] == pytest.approx(20)
    unknown = beats.evaluate(events(*STEADY, beat=position), events(*STEADY, beat=np.zeros(60)))
    assert unknown["downbeat_f"] == 0
    assert np.isnan(beats.evaluate(events(*STEADY), events(*STEADY, beat=position))["downbeat_f"])


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40))
@settings(deadline=None, max_examples=60)
def test_beat_scores_are_those_of_mir_eval(seed, many, others):
    rng = np.random.default_rng(seed)
    truth = np.round(rng.uniform(4.5, 6) + np.cumsum(rng.uniform(0.2, 0.9, many)), 3)
    found = truth + np.round(rng.normal(0, 0.05, many), 3) if many == others or seed % 2 else np.cumsum(
        np.round(rng.uniform(0.2, 0.9, others), 3)
    )  # fmt: skip
    truth, found = (np.unique(times[times >= 5]) for times in (truth, found))
    if len(truth) < 3 or not len(found):
        return
    scores = beats.evaluate(events(*truth), events(*found))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = mir_eval.beat.evaluate(truth, found)
    names = {
        "f": "F-measure",
        "cemgil": "Cemgil",
        "goto": "Goto",
        "p_score": "P-score",
        "cmlc": "Correct Metric Level Continuous",
        "cmlt": "Correct Metric Level Total",
        "amlc": "Any Metric Level Continuous",
        "amlt": "Any Metric Level Total",
        "information_gain": "Information gain",
    }
    assert {name: scores[name] for name in names} == pytest.approx({name: expected[names[name]] for name in names})


@pytest.mark.parametrize("found", [[], [6.0], [6.0, 7.0], [1.0, 2.0], [7.0, 6.0, 6.0]])
@pytest.mark.parametrize("truth", [[6.0], [6.0, 7.0], [6.0, 7.0, 8.0], [8.0, 6.0, 6.0]])
def test_few_beats_score_without_warnings(truth, found):
    scores = beats.evaluate(events(*truth), events(*found))
    del scores["bias_ms"], scores["downbeat_f"]
    assert all(0 <= value <= max(len(truth), len(found)) for value in scores.values())
    assert all(value <= 1 for name, value in scores.items() if name in beats.METRICS)


def test_beats_without_an_estimate():
    scores = beats.failure(events(*STEADY, beat=np.arange(60) % 4 + 1))
    assert np.isnan(scores.pop("bias_ms"))
    assert scores.pop("beats") == 51
    assert set(scores.values()) == {0}
    assert np.isnan(beats.failure(events(*STEADY))["downbeat_f"])


def test_hours_of_beats_take_seconds():
    rng = np.random.default_rng(0)
    truth = np.cumsum(rng.uniform(0.4, 0.6, 4000))
    assert beats.p_score(truth, truth + rng.normal(0, 0.02, 4000)) > 0.9


def test_beats_that_are_trimmed():
    assert beats.evaluate(events(*STEADY), events(*STEADY), trim=0)["beats"] == 60
    with pytest.raises(DataError, match=r"without beats from 40 s on \(--trim\)"):
        beats.evaluate(events(*STEADY), events(*STEADY), trim=40)


# -------------------------------------------------------------------------------------------------------------- tempo


@pytest.mark.parametrize(
    ("found", "right", "octave"),
    [(100, 1, 1), (104, 1, 1), (104.1, 0, 0), (200, 0, 1), (51.9, 0, 1), (33.3, 0, 1), (300, 0, 1), (150, 0, 0)],
)
def test_tempo_by_hand(found, right, octave):
    scores = tempo.evaluate(table(100), table(found))
    assert (scores["acc1"], scores["acc2"], scores["top2"]) == (right, octave, right)
    assert np.isnan(scores["p_score"])


def test_the_second_tempo_counts_for_top2():
    scores = tempo.evaluate(table(100), table(50, 101, 100))
    assert (scores["acc1"], scores["acc2"], scores["top2"]) == (0, 1, 1)
    assert tempo.evaluate(table(100), table(50, 70, 100))["top2"] == 0


def test_mirex_p_score():
    reference = table(60, 120, strength=[0.3, 0.7])
    assert tempo.evaluate(reference, table(64, 200))["p_score"] == pytest.approx(0.3)
    assert tempo.evaluate(reference, table(120))["p_score"] == pytest.approx(0.7)
    assert tempo.evaluate(reference, table(121, 61))["p_score"] == pytest.approx(1)
    assert tempo.evaluate(table(60, 120), table(121))["p_score"] == pytest.approx(0.5)


@given(st.lists(st.floats(30, 300), min_size=2, max_size=2), st.lists(st.floats(30, 300), min_size=1, max_size=2))
@settings(deadline=None, max_examples=60)
def test_p_score_is_that_of_mir_eval(truth, found):
    scores = tempo.evaluate(table(*truth, strength=[0.3, 0.7]), table(*found))
    two = np.pad(found, (0, 2 - len(found)))
    assert scores["p_score"] == pytest.approx(mir_eval.tempo.detection(np.array(truth), 0.3, two)[0])


def test_tempo_of_beats_and_curves():
    assert tempo.tempi(events(0, 0.5, 1.0, 1.5, 9))[0] == pytest.approx(120)
    assert tempo.tempi(events(0, 1, 2, bpm=[100, 110, 180]))[0].tolist() == [110]
    found, weight = tempo.tempi(events(0, 0, bpm=[60, 120], confidence=[0.25, 0.75]))  # as JAMS holds it
    assert (found.tolist(), weight.tolist()) == ([60, 120], [0.25, 0.75])
    assert tempo.tempi(table(60, 90, strength=[0, 0]))[1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("estimate", [table(), events(1.0), NOTHING])
def test_no_tempo(estimate):
    scores = tempo.evaluate(table(100), estimate)
    assert np.isnan(scores["estimate_bpm"])
    assert (scores["acc1"], scores["acc2"], scores["top2"]) == (0, 0, 0)
    assert tempo.evaluate(table(60, 120), estimate)["p_score"] == 0
    with pytest.raises(DataError, match="reference without tempo"):
        tempo.evaluate(estimate, table(100))


def test_what_is_no_tempo():
    with pytest.raises(DataError, match="no positive number"):
        tempo.evaluate(table(-1), table(100))
    with pytest.raises(DataError, match="neither bpm nor beats"):
        tempo.evaluate(Table({"x": [1.0]}), table(100))


# ------------------------------------------------------------------------------------------------------ all of them


def test_what_is_not_known_has_no_part_in_the_mean():
    task = tempo.task(TempoMatching())
    items = {"one": task.evaluate(table(60, 120), table(60)), "two": task.evaluate(table(60), table(70))}
    result = report(items, task, QUICK)
    assert result["p_score"][:3].tolist() == pytest.approx([0.5, np.nan, 0.5], nan_ok=True)
    assert result["acc1"].tolist()[:3] == [1, 0, 0.5]
    assert np.isnan(result["reference_bpm"][2:]).all()
    assert np.isnan(report({"two": items["two"]}, task, QUICK)["p_score"]).all()


@pytest.mark.parametrize("module", [onsets, beats])
def test_bad_references(module):
    with pytest.raises(DataError, match="a reference without"):
        module.evaluate(NOTHING, events(6, 7))
    with pytest.raises(DataError, match="no numbers"):
        module.evaluate(events(6, np.nan), events(6, 7))
    with pytest.raises(DataError, match="40000 s"):
        module.evaluate(events(6, 7), events(40_000))


def test_bad_parameters():
    with pytest.raises(ParameterError, match="window"):
        onsets.task(OnsetMatching(window=0))
    with pytest.raises(ParameterError, match="window"):
        beats.task(BeatMatching(window=np.nan))
    with pytest.raises(ParameterError, match="trimmed"):
        beats.task(BeatMatching(trim=-1))
    with pytest.raises(ParameterError, match="tolerance"):
        tempo.task(TempoMatching(tolerance=1.5))
