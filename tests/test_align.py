"""Alignment of synthesised performances, of which it is known what was played when."""

from dataclasses import replace

import numpy as np
import pytest
from performances import compiled, errors, version

from mirtool.errors import DataError, ParameterError
from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import KIND, sync_features
from mirtool.sync.align import align, coarse_cost, harmony_cost
from mirtool.sync.dtw import NoPathError
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.paths import CLOSEST_SECONDS, transfer
from mirtool.sync.refinement import between_frames
from mirtool.types import Features

IN_KEY = SyncParameters(transpose=0)


def assert_sound(path, a, b):
    """A path begins and ends with both versions, and strictly increases."""
    np.testing.assert_allclose(path.times[0], [a.times[0], b.times[0]], atol=1e-9)
    np.testing.assert_allclose(path.times[-1], [a.times[-1], b.times[-1]], atol=1e-9)
    assert np.all(np.diff(path.times, axis=0) >= CLOSEST_SECONDS * 0.999)
    assert np.all((path["confidence"] >= 0) & (path["confidence"] <= 1))


def at_notes(path, a):
    """The mean confidence at the notes of the first version."""
    return np.interp(a.beats, path["time_a"], path["confidence"]).mean()


@compiled
@pytest.mark.parametrize(
    ("one", "other", "parameters", "mean"),
    [
        ("quick", "slow", SyncParameters(), 0.015),
        ("quick", "slow", SyncParameters(method="exact"), 0.015),
        ("quick", "slow", SyncParameters(steps="slanted"), 0.02),
        ("quick", "slow", SyncParameters(step_weights=(1.5, 1.5, 2.0)), 0.02),
        ("quick", "slow", SyncParameters(feature_weights={"chroma": 1.0, "dlnco": 1.0}), 0.03),
        ("quick", "slow", SyncParameters(feature_weights={"pitch": 1.0, "onset": 1.0}), 0.03),
        ("quick", "slow", SyncParameters(band=3.0), 0.015),
        ("quick", "organ", IN_KEY, 0.02),
        ("slow", "organ", IN_KEY, 0.03),
        ("quick", "half", IN_KEY, 0.015),
        ("quick", "high", SyncParameters(), 0.015),
        ("quick", "high", SyncParameters(transpose=3), 0.015),
    ],
)
def test_performances_are_aligned(one, other, parameters, mean):
    a, b = version(one), version(other)
    found = align(a.features, b.features, parameters)
    assert_sound(found.path, a.features, b.features)
    off = errors(found.path, a, b)
    assert off.mean() < mean
    assert np.median(off) < 0.02
    assert found.transposition == (3 if other == "high" else 0)
    grid = np.arange(1, a.features.times[-1] - 1, 0.1)
    assert np.interp(grid, found.path["time_a"], found.path["confidence"]).mean() > 0.5


@compiled
def test_a_version_with_itself():
    a = version("quick").features
    path = align(a, a, IN_KEY).path
    assert_sound(path, a, a)
    np.testing.assert_allclose(path["time_a"], path["time_b"], atol=1e-6)
    assert np.interp(np.arange(1, path["time_a"][-1] - 1, 0.1), path["time_a"], path["confidence"]).min() > 0.8


@compiled
@pytest.mark.parametrize("player", ["quick", "slow", "organ"])
def test_a_score_and_a_performance(player):
    score, b = version("half"), version(player)
    a = sync_features(score.notes, SyncFeatureParameters())
    path = align(a, b.features, SyncParameters()).path
    assert_sound(path, a, b.features)
    off = errors(path, score, b)
    assert np.median(off) < 0.03
    assert off[2:].mean() < 0.05  # the second note repeats the first, which an organ does without a gap


@compiled
def test_both_directions_agree():
    a, b = version("quick").features, version("slow").features
    there, back = align(a, b, IN_KEY).path, align(b, a, IN_KEY).path
    times = np.linspace(0, a.times[-1], 200)
    off = np.abs(transfer(there, times) - transfer(back, times, 1, 0))
    assert off.mean() < 0.01
    assert off.max() < 0.1


