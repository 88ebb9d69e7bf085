import os

import naive_decomposition as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.nmf import nmf
from mirtool.decomposition.factorization.nmfd import nmfd
from mirtool.decomposition.parameters import FactorizationParameters
from mirtool.errors import DataError, ParameterError

few = settings(max_examples=3 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else 40, deadline=None)
BETAS = st.sampled_from([2.0, 1.0, 0.0, 0.5, 1.5, 3.0, -1.0])


def parameters(**changes):
    return FactorizationParameters(**{"rank": 3, "iterations": 30, "tolerance": 0.0, **changes})


def positive(*shape, seed=0):
    return (np.random.default_rng(seed).random(shape) + 0.01).astype(np.float32)


@compiled
def test_worked_example():
    # FMP, Section 8.3.1: each column is a template, or both together.
    W = np.array([[2, 0], [1, 1], [0, 3]], np.float32)
    H = np.array([[1, 0, 2, 1], [0, 1, 1, 2]], np.float32)
    found = nmf(W @ H, parameters(rank=2, iterations=2000, cost="kl"))
    order = np.argsort(found.W[0])[::-1]
    np.testing.assert_allclose(found.W[:, order], W / W.sum(axis=0), atol=0.02)
    np.testing.assert_allclose(found.W @ found.H, W @ H, atol=0.02)


@few
@given(BETAS, st.integers(1, 4), st.integers(0, 99))
def test_agrees_with_the_definition(beta, length, seed):
    V, W, H = positive(6, 9, seed=seed), positive(6, 2, length, seed=seed + 1), positive(2, 9, seed=seed + 2)
    expected_W, expected_H = naive.factorization_updates(V, W, H, beta, 5)
    expected = naive.convolved(expected_W, expected_H)
    changes = parameters(beta=beta, iterations=5)
    if length == 1:
        found = nmf(V, changes, Start(W[..., 0], H))
        made = found.W @ found.H
    else:
        found = nmfd(V, changes, length, Start(W, H))
        made = naive.convolved(found.W, found.H)
    np.testing.assert_allclose(made, expected, rtol=2e-3)
    np.testing.assert_allclose(found.cost[-1], naive.divergence(V.astype(float), expected, beta), rtol=2e-3)


@few
@given(
    BETAS,
    st.sampled_from([0.0, 0.01, 0.3]),
    st.sampled_from([0.0, 0.1, 3.0]),
    st.integers(1, 4),
    st.sampled_from([1e-6, 1.0, 1e5]),
    st.integers(0, 99),
)
def test_the_cost_never_rises(beta, sparsity, continuity, length, scale, seed):
    V = positive(8, 20, seed=seed) ** 3 * np.float32(scale)
    changes = parameters(beta=beta, sparsity=sparsity, continuity=continuity, seed=seed)
    cost = (nmf(V, changes) if length == 1 else nmfd(V, changes, length)).cost
    assert len(cost) > 5
    assert (np.diff(cost) <= 1e-5 * cost[:-1]).all()


@few
@given(BETAS, st.integers(0, 99), st.booleans())
def test_zeros_stay_zeros_and_no_quotient_is_infinite(beta, seed, sparse):
    V, W, H = positive(6, 12, seed=seed), positive(6, 3, seed=seed + 1), positive(3, 12, seed=seed + 2)
    W[W < 0.3], H[H < 0.6] = 0, 0
    V[:, ::4] = 0
    found = nmf(V, parameters(beta=beta, continuity=0.1 * sparse, sparsity=0.1 * sparse), Start(W, H))
    assert (found.W[W == 0] == 0).all()
    assert (found.H[H == 0] == 0).all()
    assert np.isfinite(found.W).all()
    assert np.isfinite(found.H).all()
    assert (np.diff(found.cost) <= 1e-4 * np.abs(found.cost[:-1])).all()


@compiled
@pytest.mark.parametrize("beta", [2.0, 1.0, 0.5])
def test_recovers_a_matrix_of_low_rank(beta):
    rng = np.random.default_rng(1)
    W, H = rng.random((20, 3)) ** 4, rng.random((3, 50)) ** 4
    V = (W @ H).astype(np.float32)
    found = nmf(V, parameters(beta=beta, iterations=3000, restarts=2))
    assert np.abs(found.W @ found.H - V).max() < 0.02 * V.max()


@compiled
def test_recovers_what_lasts_several_frames():
    rng = np.random.default_rng(3)
    W = rng.random((12, 2, 4)) ** 3
    H = np.zeros((2, 60))
    H[0, ::7], H[1, 3::11] = 1, 0.5
    found = nmfd(naive.convolved(W, H).astype(np.float32), parameters(rank=2, iterations=400, restarts=3), 4)
    order = [0, 1] if found.W[:, 0].ravel() @ W[:, 0].ravel() > found.W[:, 1].ravel() @ W[:, 0].ravel() else [1, 0]
    for r, mine in enumerate(order):
        peaks = np.flatnonzero(found.H[mine] > 0.5 * found.H[mine].max())
        np.testing.assert_array_equal(peaks, np.flatnonzero(H[r]))


def test_fixed_parts_are_not_changed():
    V, W, H = positive(6, 12), positive(6, 3, seed=1), positive(3, 12, seed=2)
    for start in (
        Start(W, H, fixed_templates=True),
        Start(W, H, fixed_activations=True),
        Start(W, H, [True, False, True], [False, False, True]),
    ):
        found = nmf(V, parameters(), start)
        np.testing.assert_array_equal((found.W == W).all(axis=0), np.broadcast_to(np.asarray(start.fixed_templates), 3))
        np.testing.assert_array_equal(
            (found.H == H).all(axis=1), np.broadcast_to(np.asarray(start.fixed_activations), 3)
        )
        assert found.cost[-1] < found.cost[0]
    drums = positive(6, 3, 4, seed=3)
    np.testing.assert_array_equal(nmfd(V, parameters(), 4, Start(drums, fixed_templates=True)).W, drums)


