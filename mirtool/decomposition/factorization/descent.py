"""What the factorisations share: beginnings, scales, the loop of iterations, restarts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.decomposition.factorization.divergence import Divergence, Matrix, divergence
from mirtool.decomposition.factorization.parallel import Blocks
from mirtool.decomposition.factorization.penalties import Penalties
from mirtool.decomposition.parameters import COSTS, FactorizationParameters
from mirtool.errors import DataError, ParameterError

_LARGEST = 1e30  # values whose sums float32 still holds
_HEAVIEST, _HIGHEST_RANK = 1e6, 10_000
_LEAST_BETA = 1e-3  # next to β = 0 and 1 the cost is a small difference of large numbers


@dataclass(frozen=True, eq=False)
class Start:
    """Where a factorisation begins, and which of it stays as it is.

    Parameters
    ----------
    W : ndarray, shape (K, R), or (K, R, T) for convolutive templates, optional
        Drawn at random where it is not given. Zeros stay zeros.
    H : ndarray, shape (R, N), optional
    fixed_templates, fixed_activations : ndarray of bool, shape (R,), or bool
        Components whose templates or activations are not changed.
    """

    W: NDArray[np.floating] | None = None
    H: NDArray[np.floating] | None = None
    fixed_templates: ArrayLike = False
    fixed_activations: ArrayLike = False


@dataclass(frozen=True, eq=False)
class Factors:
    """A factorisation.

    Parameters
    ----------
    W : ndarray, shape (K, R) or (K, R, T), float32
        Templates; where both were learned they sum to 1.
    H : ndarray, shape (R, N), float32
    cost : ndarray, shape (iterations + 1,), float64
        With penalties, from the beginning to the end.
    """

    W: Matrix
    H: Matrix
    cost: NDArray[np.float64]


class Model(Protocol):
    """A factorisation on its way down, in the layouts of the engine.

    Attributes
    ----------
    W : ndarray, shape (T R, K)
        Row t R + r holds frame T - 1 - t of template r, so that the T R values of H up to a frame, which lie one after
        the other, are the weights of its rows.
    H : ndarray, shape (N, R)
    """

    W: Matrix
    H: Matrix

    def step(self) -> float:
        """Compute the next state beside the present one; return the cost of the present one."""

    def accept(self) -> None:
        """Go to the next state."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What the states of a factorisation have in common.

    Parameters
    ----------
    V : ndarray, shape (N, K)
    learned_templates, learned_activations : ndarray of bool, shape (R,)
    divergence : Divergence
    penalties : Penalties
    blocks : Blocks
    """

    V: Matrix
    learned_templates: NDArray[np.bool_]
    learned_activations: NDArray[np.bool_]
    divergence: Divergence
    penalties: Penalties
    blocks: Blocks


def factorize(
    V: NDArray[np.floating],
    parameters: FactorizationParameters,
    start: Start,
    length: int | None,
    make: Callable[[Problem, Matrix, Matrix], Model],
    advance: Callable[[float], None],
    threads: int | None,
) -> Factors:
    """Prepare a factorisation, descend from each beginning, and return the best; see `nmf.nmf`.

    Parameters
    ----------
    length : int or None
        T; None for templates of two dimensions, in `start` and in the result.
    make : callable
        Takes the problem, W and H, and returns a model.
    """
    beta, frames = check(parameters), frames_first(V)
    N, K = frames.shape
    T, two = length or 1, length is None
    W, H = given(start.W, (K, None) if two else (K, None, T), "templates"), given(start.H, (None, N), "activations")
    rank = W.shape[1] if W is not None else H.shape[0] if H is not None else parameters.rank
    if H is not None and len(H) != rank:
        raise DataError(f"{rank} templates, but {len(H)} activations")
    unit = level(frames)
    W = None if W is None else np.ascontiguousarray(W.reshape(K, rank, T).transpose(2, 1, 0)[::-1]).reshape(-1, K)
    H = None if H is None else np.ascontiguousarray(H.T) / np.float32(unit or 1)
    draw = partial(drawn, W, H, (T, K, N), rank)
    free_W = ~np.broadcast_to(np.asarray(start.fixed_templates, bool), (rank,))
    free_H = ~np.broadcast_to(np.asarray(start.fixed_activations, bool), (rank,))
    if unit == 0:
        W, H = draw(np.random.default_rng((parameters.seed, 0)))
        H[:, free_H] = 0
        trace = np.zeros(1)
    else:
        measure = divergence(beta, np.float32(1 / unit), frames)
        penalties = Penalties(parameters.sparsity, parameters.continuity, rank, T * K)
        with Blocks(N, K, T * rank, threads) as blocks:
            problem = Problem(frames, free_W, free_H, measure, penalties, blocks)
            W, H, trace = _best(parameters, lambda rng: make(problem, *draw(rng)), advance)
    templates = W.reshape(T, rank, K)[::-1].transpose(2, 1, 0)
    templates, activations = normalized(templates, H.T * np.float32(unit or 1), free_W & free_H)
    return Factors(templates[..., 0] if two else templates, activations, trace * unit**beta)


def _best(
    parameters: FactorizationParameters,
    begin: Callable[[np.random.Generator], Model],
    advance: Callable[[float], None],
) -> tuple[Matrix, Matrix, NDArray[np.float64]]:
    """Descend from each beginning; return W, H and the costs of the one that gets lowest, the first of equals."""
    best: tuple[Matrix, Matrix, NDArray[np.float64]] | None = None
    for restart in range(parameters.restarts):
        model = begin(np.random.default_rng((parameters.seed, restart)))
        trace = descend(model, parameters.iterations, parameters.tolerance, advance)
        if best is None or trace[-1] < best[2][-1]:
            best = model.W, model.H, trace
    assert best is not None  # there is one beginning at least
    return best


def normalized(W: Matrix, H: Matrix, free: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    """Let the free templates sum to 1, and their activations make up for it."""
    sums = W.sum(axis=(0, 2))
    factors: Matrix = np.where(free & (sums > 0), sums, np.float32(1))[:, None]
    return W / factors, H * factors


def descend(model: Model, iterations: int, tolerance: float, advance: Callable[[float], None]) -> NDArray[np.float64]:
    """Iterate until the cost falls by less than `tolerance` of itself; return the cost of each state."""
    trace = [model.step()]
    for _ in range(iterations):
        model.accept()
        trace.append(model.step())
        advance(1)
        if trace[-2] - trace[-1] <= tolerance * trace[-1]:
            break
    return np.array(trace)


def check(parameters: FactorizationParameters) -> float:
    """Return β, or raise `ParameterError` where a parameter is outside its domain."""
    for name in ("sparsity", "continuity", "tolerance"):
        value = getattr(parameters, name)
        if not 0 <= value <= _HEAVIEST:
            raise ParameterError(f"the {name} lies between 0 and {_HEAVIEST:g}, not at {value:g}")
    for name, least in (("rank", 1), ("iterations", 0), ("restarts", 1), ("seed", 0)):
        value = getattr(parameters, name)
        if value < least:
            raise ParameterError(f"the {name} must be at least {least}, not {value}")
    if parameters.rank > _HIGHEST_RANK:
        raise ParameterError(f"the rank is at most {_HIGHEST_RANK}, not {parameters.rank}")
    named = None if parameters.cost is None else COSTS.get(parameters.cost)
    if parameters.cost is not None and named is None:
        raise ParameterError(f"no cost {parameters.cost} (there are: {', '.join(COSTS)})")
    if parameters.beta is None:
        return COSTS["kl"] if named is None else named
    if named is not None and named != parameters.beta:
        raise ParameterError(f"the cost {parameters.cost} is β = {named:g}, not {parameters.beta:g}")
    if not -2 <= parameters.beta <= 4:
        raise ParameterError(f"β must lie between -2 and 4, not {parameters.beta:g}")
    nearest = float(round(parameters.beta))
    return nearest if abs(parameters.beta - nearest) < _LEAST_BETA else parameters.beta


def frames_first(V: NDArray[np.floating]) -> Matrix:
    """Return V (K × N) as N × K, float32, contiguous; without a copy where it lies so.

    Raises
    ------
    DataError
        A value is negative or not finite, or there is none.
    """
    if V.ndim != 2 or not V.size:
        raise DataError("there is nothing to factorise")
    frames: Matrix = np.ascontiguousarray(V.T, dtype=np.float32)
    least, most = frames.min(), frames.max()
    if not (math.isfinite(least) and math.isfinite(most)):
        raise DataError("the matrix holds values that are not finite numbers")
    if least < 0:
        raise DataError("the matrix holds negative values")
    if most > _LARGEST:
        raise DataError(f"the matrix holds values above {_LARGEST:g}")
    return frames


def level(V: Matrix) -> float:
    """Return the power of two nearest to the mean of V, 0 for silence: dividing by it loses nothing."""
    mean = float(V.mean(dtype=np.float64))
    return 0.0 if mean == 0 else 2.0 ** min(max(round(math.log2(mean)), -100), 100)


def given(values: NDArray[np.floating] | None, shape: tuple[int | None, ...], name: str) -> Matrix | None:
    """Return a given beginning as float32, or raise `DataError` if it is no nonnegative matrix of this shape."""
    if values is None:
        return None
    matrix: Matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != len(shape) or any(
        want not in (None, have) for want, have in zip(shape, matrix.shape, strict=True)
    ):
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise DataError(f"the {name} are {' × '.join(map(str, matrix.shape))}, not {wanted}")
    if not (np.isfinite(matrix).all() and (matrix >= 0).all()):
        raise DataError(f"the {name} hold values that are negative or not finite")
    return matrix


def drawn(
    W: Matrix | None, H: Matrix | None, shape: tuple[int, int, int], rank: int, rng: np.random.Generator
) -> tuple[Matrix, Matrix]:
    """Fill what is not given at random, such that the mean of W H is about 1.

    Parameters
    ----------
    W : ndarray, shape (T R, K), optional
    H : ndarray, shape (N, R), optional
    shape : tuple of int
        T, K, N.
    rank : int
        R.
    rng : Generator

    Returns
    -------
    W, H : ndarray
        Newly made.
    """
    T, K, N = shape
    W = W.copy() if W is not None else 1 - rng.random((T * rank, K), dtype=np.float32)
    if H is not None:
        return W, H.copy()
    sums = W.sum(axis=1).reshape(T, rank).sum(axis=0)
    H = 1 - rng.random((N, rank), dtype=np.float32)
    H *= np.divide(2 * K / rank, sums, out=np.ones_like(sums), where=sums > 0)
    return W, H
