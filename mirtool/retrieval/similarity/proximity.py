"""How near two pieces are among all others, seen from both sides: distances of several aspects become one score.

Distances of one aspect do not compare with those of another, nor those from one piece with those from another: some
pieces are near to everything (hubs), some to nothing. So the distances of each aspect are counted in standard
deviations from the mean of either piece (distance space normalisation: Pohle et al., ISMIR 2009, Section 4), weighted
and summed; and the score of a pair is the probability that a piece at random is farther away, for one and for the
other (mutual proximity with independent normal distributions: Schnitzer, Flexer, Schedl and Widmer, "Local and global
scaling reduce hubs in space", JMLR 13, 2012, Equation 7).

Means and deviations are those of the distances to some reference pieces, spread evenly over the corpus, as in
Section 4.1 there. Of a small corpus they say little: they are drawn towards those of unlike pieces in general.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import ASPECTS, PROXIMITIES, SimilarityParameters
from mirtool.retrieval.similarity.character import Characters
from mirtool.retrieval.similarity.distances import distances
from mirtool.retrieval.similarity.timbre import Matrix

REFERENCES = 256
# Mean and deviation of the distances between pieces that have nothing in common, with default parameters, and how many
# distances they count for.
USUAL = {"timbre": (4.3, 0.85), "rhythm": (13.5, 5.4), "harmony": (2.0, 0.54)}
USUAL_SUM = 0.7  # deviation of a weighted mean of aspects
PRIOR = 5.0
_BLOCK = 1024  # pieces


@dataclass(frozen=True, eq=False)
class Spread:
    """Mean and standard deviation of the distances from each of N pieces.

    Parameters
    ----------
    mean, deviation : ndarray, shape (N,)
    """

    mean: Matrix
    deviation: Matrix

    @staticmethod
    def of(values: Matrix, counted: NDArray[np.bool_], usual: tuple[float, float]) -> "Spread":
        """Estimate it from distances to references (N × R), as far as they are counted, and from what is usual."""
        mean, deviation = usual
        number = counted.sum(axis=1) + PRIOR
        average = (np.where(counted, values, 0).sum(axis=1) + PRIOR * mean) / number
        squares = np.where(counted, (values - average[:, None]) ** 2, 0).sum(axis=1)
        squares += PRIOR * (deviation**2 + (mean - average) ** 2)
        return Spread(average, np.sqrt(squares / number))


Spreads = dict[str, Spread]  # by aspect
_SUM = "sum"  # of all aspects, which has a spread of its own


class Neighbourhood:
    """How near pieces are to each other among others.

    Parameters
    ----------
    references : Characters
        The others, or those that stand for them (`reference_places`).
    parameters : SimilarityParameters

    Raises
    ------
    ParameterError
        Weights that are negative, all 0 or not one an aspect, or no such proximity.
    """

    def __init__(self, references: Characters, parameters: SimilarityParameters) -> None:
        self._weights = weights_of(parameters)
        self._references = references
        self._mutual = parameters.proximity == "mutual"
        if self._mutual and len(references):
            self._reference_spreads = _spreads(*self._to_references(references))

    def scores(self, a: Characters, b: Characters) -> Matrix:
        """Return how near pieces are to each other (N × M): 1 for the same, 0 for the farthest."""
        found = np.zeros((len(a), len(b)))
        if not found.size or (self._mutual and not len(self._references)):
            return found
        spread = self._spread_of(a) if self._mutual else {}
        for first in range(0, len(b), _BLOCK):
            block = slice(first, first + _BLOCK)
            some = b[block]
            if self._mutual:
                found[:, block] = self._mutual_proximity(a, spread, some, self._spread_of(some))
            else:
                found[:, block] = np.exp(-self._plain(a, some))
        return found

    def _plain(self, a: Characters, b: Characters) -> Matrix:
        """Return weighted means of the distances, each in parts of the usual one."""
        total: Matrix = np.zeros((len(a), len(b)))
        for name, weight in self._weights.items():
            total += weight / USUAL[name][0] * distances(a, b, name)
        return total

    def _mutual_proximity(self, a: Characters, spread: Spreads, b: Characters, other: Spreads) -> Matrix:
        apart = {name: distances(a, b, name) for name in self._weights}
        total = self._total(apart, spread, other)
        least = self._total({name: np.zeros(()) for name in self._weights}, spread, other)
        one, two = (
            _farther((total - mean) / deviation) / _farther((least - mean) / deviation)
            for mean, deviation in (
                (spread[_SUM].mean[:, None], spread[_SUM].deviation[:, None]),
                (other[_SUM].mean, other[_SUM].deviation),
            )
        )
        near: Matrix = np.minimum(one * two, 1)
        return near

    def _total(self, apart: dict[str, Matrix], spread: Spreads, other: Spreads) -> Matrix:
        """Return the weighted mean of the distances, counted in deviations from either side."""
        total: Matrix = np.zeros(())
        for name, weight in self._weights.items():
            one, two = spread[name], other[name]
            left = (apart[name] - one.mean[:, None]) / one.deviation[:, None]
            total = total + 0.5 * weight * (left + (apart[name] - two.mean) / two.deviation)
        return total

    def _to_references(self, pieces: Characters) -> tuple[dict[str, Matrix], NDArray[np.bool_]]:
        """Return the distances of pieces to the references by aspect, and which of them count."""
        apart = {name: distances(pieces, self._references, name) for name in self._weights}
        return apart, _differ(pieces, self._references)

    def _spread_of(self, pieces: Characters) -> Spreads:
        """Return the spreads from pieces, also that of the sum."""
        apart, counted = self._to_references(pieces)
        spreads = _spreads(apart, counted)
        total = self._total(apart, spreads, self._reference_spreads)
        return {**spreads, _SUM: Spread.of(total, counted, (0.0, USUAL_SUM))}


def reference_places(count: int) -> NDArray[np.intp]:
    """Return which of `count` pieces stand for all: as many as `REFERENCES` at most, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, REFERENCES)).round().astype(np.intp))


def weights_of(parameters: SimilarityParameters) -> dict[str, float]:
    """Return the aspects that count, each with its share of 1.

    Raises
    ------
    ParameterError
        Weights that are negative, all 0 or not one an aspect, or no such proximity.
    """
    weights = parameters.weights
    if len(weights) != len(ASPECTS) or min(weights) < 0 or not 0 < sum(weights) < np.inf:
        raise ParameterError(
            f"weights are {len(ASPECTS)} numbers, for {', '.join(ASPECTS)}, not negative and not all 0"
        )
    if parameters.proximity not in PROXIMITIES:
        raise ParameterError(f"no proximity {parameters.proximity} (there are: {', '.join(PROXIMITIES)})")
    total = sum(weights)
    return {name: weight / total for name, weight in zip(ASPECTS, weights, strict=True) if weight > 0}


def _spreads(apart: dict[str, Matrix], counted: NDArray[np.bool_]) -> Spreads:
    return {name: Spread.of(values, counted, USUAL[name]) for name, values in apart.items()}


def _differ(a: Characters, b: Characters) -> NDArray[np.bool_]:
    """Tell which pairs of pieces are not one and the same, shape (N, M); others do not agree in two numbers exactly."""
    differ: NDArray[np.bool_] = a.mean[:, :1] != b.mean[:, 0]
    differ |= a.rhythm[:, :1] != b.rhythm[:, 0]
    return differ


def _farther(deviations: Matrix) -> Matrix:
    """Return the probability that a normal variable is larger than so many deviations above its mean."""
    from scipy.special import ndtr

    return np.asarray(ndtr(-deviations))
