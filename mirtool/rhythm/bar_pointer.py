"""The bar pointer: a hidden Markov model of tempo and position in the bar.

Whiteley, Cemgil and Godsill (ISMIR 2006), with the state space of Krebs, Böck and Widmer (ISMIR 2015): a beat of τ
frames has τ states, one for each frame, and the tempo changes between beats only. It knows nothing of sound: it takes
the log-likelihoods of a few classes of observations at every frame.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm._bar_pointer_kernels import ANY, FREE, Space, finish, forward, move, restrict, trace, weigh
from mirtool.rhythm.parameters import BarPointerParameters

MOST_TEMPI = 256  # a back-pointer is a byte
_BLOCK = 1 << 16  # frames that are added up at a time
_WHOLE = 1 << 23  # bytes of back-pointers that may be kept without looking for the best size of sections


@dataclass(frozen=True, eq=False)
class Observation:
    """Which class of observations a state has: the beat is divided into runs.

    Parameters
    ----------
    shares : tuple of float
        Where each run begins, in beats; the first is 0.
    rows : tuple of tuple of int
        For each beat of a bar the class of each run. The last row holds for all further beats, so that one
        description does for bars of any length.
    """

    shares: tuple[float, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 1 + max(max(row) for row in self.rows)


def near_the_beat(share: float = 1 / 16, *, downbeats: bool = False) -> Observation:
    """Return the classes of Böck, Krebs and Widmer (ISMIR 2014): a share of each beat is the beat, the rest is not.

    Classes: 0 beat, 1 no beat; with downbeats 0 beat, 1 no beat, 2 downbeat.
    """
    return Observation((0.0, share), ((2, 1), (0, 1)) if downbeats else ((0, 1),))


def positions(count: int, beats: int = 1) -> Observation:
    """Return classes by position, as in Krebs, Böck and Widmer (ISMIR 2013): `count` equal parts for each beat.

    Parameters
    ----------
    count : int
        Parts of a beat.
    beats : int
        Beats that have classes of their own; in longer bars the last one's are repeated.
    """
    rows = tuple(tuple(range(b * count, (b + 1) * count)) for b in range(beats))
    return Observation(tuple(k / count for k in range(count)), rows)


@dataclass(frozen=True, eq=False)
class StateSpace:
    """The states, how they follow each other, and which class of observations each has.

    Parameters
    ----------
    kernel : Space
        Its arrays.
    initial : ndarray, shape (B, M)
        Log-probability of each state of a beat and tempo at frame 0.
    feature_rate : float
        Hz.
    observation : Observation
    """

    kernel: Space
    initial: NDArray[np.float64]
    feature_rate: float
    observation: Observation

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Length of a beat at each tempo (frames), increasing."""
        return self.kernel.intervals

    @property
    def positions(self) -> NDArray[np.int64]:
        """Position in its bar of each beat, from 1."""
        return self.kernel.positions

    @property
    def states(self) -> int:
        """Number of states."""
        return int(self.positions.size * self.intervals.sum())


