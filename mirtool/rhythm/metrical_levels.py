"""Which of several tempi is that of the beat: evidence from the other metrical levels.

A beat is divided, and beats form bars; bass and bass drum recur after two or four beats. So what recurs at fractions
and multiples of a tempo tells whether it is that of the beats. The weights below were fitted (softmax over the
candidates of a piece, with a quadratic penalty) to 1,500 excerpts of music that was composed by chance in 43 styles,
from chorales to techno, and played by a synthesiser, with and without rubato, noise and changed registers; and to bare
clicks and grooves. The two first say how likely a tempo is as such: they come out as a wide bell around 95 BPM, much as
people tap (van Noorden and Moelants, "Resonance in the perception of musical pulse", JNMR 28, 1999). What does not
itself recur is no beat, whatever else does: the logarithm of the mean of both periodicities is added.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.rhythm.periodicity import Periodicity

_CENTRE = 110.0  # BPM
_FLOOR = 0.05  # of a periodicity: what is below says no more
# Weights of the square roots of periodicities: autocorrelation after so many beats, Fourier magnitude at multiples.
_BEATS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4, 6, 8)
_MULTIPLES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4)
_ALONE = (
    (-1.0, -1.7),
    ((-0.3, 1.2, -0.3, 0.7, 5.8, 2.2, -0.7, 0.1, 2.5, -1.4, -0.6), (-0.4, -0.7, 9.2, -0.2, 5.3, -2.0, 4.3, 4.4, 6.6)),
)
_WITH_BASS = (
    (-0.8, -1.6),
    ((-0.9, -0.3, -0.2, -0.1, 4.9, 1.4, -1.0, 0.5, 0.8, -1.3, 0.9), (3.3, -2.3, 8.2, 1.5, 3.3, -2.0, 2.9, 3.8, 4.6)),
    ((2.0, 2.6, -2.2, 1.0, 2.2, 2.4, 1.2, -2.1, 2.2, -0.4, -1.5), (-3.8, 5.1, 2.4, -2.3, 1.1, -1.8, 3.3, 1.4, 3.7)),
)


def evidence(found: Periodicity, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much speaks for each of several tempi, shape (n,): logarithms of odds, up to a constant.

    Parameters
    ----------
    found : Periodicity
        One window, of all accents and, if there is a second curve, of those in the bass.
    bpm : ndarray, shape (n,)
        Candidates.
    """
    (linear, square), *registers = _WITH_BASS if found.lags.shape[1] > 1 else _ALONE
    octaves = np.log2(bpm / _CENTRE)
    total = linear * octaves + square * octaves**2
    total += 0.5 * (np.log(found.recurrence(bpm)[0, 0] + _FLOOR) + np.log(found.wave(bpm)[0, 0] + _FLOOR))
    for register, (recurring, waves) in enumerate(registers):
        for beats, weight in zip(_BEATS, recurring, strict=True):
            total = total + weight * np.sqrt(found.recurrence(bpm, beats)[0, register])
        for multiple, weight in zip(_MULTIPLES, waves, strict=True):
            total = total + weight * np.sqrt(found.wave(bpm, multiple)[0, register])
    return np.asarray(total, np.float64)
