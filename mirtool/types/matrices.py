"""Matrices over time: features, and what they are the product of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types.freezing import frozen

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Features:
    """A matrix over time (or a matrix of templates), with what is needed to read it without its maker.

    Parameters
    ----------
    data : ndarray, shape (K, N), float32 or complex64
        Frame n is centred at `start + n / feature_rate` seconds. A curve is 1 × N. Templates may have three dimensions.
    feature_rate : float or None
        Frames per second (Hz); None for a matrix without time.
    kind : str
        Such as ``chroma``, ``dlnco``, ``novelty``.
    dims : tuple of str
        Names of the dimensions, such as ``("chroma", "time")``.
    axis : tuple of str or of float
        Names or numbers of the rows.
    start : float
        Time of frame 0 (s).
    unit : str
        Of the values; empty for none.
    provenance : mapping
        Tool, version and resolved parameters; never paths, dates or hosts.
    """

    data: NDArray[Any]
    feature_rate: float | None
    kind: str = ""
    dims: tuple[str, ...] = ("feature", "time")
    axis: tuple[str, ...] | tuple[float, ...] = ()
    start: float = 0.0
    unit: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        data = np.atleast_2d(data).astype(np.complex64 if np.iscomplexobj(data) else np.float32, copy=False)
        object.__setattr__(self, "data", frozen(data))

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.data.shape[-1])

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames (s), shape (N,)."""
        if self.feature_rate is None:
            raise DataError(f"a {self.kind or 'matrix'} without a time axis")
        return self.start + np.arange(self.frames) / self.feature_rate


def pair_matrix(values: NDArray[Any], names: Sequence[str], kind: str = "similarity") -> Features:
    """Name the rows and columns of a matrix of all pairs of files.

    Parameters
    ----------
    values : array_like, shape (N, N)
        Row i, column j: of files i and j.
    names : sequence of str
        Of the files.
    kind : str
    """
    return Features(values, None, kind, dims=("file", "file"), axis=tuple(names))


@dataclass(frozen=True, eq=False)
class Factorization:
    """A matrix as a sum of components, V ≈ WH: what each is (its template), and when it sounds (its activation).

    Parameters
    ----------
    templates : ndarray, shape (K, R) or (K, R, T), float32
        W: one column a component, or T of them, one after the other in time (NMFD).
    activations : ndarray, shape (R, N), float32
        H: frame n is centred at `start + n / feature_rate` seconds.
    feature_rate : float or None
        Frames per second (Hz); None for a matrix without time.
    start : float
        Time of frame 0 (s).
    axis : tuple of str or of float
        Names or numbers of the rows of W.
    dim : str
        What those rows are.
    labels : tuple of str
        Names of the components; by default 1 … R.

    Raises
    ------
    DataError
        The shapes do not go together.
    """

    templates: NDArray[np.float32]
    activations: NDArray[np.float32]
    feature_rate: float | None
    start: float = 0.0
    axis: tuple[str, ...] | tuple[float, ...] = ()
    dim: str = "frequency"
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        W, H = np.asarray(self.templates, np.float32), np.asarray(self.activations, np.float32)
        if W.ndim not in (2, 3) or H.ndim != 2 or W.shape[1] != H.shape[0]:
            raise DataError(f"templates {W.shape} and activations {H.shape} do not go together")
        for name, given, wanted in (("rows", self.axis, W.shape[0]), ("components", self.labels, W.shape[1])):
            if len(given) not in (0, wanted):
                raise DataError(f"{len(given)} names for {wanted} {name}")
        object.__setattr__(self, "templates", frozen(W))
        object.__setattr__(self, "activations", frozen(H))
        if not self.labels:
            object.__setattr__(self, "labels", tuple(str(r + 1) for r in range(W.shape[1])))

    @property
    def rank(self) -> int:
        """Number of components R."""
        return int(self.templates.shape[1])

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.activations.shape[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames (s), shape (N,)."""
        return self.activation_features().times

    def product(self, first: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Return the frames from `first` to before `stop` of WH, shape (K, stop - first).

        With T columns a template, frame n is Σ_t W(:, :, t) H(:, n - t).
        """
        W, H = self.templates, self.activations
        stop = self.frames if stop is None else min(stop, self.frames)
        if W.ndim == 2:
            return W @ H[:, first:stop]
        result = np.zeros((W.shape[0], max(stop - first, 0)), np.float32)
        for t in range(W.shape[2]):
            moved = H[:, max(first - t, 0) : max(stop - t, 0)]
            result[:, result.shape[1] - moved.shape[1] :] += W[:, :, t] @ moved
        return result

    def template_features(self) -> Features:
        """Return W as features: K × R without time, or K × R × T at the rate of the frames."""
        plain = self.templates.ndim == 2
        dims = (self.dim, "component") if plain else (self.dim, "component", "time")
        return Features(self.templates, None if plain else self.feature_rate, "templates", dims, self.axis)

    def activation_features(self) -> Features:
        """Return H as features: R × N, with the names of the components as its rows."""
        dims = ("component", "time")
        return Features(self.activations, self.feature_rate, "activations", dims, self.labels, self.start)
