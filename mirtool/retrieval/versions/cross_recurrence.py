"""Cross recurrence of two pieces of music, and how long a trace runs through both.

References
----------
.. [1] J. Serrà, E. Gómez, P. Herrera, X. Serra: Chroma binary similarity and local alignment applied to cover song
   identification. IEEE Transactions on Audio, Speech, and Language Processing 16(6), 2008.
.. [2] J. Serrà, X. Serra, R. G. Andrzejak: Cross recurrence quantification for cover song identification. New Journal
   of Physics 11, 093017, 2009.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import RecurrenceParameters
from mirtool.retrieval.versions._recurrence_kernels import longest_trace, similarities, thresholds
from mirtool.retrieval.versions._recurrence_kernels import trace as trace_back
from mirtool.retrieval.versions.features import stretched

Chroma = NDArray[np.float32]
TRANSPOSITIONS = range(-6, 6)
_CELLS = 1 << 25  # of a plot at most (64 MiB): those of 48 minutes with themselves at 2 Hz


@dataclass(frozen=True)
class Match:
    """How alike two pieces are.

    Parameters
    ----------
    score : float
        0 to 1; 1 for a piece and itself.
    transposition : int
        Semitones that are added to the first, -6 to 5.
    tempo_ratio : float
        Duration of the second by that of the first, as one of those that were tried.
    """

    score: float
    transposition: int
    tempo_ratio: float = 1.0


def brought_together(X: Chroma, Y: Chroma, ratio: float) -> tuple[Chroma, Chroma, tuple[float, float]]:
    """Bring two pieces to one tempo, and to as many frames as a plot can have.

    The faster one is slowed down, so that nothing is lost, and it does not matter which of two pieces is the first.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, 12) and (M, 12), float32
    ratio : float
        How many times as long the second lasts for the same music.

    Returns
    -------
    X, Y : ndarray
    factors : tuple of float
        How many frames there are now for one that was given, of either.
    """
    longer = max(ratio, 1.0), max(1 / ratio, 1.0)
    share = min(1.0, math.sqrt(_CELLS / (len(X) * longer[0] * len(Y) * longer[1])))
    factors = longer[0] * share, longer[1] * share
    return stretched(X, factors[0]), stretched(Y, factors[1]), factors


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A cross recurrence plot (Serrà et al. 2009), kept as what decides about its cells.

    Parameters
    ----------
    levels : ndarray, shape (N', M'), uint16
        How alike stacks of frames are.
    of_rows, of_columns : ndarray, shapes (N',) and (M',), uint16
        The level that a cell must reach to hold neighbours.
    parameters : RecurrenceParameters
    """

    levels: NDArray[np.uint16]
    of_rows: NDArray[np.uint16]
    of_columns: NDArray[np.uint16]
    parameters: RecurrenceParameters

    @property
    def plot(self) -> NDArray[np.bool_]:
        """R(i, j): whether i and j are among the nearest neighbours of each other."""
        plot: NDArray[np.bool_] = (self.levels >= self.of_rows[:, None]) & (self.levels >= self.of_columns)
        return plot

    @property
    def q_max(self) -> float:
        """The length of the longest trace, less what its gaps cost (Serrà et al. 2009)."""
        parameters = self.parameters
        gaps = parameters.gap_onset, parameters.gap_extension
        return float(longest_trace(self.levels, self.of_rows, self.of_columns, *gaps))

    @property
    def trace(self) -> NDArray[np.int64]:
        """The neighbours on the longest trace, shape (L, 2): indices i, j, rising."""
        rows, _ = self.levels.shape
        moves, path = np.empty(self.levels.shape, np.uint8), np.empty((rows, 2), np.int64)
        gaps = self.parameters.gap_onset, self.parameters.gap_extension
        size = trace_back(self.levels, self.of_rows, self.of_columns, *gaps, moves, path)
        return path[:size][::-1].copy()


def checked(parameters: RecurrenceParameters) -> RecurrenceParameters:
    """Return the parameters; raise `ParameterError` where one is outside of its domain."""
    if parameters.stack < 1:
        raise ParameterError(f"a stack needs at least one frame, not {parameters.stack}")
    if not 0 < parameters.neighbours <= 1:
        raise ParameterError(f"the share of neighbours must lie above 0 and up to 1, not {parameters.neighbours:g}")
    for cost in (parameters.gap_onset, parameters.gap_extension):
        if not 0 <= cost < math.inf:
            raise ParameterError(f"what a gap costs must not be negative, and finite: not {cost:g}")
    if not 1 <= parameters.transpositions <= 12:
        raise ParameterError(f"1 to 12 transpositions can be tried, not {parameters.transpositions}")
    if parameters.candidates < 1:
        raise ParameterError(f"at least one recording must be compared in full, not {parameters.candidates}")
    ratios = parameters.tempo_ratios
    if not ratios or not all(0.1 <= ratio <= 10 for ratio in ratios):
        raise ParameterError(
            f"ratios of tempo must lie between 0.1 and 10: not {', '.join(map(str, ratios)) or 'none'}"
        )
    return parameters


