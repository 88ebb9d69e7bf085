"""Activations of templates that are known, of sound of any length."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import sections
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.nmfd import nmfd
from mirtool.decomposition.parameters import FactorizationParameters

Matrix = NDArray[np.float32]

BLOCK = 2000  # frames that are factorised together
_SIDE = 3  # templates' lengths of context on either side of a block, whose activations are thrown away


def activations(batches: Iterable[Matrix], W: Matrix, iterations: int) -> Iterator[Matrix]:
    """Find the activations of known templates (NMFD, Kullback-Leibler divergence), block by block.

    They begin all alike, so that what is found depends on nothing but the sound around it.

    Parameters
    ----------
    batches : iterable of ndarray, shape (any, K)
        Frames, consecutive.
    W : ndarray, shape (K, R, T)
    iterations : int

    Yields
    ------
    ndarray, shape (n, R)

    Raises
    ------
    ParameterError
        A negative number of iterations.
    """
    R, T = W.shape[1:]
    side = _SIDE * T
    plan = FactorizationParameters(iterations=iterations, tolerance=0.0)

    def factorised(V: Matrix) -> Matrix:
        H = np.full((R, len(V)), max(float(V.sum()) / (len(V) * R), 1e-30), np.float32)
        return nmfd(V.T, plan, T, Start(W, H, fixed_templates=True)).H.T

    for section in sections(batches, BLOCK, side):
        yield factorised(section.frames)[section.inner]
