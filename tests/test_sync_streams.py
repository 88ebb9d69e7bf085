"""The streams that `sync` compares, and their embedding."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.features.sync import KIND, PITCHES
from mirtool.sync.dtw import cost_matrix
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.streams import PooledSide, bias, embedded, moved, pool, side, unit
from mirtool.types import Features

P = len(PITCHES)
ALL = SyncParameters().feature_weights
NAMES = ("chroma", "pitch", "onset", "dlnco")


def music(frames=60, seed=0, pitches=range(20, 60), rate=20.0):
    """Sync features of notes that begin here and there: a row of levels, and an onset where it rises."""
    rng = np.random.default_rng(seed)
    data = np.zeros((2 * P, frames), np.float32)
    for _ in range(frames // 2):
        row, begin = rng.choice(np.array(pitches)), rng.integers(0, frames - 3)
        stop = min(frames, begin + rng.integers(3, 15))
        data[row, begin:stop] += np.linspace(4, 1, stop - begin)
        data[P + row, begin] += rng.uniform(1, 4)
    return Features(data, rate, KIND, ("pitch", "time"))


@pytest.mark.parametrize(
    "weights",
    [dict(ALL), {"chroma": 1.0}, {"onset": 0.7}, {"dlnco": 2.0, "pitch": 0.5}, {"chroma": 0.3, "onset": 3, "dlnco": 0}],
)
def test_the_embedding_is_the_sum_of_the_distances(weights):
    a, b = side(music(seed=1), 0, weights), side(music(seed=2), 0, weights)
    one, other = a.streams(3, 30), b.streams(10, 31)
    used = {name: weight for name, weight in weights.items() if weight}
    assert set(one) == set(other) == set(used)
    C = cost_matrix(embedded(one, used, left=True), embedded(other, used, left=False), bias(used))
    np.testing.assert_allclose(C, naive.stream_cost(one, other, used), atol=1e-4)


def test_the_embedding_treats_both_sides_alike():
    a, b = side(music(seed=1), 0, ALL).streams(0, 25), side(music(seed=2), 0, ALL).streams(0, 20)
    there = cost_matrix(embedded(a, ALL, left=True), embedded(b, ALL, left=False), bias(ALL))
    back = cost_matrix(embedded(b, ALL, left=True), embedded(a, ALL, left=False), bias(ALL))
    np.testing.assert_allclose(there, back.T, atol=1e-4)
    itself = cost_matrix(embedded(a, ALL, left=True), embedded(a, ALL, left=False), bias(ALL))
    assert np.all(itself > -1e-4)
    assert np.all(np.diag(itself) <= itself.min(axis=1) + 1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 59), st.integers(1, 60), st.integers(-14, 14))
def test_streams_do_not_depend_on_where_they_are_cut(first, length, shift):
    whole = side(music(), shift, ALL)
    stop = min(60, first + length)
    for name, frames in whole.streams(first, stop).items():
        np.testing.assert_allclose(frames, whole.streams(0, 60)[name][first:stop], atol=1e-6)


def test_streams_are_what_they_are_called():
    streams = side(music(), 0, ALL).streams(0, 60)
    assert {name: frames.shape for name, frames in streams.items()} == {
        "chroma": (60, 12),
        "pitch": (60, P),
        "onset": (60, P),
        "dlnco": (60, 12),
    }
    for name in ("chroma", "pitch"):
        length = np.linalg.norm(streams[name], axis=1)
        assert np.all((length < 1 + 1e-5) & ((length > 0.9) | (length < 0.5)))
    for name in ("onset", "dlnco"):
        assert streams[name].min() >= 0
        assert np.linalg.norm(streams[name], axis=1).max() < 3


def test_onsets_are_normalised_locally_and_decay():
    data = np.zeros((2 * P, 400), np.float32)
    data[P + 40, [50, 350]] = 5.0, 2.0
    onset = side(Features(data, 50.0, KIND), 0, {"onset": 1.0}).streams(0, 400)["onset"][:, 40]
    assert onset[50] == pytest.approx(1)
    assert onset[350] == pytest.approx(1)  # far from the louder one
    assert not onset[:50].any()
    assert np.all(np.diff(onset[50:60]) < 0)
    assert not onset[100:350].any()


@pytest.mark.parametrize("shift", [-3, 0, 1, 5, 12])
def test_a_transposed_version_is_moved_back(shift):
    original = music(pitches=range(30, 50))
    higher = Features(np.concatenate([np.roll(half, shift, axis=0) for half in np.split(original.data, 2)]), 20.0, KIND)
    back, wanted = side(higher, -shift, ALL).streams(0, 60), side(original, 0, ALL).streams(0, 60)
    for name in ("chroma", "onset", "dlnco"):
        np.testing.assert_allclose(back[name], wanted[name], atol=1e-5)
    # the envelope over pitch, which is taken off before, ends at other places of the keyboard
    assert np.sum(back["pitch"] * wanted["pitch"]) > 0.97 * np.sum(wanted["pitch"] ** 2)


def test_moved_rows_leave_at_the_edge():
    frames = np.arange(2 * P, dtype=np.float32).reshape(2, P) + 1
    np.testing.assert_array_equal(moved(frames, 0), frames)
    up, down = moved(frames, 2), moved(frames, -2)
    np.testing.assert_array_equal(up[:, 2:], frames[:, :-2])
    np.testing.assert_array_equal(down[:, :-2], frames[:, 2:])
    assert not up[:, :2].any()
    assert not down[:, -2:].any()


def test_pooling():
    frames = np.array([[1, 0], [1, 0], [0, 3], [0, 3], [0, 1]], np.float32)
    np.testing.assert_array_equal(pool("onset", frames, 2), [[1, 0], [0, 3], [0, 1]])
    np.testing.assert_allclose(pool("chroma", frames, 2), [[1, 0], [0, 1], [0, 1]])
    np.testing.assert_array_equal(pool("chroma", frames, 1), frames)
    mixed = np.array([[1, 0], [0, 1]], np.float32)
    np.testing.assert_allclose(pool("pitch", mixed, 2), [[0.5**0.5, 0.5**0.5]], rtol=1e-6)


@pytest.mark.parametrize("factor", [1, 3, 7, 60, 100])
def test_pooled_sides(factor):
    whole = side(music(), 0, ALL)
    found = PooledSide(whole, factor).streams(0, 60)
    for name, frames in whole.streams(0, 60).items():
        assert found[name].shape == (-(-60 // factor), frames.shape[1])
        np.testing.assert_allclose(found[name], pool(name, frames, factor), atol=1e-6)


def test_pooling_works_in_blocks(monkeypatch):
    whole = side(music(), 0, ALL)
    wanted = PooledSide(whole, 7).streams(0, 60)
    monkeypatch.setattr("mirtool.sync.streams._BLOCK", 16)
    for name, frames in PooledSide(side(music(), 0, ALL), 7).streams(0, 60).items():
        np.testing.assert_allclose(frames, wanted[name], atol=1e-6)


def test_unit_leaves_quiet_frames_quiet():
    found = unit(np.array([[3, 4], [0.03, 0.04], [0, 0]], np.float32), 0.5)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.06, 0.08], [0, 0]], rtol=1e-6)


def test_other_features_are_compared_as_they_are():
    data = np.random.default_rng(0).random((5, 30), dtype=np.float32)
    whole = side(Features(data, 10.0), 0, ALL)
    assert whole.weights == {"features": 1.0}
    frames = whole.streams(4, 9)["features"]
    np.testing.assert_allclose(frames, (data / np.linalg.norm(data, axis=0)).T[4:9], rtol=1e-5)
    assert whole.sounding(0.1).all()
    C = cost_matrix(
        embedded({"features": frames}, whole.weights, left=True),
        embedded({"features": frames}, whole.weights, left=False),
        bias(whole.weights),
    )
    np.testing.assert_allclose(
        C, naive.stream_cost({"features": frames}, {"features": frames}, whole.weights), atol=1e-5
    )


def test_a_chroma_is_transposed_by_turning_it():
    data = np.eye(12, dtype=np.float32)
    found = side(Features(data, 10.0, "chroma", ("chroma", "time")), 3, ALL).streams(0, 12)["features"]
    np.testing.assert_array_equal(found, np.roll(data, 3, axis=1))


def test_sounding():
    data = music(frames=100).data.copy()
    data[:, :20] = data[:, 90:] = 0
    loud = side(Features(data, 20.0, KIND), 0, ALL).sounding(1e-3)
    assert not loud[:20].any()
    assert not loud[90:].any()
    assert loud[20:90].mean() > 0.9
    silent = side(Features(np.zeros((2 * P, 10)), 20.0, KIND), 0, ALL).sounding(1e-3)
    assert not silent.any()


@pytest.mark.parametrize(
    ("features", "error"),
    [
        (Features(np.ones((3, 5)), None), "without a feature rate"),
        (Features(np.ones((3, 5)), 0.0), "without a feature rate"),
        (Features(np.ones((3, 5)) * 1j, 10.0), "complex"),
        (Features(np.ones((3, 0)), 10.0), "no frames"),
        (Features(np.ones((12, 5)), 10.0, KIND), "170 rows, not 12"),
    ],
)
def test_what_cannot_be_compared(features, error):
    with pytest.raises(DataError, match=error):
        side(features, 0, ALL)


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ({"timbre": 1.0}, "no feature timbre .there are: chroma, pitch, onset, dlnco"),
        ({"chroma": -1.0}, "must not be negative"),
        ({"chroma": float("nan")}, "must not be negative"),
        ({"chroma": 0.0}, "above 0"),
        ({}, "above 0"),
    ],
)
def test_weights_that_make_no_sense(weights, error):
    with pytest.raises(ParameterError, match=error):
        side(music(), 0, weights)
