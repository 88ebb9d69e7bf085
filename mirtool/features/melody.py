"""Melody: the pitch of the voice that stands out, as a path through its salience.

The path is the best one in sum of salience, of the likelihood of its intervals (Viterbi; Ikemiya, Itoyama, Yoshii,
TASLP 24(11), 2016, Section III.B) and of its nearness to the mean pitch of the melody. The voice sounds where the
harmonics of its pitch are not much weaker than on average.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features._melody_kernels import follow, trace
from mirtool.features.frames import Frames, sample_blocks
from mirtool.features.parameters import MelodyParameters
from mirtool.features.salience import Salience, SalienceState
from mirtool.types import AudioSource, Events

_BLOCK = 1500  # frames (30 s) whose path is looked for together, and whose mean pitch is taken first
_LATER = 500  # frames that must follow until the path to a frame is taken as known: 10 s
_MEMORY = 0.8  # weight of the blocks before in the mean pitch, for each block that they lie back
_CONTRAST = 4.0  # log-likelihood of the most salient pitch of a frame against none at all
_GLIDE = 100.0  # cents: mean size of a move within 20 ms
_JUMP = -14.0  # log-probability of a move to any other pitch
_SMOOTHING = 0.06  # s to either side over which the level of the harmonics is averaged


class Melody(NamedTuple):
    """Frames with the pitch of the path and the energy of its harmonics."""

    f0: NDArray[np.float64]  # N, Hz
    energies: NDArray[np.float64]  # N


class MelodyState:
    """Online melody: samples in, the pitch of the best path out.

    A frame is decided on when 10 s more have been heard; the best paths to all pitches have become one long before.

    Parameters
    ----------
    parameters : MelodyParameters

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """

    def __init__(self, parameters: MelodyParameters) -> None:
        if not 0 < parameters.register_width <= 1e6:
            raise ParameterError(f"the width of a register is positive, not {parameters.register_width:g}")
        self._salience = SalienceState(parameters)
        self.pitches = self._salience.pitches
        self._moves = _moves(parameters)
        self._places = np.arange(len(self.pitches)) * parameters.pitch_step / parameters.register_width
        self._register = np.zeros(2)  # sum of weights and of weighted pitches
        self._scores = np.zeros(len(self.pitches))
        none = np.zeros((0, len(self.pitches)), np.float32)
        self._waiting: list[Salience] = []
        self._held = Salience(none, none)
        self._sources = np.zeros(none.shape, np.int16)

    def push(self, samples: NDArray[np.float32]) -> Iterator[Melody]:
        """Take samples (n,), mono, at the analysis rate; yield what is known of the melody."""
        for found in self._salience.push(samples):
            self._waiting.append(found)
            if sum(len(batch.values) for batch in self._waiting) >= _BLOCK:
                self._follow()
                yield self._decided(max(len(self._sources) - _LATER, 0))

    def flush(self) -> Iterator[Melody]:
        """Yield the rest; the state is spent."""
        self._waiting += self._salience.flush()
        self._follow()
        yield self._decided(len(self._sources))

    def _follow(self) -> None:
        """Go on with the best paths through what waits."""
        if not self._waiting:
            return
        found = _joined(self._waiting)
        self._waiting = []
        highest = found.values.max(axis=1, keepdims=True)
        likelihood = (_CONTRAST * found.values / np.where(highest > 0, highest, 1)).astype(np.float32)
        self._learn_register(found.values, likelihood)
        if self._register[0] > 0:
            mean = self._register[1] / self._register[0]
            likelihood -= (0.5 * np.square(self._places - mean)).astype(np.float32)
        sources = np.empty(likelihood.shape, np.int16)
        follow(likelihood, self._moves, _JUMP, self._scores, sources)
        self._sources = np.concatenate((self._sources, sources))
        self._held = _joined([self._held, found])

    def _learn_register(self, values: Frames, likelihood: Frames) -> None:
        """Take the best path through these frames alone into the mean pitch, salient frames more than others."""
        sources, path = np.empty(likelihood.shape, np.int16), np.empty(len(likelihood), np.int64)
        scores = np.zeros(len(self.pitches))
        follow(likelihood, self._moves, _JUMP, scores, sources)
        trace(sources, int(scores.argmax()), path)
        weights = np.square(values[np.arange(len(path)), path], dtype=np.float64)
        self._register = _MEMORY * self._register + (weights.sum(), weights @ self._places[path])

    def _decided(self, count: int) -> Melody:
        """Return the first frames held, and forget them."""
        path = np.empty(len(self._sources), np.int64)
        if len(path):
            trace(self._sources, int(self._scores.argmax()), path)
        path = path[:count]
        f0 = _refined(self.pitches, self._held.values[:count], path)
        melody = Melody(f0, self._held.energies[np.arange(count), path].astype(np.float64))
        self._sources = self._sources[count:]
        self._held = Salience(*(part[count:] for part in self._held))
        return melody


def melody(source: AudioSource, parameters: MelodyParameters) -> Events:
    """Find the pitch of the voice that stands out.

    Parameters
    ----------
    source : AudioSource
    parameters : MelodyParameters

    Returns
    -------
    Events
        Columns ``time,f0_hz``, one row a frame; 0 where the voice does not sound.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    if not 0 <= parameters.voicing <= 200:
        raise ParameterError(f"the voice is 0 to 200 dB weaker than on average, not {parameters.voicing:g}")
    state = MelodyState(parameters)
    found: list[Melody] = []
    for samples in sample_blocks(source, parameters.analysis_rate):
        found += state.push(samples)
    found += state.flush()
    f0, energies = (np.concatenate(column) for column in zip(*found, strict=True))
    f0[~_sounds(energies, parameters)] = 0
    return Events({"time": np.arange(len(f0)) / parameters.feature_rate, "f0_hz": f0})


def _sounds(energies: NDArray[np.float64], parameters: MelodyParameters) -> NDArray[np.bool_]:
    """Return in which frames the level, averaged over some frames, is high enough."""
    mean = energies.mean() if energies.size else 0.0
    if mean <= 0:
        return np.zeros(energies.shape, np.bool_)
    level = 10 * np.log10(np.maximum(energies / mean, 1e-12))
    reach = round(_SMOOTHING * parameters.feature_rate)
    smooth = np.convolve(np.pad(level, reach, mode="edge"), np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")
    return smooth > -parameters.voicing


def _joined(batches: Sequence[Salience]) -> Salience:
    return Salience(*(np.concatenate(part) for part in zip(*batches, strict=True)))


def _moves(parameters: MelodyParameters) -> NDArray[np.float64]:
    """Return the log-probabilities of moves by -reach … reach pitches."""
    mean = _GLIDE / parameters.pitch_step * 50 / parameters.feature_rate
    reach = int(6 * mean) + 1
    moves = np.exp(-np.abs(np.arange(-reach, reach + 1)) / mean)
    logarithms: NDArray[np.float64] = np.log(moves / moves.sum())
    return logarithms


def _refined(pitches: NDArray[np.float64], values: Frames, path: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the frequencies (Hz) of the tops of parabolas through the salience around the path."""
    frames = np.arange(len(path))
    inner = np.clip(path, 1, len(pitches) - 2)
    left, here, right = (values[frames, inner + step].astype(np.float64) for step in (-1, 0, 1))
    curvature = left - 2 * here + right
    is_top = (curvature < 0) & (inner == path)
    offset = np.where(is_top, 0.5 * (left - right) / np.where(is_top, curvature, 1), 0)
    f0: NDArray[np.float64] = pitches[path] * (pitches[1] / pitches[0]) ** np.clip(offset, -0.5, 0.5)
    return f0
