"""Sparsity and temporal continuity of activations, so weighted by the norms of templates that no scaling escapes them.

For templates W_r of T frames and K bins and activations h_r the cost grows by

    sparsity √(T K) Σ_r ‖W_r‖₂ ‖h_r‖₁  +  continuity Σ_r ‖W_r‖₂² Σ_n (h_r(n) - h_r(n-1))².

Multiplying W_r and dividing h_r by a number changes nothing: this is the cost with normalised templates of Eggert and
Körner (IJCNN 2004) and Le Roux, Weninger and Hershey (2015), without a constraint. Virtanen (TASLP 2007, Section II-C)
divides the changes by the energy of h_r; here they stand beside a V of mean 1, which makes them as independent of the
level, and lets each term be majorised by a quadratic function.
"""

import math

import numpy as np

from mirtool.decomposition.factorization.divergence import Matrix

Weights = tuple[Matrix | None, Matrix | None]


class Penalties:
    """The penalties, for R components in layouts of the engine: W (T R × K, row t R + r), H (N × R).

    Parameters
    ----------
    sparsity, continuity : float
    rank : int
        R.
    values : int
        T K.
    """

    def __init__(self, sparsity: float, continuity: float, rank: int, values: int) -> None:
        self._sparsity = sparsity * math.sqrt(values)
        self._continuity = continuity
        self._rank = rank

    def cost(self, W: Matrix, H: Matrix) -> float:
        """Return what the penalties add to the cost."""
        cost = 0.0
        if self._sparsity:
            cost += self._sparsity * float(np.sqrt(self._energies(W)) @ H.sum(axis=0, dtype=np.float64))
        if self._continuity:
            cost += self._continuity * float(self._energies(W) @ _roughness(H))
        return cost

    def weights(self, W: Matrix) -> Weights:
        """Return the weights (R,) of the linear and of the quadratic penalty of activations; None for no penalty."""
        energies = self._energies(W)
        linear = np.float32(self._sparsity) * np.sqrt(energies) if self._sparsity else None
        quadratic = np.float32(self._continuity) * energies if self._continuity else None
        return linear, quadratic

    def template_curvature(self, W: Matrix, H: Matrix) -> Matrix | None:
        """Return the curvature (T R × K) that the penalties give to templates; None for no penalty.

        ‖W_r‖₂ is majorised by (‖W_r‖₂² / a + a) / 2, a being its present value.
        """
        if not (self._sparsity or self._continuity):
            return None
        weights = np.zeros(self._rank)
        if self._sparsity:
            norms = np.sqrt(self._energies(W)) + 1e-20
            weights += self._sparsity * H.sum(axis=0, dtype=np.float64) / norms
        if self._continuity:
            weights += 2 * self._continuity * _roughness(H)
        curvature: Matrix = W * np.tile(weights, len(W) // self._rank).astype(np.float32)[:, None]
        return curvature

    def _energies(self, W: Matrix) -> Matrix:
        energies: Matrix = np.square(W).sum(axis=1).reshape(-1, self._rank).sum(axis=0)
        return energies


def smoothing(H: Matrix, rows: slice, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return the curvature and the pull by which the quadratic penalty acts on rows of H (n × R).

    (a - b)² is majorised by 2 (a - m)² + 2 (b - m)², m being the mean of the present values. Beyond both ends H goes on
    as it is.
    """
    begin, stop = rows.start, rows.stop
    here = H[begin:stop]
    before = H[np.maximum(np.arange(begin - 1, stop - 1), 0)]
    after = H[np.minimum(np.arange(begin + 1, stop + 1), len(H) - 1)]
    return 8 * weights * here, 2 * weights * (2 * here + before + after)


def _roughness(H: Matrix) -> np.ndarray:
    """Return the sums of squared changes (R,)."""
    roughness: np.ndarray = np.square(np.diff(H, axis=0)).sum(axis=0, dtype=np.float64)
    return roughness
