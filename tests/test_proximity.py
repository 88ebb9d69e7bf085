"""Distances of pieces, and how near they are among others."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import ASPECTS, SimilarityParameters
from mirtool.retrieval.similarity import proximity
from mirtool.retrieval.similarity.character import Characters
from mirtool.retrieval.similarity.distances import distances, euclidean
from mirtool.retrieval.similarity.maps import scaled
from mirtool.retrieval.similarity.proximity import (
    PRIOR,
    USUAL,
    USUAL_SUM,
    Neighbourhood,
    Spread,
    reference_places,
    weights_of,
)
from mirtool.retrieval.similarity.timbre import Gaussians, divergences


def pieces(count, seed=0, d=3, r=6, h=5):
    """Return random characters."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(count, d, d))
    return Characters(
        rng.normal(size=(count, d)).astype(np.float32),
        (factors @ factors.transpose(0, 2, 1) + 0.3 * np.eye(d)).astype(np.float32),
        rng.normal(size=(count, r)).astype(np.float32),
        rng.normal(size=(count, h)).astype(np.float32),
    )


def kullback_leibler(mean_a, covariance_a, mean_b, covariance_b):
    inverse = np.linalg.inv(covariance_b)
    difference = mean_b - mean_a
    logarithm = np.linalg.slogdet(covariance_b)[1] - np.linalg.slogdet(covariance_a)[1]
    return 0.5 * (np.trace(inverse @ covariance_a) + difference @ inverse @ difference - len(mean_a) + logarithm)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_divergences_are_the_sum_of_both_ways(seed, d):
    a, b = pieces(3, seed, d), pieces(2, seed + 1, d)
    found = divergences(Gaussians.of(a.mean, a.covariance), Gaussians.of(b.mean, b.covariance))
    for i in range(3):
        for j in range(2):
            one = a.mean[i].astype(float), a.covariance[i].astype(float)
            two = b.mean[j].astype(float), b.covariance[j].astype(float)
            expected = kullback_leibler(*one, *two) + kullback_leibler(*two, *one)
            assert found[i, j] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_divergence_of_two_numbers():
    """KL both ways of N(0, 1) and N(3, 4): ½ (1/4 + 4 + 9 (1 + 1/4)) - 1."""
    a, b = (
        Gaussians.of(np.array([[m]], np.float32), np.array([[[v]]], np.float32)) for m, v in ((0.0, 1.0), (3.0, 4.0))
    )
    assert divergences(a, b)[0, 0] == pytest.approx(0.5 * (0.25 + 4 + 9 * 1.25) - 1)
    assert divergences(a, a)[0, 0] == 0


def test_distances_are_symmetric_and_0_for_the_same():
    some = pieces(5)
    for aspect in ASPECTS:
        D = distances(some, some, aspect)
        assert_allclose(D, D.T, atol=1e-9)
        assert_allclose(np.diag(D), 0, atol=1e-6)
    expected = np.linalg.norm(some.rhythm[:, None].astype(float) - some.rhythm, axis=2)
    assert_allclose(euclidean(some.rhythm, some.rhythm), expected, atol=1e-6)


def test_spread_is_drawn_towards_what_is_usual():
    values = np.array([[1.0, 2.0, 6.0, 99.0], [0.0, 0.0, 0.0, 0.0]])
    counted = np.array([[True, True, True, False], [False] * 4])
    spread = Spread.of(values, counted, (4.0, 2.0))
    mean = (9 + PRIOR * 4) / (3 + PRIOR)
    squares = sum((v - mean) ** 2 for v in (1, 2, 6)) + PRIOR * (4 + (4 - mean) ** 2)
    assert_allclose(spread.mean, [mean, 4.0])
    assert_allclose(spread.deviation, [math.sqrt(squares / (3 + PRIOR)), 2.0])


def naive_scores(corpus, weights):
    """Return mutual proximities in the words of the papers, a pair at a time."""
    N = len(corpus)
    D = {a: distances(corpus, corpus, a) for a in ASPECTS}
    others = [[j for j in range(N) if j != i] for i in range(N)]

    def spread(values, usual):
        weight = len(values) + PRIOR
        mean = (sum(values) + PRIOR * usual[0]) / weight
        squares = sum((v - mean) ** 2 for v in values) + PRIOR * (usual[1] ** 2 + (usual[0] - mean) ** 2)
        return mean, math.sqrt(squares / weight)

    spreads = {a: [spread([D[a][i, j] for j in others[i]], USUAL[a]) for i in range(N)] for a in ASPECTS}

    def total(i, j, same=False):
        parts = []
        for a, w in zip(ASPECTS, weights, strict=True):
            d = 0 if same else D[a][i, j]
            parts.append(w * sum((d - m) / s for m, s in (spreads[a][i], spreads[a][j])) / 2)
        return sum(parts) / sum(weights)

    sums = [spread([total(i, j) for j in others[i]], (0.0, USUAL_SUM)) for i in range(N)]

    def farther(i, j, side):
        mean, deviation = sums[side]
        tail = [0.5 * math.erfc((total(i, j, same) - mean) / deviation / math.sqrt(2)) for same in (False, True)]
        return tail[0] / tail[1]

    return np.array([[farther(i, j, i) * farther(i, j, j) for j in range(N)] for i in range(N)])