@compiled
@pytest.mark.parametrize("beta", [2.0, 1.0, 0.0])
@pytest.mark.parametrize("length", [1, 3])
def test_same_bytes_whatever_the_number_of_threads(beta, length):
    V = positive(900, 400)
    changes = parameters(beta=beta, iterations=3, sparsity=0.01, continuity=0.01)
    one, two = (
        nmf(V, changes, threads=threads) if length == 1 else nmfd(V, changes, length, threads=threads)
        for threads in (1, 2)
    )
    for name in ("W", "H", "cost"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_seeds():
    V = positive(6, 12)
    first, again, other = (nmf(V, parameters(seed=seed)) for seed in (1, 1, 2))
    assert first.W.tobytes() == again.W.tobytes()
    assert first.W.tobytes() != other.W.tobytes()
    # The first of several beginnings is the only one of one.
    assert nmf(V, parameters(seed=1, restarts=5)).cost[-1] <= first.cost[-1]


@compiled
@pytest.mark.parametrize("scale", [2.0**-90, 2.0**-20, 2.0**90])
def test_the_level_changes_nothing_but_activations(scale):
    V = positive(6, 12)
    for cost, beta in (("kl", 1), ("euclidean", 2)):
        changes = parameters(sparsity=0.1, continuity=0.1, cost=cost)
        one, other = nmf(V, changes), nmf(V * np.float32(scale), changes)
        np.testing.assert_array_equal(one.W, other.W)
        np.testing.assert_array_equal(one.H * np.float32(scale), other.H)
        np.testing.assert_allclose(one.cost * scale**beta, other.cost)


@compiled
def test_sparsity_and_continuity_do_what_they_say():
    V = positive(10, 60) ** 2
    plain, sparse, smooth = (
        nmf(V, parameters(iterations=200, **changes)).H for changes in ({}, {"sparsity": 0.3}, {"continuity": 3.0})
    )

    def sparseness(H):  # Hoyer (2004)
        return (np.sqrt(H[0].size) - H.sum(axis=1) / np.sqrt((H**2).sum(axis=1))).mean() / (np.sqrt(H[0].size) - 1)

    def roughness(H):
        return ((np.diff(H, axis=1) ** 2).sum(axis=1) / (H**2).sum(axis=1)).mean()

    assert sparseness(sparse) > 1.1 * sparseness(plain)
    assert roughness(smooth) < 0.5 * roughness(plain)


@compiled
def test_stops_when_the_cost_falls_slowly():
    V = positive(6, 12)
    counted = []
    cost = nmf(V, parameters(iterations=500, tolerance=1e-3), advance=counted.append).cost
    assert 3 < len(cost) < 300
    assert len(counted) == len(cost) - 1
    falls = -np.diff(cost) / cost[1:]
    assert falls[-1] <= 1e-3
    assert (falls[:-1] > 1e-3).all()


def test_next_to_a_whole_number_beta_is_that():
    V = positive(6, 8)
    for near, whole in ((1e-300, 0.0), (0.9999, 1.0)):
        one, other = (nmf(V, parameters(beta=beta)) for beta in (near, whole))
        np.testing.assert_array_equal(one.W, other.W)


def test_silence_and_single_values():
    found = nmf(np.zeros((5, 7), np.float32), parameters())
    assert not found.H.any()
    assert found.cost.tolist() == [0.0]
    np.testing.assert_allclose(nmf(np.full((1, 1), 4.0), parameters(rank=1, iterations=1)).H, [[4.0]])
    assert nmfd(positive(3, 2), parameters(), 9).W.shape == (3, 3, 9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_values_that_cannot_be(value):
    V = positive(4, 4)
    V[1, 2] = value
    with pytest.raises(DataError, match="negative" if value == -1 else "not finite"):
        nmf(V, parameters())
    with pytest.raises(DataError, match="above 1e"):
        nmf(np.full((3, 3), 1e35), parameters())


def test_beginnings_that_do_not_fit():
    V = positive(6, 12)
    with pytest.raises(DataError, match="the templates are 5 × 3, not 6 × any"):
        nmf(V, parameters(), Start(W=positive(5, 3)))
    with pytest.raises(DataError, match="the activations are 3 × 11, not any × 12"):
        nmf(V, parameters(), Start(H=positive(3, 11)))
    with pytest.raises(DataError, match="3 templates, but 2 activations"):
        nmf(V, parameters(), Start(positive(6, 3), positive(2, 12)))
    with pytest.raises(DataError, match="nothing"):
        nmf(np.zeros((0, 3)), parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 0}, "rank must be at least 1"),
        ({"sparsity": -1.0}, "sparsity lies between 0 and 1e"),
        ({"tolerance": np.nan}, "tolerance lies between"),
        ({"rank": 20_000}, "rank is at most"),
        ({"cost": "l1"}, "no cost l1"),
        ({"cost": "kl", "beta": 0.5}, "the cost kl is β = 1, not 0.5"),
        ({"beta": 9.0}, "β must lie between"),
    ],
)
def test_parameters_outside_their_domain(changes, message):
    with pytest.raises(ParameterError, match=message):
        nmf(positive(4, 4), parameters(**changes))
