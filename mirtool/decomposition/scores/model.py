"""Learn templates and activations of a stretch of sound under the constraints of a score.

Multiplicative updates for the Kullback-Leibler divergence, each followed by a step towards what is likely: templates
towards those that source and filter of their instrument make (strongly at first, then less and less, which leads past
bad local minima), attacks towards smooth spectra, activations towards the shape that the notes of a part have in
common. The steps are those of conjugate priors: with Poisson noise, counts that are expected are added to those that
are seen (Cemgil, Bayesian inference for nonnegative matrix factorisation models, 2009, Section 3).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import level
from mirtool.decomposition.factorization.divergence import KullbackLeibler, Matrix, Scratch
from mirtool.decomposition.factorization.harmonic_templates import HarmonicTemplates, smoothed_over_frequency
from mirtool.decomposition.factorization.parallel import Blocks
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import ATTACK, TONE, Allowed, Constraints
from mirtool.errors import ParameterError

_PRIOR_FIRST, _PRIOR_LAST = 5.0, 0.1  # weight of source and filter beside what is heard of the mean pitch
_ANNEALED = 0.75  # share of the rounds after which the weight is the last one
_TUNED = (0.1, 0.25)  # shares of the rounds after which partials are moved to the tuning that is heard
_OUTSIDE = 0.5  # weight of the penalty of activations outside of their notes
_CONTINUITY = 0.3  # share of its neighbours in an activation
_SHAPE = 0.2  # weight of the common shape of notes
_ATTACK_BAND = 0.1  # over which attacks are smooth, relative to the frequency
_MEMORY = 0.5  # weight of what was heard in the stretch before
_STEEPEST = 50.0  # of the common shape, relative to its mean
_TINY = np.float32(1e-20)


@dataclass(frozen=True, eq=False)
class Learned:
    """Templates and activations of a stretch.

    Parameters
    ----------
    W : ndarray, shape (R, K)
        Each sums to 1.
    H : ndarray, shape (N, R)
    allowed : Allowed
    """

    W: Matrix
    H: Matrix
    allowed: Allowed


class ScoreModel:
    """Components of a score with what has been learned of them so far, from one stretch to the next.

    Parameters
    ----------
    constraints : Constraints
    frequencies : ndarray, shape (K,)
        Of the bins (Hz).
    parameters : ScoreParameters

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """

    def __init__(self, constraints: Constraints, frequencies: NDArray[np.float64], parameters: ScoreParameters) -> None:
        check_learning(parameters)
        self._constraints, self._parameters = constraints, parameters
        self._tones = np.flatnonzero(constraints.kind == TONE)
        self._attacks = np.flatnonzero(constraints.kind == ATTACK)
        self._harmonic = HarmonicTemplates(
            constraints.pitch[self._tones],
            constraints.part[self._tones],
            constraints.parts,
            frequencies,
            parameters.partials,
            parameters.pitch_tolerance,
        )
        self._heard = np.zeros((constraints.rank, len(frequencies)), dtype=np.float32)

    def learn(self, V: Matrix, allowed: Allowed) -> Learned:
        """Learn a stretch.

        Parameters
        ----------
        V : ndarray, shape (N, K)
            Magnitudes, C-contiguous, float32.
        allowed : Allowed

        Returns
        -------
        Learned
        """
        unit = level(V)
        W = np.full_like(self._heard, 1 / V.shape[1])
        W[self._tones] = self._harmonic.start()
        H = (allowed.owner >= 0).astype(np.float32)
        if unit == 0 or not H.any():
            return Learned(W, np.zeros_like(H), allowed)
        memory = self._heard / np.float32(unit)
        rounds, notes = self._parameters.rounds, _NoteShapes(allowed, self._constraints)
        with Blocks(len(V), V.shape[1], self._constraints.rank) as blocks:
            divergence = KullbackLeibler(np.float32(1 / unit))
            for number in range(rounds):
                self._activate(V, W, H, allowed.penalty, divergence, blocks)
                notes.draw_near(H)
                counts = self._counts(V, W, H, divergence, blocks)
                counts += memory
                if number in [round(share * rounds) for share in _TUNED]:
                    self._tune(counts)
                W = self._templates(counts, 1 - number / max(_ANNEALED * rounds, 1))
        self._heard = counts * np.float32(_MEMORY * unit)
        H *= np.float32(unit)
        return Learned(W, H, allowed)

    def _activate(
        self, V: Matrix, W: Matrix, H: Matrix, penalty: Matrix, divergence: KullbackLeibler, blocks: Blocks
    ) -> None:
        """Update activations in place."""
        prepared = divergence.prepared(W)

        def work(_: int, group: list[slice], scratch: Scratch) -> None:
            for rows in group:
                negative, positive, _cost = divergence.by_activations(V[rows], H[rows], W, prepared, scratch)
                H[rows] *= negative / (positive + np.float32(_OUTSIDE) * penalty[rows] + _TINY)

        blocks.run(work)

    def _counts(self, V: Matrix, W: Matrix, H: Matrix, divergence: KullbackLeibler, blocks: Blocks) -> Matrix:
        """Return how much of V each bin of each template explains, shape (R, K)."""

        def work(_: int, group: list[slice], scratch: Scratch) -> Matrix:
            total = np.zeros_like(W)
            for rows in group:
                total += divergence.by_templates(V[rows], H[rows], W, scratch)[0]
            return total

        counts: Matrix = W * sum(blocks.run(work))
        return counts

    def _tune(self, counts: Matrix) -> None:
        """Move the partials of each part to where they are heard."""
        harmonic, tones = self._harmonic, self._tones
        harmonic.tune(harmonic.tuning(counts[tones]))
        level = counts[tones].sum(axis=1, keepdims=True)
        counts[tones] = np.where(
            harmonic.shape > 0, np.maximum(counts[tones], _TINY + 1e-6 * level * harmonic.shape), 0
        )

    def _templates(self, counts: Matrix, weight: float) -> Matrix:
        """Return the templates that counts and priors make likely, each with sum 1."""
        tones, attacks = self._tones, self._attacks
        likely = counts.copy()
        if len(tones):
            weight = max(_PRIOR_LAST, _PRIOR_FIRST * weight) * float(counts[tones].sum(axis=1, dtype=np.float64).mean())
            tied = self._harmonic.tied(self._harmonic.amplitudes(counts[tones]))
            likely[tones] += self._harmonic.spread(weight * tied)
        likely[attacks] = smoothed_over_frequency(counts[attacks], _ATTACK_BAND)
        likely /= likely.sum(axis=1, keepdims=True) + _TINY
        return likely


class _NoteShapes:
    """What the activations of all notes of a part have in common: their shape over the time since the onset.

    Parameters
    ----------
    allowed : Allowed
    constraints : Constraints
    """

    def __init__(self, allowed: Allowed, constraints: Constraints) -> None:
        self._tones = constraints.kind == TONE
        self._sounds = (allowed.owner >= 0).astype(np.float32)
        owned = (allowed.owner >= 0) & self._tones
        self._cells = np.nonzero(owned)
        self._note = allowed.owner[self._cells]
        frames = self._cells[0]
        first = np.full(len(constraints.onset), np.iinfo(np.int64).max)
        np.minimum.at(first, self._note, frames)
        age = frames - first[self._note]
        self._length = int(age.max(initial=0)) + 1
        self._place = constraints.note_part[self._note] * self._length + age
        self._notes = len(constraints.onset)
        self._shapes = np.ones(constraints.parts * self._length)

    def draw_near(self, H: Matrix) -> None:
        """Make activations (N × R, in place) smoother, and more alike those of other notes of their part."""
        smooth = H.copy()
        smooth[1:-1] = H[:-2] / 4 + H[1:-1] / 2 + H[2:] / 4
        smooth *= self._sounds
        H += np.float32(_CONTINUITY) * (smooth - H) * self._tones
        here = H[self._cells].astype(np.float64)
        level = np.bincount(self._note, here, self._notes)
        level = level / (np.bincount(self._note, self._shapes[self._place], self._notes) + _TINY)
        wanted = np.bincount(self._place, here, self._shapes.size)
        had = np.bincount(self._place, level[self._note], self._shapes.size)
        self._shapes = np.minimum(wanted / (had + _TINY), _STEEPEST)
        likely = level[self._note] * self._shapes[self._place]
        H[self._cells] = (here + _SHAPE * likely) / (1 + _SHAPE)


def check_learning(parameters: ScoreParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if not 1 <= parameters.partials <= 200:
        raise ParameterError(f"a pitch has 1 to 200 partials, not {parameters.partials}")
    if not 1 <= parameters.pitch_tolerance <= 600:
        raise ParameterError(f"the tolerance of pitch lies between 1 and 600 cents, not {parameters.pitch_tolerance:g}")
    if not 1 <= parameters.rounds <= 10_000:
        raise ParameterError(f"the rounds of learning are 1 to 10000, not {parameters.rounds}")
