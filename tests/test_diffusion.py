import naive_recurrence as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.retrieval.versions.diffusion import diffused


def symmetric(K, seed):
    scores = np.random.default_rng(seed).random((K, K))
    scores = np.maximum(scores, scores.T)
    np.fill_diagonal(scores, 1)
    return scores


@given(st.integers(2, 7), st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_as_it_is_defined(K, count, seed):
    scores = symmetric(K, seed)
    found = diffused(scores, count)
    np.testing.assert_allclose(found, naive.diffused(scores, min(count, K - 1)), atol=1e-5)
    np.testing.assert_allclose(np.diag(found), 1)
    assert (found == found.T).all()
    assert found.min() >= 0


def test_versions_of_versions_count():
    """Two sets of three pieces; the first and the third of each have less in common than some of different sets."""
    scores = np.full((6, 6), 0.25)
    for first in (0, 3):
        for i, j, score in ((0, 1, 0.8), (1, 2, 0.7), (0, 2, 0.2)):
            scores[first + i, first + j] = scores[first + j, first + i] = score
    np.fill_diagonal(scores, 1)
    found = diffused(scores, 2)
    assert found[0, 2] > 2 * found[:3, 3:].max()
    assert found[3, 5] > 2 * found[:3, 3:].max()


@pytest.mark.parametrize("K", [0, 1])
def test_nothing_to_spread_over(K):
    assert diffused(np.ones((K, K)), 3).tolist() == np.ones((K, K)).tolist()


def test_silence_has_nothing_in_common():
    scores = np.eye(4)
    scores[0, 1] = scores[1, 0] = 0.9
    found = diffused(scores, 2)
    assert found[0, 1] > 0.5
    assert np.isfinite(found).all()


def test_a_neighbourhood_holds_pieces():
    with pytest.raises(ParameterError):
        diffused(np.eye(3), 0)