@pytest.mark.parametrize("weights", [(2.0, 1.0, 1.0), (0.0, 1.0, 3.0)])
def test_scores_are_those_of_a_pair_at_a_time(weights, monkeypatch):
    monkeypatch.setattr(proximity, "_BLOCK", 3)
    corpus = pieces(8)
    found = Neighbourhood(corpus, SimilarityParameters(weights)).scores(corpus, corpus)
    assert_allclose(found, np.minimum(naive_scores(corpus, weights), 1), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("way", proximity.PROXIMITIES)
def test_scores_lie_between_0_and_1_which_the_same_has(way):
    corpus = pieces(40)
    parameters = SimilarityParameters(proximity=way)
    S = Neighbourhood(corpus, parameters).scores(corpus, corpus)
    assert_allclose(np.diag(S), 1, atol=1e-6)
    assert_allclose(S, S.T, atol=1e-9)
    assert S.min() >= 0
    assert S.max() <= 1


def test_a_query_among_the_corpus_has_the_scores_of_its_row():
    corpus = pieces(30)
    near = Neighbourhood(corpus, SimilarityParameters())
    assert_allclose(near.scores(corpus[4:5], corpus)[0], near.scores(corpus, corpus)[4], rtol=1e-6)


def test_references_are_spread_over_a_large_corpus():
    corpus = pieces(400)
    places = reference_places(400)
    assert len(places) == proximity.REFERENCES
    assert set(np.diff(places)) <= {1, 2}
    assert_array_equal(reference_places(3), [0, 1, 2])
    assert_array_equal(reference_places(1), [0])
    assert len(reference_places(0)) == 0
    every, some = (Neighbourhood(corpus[where], SimilarityParameters()) for where in (slice(None), places))
    assert_allclose(every.scores(corpus[:1], corpus), some.scores(corpus[:1], corpus), atol=0.1)


def test_fewer_hubs():
    """In many dimensions a few points are near to most; seen from both sides they are not."""
    rng = np.random.default_rng(0)
    plain = pieces(300)
    corpus = Characters(plain.mean, plain.covariance, rng.normal(size=(300, 60)).astype(np.float32), plain.harmony)
    occurrences = {}
    for way in proximity.PROXIMITIES:
        S = Neighbourhood(corpus, SimilarityParameters((0.0, 1.0, 0.0), way)).scores(corpus, corpus)
        np.fill_diagonal(S, -1)
        occurrences[way] = np.bincount(np.argsort(-S, axis=1)[:, :5].ravel(), minlength=300)
    assert occurrences["mutual"].max() < 0.6 * occurrences["none"].max()
    assert occurrences["mutual"].std() < 0.6 * occurrences["none"].std()


def test_one_piece_and_none():
    one = Neighbourhood(pieces(1), SimilarityParameters()).scores(pieces(3, 1), pieces(1))
    assert one.shape == (3, 1)
    assert np.isfinite(one).all()
    empty = Characters.of({})
    assert Neighbourhood(empty, SimilarityParameters()).scores(pieces(2), empty).shape == (2, 0)
    assert len(Characters.joined([empty])) == 0
    assert len(Characters.joined([pieces(2), empty, pieces(1)])) == 3


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, -1.0), (0.0, 0.0, 0.0), (math.nan, 1.0, 1.0)])
def test_weights_that_are_none(weights):
    with pytest.raises(ParameterError, match="for timbre, rhythm, harmony"):
        weights_of(SimilarityParameters(weights))


def test_no_such_proximity():
    with pytest.raises(ParameterError, match="no proximity far"):
        weights_of(SimilarityParameters(proximity="far"))


def test_a_map_of_places_in_a_plane_keeps_their_distances():
    points = np.random.default_rng(0).normal(size=(7, 2))
    D = np.linalg.norm(points[:, None] - points, axis=2)
    places = scaled(D)
    assert_allclose(np.linalg.norm(places[:, None] - places, axis=2), D, atol=1e-9)
    assert_array_equal(scaled(np.zeros((1, 1))), [[0, 0]])
    assert (places.max(axis=0) == np.abs(places).max(axis=0)).all()
