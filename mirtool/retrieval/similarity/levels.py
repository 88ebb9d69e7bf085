"""Energies of bands relative to what is heard around them: how loud a recording is does not matter."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.blocks import sections
from mirtool.features.frames import Frames

FLOOR = 1e-6  # a frame 60 dB below the level is silent beside it
SILENCE = 1e-9  # a level of 90 dB below a sine at full scale, or less, is that of silence
_SECTION = 512  # frames


def relative(energies: Iterable[Frames], reach: int) -> Iterator[tuple[Frames, NDArray[np.bool_]]]:
    """Divide the energies of bands by the level of the sound nearby, the largest sum over bands within `reach` frames.

    Parameters
    ----------
    energies : iterable of ndarray, shape (n, K)
        Batches of frames.
    reach : int

    Yields
    ------
    shares : ndarray, shape (n, K), float32
        E(n, k) / max_{|m - n| ≤ reach} Σ_j E(m, j).
    heard : ndarray, shape (n,), bool
        Frames that are not silent: neither altogether, nor beside the level by the floor or more.
    """
    for section in sections(energies, _SECTION, reach):
        sums = section.frames.sum(axis=1)
        frames, inside = section.frames[section.inner], sums[section.inner]
        padding = (reach - section.inner.start, reach - (len(sums) - section.inner.stop))
        level = sliding_window_view(np.pad(sums, padding), 2 * reach + 1).max(axis=1)
        heard = (level > SILENCE) & (inside > FLOOR * level)
        yield frames / np.maximum(level, SILENCE)[:, None], heard
