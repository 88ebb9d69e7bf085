"""Learn which grains of a source sound when, so that together they resemble a target.

Driedger, Prätzlich, Müller, Let it Bee: towards NMF-inspired audio mosaicing, ISMIR 2015. The magnitude spectrogram of
the target V is approximated by W·H, where the templates W are the frames of the source and only the activations H are
learned, by the multiplicative updates of the Kullback-Leibler divergence. Before each update the activations are
restricted, ever more strictly, so that few and no stuttering grains sound, and diagonals of H are enhanced, so that
grains that follow each other in the source do so in the mosaic: there its timbre lives.

Frames come first in all matrices here: the paper's matrices are their transposes.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import Section, sections
from mirtool.decomposition import _mosaic_kernels as kernels
from mirtool.decomposition.parameters import MosaicParameters
from mirtool.threads import in_order

Frames = NDArray[np.float32]

_CELLS = 1 << 21  # activations of a section
_FEWEST = 256  # frames of a section
_NOTHING = np.float32(1e-7)  # a magnitude below the noise of 24 bits, added where one divides


def learned(target: Iterable[Frames], W: Frames, parameters: MosaicParameters) -> Iterator[tuple[Frames, Frames]]:
    """Learn activations section by section.

    Parameters
    ----------
    target : iterable of ndarray, shape (n, bins)
        Spectrogram of the target, in batches.
    W : ndarray, shape (K, bins), float32
        Templates: the spectrogram of the source.
    parameters : MosaicParameters

    Yields
    ------
    V : ndarray, shape (n, bins)
        The next frames of the target.
    H : ndarray, shape (n, K), float32
        Their activations. They do not depend on where sections begin: each is learned with all frames around it that
        can have an influence.
    """
    size = max(_CELLS // max(len(W), 1), _FEWEST)
    context = parameters.iterations * (parameters.repetition + parameters.continuity)

    def learn(section: Section) -> tuple[Frames, Frames]:
        H = activations(section.frames, W, parameters, section.first)
        return section.frames[section.inner], H[section.inner]

    return in_order(learn, sections(target, size, context))


def activations(V: Frames, W: Frames, parameters: MosaicParameters, first: int = 0) -> Frames:
    """Learn activations H with V ≈ H·W (Section 3 of the paper).

    Parameters
    ----------
    V : ndarray, shape (N, bins), float32
        Spectrogram of the target.
    W : ndarray, shape (K, bins), float32
        Templates.
    parameters : MosaicParameters
        `iterations` rounds are made, with `repetition`, `polyphony` and `continuity`; 0 turns one of these off.
    first : int
        Number of the first frame: the random start of a frame depends on `seed` and its number only.

    Returns
    -------
    ndarray, shape (N, K), float32
        The last restriction is strict: before the diagonals are added up, a frame has at most `polyphony` activations,
        and a template no two within `repetition` frames.
    """
    H = _start(first, len(V), len(W), parameters.seed)
    scratch, Y = np.empty_like(H), np.empty(V.shape, np.float32)
    level = W.sum(axis=1)
    level = np.divide(1, level, out=np.zeros_like(level), where=level > 0)
    for iteration in range(1, parameters.iterations + 1):
        C, other = _constrained(H, scratch, 1 - iteration / parameters.iterations, parameters)
        np.matmul(C, W, out=Y)
        Y += _NOTHING
        np.divide(V, Y, out=Y)
        np.matmul(Y, W.T, out=other)
        C *= other
        C *= level
        H, scratch = C, other
    return H


def _start(first: int, frames: int, templates: int, seed: int) -> Frames:
    """Return random activations, shape (frames, templates)."""
    H = np.empty((frames, templates), dtype=np.float32)
    for n, row in enumerate(H, first):
        np.random.default_rng((seed, n)).random(dtype=np.float32, out=row)
    return H


def _constrained(H: Frames, scratch: Frames, damping: float, parameters: MosaicParameters) -> tuple[Frames, Frames]:
    """Return the activations under the three constraints, and the array that is free now; both are overwritten."""
    if parameters.repetition:
        kernels.restrict_repetition(H, parameters.repetition, damping, scratch)
        H, scratch = scratch, H
    if 0 < parameters.polyphony < H.shape[1]:
        kernels.restrict_polyphony(H, parameters.polyphony, damping)
    if parameters.continuity:
        kernels.enhance_continuity(H, parameters.continuity, scratch)
        H, scratch = scratch, H
    return H, scratch
