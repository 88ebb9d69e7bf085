"""Nonnegative matrix factor deconvolution: templates that last several frames (Smaragdis, ICA 2004).

V(k, n) ≈ Σ_r Σ_t W(k, r, t) H(r, n - t). The T R activations up to a frame lie one after the other in H, frames first,
so that the model is one product: of the windows of H (N × T R, made block by block) and all frames of all templates.

The model is linear in H, and all T terms that an activation takes part in go into one quotient. So the cost does not
rise, as it may with the mean of T separate updates of the paper (Section 3).
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import Factors, Problem, Start, factorize
from mirtool.decomposition.factorization.divergence import Matrix, Scratch
from mirtool.decomposition.factorization.updates import TemplateSums, updated_activations
from mirtool.decomposition.parameters import FactorizationParameters
from mirtool.errors import ParameterError


def nmfd(
    V: NDArray[np.floating],
    parameters: FactorizationParameters,
    length: int,
    start: Start | None = None,
    advance: Callable[[float], None] = lambda _: None,
    threads: int | None = None,
) -> Factors:
    """Factorise a nonnegative matrix into templates over time and activations.

    Parameters
    ----------
    V : ndarray, shape (K, N)
        Not copied if it is float32 and lies frame by frame.
    parameters : FactorizationParameters
    length : int
        Frames T of a template.
    start : Start, optional
        Its W is K × R × T.
    advance : callable
        Is called with 1 after each iteration.
    threads : int, optional
        By default as many as the process may use; the result does not depend on it.

    Returns
    -------
    Factors
        W is K × R × T.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are negative or not finite, or a beginning of another shape.
    """
    if length < 1:
        raise ParameterError(f"templates need at least one frame, not {length}")
    return factorize(V, parameters, start or Start(), length, _Model, advance, threads)


class _Model:
    """The state of a factorisation: all activations are updated before all templates."""

    def __init__(self, problem: Problem, W: Matrix, H: Matrix) -> None:
        self._problem, self.W, self.H = problem, W, H
        self._next_W, self._next_H = W, H
        self._rank = H.shape[1]
        self._length = len(W) // self._rank

    def step(self) -> float:
        problem, W, windows = self._problem, self.W, self._windows(self.H)
        prepared = problem.divergence.prepared(W)

        def activation_terms(number: int, group: list[slice], scratch: Scratch) -> tuple[float, Matrix, Matrix]:
            """Return the cost, and the terms for the frames of the group and the T - 1 before them."""
            total, first = 0.0, group[0].start
            shape = (group[-1].stop - first + self._length - 1, self._rank)
            negatives, positives = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
            for rows in group:
                H = np.ascontiguousarray(windows[rows])
                negative, positive, cost = problem.divergence.by_activations(problem.V[rows], H, W, prepared, scratch)
                total += cost
                self._fold(negative, negatives[rows.start - first :])
                self._fold(np.broadcast_to(positive, negative.shape), positives[rows.start - first :])
            return total, negatives, positives

        shape = (len(self.H) + self._length - 1, self._rank)
        negatives, positives = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        cost = problem.divergence.offset + problem.penalties.cost(W, self.H)
        for group, (part, negative, positive) in zip(
            problem.blocks.groups, problem.blocks.run(activation_terms), strict=True
        ):
            cost += part
            negatives[group[0].start : group[0].start + len(negative)] += negative
            positives[group[0].start : group[0].start + len(positive)] += positive
        if problem.learned_activations.any():
            self._next_H = updated_activations(
                problem,
                problem.penalties.weights(W),
                self.H,
                slice(0, len(self.H)),
                negatives[self._length - 1 :],
                positives[self._length - 1 :],
            )
        if problem.learned_templates.any():
            self._next_W = self._updated_templates()
        return cost

    def accept(self) -> None:
        self.W, self.H = self._next_W, self._next_H

    def _updated_templates(self) -> Matrix:
        problem, windows = self._problem, self._windows(self._next_H)

        def template_terms(number: int, group: list[slice], scratch: Scratch) -> TemplateSums:
            sums = TemplateSums()
            for rows in group:
                H = np.ascontiguousarray(windows[rows])
                sums.add(*problem.divergence.by_templates(problem.V[rows], H, self.W, scratch))
            return sums

        sums = TemplateSums()
        for part in problem.blocks.run(template_terms):
            sums.join(part)
        return sums.updated(problem, self.W, self._next_H)

    def _windows(self, H: Matrix) -> Matrix:
        """Return a view (N × T R) of the activations from T - 1 frames before each frame up to it."""
        padded = np.concatenate((np.zeros((self._length - 1, self._rank), np.float32), H)).ravel()
        return sliding_window_view(padded, self._length * self._rank)[:: self._rank]

    def _fold(self, terms: Matrix, target: Matrix) -> None:
        """Add terms of windows (n × T R) to the frames (n + T - 1 × R at least) that they are of."""
        for place, term in enumerate(np.split(terms, self._length, axis=1)):
            target[place : place + len(terms)] += term
