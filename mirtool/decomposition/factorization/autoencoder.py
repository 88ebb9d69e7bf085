"""The nonnegative autoencoder: a factorisation whose activations are computed from the spectra by one more layer.

Smaragdis and Venkataramani, A neural network alternative to non-negative audio models, ICASSP 2017: with the softplus
function g, H = g(A X) and X ≈ g(B H), trained on the input itself to make its Kullback-Leibler divergence from the
output small. The rows of A and the columns of B may have any sign; what B adds where it is positive are the templates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import check, frames_first, level
from mirtool.decomposition.factorization.divergence import Matrix
from mirtool.decomposition.parameters import FactorizationParameters

_LEVEL = 8  # of spectra in training: large values are where softplus is linear, small ones where it bends
_BATCH = 32  # frames of a step
_STEP, _LEAST_STEP = 0.1, 0.005  # halved where the cost does not fall any more
_PATIENCE = 10  # epochs over which it must
_FADE, _SPREAD = 0.9, 0.999  # β₁ and β₂ of Adam (Kingma and Ba 2015, Algorithm 1)
_TINY = np.float32(1e-8)
_FLOOR = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained autoencoder.

    Parameters
    ----------
    A : ndarray, shape (K, R)
        Weights from spectra to activations.
    B : ndarray, shape (R, K)
        Weights from activations to spectra.
    unit : float
        What spectra are divided by.
    cost : ndarray, shape (epochs,)
    """

    A: Matrix
    B: Matrix
    unit: float
    cost: NDArray[np.float64]

    def encoded(self, V: Matrix) -> Matrix:
        """Return the activations (R × N) of spectra (K × N)."""
        H: Matrix = softplus(V.T @ self.A / np.float32(self.unit)).T
        return H * np.float32(self.unit)

    @property
    def templates(self) -> Matrix:
        """What a component adds to the spectra (K × R)."""
        W: Matrix = np.maximum(self.B, 0).T
        return W


def softplus(x: Matrix) -> Matrix:
    """Return g(x) = log(1 + exp(x))."""
    return _softplus(x)[0]


def _softplus(x: Matrix) -> tuple[Matrix, Matrix]:
    """Return g(x) and its derivative, the logistic function."""
    faint = np.exp(-np.abs(x))
    slope: Matrix = np.where(x >= 0, x.dtype.type(1), faint) / (1 + faint)
    return np.maximum(x, 0) + np.log1p(faint), slope


def cost_and_gradients(X: Matrix, A: Matrix, B: Matrix, sparsity: float) -> tuple[float, Matrix, Matrix]:
    """Return the cost of a batch of spectra, and its derivatives by both layers.

    The cost is Σ x log(x/y) - x + y, y being the output, and sparsity √K Σ_r ‖B_r‖₂ ‖h_r‖₁, which no scaling escapes.

    Parameters
    ----------
    X : ndarray, shape (n, K)
    A : ndarray, shape (K, R)
    B : ndarray, shape (R, K)
    sparsity : float

    Returns
    -------
    cost : float
    by_A, by_B : ndarray
    """
    H, inner_slope = _softplus(X @ A)
    Y, outer_slope = _softplus(H @ B)
    x, y = X + _FLOOR, Y + _FLOOR
    cost = float((x * np.log(x / y) - x + y).sum(dtype=np.float64))
    by_outer = (1 - x / y) * outer_slope
    by_B, by_H = H.T @ by_outer, by_outer @ B.T
    if sparsity:
        weight = X.dtype.type(sparsity * np.sqrt(X.shape[1]))
        norms, sums = np.sqrt(np.square(B).sum(axis=1)) + _TINY, H.sum(axis=0)
        cost += float(weight * (norms @ sums))
        by_B += weight * (sums / norms)[:, None] * B
        by_H += weight * norms
    return cost, X.T @ (by_H * inner_slope), by_B


def autoencoder(
    V: Matrix, parameters: FactorizationParameters, advance: Callable[[float], None] = lambda _: None
) -> Network:
    """Train an autoencoder on nonnegative spectra.

    Parameters
    ----------
    V : ndarray, shape (K, N)
    parameters : FactorizationParameters
        `rank`, `iterations` (epochs, one at least), `tolerance`, `sparsity`, `restarts` and `seed` count.
    advance : callable
        Is called with 1 after each epoch.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are negative or not finite.
    """
    check(parameters)
    X = frames_first(V)
    unit = (level(X) or 1.0) / _LEVEL
    best: Network | None = None
    for restart in range(parameters.restarts):
        found = _trained(X, unit, parameters, np.random.default_rng((parameters.seed, restart)), advance)
        if best is None or found.cost[-1] < best.cost[-1]:
            best = found
    assert best is not None
    return best


def _trained(
    X: Matrix,
    unit: float,
    parameters: FactorizationParameters,
    rng: np.random.Generator,
    advance: Callable[[float], None],
) -> Network:
    (N, K), rank = X.shape, parameters.rank
    # Layers are held so scaled that their values are about 1, which is what the steps of Adam are made for.
    scales = np.float32(1 / K), np.float32(1 / rank)
    layers = [2 * rng.random((K, rank), dtype=np.float32), 2 * rng.random((rank, K), dtype=np.float32)]
    steps, step, checked = [_Adam(layer) for layer in layers], _STEP, 0
    trace: list[float] = []
    for epoch in range(max(parameters.iterations, 1)):
        order, total = rng.permutation(N), 0.0
        for first in range(0, N, _BATCH):
            batch = X[order[first : first + _BATCH]] / np.float32(unit)
            A, B = (layer * scale for layer, scale in zip(layers, scales, strict=True))
            cost, *gradients = cost_and_gradients(batch, A, B, parameters.sparsity)
            total += cost
            for adam, layer, gradient, scale in zip(steps, layers, gradients, scales, strict=True):
                adam.take(layer, gradient * scale, step)
        trace.append(total)
        advance(1)
        if epoch - checked >= _PATIENCE and trace[-1 - _PATIENCE] - total <= _PATIENCE * parameters.tolerance * total:
            step, checked = step / 2, epoch
            if step < _LEAST_STEP:
                break
    A, B = (layer * scale for layer, scale in zip(layers, scales, strict=True))
    return Network(A, B, unit, np.array(trace) * unit)


class _Adam:
    """Steps of Adam for one layer."""

    def __init__(self, layer: Matrix) -> None:
        self._mean, self._square, self._count = np.zeros_like(layer), np.zeros_like(layer), 0

    def take(self, layer: Matrix, gradient: Matrix, step: float) -> None:
        """Change a layer in place."""
        self._count += 1
        self._mean += np.float32(1 - _FADE) * (gradient - self._mean)
        self._square += np.float32(1 - _SPREAD) * (gradient * gradient - self._square)
        mean = self._mean / np.float32(1 - _FADE**self._count)
        spread = np.sqrt(self._square / np.float32(1 - _SPREAD**self._count)) + _TINY
        layer -= np.float32(step) * mean / spread
