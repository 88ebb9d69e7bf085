"""Nonnegative matrix factorisation V ≈ W H (FMP, Section 8.3; Févotte and Idier, Neural Computation 2011).

V lies frames first and is read block by block: the products of a block, the quotients between them and the update of
its activations happen while it is in the cache. Sums over blocks are added in one order for any number of threads.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import Factors, Problem, Start, factorize
from mirtool.decomposition.factorization.divergence import Matrix, Scratch
from mirtool.decomposition.factorization.updates import TemplateSums, updated_activations
from mirtool.decomposition.parameters import FactorizationParameters


def nmf(
    V: NDArray[np.floating],
    parameters: FactorizationParameters,
    start: Start | None = None,
    advance: Callable[[float], None] = lambda _: None,
    threads: int | None = None,
) -> Factors:
    """Factorise a nonnegative matrix.

    Parameters
    ----------
    V : ndarray, shape (K, N)
        Not copied if it is float32 and lies frame by frame (the transpose of a contiguous N × K array).
    parameters : FactorizationParameters
        `rank` counts where the beginning gives neither W nor H.
    start : Start, optional
        By default all is random, and learned.
    advance : callable
        Is called with 1 after each iteration.
    threads : int, optional
        By default as many as the process may use; the result does not depend on it.

    Returns
    -------
    Factors
        W is K × R.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are negative or not finite, or a beginning of another shape.
    """
    return factorize(V, parameters, start or Start(), None, _Model, advance, threads)


class _Model:
    """The state of a factorisation: the activations of a block are updated before it adds to the sums for W."""

    def __init__(self, problem: Problem, W: Matrix, H: Matrix) -> None:
        self._problem, self.W, self.H = problem, W, H
        self._next_W, self._next_H = W, H.copy()
        self._learn_W, self._learn_H = bool(problem.learned_templates.any()), bool(problem.learned_activations.any())

    def step(self) -> float:
        problem, W = self._problem, self.W
        prepared, weights = problem.divergence.prepared(W), problem.penalties.weights(W)

        def work(_: int, group: list[slice], scratch: Scratch) -> tuple[float, TemplateSums]:
            total, sums = 0.0, TemplateSums()
            for rows in group:
                V, H = problem.V[rows], self.H[rows]
                negative, positive, cost = problem.divergence.by_activations(V, H, W, prepared, scratch)
                total += cost
                if self._learn_H:
                    H = updated_activations(problem, weights, self.H, rows, negative, positive)
                    self._next_H[rows] = H
                if self._learn_W:
                    sums.add(*problem.divergence.by_templates(V, H, W, scratch))
            return total, sums

        cost, sums = problem.divergence.offset + problem.penalties.cost(W, self.H), TemplateSums()
        for part, group_sums in problem.blocks.run(work):
            cost += part
            sums.join(group_sums)
        self._next_W = sums.updated(problem, W, self._next_H)
        return cost

    def accept(self) -> None:
        self.W = self._next_W
        self.H, self._next_H = self._next_H, self.H