@compiled
def test_the_same_comes_out_twice():
    a, b = version("quick").features, version("slow").features
    one, other = align(a, b, SyncParameters()).path, align(a, b, SyncParameters()).path
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_array_equal(one["confidence"], other["confidence"])


@compiled
def test_a_wrong_passage_is_told_by_its_confidence():
    a, b = version("quick"), version("wrong")
    path = align(a.features, b.features, IN_KEY).path
    assert_sound(path, a.features, b.features)
    beats = np.interp([1.0, 5.5, 6.5, 9.5, 10.5, 14.0], np.unique(a.score.ticks[:, 0]) / 480, a.beats)
    first, wrong, last = (
        np.interp(np.linspace(*part, 20), path["time_a"], path["confidence"]).mean() for part in beats.reshape(3, 2)
    )
    right = (first + last) / 2
    assert wrong < right - 0.25
    # outside of the passage the path is where it should be
    place = np.unique(a.score.ticks[:, 0]) / 480
    off = errors(path, a, b)
    assert off[(place < 6) | (place > 11)].mean() < 0.03


@compiled
def test_unrelated_music_has_little_confidence():
    a = version("quick")
    shuffled = np.roll(a.features.data[:85, ::-1], 6, axis=0), np.roll(a.features.data[85:, ::-1], 6, axis=0)
    other = Features(np.concatenate(shuffled), 100.0, KIND)
    good, bad = (at_notes(align(a.features, x, IN_KEY).path, a) for x in (version("slow").features, other))
    assert bad < good - 0.2


@compiled
def test_the_wrong_transposition_is_worse():
    a, b = version("quick"), version("high")
    good, bad = (align(a.features, b.features, SyncParameters(transpose=n)).path for n in (3, -2))
    assert at_notes(bad, a) < at_notes(good, a) - 0.2


@compiled
def test_anchors_are_met():
    a, b = version("quick"), version("slow")
    anchors = np.stack([a.beats[[5, 11]], b.beats[[5, 11]]], axis=1)
    anchors[0, 1] += 0.4  # it need not be true
    path = align(a.features, b.features, IN_KEY, anchors).path
    assert_sound(path, a.features, b.features)
    np.testing.assert_allclose(transfer(path, anchors[:, 0]), anchors[:, 1], atol=1e-5)
    off = errors(path, a, b)
    assert off[[1, 2, 8, 9]].mean() < 0.03  # away from the wrong one
    free = align(a.features, b.features, IN_KEY, np.empty((0, 2))).path
    np.testing.assert_array_equal(free.times, align(a.features, b.features, IN_KEY).path.times)


@compiled
@pytest.mark.parametrize(
    "anchors",
    [[[0, 0]], [[0, 0.5]], [[0.5, 0]], [[0, 0], [1, 1]], [[4, 5], [4.004, 5.004]], [[4, 5], [4.5, 5.001]], [[4, 5]]],
)
def test_anchors_near_the_ends_and_each_other(anchors):
    a, b = version("quick").features, version("slow").features
    path = align(a, b, IN_KEY, anchors).path
    assert np.all(np.diff(path.times, axis=0) > 0)
    for time_a, time_b in anchors:
        # at the very beginning of one version only, where the path comes from the beginning of both, not to the point
        off = abs(transfer(path, time_a) - time_b), abs(transfer(path, time_b, 1, 0) - time_a)
        assert min(off) < (1e-6 if min(time_a, time_b) > 0 or time_a == time_b else 0.1)


@compiled
def test_an_anchor_at_the_very_end():
    a, b = version("quick").features, version("slow").features
    path = align(a, b, IN_KEY, [[a.times[-1], b.times[-1]]]).path
    assert_sound(path, a, b)


