"""Compiled loops of the mosaic: the three constraints on activations, and the sum of grains.

Activations have the frames of the target first (N × K), so that all templates of a frame lie together.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.jit import kernel


@kernel
def restrict_repetition(H: NDArray[np.float32], reach: int, damping: float, R: NDArray[np.float32]) -> None:
    """Fill R with H, damped wherever a template is stronger in a frame at most `reach` frames away."""
    frames, templates = H.shape
    factor = np.float32(damping)
    highest = np.empty(templates, dtype=np.float32)
    for n in range(frames):
        highest[:] = 0.0
        for m in range(max(n - reach, 0), min(n + reach + 1, frames)):
            for k in range(templates):
                highest[k] = max(highest[k], H[m, k])
        for k in range(templates):
            value = H[n, k]
            R[n, k] = value if value == highest[k] else value * factor


@kernel
def restrict_polyphony(P: NDArray[np.float32], most: int, damping: float) -> None:
    """Damp, in place, all but the `most` strongest templates of each frame; of equal ones the first stay."""
    frames, templates = P.shape
    factor = np.float32(damping)
    strongest = np.empty(most, dtype=np.float32)  # ascending
    for n in range(frames):
        strongest[:] = 0.0
        for k in range(templates):
            value = P[n, k]
            if value > strongest[0]:
                place = 0
                while place + 1 < most and strongest[place + 1] < value:
                    strongest[place] = strongest[place + 1]
                    place += 1
                strongest[place] = value
        limit = strongest[0]
        equal = most
        for k in range(templates):
            if P[n, k] > limit:
                equal -= 1
        for k in range(templates):
            if P[n, k] == limit and equal > 0:
                equal -= 1
            elif P[n, k] <= limit:
                P[n, k] *= factor


@kernel
def enhance_continuity(P: NDArray[np.float32], reach: int, C: NDArray[np.float32]) -> None:
    """Fill C with the sums of P along diagonals, `reach` steps to either side; outside of P all is 0."""
    frames, templates = P.shape
    for n in range(frames):
        for k in range(templates):
            C[n, k] = P[n, k]
        for step in range(1, reach + 1):
            if n + step < frames:
                for k in range(templates - step):
                    C[n, k] += P[n + step, k + step]
            if n >= step:
                for k in range(step, templates):
                    C[n, k] += P[n - step, k - step]


@kernel
def add_grains(
    H: NDArray[np.float32], samples: NDArray[np.float32], hop: int, least: float, frames: NDArray[np.float32]
) -> None:
    """Fill frames (N × channels × size) with the sums of grains, each as loud as its activation.

    samples : (channels × any); grain k begins at k · hop. Activations below `least` times the strongest of their frame
    are left out: nobody hears them.
    """
    channels, size = frames.shape[1:]
    frames[:] = 0.0
    for n in range(len(H)):
        limit = np.float32(0.0)
        for k in range(H.shape[1]):
            limit = max(limit, H[n, k])
        limit *= np.float32(least)
        for k in range(H.shape[1]):
            value = H[n, k]
            if value > limit:
                for c in range(channels):
                    for t in range(size):
                        frames[n, c, t] += value * samples[c, k * hop + t]


def warm() -> None:
    """Compile every kernel with the types that are used."""
    H, R = np.ones((2, 2), np.float32), np.empty((2, 2), np.float32)
    restrict_repetition(H, 1, 0.5, R)
    restrict_polyphony(R, 1, 0.5)
    enhance_continuity(R, 1, H)
    add_grains(H, np.ones((1, 4), np.float32), 1, 0.0, np.empty((2, 1, 2), np.float32))
