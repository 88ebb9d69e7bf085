"""Scores by hand, against the slow oracle, and under transformations with a known answer."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.evaluation import statistics, sync
from mirtool.evaluation.corpus import report
from mirtool.evaluation.parameters import Bootstrap
from mirtool.types import WarpingPath

QUICK = Bootstrap(resamples=200)


def path(*columns):
    return WarpingPath.from_times(np.column_stack([np.asarray(column, dtype=float) for column in columns]))


def test_errors_by_hand():
    estimate = path([0, 10], [0, 20])
    reference = path([1, 2, 3, 4], [2.0, 4.010, 5.970, 8.120])
    assert np.allclose(sync.deviations(reference, estimate).ravel(), [0, -0.010, 0.030, -0.120])
    scores = sync.evaluate(reference, estimate)
    assert scores == pytest.approx(
        {
            "points": 4,
            "mean_ms": 40.0,
            "median_ms": 20.0,
            "p95_ms": 30 + 0.85 * 90,  # at position 2.85 of 0, 10, 30, 120
            "over_25ms": 0.5,
            "over_50ms": 0.25,
            "over_100ms": 0.25,
            "outside": 0,
        }
    )
    assert list(scores) == ["points", *sync.METRICS, "outside"]


def test_points_outside_of_the_path_go_on_with_the_tempo_at_its_end():
    estimate = path([1, 2, 8, 9], [1, 3, 9, 9.5])
    reference = path([0.5, 5, 10], [0, 6, 10])
    scores = sync.evaluate(reference, estimate)
    assert scores["outside"] == 2
    # before: the chord over the first two seconds runs from (1, 1) to (8, 9), slope 8/7; after: (8, 9) to (9, 9.5)
    # is shorter than two seconds, so that the chord begins at (2, 3), slope 6.5/7
    expected = [1 - 0.5 * 8 / 7, 6, 9.5 + 6.5 / 7]
    assert np.allclose(sync.deviations(reference, estimate).ravel(), np.array(expected) - [0, 6, 10])


def test_a_reference_may_hold_chords_and_repetitions():
    reference = path([1, 1, 1, 2], [1, 1, 1.03, 2])
    assert sync.evaluate(reference, path([0, 3], [0, 3]))["over_25ms"] == 0.25


def test_versions_count_together():
    reference = path([1, 2], [1, 2], [2, 4])
    estimate = path([0, 3], [0.01, 3.01], [0.03, 6.03])
    scores = sync.evaluate(reference, estimate)
    assert scores["points"] == 4
    assert scores["mean_ms"] == pytest.approx(20)
    with pytest.raises(DataError, match="a path of 2 versions against a reference of 3"):
        sync.evaluate(reference, path([0, 1], [0, 1]))


def test_bad_references_are_refused():
    with pytest.raises(DataError, match="without points"):
        sync.evaluate(path([], []), path([0, 1], [0, 1]))
    with pytest.raises(DataError, match="no numbers"):
        sync.failure(path([0, np.nan], [0, 1]))


def test_a_missing_estimate_is_wrong_by_the_length_of_the_item():
    scores = sync.failure(path([0, 50, 100], [0, 60, 120]))
    assert scores["mean_ms"] == scores["median_ms"] == scores["p95_ms"] == 120_000
    assert scores["over_100ms"] == 1
    assert scores["points"] == scores["outside"] == 3


rising = st.lists(st.floats(0.05, 5.0), min_size=3, max_size=30).map(np.cumsum)


@settings(max_examples=50, deadline=None)
@given(rising, st.randoms(use_true_random=False))
def test_a_perfect_path_scores_zero(a, random):
    b = np.cumsum([random.uniform(0.05, 5.0) for _ in a])
    scores = sync.evaluate(path(a, b), path(a, b))
    assert scores["mean_ms"] < 1e-6
    assert scores["over_25ms"] == 0


@settings(max_examples=50, deadline=None)
@given(rising, st.floats(-0.5, 0.5).filter(lambda shift: all(abs(abs(shift) - t) > 1e-6 for t in (0.025, 0.05, 0.1))))
def test_a_shifted_path_scores_the_shift(a, shift):
    b = a**1.1
    scores = sync.evaluate(path(a, b), path(a, b + shift))
    for metric in ("mean_ms", "median_ms", "p95_ms"):
        assert scores[metric] == pytest.approx(1e3 * abs(shift), abs=1e-6)
    for threshold in sync.THRESHOLDS_MS:
        assert scores[f"over_{threshold}ms"] == float(1e3 * abs(shift) > threshold)


@settings(max_examples=50, deadline=None)
@given(rising, st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 1000))
def test_equals_the_oracle(a, positions, seed):
    random = np.random.default_rng(seed)
    b = np.cumsum(random.uniform(0.05, 3.0, len(a)))
    times = np.clip(a[0] + np.array(positions) * (a[-1] - a[0]), a[0], a[-1])
    truth = np.interp(times, a, b) + random.laplace(0, 0.05, len(times))
    scores = sync.evaluate(path(times, truth), path(a, b))
    expected = naive.sync_scores(list(zip(times, truth, strict=True)), list(zip(a, b, strict=True)))
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_bootstrap_of_a_constant_is_a_point():
    interval = statistics.mean([2.5] * 7, QUICK)
    assert (interval.value, interval.low, interval.high) == (2.5, 2.5, 2.5)


def test_bootstrap_repeats_and_follows_the_seed():
    values = np.random.default_rng(0).standard_normal(30)
    assert statistics.mean(values, QUICK) == statistics.mean(values, QUICK)
    assert statistics.mean(values, QUICK) != statistics.mean(values, Bootstrap(resamples=200, seed=1))


def test_bootstrap_equals_the_oracle():
    """Not the same draws, but the same distribution: the exact one over all 5⁵ equally likely draws."""
    values = [1.0, 2.0, 4.0, 7.0, 11.0]
    interval = statistics.mean(values, Bootstrap(resamples=20_000))
    low, high = naive.exact_bootstrap_interval(values, 0.95)
    assert interval.value == 5.0
    assert interval.low == pytest.approx(low, abs=0.25)
    assert interval.high == pytest.approx(high, abs=0.25)


def test_long_lists_are_drawn_in_pieces(monkeypatch):
    values = np.random.default_rng(0).standard_normal(50)
    monkeypatch.setattr(statistics, "_CELLS", 50 * 7)
    pieces = statistics.mean(values, Bootstrap(resamples=100))
    assert pieces.low < values.mean() < pieces.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    samples = random.standard_normal((300, 25)) + 3.0
    covered = 0
    for seed, sample in enumerate(samples):
        interval = statistics.mean(sample, Bootstrap(resamples=300, seed=seed))
        covered += interval.low <= 3.0 <= interval.high
    assert 0.88 <= covered / 300 <= 0.97  # the percentile interval of 25 values covers 93 %


def test_paired_difference_uses_the_pairs():
    random = np.random.default_rng(0)
    difficulty = random.uniform(0, 100, 20)
    ours = difficulty + 1.0
    theirs = difficulty + random.normal(0.0, 0.1, 20)
    lead = statistics.paired_difference(ours, theirs, QUICK)
    assert lead.value == pytest.approx(np.mean(ours - theirs))
    assert 0.8 < lead.low < lead.high < 1.2
    assert not lead.tie
    assert statistics.paired_difference(ours, ours[::-1], QUICK).tie
    with pytest.raises(DataError, match="comparison of 20 with 19"):
        statistics.paired_difference(ours, theirs[1:])


def test_bootstrap_refuses_nonsense():
    with pytest.raises(DataError, match="nothing to average"):
        statistics.mean([])
    with pytest.raises(DataError, match="not a number"):
        statistics.mean([1.0, np.nan])
    with pytest.raises(ParameterError, match="resamples"):
        statistics.mean([1.0], Bootstrap(resamples=0))
    with pytest.raises(ParameterError, match="seed must not be negative, not -1"):
        statistics.mean([1.0], Bootstrap(seed=-1))
    with pytest.raises(ParameterError, match="level"):
        statistics.mean([1.0], Bootstrap(level=1.0))


def test_report_ends_with_mean_and_interval_over_the_items():
    reference = path([1, 2, 3], [1, 2, 3])
    items = {f"item {k}": sync.evaluate(reference, path([0, 4], [0.01 * k, 4 + 0.01 * k])) for k in (1, 2, 3)}
    table = report(items, sync.task(), QUICK)
    assert list(table.columns) == ["item", "points", *sync.METRICS, "outside"]
    assert list(table["item"]) == ["item 1", "item 2", "item 3", "mean", "low", "high"]
    assert list(table["points"]) == [3, 3, 3, 9, 9, 9]
    assert table["mean_ms"][:4] == pytest.approx([10, 20, 30, 20])
    assert 9.99 < table["mean_ms"][4] < 20 < table["mean_ms"][5] < 30.01
    assert table["over_25ms"][3] == pytest.approx(1 / 3)
    with pytest.raises(DataError, match="no item"):
        report({}, sync.task(), QUICK)


def test_report_of_one_item_has_its_interval_over_points():
    time = np.arange(1.0, 41.0)
    reference = path(time, time + 0.02 * (time % 2))
    estimate = path([0, 50], [0, 50])
    scores = sync.evaluate(reference, estimate)
    intervals = sync.intervals(reference, estimate, QUICK)
    table = report({"one": scores}, sync.task(), QUICK, intervals)
    assert table["mean_ms"][:2] == pytest.approx([10, 10])
    assert 0 < table["mean_ms"][2] < 10 < table["mean_ms"][3] < 20
    assert list(table["over_50ms"]) == [0, 0, 0, 0]
