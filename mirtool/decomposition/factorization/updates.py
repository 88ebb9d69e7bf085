"""The multiplicative updates of activations and templates, in the layouts of the engine."""

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import Problem
from mirtool.decomposition.factorization.divergence import Matrix, multiplier
from mirtool.decomposition.factorization.penalties import Weights, smoothing

_SMALLEST = np.float32(1e-30)  # below, a coefficient becomes 0: arithmetic with denormal numbers is slow


class TemplateSums:
    """The terms of the derivative by W, summed over blocks."""

    def __init__(self) -> None:
        self._negative: Matrix | None = None
        self._positive: Matrix | None = None

    def add(self, negative: Matrix, positive: Matrix) -> None:
        """Add the terms of a block, or of several."""
        if self._negative is None or self._positive is None:
            self._negative, self._positive = negative.copy(), positive.copy()
        else:
            self._negative += negative
            self._positive += positive

    def join(self, other: "TemplateSums") -> None:
        """Add the sums of further blocks."""
        if other._negative is not None and other._positive is not None:
            self.add(other._negative, other._positive)

    def updated(self, problem: Problem, W: Matrix, H: Matrix) -> Matrix:
        """Return the next templates (T R × K), of the present ones and activations (N × R)."""
        if self._negative is None or self._positive is None:
            return W
        positive = problem.divergence.positive(self._positive, W)
        curvature = problem.penalties.template_curvature(W, H)
        new = W * multiplier(problem.divergence.beta, self._negative, positive, curvature)
        return _kept(new, W, np.tile(problem.learned_templates, len(W) // H.shape[1])[:, None])


def updated_activations(
    problem: Problem, weights: Weights, H: Matrix, rows: slice, negative: Matrix, positive: Matrix
) -> Matrix:
    """Return the next activations of some rows of H (N × R), of the terms of the derivative and `Penalties.weights`."""
    linear, quadratic = weights
    if linear is not None:
        positive = positive + linear
    curvature, pull = (None, None) if quadratic is None else smoothing(H, rows, quadratic)
    new = H[rows] * multiplier(problem.divergence.beta, negative, positive, curvature, pull)
    return _kept(new, H[rows], problem.learned_activations)


def _kept(new: Matrix, old: Matrix, learned: NDArray[np.bool_]) -> Matrix:
    """Return the new values where they are learned (broadcasts), without those that are next to nothing."""
    new[new < _SMALLEST] = 0
    return new if learned.all() else np.where(learned, new, old)
