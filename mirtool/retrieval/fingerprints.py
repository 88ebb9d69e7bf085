"""Fingerprints: hashes of pairs of spectral peaks, and when they occur (Wang, ISMIR 2003)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.retrieval._fingerprint_kernels import pairs
from mirtool.retrieval.parameters import FingerprintParameters
from mirtool.retrieval.peaks import LOWEST, Peaks, peaks
from mirtool.types import AudioSource

OCTAVE = 36  # bins
ZONE = np.array((4.0, 64.0, 36.0), np.float32)  # frames, frames, bins
STEP = 2  # frames, of the time between two peaks
HASH_BITS = 21
FINGERPRINT_VERSION = 1  # raised when the meaning of a hash or of a time changes


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """The hashes of a sound.

    Attributes
    ----------
    hashes : ndarray, shape (n,), uint32
        Below 2^HASH_BITS.
    times : ndarray, shape (n,), uint32
        Frame of each hash's first peak, ascending.
    frames : int
        Length of the sound.
    """

    hashes: NDArray[np.uint32]
    times: NDArray[np.uint32]
    frames: int


def fingerprint(source: AudioSource, parameters: FingerprintParameters) -> Fingerprint:
    """Compute the fingerprint that an index keeps of a sound.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    found, frames = peaks(source, parameters.density)
    hashes, times, _ = landmarks(found, parameters.fan_out)
    return Fingerprint(hashes, np.maximum(np.rint(times), 0).astype(np.uint32), frames)


def landmarks(
    found: Peaks, fan_out: int, speed: float = 1.0, pitch: float = 1.0
) -> tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.int64]]:
    """Combine peaks to landmarks: two frequencies and the time between them, as one number.

    Parameters
    ----------
    found : Peaks
    fan_out : int
        Pairs that each peak begins.
    speed, pitch : float
        What times are multiplied with and frequencies are divided by.

    Returns
    -------
    hashes : ndarray, shape (n,), uint32
    times : ndarray, shape (n,), float32
        Frames.
    anchors : ndarray, shape (n,), int64
        Numbers of the first peaks.

    Raises
    ------
    ParameterError
        No pairs at all are wanted.
    """
    if fan_out < 1:
        raise ParameterError(f"the fan-out must be positive, not {fan_out}")
    times = found.times * np.float32(speed)
    bins = np.float32(OCTAVE) * np.log2(found.frequencies * np.float32(1 / (pitch * LOWEST)))
    room = np.empty((len(times) * fan_out, 2), np.int64)
    pair = room[: pairs(times, bins, found.levels, ZONE, fan_out, room)]
    first, second = pair[:, 0], pair[:, 1]
    low = np.rint(bins).astype(np.int64)
    apart = np.rint((times[second] - times[first]) / np.float32(STEP)).astype(np.int64)
    hashes = (low[first] & 255) << 13 | (low[second] - low[first] + 64) << 6 | apart
    return hashes.astype(np.uint32), times[first], first
