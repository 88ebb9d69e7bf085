import math
from dataclasses import replace

import naive_retrieval as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled
from test_spectral_peaks import music

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import FingerprintParameters, RecognitionParameters
from mirtool.retrieval.recognition import chance, landmark_search
from mirtool.retrieval.recognition._landmark_kernels import best_offsets
from mirtool.retrieval.recognition.fingerprints import fingerprint
from mirtool.retrieval.recognition.landmark_search import LONGEST, query_density, search, warps
from mirtool.retrieval.recognition.peaks import RATE, joined, peaks
from mirtool.types import Audio

PARAMETERS = FingerprintParameters()
TRACKS = [music(25, seed) for seed in range(6)]


@pytest.fixture(scope="module")
def lists():
    """Return two lists of two tracks each; the last two tracks are in none."""
    prints = [fingerprint(Audio(track, RATE), PARAMETERS) for track in TRACKS[:4]]
    return [naive.TrackList(prints[:2], LONGEST), naive.TrackList(prints[2:], LONGEST)]


def found(lists, sound, **changes):
    query, frames = peaks(Audio(sound.astype(np.float32), RATE), query_density(PARAMETERS))
    return search(query, frames, lists, PARAMETERS, RecognitionParameters(**changes))


def excerpt(track, begin=8.0, seconds=6.0):
    return TRACKS[track][round(begin * RATE) : round((begin + seconds) * RATE)]


def stretched(sound, speed):
    """Return what runs faster, and is higher."""
    times = np.arange(0, len(sound) - 1, speed)
    return np.interp(times, np.arange(len(sound)), sound)


def test_votes_for_one_place_count_together():
    offsets, numbers = np.array([[5, 0], [6, 1], [6, 1], [7, 2], [30, 0], [48, 1], [49, 2]]).T
    best = np.empty((4, 5))
    used = best_offsets(offsets << 2 | numbers, 2, 2, np.full(3, 2.0), np.zeros(4), np.array([0, 40, 80]), 1.0, best)
    assert best[:used].tolist() == [[6.0, 3.0, 0.0, 5.0, 7.0], [4.0, 2.0, 1.0, 48.0, 49.0]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 4)), min_size=1, max_size=25),
    st.integers(0, 4),
    st.sampled_from([0.02, 0.1, 1.0]),
)
def test_places_are_those_of_the_definition(votes, width, density):
    weights, gains = np.array([1.0, 2.5, 0.75, 3.1, 1.9]), np.array([0.0, -1.0, -1.3, -1.1, -1.2, -1.4])
    limits = np.array([0, 7, 30, 60])
    packed = np.sort([offset << 3 | number for offset, number in votes])
    best = np.empty((4, 5))
    used = best_offsets(packed, 3, width, weights, gains, limits, density, best)
    expected = naive.best_windows(votes, width, weights, gains, limits, density)
    np.testing.assert_allclose([row[:1] for row in best[:used]], [row[:1] for row in expected], rtol=1e-12)
    assert sorted(best[:used, 2]) == sorted(row[2] for row in expected)


def test_evidence_is_the_likelihood_ratio():
    counts, frames, width = np.array([4, 20, 1]), 1000, 3
    p = 1 - np.exp(-counts * width / frames)
    q = np.array((0.001, 0.003, 0.01, 0.03, 0.1, 0.3))
    there = np.array([True, False, True])
    expected = np.log(np.mean([np.prod(np.where(there, s / p, (1 - s) / (1 - p))) for s in q]))
    evidence = chance.weights(counts, frames, width)[there].sum() + chance.gains(counts, frames, width)[2]
    assert evidence == pytest.approx(expected)


def test_chance_gives_much_evidence_as_rarely_as_it_is_said():
    rng = np.random.default_rng(1)
    counts, frames, width = rng.integers(1, 400, 300), 10000, 3
    weights, gains = chance.weights(counts, frames, width), chance.gains(counts, frames, width)
    there = rng.random((20000, 300)) < 1 - np.exp(-counts * width / frames)
    evidence = there @ weights + gains[there.sum(axis=1)]
    for x in (1.0, 2.0, 4.0):
        assert np.mean(evidence > x) < math.exp(-x)


def test_confidence_falls_with_the_length_of_the_index():
    # exp(-120 / 13) = 9.798e-5
    assert chance.confidence(120.0, 1.0) == pytest.approx(1 - 9.798e-5, abs=1e-7)
    assert chance.confidence(120.0, 1000.0) == pytest.approx(1 - 0.09798, abs=1e-4)
    assert chance.confidence(120.0, 1e6) == 0.0


