"""The models that sound is factorised by: how each is learned, and how learned templates explain further frames."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.autoencoder import autoencoder
from mirtool.decomposition.factorization.descent import Factors, Start
from mirtool.decomposition.factorization.nmf import nmf
from mirtool.decomposition.factorization.nmfd import nmfd
from mirtool.decomposition.parameters import FactorizationParameters

Matrix = NDArray[np.float32]
Advance = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that has been learned.

    Parameters
    ----------
    factors : Factors
    activations : callable
        Takes frames V (K × n) and the beginning of their activations (R × n, or None), and returns these.
    """

    factors: Factors
    activations: Callable[[Matrix, Matrix | None], Matrix]


def fit(
    model: str, V: Matrix, parameters: FactorizationParameters, start: Start, length: int, advance: Advance
) -> Fitted:
    """Learn a model.

    Parameters
    ----------
    model : {"nmf", "nmfd", "autoencoder"}
    V : ndarray, shape (K, N)
    parameters : FactorizationParameters
    start : Start
        Of nmf and nmfd.
    length : int
        Frames T of a template of nmfd.
    advance : callable
        Is called with 1 after each iteration.
    """
    if model == "autoencoder":
        network = autoencoder(V, parameters, advance)
        factors = Factors(network.templates, network.encoded(V), network.cost)
        return Fitted(factors, lambda frames, _: network.encoded(frames))

    def run(frames: Matrix, start: Start, advance: Advance) -> Factors:
        if model == "nmfd":
            return nmfd(frames, parameters, length, start, advance)
        return nmf(frames, parameters, start, advance)

    factors = run(V, start, advance)

    def activations(frames: Matrix, begin: Matrix | None) -> Matrix:
        if begin is None:
            begin = np.full((factors.W.shape[1], frames.shape[1]), max(frames.mean(), 1e-30), np.float32)
        known = replace(start, W=factors.W, H=begin, fixed_templates=True)
        return run(frames, known, lambda _: None).H

    return Fitted(factors, activations)