def cooccurrence(X: Chroma) -> NDArray[np.float64]:
    """Return which pitch classes sound together, shape (12, 12): the mean of x̃ x̃ᵀ, x̃ being x less its mean.

    It tells keys apart that have nearly the same notes, which the mean of the frames does not.
    """
    centred = X.astype(np.float64) - X.mean(axis=1, keepdims=True, dtype=np.float64)
    together: NDArray[np.float64] = centred.T @ centred / len(X)
    return together


@dataclass(frozen=True, eq=False)
class Query:
    """A piece that is compared with others.

    Parameters
    ----------
    frames : ndarray, shape (N, 12), float32
    cooccurrences : ndarray, shape (12, 144)
        `cooccurrence` of the piece in all transpositions, -6 to 5 semitones.
    """

    frames: Chroma
    cooccurrences: NDArray[np.float64]

    @classmethod
    def of(cls, X: Chroma) -> Self:
        """Prepare a piece, shape (N, 12), for comparisons."""
        chords = cooccurrence(X)
        rotated = [np.roll(chords, (shift, shift), axis=(0, 1)).ravel() for shift in TRANSPOSITIONS]
        return cls(X, np.stack(rotated))

    def likely_transpositions(self, Y: Chroma, count: int) -> list[int]:
        """Return by how many semitones it might have to be transposed to be like Y, the likeliest first.

        As the optimal transposition index (Serrà, Gómez and Herrera 2008) ranks the rotations of the mean chroma,
        but by `cooccurrence`; the best `count` of the twelve.
        """
        likeness = np.round(self.cooccurrences @ cooccurrence(Y).ravel(), 9).tolist()
        ranked = sorted(zip(likeness, TRANSPOSITIONS, strict=True), key=lambda item: (-item[0], abs(item[1])))
        return [shift for _, shift in ranked[:count]]


def recurrence(X: Chroma, Y: Chroma, transposition: int, parameters: RecurrenceParameters) -> Recurrence:
    """Compare all moments of two pieces.

    Moments are stacks of m frames (delay coordinates with τ = 1); nearest neighbours are those pairs of moments of
    which each is among the share κ of its own piece that is most like the other. Of frames of norm 1 the most alike are
    the nearest in the Euclidean sense.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, 12) and (M, 12), float32
        Frames of norm 1 without negative values; of silence, 0.
    transposition : int
        Semitones that are added to X.
    parameters : RecurrenceParameters

    Returns
    -------
    Recurrence
        N - m + 1 × M - m + 1; of pieces shorter than a stack, the stack is as long as the shorter.
    """
    stack = min(parameters.stack, len(X), len(Y))
    levels = np.empty((len(X) - stack + 1, len(Y) - stack + 1), np.uint16)
    turned = np.ascontiguousarray(np.roll(Y, -transposition, axis=1).T)
    similarities(np.ascontiguousarray(X), turned, stack, levels)
    rows, columns = levels.shape
    of_rows, of_columns = np.empty(rows, np.uint16), np.empty(columns, np.uint16)
    share = parameters.neighbours
    thresholds(levels, max(1, round(share * columns)), max(1, round(share * rows)), of_rows, of_columns)
    return Recurrence(levels, of_rows, of_columns, parameters)


def match(query: Query, Y: Chroma, parameters: RecurrenceParameters) -> Match:
    """Compare two pieces; of long ones, frames are averaged.

    The score is Qmax / √(N' M') for N' and M' stacks: for one X it falls as the distance √M' / Qmax of the paper
    (Serrà et al. 2009) rises. The best of several transpositions and tempi counts.

    Parameters
    ----------
    query : Query
        At least one frame.
    Y : ndarray, shape (M, 12), float32
        As for `recurrence`.
    parameters : RecurrenceParameters
        They have been `checked`.
    """
    best = Match(-1.0, 0)
    transpositions = query.likely_transpositions(Y, parameters.transpositions)
    for ratio in parameters.tempo_ratios:
        X, Z, _ = brought_together(query.frames, Y, ratio)
        for transposition in transpositions:
            found = recurrence(X, Z, transposition, parameters)
            score = found.q_max / math.sqrt(found.levels.size)
            if score > best.score:
                best = Match(score, transposition, ratio)
    return best