def state_space(
    parameters: BarPointerParameters,
    feature_rate: float,
    observation: Observation | None = None,
    beats_per_bar: Sequence[int] = (1,),
    log_prior: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> StateSpace:
    """Lay out the states.

    Parameters
    ----------
    parameters : BarPointerParameters
    feature_rate : float
        Frames per second (Hz).
    observation : Observation, optional
        By default `near_the_beat`.
    beats_per_bar : sequence of int
        Kinds of bars; 1 tracks beats alone.
    log_prior : callable, optional
        From tempi (BPM) to the logarithm of how likely each is; it counts at every beat.

    Returns
    -------
    StateSpace

    Raises
    ------
    ParameterError
        A tempo range that is empty or holds too many tempi at this rate; a number of beats below 1.
    """
    observation = observation or near_the_beat()
    intervals = _intervals(parameters, feature_rate)
    if not beats_per_bar or min(beats_per_bar) < 1 or max(beats_per_bar) > 64:
        raise ParameterError("a bar has 1 to 64 beats")
    bars = sorted(set(beats_per_bar))
    last = np.cumsum(bars) - 1
    position = np.concatenate([np.arange(1, beats + 1) for beats in bars])
    shares = np.array([*observation.shares, 1.0])
    prior = np.zeros(intervals.size) if log_prior is None else log_prior(60 * feature_rate / intervals)
    space = Space(
        intervals=intervals,
        bounds=np.ceil(np.multiply.outer(intervals, shares) - 1e-9).astype(np.int64),
        classes=np.array(observation.rows, dtype=np.int64),
        kinds=np.minimum(position, len(observation.rows)) - 1,
        positions=position,
        first=last - np.array(bars) + 1,
        last=last,
        tempo_change=_tempo_change(intervals, parameters.steadiness) + prior,
        bar_change=_bar_change(len(bars), parameters.bar_change),
    )
    initial = np.full((position.size, intervals.size), -math.log(position.size * intervals.sum())) + prior
    return StateSpace(space, initial, feature_rate, observation)


def _intervals(parameters: BarPointerParameters, feature_rate: float) -> NDArray[np.int64]:
    slowest, fastest = parameters.range
    if not 0 < slowest <= fastest < math.inf:
        raise ParameterError(f"no tempo lies in the range {slowest:g} to {fastest:g}")
    if not 0 < feature_rate < math.inf:
        raise ParameterError(f"the feature rate must be positive, not {feature_rate:g}")
    shortest, longest = math.ceil(60 * feature_rate / fastest - 1e-9), math.floor(60 * feature_rate / slowest + 1e-9)
    if not 1 <= shortest <= longest:
        raise ParameterError(
            f"no beat of {slowest:g} to {fastest:g} BPM lasts a whole number of frames at {feature_rate:g} Hz"
        )
    count = longest - shortest + 1 if parameters.tempi is None else parameters.tempi
    if count < 1:
        raise ParameterError(f"at least one tempo is needed, not {count}")
    if count > MOST_TEMPI:
        raise ParameterError(
            f"{count} tempi from {slowest:g} to {fastest:g} BPM at {feature_rate:g} Hz are too many: "
            f"at most {MOST_TEMPI} (a narrower range, or fewer tempi)"
        )
    if parameters.tempi is None:
        return np.arange(shortest, longest + 1, dtype=np.int64)
    return np.unique(np.rint(np.geomspace(shortest, longest, count)).astype(np.int64))


def _tempo_change(intervals: NDArray[np.int64], steadiness: float) -> NDArray[np.float64]:
    """Return log f(τ_i, τ_j) = -λ |τ_j / τ_i - 1|, normalised over j: the tempo model of Krebs 2015."""
    if not 0 <= steadiness < math.inf:
        raise ParameterError(f"the steadiness must not be negative, not {steadiness:g}")
    weight = -steadiness * np.abs(intervals[None, :] / intervals[:, None] - 1)
    normalised: NDArray[np.float64] = weight - np.log(np.exp(weight).sum(axis=1, keepdims=True))
    return normalised


def _bar_change(kinds: int, probability: float) -> NDArray[np.float64]:
    if not 0 <= probability < 1:
        raise ParameterError(f"a probability lies from 0 to 1, not {probability:g}")
    if kinds == 1:
        return np.zeros((1, 1))
    change = np.full((kinds, kinds), probability / (kinds - 1))
    np.fill_diagonal(change, 1 - probability)
    with np.errstate(divide="ignore"):
        log_probability: NDArray[np.float64] = np.log(change)
    return log_probability


@dataclass(frozen=True, eq=False)
class BeatPath:
    """The most probable path.

    Parameters
    ----------
    frames : ndarray, shape (K,), int64
        Where the beats begin, increasing. The first may be negative: the beat that is under way at frame 0.
    beats : ndarray, shape (K,), int64
        Position of each in its bar, from 1.
    intervals : ndarray, shape (K,), int64
        Length of each (frames); the last one may reach beyond the end.
    bars : ndarray, shape (K,), int64
        Beats in the bar of each.
    log_probability : float
        Of path and observations.
    """

    frames: NDArray[np.int64]
    beats: NDArray[np.int64]
    intervals: NDArray[np.int64]
    bars: NDArray[np.int64]
    log_probability: float


def viterbi(log_likelihoods: ArrayLike, space: StateSpace, fixed: Mapping[int, int] | None = None) -> BeatPath:
    """Find the most probable path through the states.

    Back-pointers are kept for beginnings of beats only, and in long inputs for one section at a time: at the start of
    each section the scores are kept, so that they can be computed again on the way back.

    Parameters
    ----------
    log_likelihoods : array_like, shape (N, C), real
        Of each class of observations at every frame.
    space : StateSpace
    fixed : mapping of int to int, optional
        Frames at which a beat must begin, and its position in the bar (0: any).

    Returns
    -------
    BeatPath

    Raises
    ------
    DataError
        Log-likelihoods that are not finite, or not of as many classes as the space has.
    ParameterError
        No path leads through all fixed beats.
    """
    cumulative = _cumulative(log_likelihoods, space)
    N = cumulative.shape[1] - 1
    marks = _marks(fixed or {}, N)
    if N == 0:
        none = np.zeros(0, np.int64)
        return BeatPath(none, none, none, none, 0.0)
    kernel = space.kernel
    ring = np.repeat(space.initial[None], kernel.intervals[-1], axis=0)
    restrict(kernel, marks, 0, ring[0])
    starts = _starts(N, space)
    pointers = _Pointers(cumulative, marks, space, starts)
    kept = []
    for number in range(len(starts)):
        kept.append(ring.copy())
        pointers.fill(number, ring)
    state = np.zeros(3, np.int64)
    score = float(finish(kernel, cumulative, marks, ring, state))
    if score == -math.inf:
        raise ParameterError("no path leads through all fixed beats: some are too close, or do not fit the bars")
    path = np.zeros((N // int(kernel.intervals[0]) + 3, 3), np.int64)
    size = 0
    for number in range(len(starts) - 1, -1, -1):
        if number < len(starts) - 1:
            pointers.fill(number, kept[number])
        size = int(trace(kernel, starts[number], pointers.tempi, pointers.bars, state, path, size))
    path[size] = state
    frames, beats, tempo = path[size::-1].T
    lengths = np.repeat(kernel.last - kernel.first + 1, kernel.last - kernel.first + 1)
    return BeatPath(frames, kernel.positions[beats], kernel.intervals[tempo], lengths[beats], score)


def _cumulative(log_likelihoods: ArrayLike, space: StateSpace) -> NDArray[np.float64]:
    values = np.asarray(log_likelihoods)
    if values.ndim != 2 or values.shape[1] != space.observation.classes:
        raise DataError(
            f"log-likelihoods of {space.observation.classes} classes are needed, not of shape {values.shape}"
        )
    cumulative = np.zeros((values.shape[1], len(values) + 1))
    for first in range(0, len(values), _BLOCK):
        some = np.cumsum(values[first : first + _BLOCK].T, axis=1, dtype=np.float64)
        cumulative[:, first + 1 : first + 1 + some.shape[1]] = some + cumulative[:, first, None]
    if not np.isfinite(cumulative[:, -1]).all():
        raise DataError("log-likelihoods that are not finite numbers")
    return cumulative


def _marks(fixed: Mapping[int, int], N: int) -> NDArray[np.int16]:
    marks = np.full(N, FREE, np.int16)
    for frame, position in fixed.items():
        if not 0 <= frame < N:
            raise ParameterError(f"a beat fixed at frame {frame} of {N}")
        if not ANY <= position < 1 << 15:
            raise ParameterError(f"a beat fixed at position {position} of a bar")
        marks[frame] = position
    return marks


def _starts(N: int, space: StateSpace) -> list[int]:
    """Cut frames 1 … N - 1 into sections, such that the scores kept and the back-pointers of one take little memory."""
    kernel = space.kernel
    pointers = kernel.intervals.size * (kernel.positions.size + kernel.first.size)  # bytes a frame
    scores = space.initial.nbytes * int(kernel.intervals[-1])  # bytes a section
    size = max(_WHOLE // pointers, math.isqrt(N * scores // pointers), int(kernel.intervals[-1]))
    return list(range(1, max(N, 2), size))


class _Pointers:
    """Back-pointers of one section at a time, always in the same memory."""

    def __init__(
        self, cumulative: NDArray[np.float64], marks: NDArray[np.int16], space: StateSpace, starts: list[int]
    ) -> None:
        self._cumulative, self._marks, self._space = cumulative, marks, space
        self._borders = [*starts, marks.size]
        longest = max(np.diff(self._borders))
        (B, M), Q = space.initial.shape, space.kernel.first.size
        self.tempi: NDArray[np.uint8] = np.empty((longest, B, M), np.uint8)
        self.bars: NDArray[np.uint8] = np.zeros((longest, Q, M), np.uint8)

    def fill(self, number: int, ring: NDArray[np.float64]) -> None:
        """Carry the scores (in place) over a section, and note where they came from."""
        start, stop = self._borders[number], self._borders[number + 1]
        forward(self._space.kernel, self._cumulative, self._marks, ring, start, stop, self.tempi, self.bars)


class BarPointerFilter:
    """Online filtering: the distribution over all states, given the frames so far.

    Parameters
    ----------
    space : StateSpace

    Attributes
    ----------
    probabilities : ndarray, shape (B, states of a beat)
        Of the last frame pushed; tempo m has the columns from `offsets[m]`, one a position.
    offsets : ndarray, shape (M,), int64
    """

    def __init__(self, space: StateSpace) -> None:
        self.space = space
        kernel = space.kernel
        self.offsets: NDArray[np.int64] = np.concatenate(([0], np.cumsum(kernel.intervals)[:-1]))
        self.probabilities: NDArray[np.float64] = np.repeat(np.exp(space.initial), kernel.intervals, axis=1)
        self._tempo_change, self._bar_change = np.exp(kernel.tempo_change), np.exp(kernel.bar_change)
        self._started = False

    def push(self, log_likelihoods: ArrayLike) -> NDArray[np.float64]:
        """Take the log-likelihoods (C,) of the next frame; return the probability (B,) that each beat begins there."""
        values = np.asarray(log_likelihoods, dtype=np.float64)
        weights = np.exp(values - values.max())
        if self._started:
            move(self.space.kernel, self._tempo_change, self._bar_change, self.offsets, self.probabilities)
        weigh(self.space.kernel, weights, self.offsets, self.probabilities)
        self._started = True
        beginning: NDArray[np.float64] = self.probabilities[:, self.offsets].sum(axis=1)
        return beginning

    def best(self) -> tuple[int, int, int]:
        """Return position in the bar, length of the beat (frames) and frames since it began, of the best state."""
        beat, column = np.unravel_index(int(self.probabilities.argmax()), self.probabilities.shape)
        tempo = int(np.searchsorted(self.offsets, column, side="right")) - 1
        position = int(self.space.positions[beat])
        return position, int(self.space.intervals[tempo]), int(column - self.offsets[tempo])
