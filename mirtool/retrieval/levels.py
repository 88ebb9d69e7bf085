"""Loudness of mel bands relative to what is heard around it: how loud a recording is does not matter."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.blocks import sections
from mirtool.features.frames import Frames

FLOOR = 1e-6  # 60 dB below the level, what a band holds no longer counts
SILENCE = 1e-9  # a level of 90 dB below a sine at full scale, or less, is that of silence
_SECTION = 512  # frames


def relative_levels(energies: Iterable[Frames], reach: int) -> Iterator[tuple[Frames, NDArray[np.bool_]]]:
    """Compress the energies of bands, relative to the level of the sound nearby.

    Y(n, k) = ln(E(n, k) / L(n) + c), L(n) being the largest Σ_k E(m, k) of the frames |m - n| ≤ reach.

    Parameters
    ----------
    energies : iterable of ndarray, shape (n, K)
        Batches of frames.
    reach : int

    Yields
    ------
    values : ndarray, shape (n, K), float32
    heard : ndarray, shape (n,), bool
        Frames that are not silent: neither altogether, nor beside the level by the floor or more.
    """
    for section in sections(energies, _SECTION, reach):
        sums = section.frames.sum(axis=1)
        frames, inside = section.frames[section.inner], sums[section.inner]
        padding = (reach - section.inner.start, reach - (len(sums) - section.inner.stop))
        level = sliding_window_view(np.pad(sums, padding), 2 * reach + 1).max(axis=1)
        heard = (level > SILENCE) & (inside > FLOOR * level)
        yield np.log(frames / np.maximum(level, SILENCE)[:, None] + np.float32(FLOOR)), heard