@pytest.mark.parametrize(
    ("anchors", "error"),
    [
        ([[2, 2], [1, 3]], "must increase"),
        ([[2, 2], [3, 2]], "must increase"),
        ([[-1, 1]], "outside"),
        ([[1, 1000]], "outside"),
        ([[1, 2, 3]], "pairs of times"),
    ],
)
def test_anchors_that_make_no_sense(anchors, error):
    a, b = version("quick").features, version("slow").features
    with pytest.raises(ParameterError, match=error):
        align(a, b, IN_KEY, anchors)


@compiled
def test_features_keep_their_start():
    a, b = version("quick"), version("slow")
    later = replace(b.features, start=100.0)
    one, other = align(a.features, b.features, IN_KEY).path, align(a.features, later, IN_KEY).path
    np.testing.assert_allclose(other["time_b"], one["time_b"] + 100, atol=1e-6)


def smooth(frames, seed=0, rows=12):
    rng = np.random.default_rng(seed)
    knots = rng.random((rows, max(2, frames // 8)))
    place = np.linspace(0, knots.shape[1] - 1, frames)
    return np.stack([np.interp(place, np.arange(knots.shape[1]), row) for row in knots]).astype(np.float32)


@compiled
def test_any_features_of_one_kind():
    data = smooth(400)
    place = np.linspace(0, 1, 300) ** 1.3 * 399
    a = Features(data, 10.0, "embedding")
    b = Features(np.stack([np.interp(place, np.arange(400), row) for row in data]), 10.0, "embedding")
    path = align(a, b, SyncParameters()).path
    assert_sound(path, a, b)
    off = np.interp(path["time_b"], np.arange(300) / 10, place / 10) - path["time_a"]
    assert np.abs(off).mean() < 0.1  # a frame


@compiled
def test_chroma_in_another_key():
    data = smooth(300)
    a = Features(data, 10.0, "chroma", ("chroma", "time"))
    b = Features(np.roll(data, 4, axis=0), 10.0, "chroma", ("chroma", "time"))
    found = align(a, b, SyncParameters())
    assert found.transposition == 4
    np.testing.assert_allclose(found.path["time_a"], found.path["time_b"], atol=1e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (2, 2), (2, 50), (3, 3), (5, 5), (7, 40), (40, 7)])
@pytest.mark.parametrize("method", ["multiscale", "exact"])
@pytest.mark.parametrize("steps", ["classic", "slanted"])
def test_very_short_versions(n, m, method, steps):
    a, b = Features(smooth(n), 10.0, "x"), Features(smooth(m, 1), 10.0, "x")
    parameters = SyncParameters(method=method, steps=steps)
    if n == 1 < m:
        with pytest.raises((DataError, NoPathError), match=r"never advances|more than twice"):
            align(a, b, parameters)
        return
    if steps == "slanted" and max(n, m) - 1 > 2 * (min(n, m) - 1):
        with pytest.raises(NoPathError, match="more than twice as many"):
            align(a, b, parameters)
        return
    assert_sound(align(a, b, parameters).path, a, b)


@compiled
@pytest.mark.parametrize("kind", [KIND, "chroma"])
def test_silence_is_aligned_with_anything(kind):
    rows = 170 if kind == KIND else 12
    silent = Features(np.zeros((rows, 200)), 100.0, kind)
    music = Features(version("quick").features.data[:rows, :300], 100.0, kind)
    for a, b in ((silent, music), (music, silent), (silent, silent)):
        path = align(a, b, SyncParameters()).path
        assert_sound(path, a, b)


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (Features(smooth(9), 10.0, "x"), Features(smooth(9), 10.0, "y"), r"different kinds: x \(12 rows\) and y"),
        (Features(smooth(9), 10.0), Features(smooth(9, rows=7), 10.0), "unknown .12 rows. and unknown .7 rows"),
        (Features(smooth(9), 10.0), Features(smooth(9), 20.0), "different rates: 10 and 20 Hz"),
        (Features(smooth(9), None), Features(smooth(9), None), "without a feature rate"),
        (Features(smooth(9), 10.0), Features(smooth(9), None), "without a feature rate"),
        (Features(smooth(9)[:, :0], 10.0), Features(smooth(9), 10.0), "no frames"),
    ],
)
def test_what_cannot_be_aligned(a, b, error):
    with pytest.raises(DataError, match=error):
        align(a, b, SyncParameters())


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (SyncParameters(method="best"), "no method best"),
        (replace(IN_KEY, steps="wild", trim=False), "wild"),
        (replace(IN_KEY, step_weights=(1.0, 1.0)), "weights"),
        (replace(IN_KEY, step_weights=(1.0, 0.0, -1.0)), "weights"),
        (SyncParameters(band=0.0), "band must be above 0"),
        (replace(IN_KEY, feature_weights={"loudness": 1.0}), "no feature loudness"),
    ],
)
def test_parameters_that_make_no_sense(parameters, error):
    a, b = version("quick").features, version("slow").features
    with pytest.raises(ParameterError, match=error):
        align(a, b, parameters)


