"""Masks: which share of each bin of a spectrogram belongs to which part (FMP, Section 8.1.1.3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.parameters import MASKS, MaskParameters
from mirtool.errors import ParameterError
from mirtool.types import Stems

Matrix = NDArray[np.float32]  # frames × bins

_LEAST = np.float32(1e-30)  # energy far below any sound: where there is no more, parts share alike
_MOST = 1e30  # weight of what stands against a part: with more, nothing times it would be no number


@dataclass(frozen=True)
class MaskStream:
    """The masks of parts on one grid of time and frequency; frame n is centred at n / feature_rate seconds.

    Parameters
    ----------
    size : int
        Samples of the transform: bin k lies at k · sample_rate / size.
    hop : int
        Samples from one frame to the next.
    make : callable
        Starts from the beginning; what it returns yields, for consecutive frames, one mask (frames × bins) a part.
    provenance : mapping
        As in `Features`.
    """

    size: int
    hop: int
    make: Callable[[], Iterator[tuple[Matrix, ...]]]
    provenance: Mapping[str, Any] = field(default_factory=dict)


class Masked(Stems, Protocol):
    """Parts that masks on one grid make: what every separation gives."""

    @property
    def masks(self) -> MaskStream:
        """A mask of each part, in the order of their names."""
        ...


def check(parameters: MaskParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if parameters.mask not in (None, *MASKS):
        raise ParameterError(f"no mask {parameters.mask} (there are: {', '.join(MASKS)})")
    if not 0 < parameters.power <= 100:
        raise ParameterError(f"the power of a mask lies above 0 and up to 100, not at {parameters.power:g}")


def masks(energies: Sequence[Matrix], parameters: MaskParameters, margin: float = 1.0) -> tuple[Matrix, ...]:
    """Make a mask of each part from estimates of their energies.

    With margin 1 the masks sum to 1; where there is no energy, parts share alike (binary: the first takes all). With a
    margin β the magnitude of a part stands against β times that of the others: nothing that is larger by less than
    that counts in full, and what the masks leave is nobody's (Driedger, Müller, Disch, ISMIR 2014, Equations 5 and 6).

    Parameters
    ----------
    energies : sequence of ndarray, shape (frames, bins)
        Squared magnitudes, one a part.
    parameters : MaskParameters
    margin : float
        β, at least 1.

    Returns
    -------
    tuple of ndarray, shape (frames, bins)
        From 0 to 1.
    """
    if parameters.mask == "binary":
        return tuple(_binary(energies, place, margin) for place in range(len(energies)))
    power = parameters.power if parameters.mask == "soft" else 2.0
    if power != 2:
        # relative to the largest of them, so that no power of a very small or large number is left without digits
        largest = np.maximum.reduce(energies)
        largest += _LEAST
        energies = [(energy / largest) ** np.float32(power / 2) for energy in energies]
    total: Matrix = sum(energies[1:], start=energies[0] + _LEAST)
    if margin == 1:
        share = np.float32(_LEAST / len(energies))
        return tuple((energy + share) / total for energy in energies)
    others = np.float32(min(margin**power, _MOST))
    return tuple(np.divide(energy, energy + (total - energy) * others) for energy in energies)


def remaining(masks: Sequence[Matrix]) -> Matrix:
    """Return what masks leave of 1, nowhere less than 0."""
    left: Matrix = np.maximum(np.float32(1) - np.add.reduce(masks), np.float32(0))
    return left


def _binary(energies: Sequence[Matrix], place: int, margin: float) -> Matrix:
    """Return 1 where a part is larger than β times any other (margin 1: the first of the largest), else 0."""
    own, factor = energies[place], np.float32(margin * margin)
    mask = np.ones(own.shape, dtype=bool)
    for other, energy in enumerate(energies):
        if other != place:
            mask &= own >= energy if margin == 1 and other > place else own > factor * energy
    return mask.astype(np.float32)
