import numpy as np
import pytest

from mirtool.decomposition.factorization.autoencoder import autoencoder, cost_and_gradients, softplus
from mirtool.decomposition.parameters import FactorizationParameters
from mirtool.errors import DataError


def spectra(K=30, N=200):
    rng = np.random.default_rng(0)
    H = rng.random((3, N)) * (rng.random((3, N)) < 0.4)
    return ((rng.random((K, 3)) ** 6) @ H).astype(np.float32)


def trained(V, **changes):
    return autoencoder(V, FactorizationParameters(**{"rank": 3, "iterations": 100, **changes}))


@pytest.mark.parametrize("sparsity", [0.0, 0.3])
def test_gradients_are_those_of_finite_differences(sparsity):
    rng = np.random.default_rng(1)
    X, A, B = rng.random((7, 5)), rng.normal(size=(5, 3)), rng.normal(size=(3, 5))
    cost, *gradients = cost_and_gradients(X, A, B, sparsity)
    layers = [A, B]
    for place, gradient in enumerate(gradients):
        numeric = np.empty_like(gradient)
        for index in np.ndindex(gradient.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [layer.copy() for layer in layers]
                moved[place][index] += step
                sides.append(cost_and_gradients(X, *moved, sparsity)[0])
            numeric[index] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-5)
    assert cost > 0


def test_softplus():
    x = np.array([-100, -1, 0, 1, 100], np.float32)
    np.testing.assert_allclose(softplus(x), np.logaddexp(0, x), rtol=1e-6, atol=1e-30)


def test_learns_what_the_spectra_are_made_of():
    V = spectra()
    network = trained(V)
    assert network.cost[-1] < 0.1 * network.cost[0]
    assert network.encoded(V).shape == (3, 200)
    assert (network.templates >= 0).all()
    assert (network.encoded(V) >= 0).all()


def test_seeds_and_restarts():
    V = spectra()
    first, again, other = (trained(V, seed=seed, iterations=5) for seed in (1, 1, 2))
    assert first.B.tobytes() == again.B.tobytes() != other.B.tobytes()
    assert trained(V, seed=1, iterations=5, restarts=3).cost[-1] <= first.cost[-1]


def test_the_level_changes_nothing_but_activations():
    V = spectra()
    one, other = trained(V, iterations=5), trained(V * np.float32(1024), iterations=5)
    np.testing.assert_array_equal(one.templates, other.templates)
    np.testing.assert_allclose(one.encoded(V) * 1024, other.encoded(V * np.float32(1024)), rtol=1e-5)


def test_silence_and_what_cannot_be():
    assert np.isfinite(trained(np.zeros((4, 50), np.float32), iterations=0).encoded(np.zeros((4, 50)))).all()
    with pytest.raises(DataError, match="negative"):
        trained(-spectra())