@compiled
@pytest.mark.parametrize("track", range(4))
def test_a_clean_excerpt_is_found_where_it_is(lists, track):
    (hit,) = found(lists, excerpt(track))
    assert (hit.segment, hit.track) == divmod(track, 2)
    assert hit.start == pytest.approx(8.0, abs=0.02)
    assert hit.speed == hit.pitch == 1.0
    assert hit.confidence > 0.9999
    assert hit.score > 0.4
    assert np.median(hit.pairs[:, 1] - hit.pairs[:, 0]) == pytest.approx(8.0, abs=0.03)


@compiled
@pytest.mark.parametrize(
    "change",
    [
        lambda sound: sound + np.random.default_rng(0).normal(size=len(sound)) * np.sqrt(np.mean(sound**2)),
        lambda sound: sound + excerpt(5)[: len(sound)] * 0.5,
        lambda sound: np.clip(sound, -0.03, 0.03),
        lambda sound: np.diff(sound),
        lambda sound: np.round(sound * 100) / 32768,
    ],
    ids=["noise of the same power", "other music", "clipped", "equalised", "quiet"],
)
def test_a_changed_excerpt_is_found(lists, change):
    hit = found(lists, change(excerpt(1)))[0]
    assert (hit.segment, hit.track) == (0, 1)
    assert hit.start == pytest.approx(8.0, abs=0.05)


@compiled
@pytest.mark.parametrize("speed", [0.95, 0.973, 1.01, 1.05])
def test_another_speed_is_told(lists, speed):
    hit = found(lists, stretched(excerpt(2), speed))[0]
    assert (hit.segment, hit.track) == (1, 0)
    assert hit.speed == pytest.approx(speed, abs=0.003)
    assert hit.pitch == hit.speed
    assert hit.start == pytest.approx(8.0, abs=0.1)
    assert found(lists, stretched(excerpt(2), 1.04), speed_range=0.0) == []


@compiled
def test_triplets_find_other_speeds_too():
    parameters = FingerprintParameters(method="triplets")
    lists = [naive.TrackList([fingerprint(Audio(track, RATE), parameters) for track in TRACKS[:2]], LONGEST)]
    for speed in (1.0, 1.04):
        query, frames = peaks(Audio(stretched(excerpt(1), speed).astype(np.float32), RATE), query_density(parameters))
        (hit,) = search(query, frames, lists, parameters, RecognitionParameters())
        assert hit.track == 1
        assert hit.speed == pytest.approx(speed, abs=0.003)
        assert hit.start == pytest.approx(8.0, abs=0.1)


@compiled
def test_strangers_get_no_answer(lists):
    noise = np.random.default_rng(0).normal(size=5 * RATE)
    for sound in (excerpt(4), excerpt(5), noise, np.zeros(RATE), np.zeros(0)):
        assert found(lists, sound) == []


@compiled
def test_removed_tracks_are_not_found(lists):
    removed = naive.TrackList([], LONGEST)
    removed.__dict__.update(vars(lists[0]), live=np.array([True, False]))
    assert found([removed], excerpt(0))
    assert found([removed], excerpt(1)) == []


@compiled
def test_the_beginning_of_a_query_may_lie_before_the_track(lists):
    silence = np.zeros(3 * RATE, np.float32)
    (hit,) = found(lists, np.concatenate((silence, TRACKS[3][: 5 * RATE])))
    assert hit.start == pytest.approx(-3.0, abs=0.02)


@compiled
def test_a_long_query_is_found(lists):
    noise = np.random.default_rng(0).normal(size=20 * RATE) * 0.01
    (hit,) = found(lists, np.concatenate((noise, TRACKS[3])))
    assert (hit.segment, hit.track) == (1, 1)
    assert hit.start == pytest.approx(-20.0, abs=0.03)


def test_an_empty_index_gives_no_answer():
    assert found([], excerpt(0, seconds=1.0)) == []
    assert found([naive.TrackList([], LONGEST)], excerpt(0, seconds=1.0)) == []


def test_speeds():
    assert [(w.speed, w.pitch) for w in warps(1.5)] == [(0.99, 0.99), (1.01, 1.01), (0.99, 1.0), (1.01, 1.0)]
    assert warps(0.0) == []


@pytest.mark.parametrize(
    ("changes", "message"), [({"min_confidence": 1.5}, "between 0 and 1"), ({"speed_range": -1.0}, "between 0 and 50")]
)
def test_what_cannot_be(changes, message):
    with pytest.raises(ParameterError, match=message):
        search(joined([]), 0, [], PARAMETERS, replace(RecognitionParameters(), **changes))


def test_many_places_are_looked_up_in_steps(lists, monkeypatch):
    expected = found(lists, excerpt(1))
    assert expected
    monkeypatch.setattr(landmark_search, "_PLACES_AT_ONCE", 50)
    for one, other in zip(found(lists, excerpt(1)), expected, strict=True):
        assert (one.segment, one.track, one.start, one.evidence) == (
            other.segment,
            other.track,
            other.start,
            other.evidence,
        )
        assert np.array_equal(one.pairs, other.pairs)
