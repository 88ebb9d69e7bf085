"""From coarse to fine: what the scales of `sync` find is what exact alignment finds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive import dtw_path_cost
from performances import compiled, version

from mirtool.sync.align import align
from mirtool.sync.dtw import STEPS, NoPathError, cost_matrix, dtw
from mirtool.sync.multiscale import Pair
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.paths import transfer
from mirtool.sync.streams import side
from mirtool.types import Features

pytestmark = compiled

PLAIN = SyncParameters(transpose=0, trim=False)


def line(frames, seed=0, rows=8):
    """Rows that wander, so that any two frames which lie apart differ."""
    rng = np.random.default_rng(seed)
    knots = rng.random((rows, frames // 12 + 2)) ** 3
    place = np.arange(frames) / 12
    return np.stack([np.interp(place, np.arange(knots.shape[1]), row) for row in knots])


def warped(data, frames, bend=0.3):
    """The same music in another tempo curve, and at what frame of `data` each frame lies."""
    u = np.linspace(0, 1, frames)
    place = (u + bend * np.sin(2 * np.pi * u) / (2 * np.pi)) * (data.shape[1] - 1)
    return np.stack([np.interp(place, np.arange(data.shape[1]), row) for row in data]), place


def features(data, rate=100.0):
    return Features(data, rate, "embedding")


def aligned(a, b, **parameters):
    return align(features(a), features(b), SyncParameters(**{"transpose": 0, "trim": False, **parameters})).path


def off(path, place, rate=100.0):
    """How far a path is off (frames of a)."""
    frames = np.arange(len(place))
    return np.abs(transfer(path, frames / rate, 1, 0) * rate - place)


@pytest.mark.parametrize("steps", list(STEPS))
@pytest.mark.parametrize(("N", "M"), [(300, 300), (601, 450), (900, 1400), (1000, 640)])
def test_scales_and_exact_agree(N, M, steps):
    a = line(N)
    b, place = warped(a, M)
    exact, scales = (aligned(a, b, steps=steps, method=method) for method in ("exact", "multiscale"))
    np.testing.assert_allclose(transfer(exact, np.arange(N) / 100), transfer(scales, np.arange(N) / 100), atol=0.02)
    assert off(scales, place).mean() < 4


def test_in_music():
    a, b = version("quick").features, version("slow").features
    exact, scales = (align(a, b, SyncParameters(transpose=0, method=name)).path for name in ("exact", "multiscale"))
    at = np.linspace(0.3, a.times[-1] - 0.3, 300)
    assert np.abs(transfer(exact, at) - transfer(scales, at)).mean() < 0.01


@pytest.mark.parametrize("steps", list(STEPS))
@pytest.mark.parametrize(("N", "M"), [(30_000, 24_000), (20_000, 36_000), (17_000, 17_000)])
def test_long_versions(N, M, steps):
    """Many sections: no jump where they meet, nothing missing."""
    a = line(N)
    b, place = warped(a, M, 0.1 if steps == "slanted" else 0.3)  # within the slopes that the steps allow
    path = aligned(a, b, steps=steps)
    assert np.all(np.diff(path.times, axis=0) > 0)
    np.testing.assert_allclose(path.times[[0, -1]], [[0, 0], [(N - 1) / 100, (M - 1) / 100]], atol=1e-9)
    error = off(path, place)
    assert error.mean() < 4
    assert error.max() < 30
    assert np.diff(path.times, axis=0).max() < 0.2


@pytest.mark.parametrize(("N", "M"), [(33_900, 17_000), (17_000, 33_900)])
def test_a_section_that_rounding_makes_too_long_for_slanted_steps(N, M):
    a = line(N)
    b, _ = warped(a, M)
    path = aligned(a, b, steps="slanted")
    assert np.all(np.diff(path.times, axis=0) > 0)
    np.testing.assert_allclose(path.times[-1], [(N - 1) / 100, (M - 1) / 100], atol=1e-9)


def test_noise_does_not_tear_sections_apart():
    a = line(26_000)
    b, place = warped(a, 23_000)
    rng = np.random.default_rng(1)
    path = aligned(a, b + 0.15 * rng.random(b.shape))
    assert np.all(np.diff(path.times, axis=0) > 0)
    assert off(path, place).mean() < 10


def test_unrelated_versions_still_give_a_path():
    path = aligned(line(18_000, 1), line(12_000, 2))
    assert np.all(np.diff(path.times, axis=0) > 0)
    np.testing.assert_allclose(path.times[-1], [179.99, 119.99], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 200), st.integers(2, 200), st.sampled_from(list(STEPS)), st.sampled_from([None, 0.05, 0.5]))
def test_any_lengths(N, M, steps, band):
    assume(steps == "classic" or max(N, M) - 1 <= 2 * (min(N, M) - 1))
    path = aligned(line(N, 1), line(M, 2), steps=steps, band=band)
    assert np.all(np.diff(path.times, axis=0) > 0)
    np.testing.assert_allclose(path.times[[0, -1]], [[0, 0], [(N - 1) / 100, (M - 1) / 100]], atol=1e-9)


@pytest.mark.parametrize(("N", "M"), [(20, 2000), (2000, 20), (3, 9000), (9000, 3)])
def test_very_unequal_lengths(N, M):
    for method in ("multiscale", "exact"):
        with pytest.raises(
            NoPathError, match=f"cannot join {min(N, M)} and {max(N, M)} frames .more than twice as many"
        ):
            aligned(line(N), line(M, 1), steps="slanted", method=method)
    path = aligned(line(N), line(M, 1))
    assert np.all(np.diff(path.times, axis=0) > 0)
    np.testing.assert_allclose(path.times[[0, -1]], [[0, 0], [(N - 1) / 100, (M - 1) / 100]], atol=1e-9)


@pytest.mark.parametrize("method", ["multiscale", "exact"])
@pytest.mark.parametrize("band", [0.5, 1.0, 2.0])
def test_the_band_holds_the_path(method, band):
    a = line(2000)
    b, _ = warped(a, 1500, bend=0.9)
    free, held = aligned(a, b, method=method), aligned(a, b, method=method, band=band)

    def away(path):
        return np.abs(path["time_b"] - path["time_a"] * 14.99 / 19.99).max()

    assert away(free) > 2
    assert away(held) < band + 0.1


def test_a_wide_band_changes_nothing():
    a = line(800)
    b, _ = warped(a, 700)
    np.testing.assert_allclose(aligned(a, b, band=100.0).times, aligned(a, b).times)


@pytest.mark.parametrize("method", ["multiscale", "exact"])
def test_anchors_in_a_long_version(method):
    a = line(9000)
    b, place = warped(a, 8000)
    frames = np.array([1000, 1010, 4000, 7990])
    anchors = np.stack([place[frames] / 100, frames / 100], axis=1)
    path = align(features(a), features(b), SyncParameters(transpose=0, method=method), anchors).path
    np.testing.assert_allclose(transfer(path, anchors[:, 0]), anchors[:, 1], atol=1e-5)
    assert off(path, place).mean() < 4


def test_anchors_decide_between_repeats():
    verse = line(400, 3)
    a, b = np.concatenate([verse, verse], axis=1), np.concatenate([verse, verse, verse], axis=1)
    path = align(features(a), features(b), PLAIN, [[3.98, 3.98], [4.1, 8.1]]).path
    assert transfer(path, 6.0) == pytest.approx(10.0, abs=0.05)
    assert transfer(path, 2.0) == pytest.approx(2.0, abs=0.05)


def test_exact_alignment_costs_least():
    """The path of frames behind an alignment is the cheapest; a path beside it costs more."""
    a = line(90)
    b, _ = warped(a, 70)
    X, Y = (data / np.linalg.norm(data, axis=0) for data in (a, b))
    path, cost = dtw(X, Y)
    C = cost_matrix(X, Y).astype(float)
    assert dtw_path_cost(C, path, STEPS["classic"], (1, 1, 1)) == pytest.approx(cost, abs=1e-3)
    times = aligned(a, b, method="exact").times * 100
    near = np.abs(times[:, None] - path[None]).max(axis=2).min(axis=1)
    assert near.max() < 1.01


@settings(max_examples=10, deadline=None)
@given(st.integers(200, 500), st.floats(0.5, 2.0), st.integers(0, 100))
def test_both_directions_agree(N, ratio, seed):
    assume(N * ratio > 100)
    a = line(N, seed)
    b, _ = warped(a, round(N * ratio))
    there, back = aligned(a, b), aligned(b, a)
    at = np.linspace(0.2, N / 100 - 0.2, 50)
    assert np.abs(transfer(there, at) - transfer(back, at, 1, 0)).mean() < 0.03


def test_onsets_that_tell_nothing_do_not_lead():
    """Onsets of one version put elsewhere, as the analysis hears them in soft attacks: harmony finds the way."""
    a, b = version("quick"), version("slow")
    rng = np.random.default_rng(0)
    data = b.features.data.copy()
    half = len(data) // 2
    data[half:] = data[half:][rng.permutation(half)][:, rng.permutation(data.shape[1])]
    misled = replace(b.features, data=data)
    weights = SyncParameters().feature_weights
    pairs = [Pair(side(a.features, 0, weights), side(other, 0, weights), PLAIN) for other in (b.features, misled)]
    trusted, mistrusted = (pair.levels[0].a.weights["onset"] / weights["onset"] for pair in pairs)
    assert trusted > 0.5
    assert mistrusted == pytest.approx(0.1)
    assert all(pair.levels[-1].a.weights == weights for pair in pairs)
    path = align(a.features, misled, PLAIN).path
    assert np.median(np.abs(transfer(path, a.beats) - b.beats)) < 0.2
