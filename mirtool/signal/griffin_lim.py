"""Sound from magnitudes alone: phases that fit them (Griffin and Lim, IEEE TASSP 32(2), 1984).

Most matrices of complex numbers are the spectrogram of no sound. The algorithm goes to and fro between the spectrograms
of sounds and the matrices with the wanted magnitudes, each time to the nearest one; with momentum (Perraudin, Balazs,
Søndergaard, A fast Griffin-Lim algorithm, WASPAA 2013) it comes further in fewer rounds.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.signal.stft import STFT, InverseSTFT

Spectra = NDArray[np.complex64]

MOMENTUM = 0.99  # α of Perraudin et al., Section 4: the best of their experiments
_NOTHING = np.float32(1e-30)


def griffin_lim(
    spectra: Spectra, window: NDArray[np.float32], hop: int, iterations: int = 32, momentum: float = MOMENTUM
) -> Spectra:
    """Improve the phases of spectra, so that they fit the magnitudes and each other.

    Parameters
    ----------
    spectra : ndarray, shape (N, bins), complex64
        Consecutive frames, centred as those of `STFT`: wanted magnitudes with the phases to begin with.
    window : ndarray, shape (2 · bins - 2,)
        Of the transform.
    hop : int
        Distance of the frames in samples.
    iterations : int
    momentum : float
        α; 0 is the algorithm of Griffin and Lim, whose error never rises.

    Returns
    -------
    ndarray, shape (N, bins), complex64
        The same magnitudes with other phases. Frames have no influence on others that lie further away than
        `iterations` times the length of the window.

    Raises
    ------
    ParameterError
        A negative number of iterations, or a momentum that is not between 0 and 1.
    """
    if iterations < 0 or not 0 <= momentum <= 1:
        raise ParameterError(f"Griffin-Lim with {iterations} iterations and a momentum of {momentum:g}")
    if not len(spectra):
        return spectra
    magnitudes = np.abs(spectra)
    estimate, before = spectra, None
    for _ in range(iterations):
        consistent = projected(estimate, window, hop)
        moved = consistent if before is None else consistent + np.float32(momentum) * (consistent - before)
        estimate, before = magnitudes * phases(moved), consistent
    return estimate


def phases(spectra: Spectra) -> Spectra:
    """Return the numbers of magnitude 1 with the same phases; 0 stays 0."""
    result: Spectra = spectra / (np.abs(spectra) + _NOTHING)
    return result


def projected(spectra: Spectra, window: NDArray[np.float32], hop: int) -> Spectra:
    """Return the spectra of the sound whose spectra are nearest to these (Griffin and Lim, Equation 6)."""
    inverse, forward = InverseSTFT(window, hop), STFT(window, hop)
    length = (len(spectra) - 1) * hop + 1  # the last frame is centred at the last sample
    sound = np.concatenate((inverse.push(spectra), inverse.flush(length)))[:length]
    # with a hop of one sample there is one more, centred behind the last one
    return np.concatenate([*forward.push(sound), *forward.flush()])[: len(spectra)]
