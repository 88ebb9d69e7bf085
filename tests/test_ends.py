"""Silence, applause and different beginnings at the ends of versions; excerpts."""

from dataclasses import replace

import numpy as np
import pytest
from performances import RATE, Version, compiled, errors, manner, noise, piece, silence, version

from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import sync_features
from mirtool.sync.align import align
from mirtool.sync.parameters import SyncParameters
from mirtool.types import Audio

pytestmark = compiled

IN_KEY = SyncParameters(transpose=0)


def surrounded(name, lead=None, tail=None):
    """A version with other sound before or behind it."""
    nothing = np.zeros(0, np.float32)
    return replace(version(name), lead=nothing if lead is None else lead, tail=nothing if tail is None else tail)


def cut(whole, begin, end):
    """Features of a part of a version, from begin to end (s), on a time line of its own."""
    part = whole.audio.samples[round(begin * RATE) : round(end * RATE)]
    return sync_features(Audio(part, RATE), SyncFeatureParameters())


def assert_ends(path, a, b):
    np.testing.assert_allclose(path.times[[0, -1]], [[a.times[0], b.times[0]], [a.times[-1], b.times[-1]]], atol=1e-9)
    assert np.all(np.diff(path.times, axis=0) > 0)


@pytest.mark.parametrize("kind", [silence, noise])
@pytest.mark.parametrize("place", ["lead", "tail", "both"])
def test_what_only_one_version_has_is_passed_over(kind, place):
    extra = kind(4.0)
    a = version("quick")
    b = surrounded("slow", None if place == "tail" else extra, None if place == "lead" else extra)
    path = align(a.features, b.features, IN_KEY).path
    assert_ends(path, a.features, b.features)
    assert errors(path, a, b).mean() < 0.02
    back = align(b.features, a.features, IN_KEY).path
    assert errors(back, b, a).mean() < 0.02


@pytest.mark.parametrize("kinds", [(silence, noise), (noise, silence), (noise, noise)])
def test_either_version_has_something_else(kinds):
    a, b = surrounded("quick", tail=kinds[0](3.0)), surrounded("slow", lead=kinds[1](4.0))
    path = align(a.features, b.features, IN_KEY).path
    assert_ends(path, a.features, b.features)
    assert errors(path, a, b).mean() < 0.02


def test_what_was_passed_over_has_no_confidence():
    a, b = version("quick"), surrounded("slow", lead=noise(4.0))
    path = align(a.features, b.features, IN_KEY).path
    before, music = (np.interp(at, path["time_b"], path["confidence"]) for at in (np.arange(0, 3.5, 0.1), b.beats))
    assert before.max() < 0.3
    assert music.mean() > 0.6


def test_applause_pulls_the_path_without_trimming():
    a, b = version("quick"), surrounded("slow", lead=noise(5.0))
    kept = align(a.features, b.features, replace(IN_KEY, trim=False)).path
    trimmed = align(a.features, b.features, IN_KEY).path
    assert_ends(kept, a.features, b.features)
    assert errors(trimmed, a, b).max() < errors(kept, a, b).max()


def test_silence_before_and_behind_is_passed_over_even_where_both_have_it():
    a, b = surrounded("quick", silence(1.0), silence(5.0)), surrounded("slow", silence(5.0), silence(1.0))
    path = align(a.features, b.features, IN_KEY).path
    assert_ends(path, a.features, b.features)
    assert errors(path, a, b).mean() < 0.02


LONG = Version(piece(8), manner(110, 1))


@pytest.mark.parametrize("method", ["multiscale", "exact"])
@pytest.mark.parametrize("turned", [False, True])
def test_one_begins_ten_seconds_later_in_the_piece(method, turned):
    begin = 10.0
    other = Version(piece(8), manner(95, 4), "harpsichord")
    features = cut(other, begin, len(other.audio.samples) / RATE)
    pair = (features, LONG.features) if turned else (LONG.features, features)
    path = align(*pair, replace(IN_KEY, method=method)).path
    assert_ends(path, *pair)
    inside = other.beats > begin + 1
    times = path.times[:, ::-1] if turned else path.times
    off = np.abs(np.interp(LONG.beats[inside], *times.T) - (other.beats[inside] - begin))
    assert np.median(off) < 0.03
    assert off.mean() < 0.1


@pytest.mark.parametrize("steps", ["classic", "slanted"])
@pytest.mark.parametrize("begin", [0.0, 5.0, 8.0])
def test_an_excerpt_is_found(begin, steps):
    other = Version(piece(8), manner(95, 4), "harpsichord")
    end = begin + 8.0
    excerpt = cut(other, begin, end)
    path = align(excerpt, LONG.features, replace(IN_KEY, subsequence=True, steps=steps)).path
    assert path["time_a"][[0, -1]] == pytest.approx([0, excerpt.times[-1]], abs=1e-6)
    assert np.all(np.diff(path.times, axis=0) > 0)
    assert np.all(path["time_b"] < LONG.features.times[-1] + 1)
    inside = (other.beats > begin + 0.5) & (other.beats < end - 0.5)
    off = np.abs(np.interp(other.beats[inside] - begin, *path.times.T) - LONG.beats[inside])
    assert np.median(off) < 0.03
    assert off.mean() < 0.1


def test_an_excerpt_in_another_key():
    higher = Version(piece(8, 2), manner(95, 4))
    excerpt = cut(higher, 6.0, 15.0)
    found = align(excerpt, LONG.features, SyncParameters(subsequence=True))
    assert found.transposition == -2
    inside = (higher.beats > 6.5) & (higher.beats < 14.5)
    off = np.abs(np.interp(higher.beats[inside] - 6.0, *found.path.times.T) - LONG.beats[inside])
    assert off.mean() < 0.1


def test_sound_in_the_middle_is_no_end():
    """What is passed over at an end must not be music that the other version has (the piece repeats itself)."""
    a, b = Version(piece(8), manner(100)), Version(piece(8), manner(85, 4), player="harpsichord")
    samples = a.audio.samples[:, 0]
    place = round(float(a.beats[15]) * RATE)
    broken = Audio(np.concatenate((samples[:place], noise(8.0), samples[place:])), RATE)
    path = align(sync_features(broken, SyncFeatureParameters()), b.features, IN_KEY).path
    times = a.beats + np.where(np.arange(len(a.beats)) < 15, 0.0, 8.0)
    assert np.median(np.abs(np.interp(times, path["time_a"], path["time_b"]) - b.beats)) < 0.05
