"""Templates of drums, of strokes that are synthesised: where a factorisation of a recording of drums begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.synthesis.strokes import strokes

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DrumTemplates:
    """Templates, each the mean of strokes that are alike.

    Parameters
    ----------
    W : ndarray, shape (K, R, T), float32
        Each sums to 1.
    drums : ndarray of str, shape (R,)
        Which drum a template is of; a drum may have several.
    """

    W: Matrix
    drums: NDArray[np.str_]


def drum_templates(
    drums: Sequence[str],
    length: int,
    hop: float,
    sample_rate: int,
    window_length: int,
    transform: Callable[[Matrix], Matrix],
    *,
    joined: bool = False,
) -> DrumTemplates:
    """Compute templates, whose first frame is centred at the stroke.

    Parameters
    ----------
    drums : sequence of str
        Keys of `mirtool.synthesis.strokes.SOUNDS`.
    length : int
        Frames T.
    hop : float
        Samples from frame to frame.
    sample_rate : int
        Hz.
    window_length : int
        Samples that a frame reaches over.
    transform : callable
        From samples (n,) to nonnegative frames (N × K), the first centred at the first sample.
    joined : bool
        One template a drum, the mean of all of its sounds.

    Returns
    -------
    DrumTemplates
    """
    lead = int(np.ceil(window_length / 2 / hop))  # frames, so that no window begins before the sound
    seconds = ((lead + length) * hop + window_length / 2) / sample_rate
    W, owners = [], []
    for drum in drums:
        means = []
        for group in strokes(drum, sample_rate, seconds, lead * hop / sample_rate):
            spectra = [transform(samples)[lead : lead + length] for samples in group]
            means.append(np.mean([frames / frames.sum() for frames in spectra], axis=0))
        for mean in [np.mean(means, axis=0)] if joined else means:
            W.append(mean.T)
            owners.append(drum)
    return DrumTemplates(np.stack(W, axis=1).astype(np.float32), np.array(owners))