def test_refinement_follows_the_peaks():
    data = np.zeros((170, 40), np.float32)
    data[100, 9:12] = 1, 3, 2  # vertex between 10 and 11
    data[100, 29:32] = 2, 3, 1
    a, b = Features(data, 10.0, KIND), Features(np.zeros((170, 40), np.float32), 10.0, KIND)
    path = np.stack([np.arange(40), np.arange(40)], axis=1)
    np.testing.assert_array_equal(between_frames(path, a, b), path)  # nothing begins in b
    moved = between_frames(path, a, a) - path
    assert 0 < moved[10, 0] < 0.5
    assert -0.5 < moved[30, 0] < 0
    np.testing.assert_array_equal(np.delete(moved, (10, 30), axis=0), 0)


@compiled
def test_the_cost_matrix():
    a, b = version("quick").features, version("slow").features
    found = align(a, b, IN_KEY)
    C, rate = coarse_cost(found.pair, 2.0)
    assert rate == pytest.approx(2.0)
    assert C.shape == (-(-a.frames // 50), -(-b.frames // 50))
    on = C[(found.path["time_a"] * 2).astype(int), (found.path["time_b"] * 2).astype(int)]
    assert on.mean() < C.mean() - 0.3
    whole, full = coarse_cost(found.pair, 100.0)
    assert whole.shape == (a.frames, b.frames)
    assert full == 100
    for rate in (0.0, -1.0, 1000.0):
        with pytest.raises(ParameterError, match="rate of the cost matrix"):
            coarse_cost(found.pair, rate)


@pytest.mark.parametrize(
    ("parameters", "anchors"),
    [
        (SyncParameters(), None),
        (SyncParameters(method="exact", steps="slanted", trim=False), None),
        (SyncParameters(band=2.0, transpose=0), None),
        (SyncParameters(subsequence=True, transpose=0), None),
        (SyncParameters(transpose=0), [[2.0, 2.7], [5.0, 6.4]]),
    ],
)
def test_few_frames(parameters, anchors):
    a, b = (sync_features(version(name).notes, SyncFeatureParameters(feature_rate=8.0)) for name in ("quick", "slow"))
    path = align(a, b, parameters, anchors).path
    assert np.all(np.diff(path.times, axis=0) > 0)
    off = errors(path, version("quick"), version("slow"))
    assert np.median(off) < (0.5 if anchors else 0.2)


@compiled
def test_the_cost_of_harmony_knows_no_onsets():
    a, b = version("quick").features, version("slow").features
    found = align(a, b, IN_KEY)
    C, rate = harmony_cost(found.pair)
    whole, same = coarse_cost(found.pair, None)
    assert C.shape == whole.shape
    assert rate == same
    assert C.min() + 1e-5 >= 0
    assert C.max() <= 2 * found.pair.bias + 1e-5
    assert np.all(whole + 1e-5 >= C)
    chroma = Features(smooth(50), 10.0, "chroma", ("chroma", "time"))
    plain = align(chroma, chroma, SyncParameters())
    np.testing.assert_array_equal(harmony_cost(plain.pair)[0], coarse_cost(plain.pair, None)[0])
