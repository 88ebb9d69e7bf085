"""Fingerprints: hashes of a few spectral peaks each, and when they occur.

Two kinds:

- *Landmarks* (Wang, ISMIR 2003, Section 2.2): an anchor and another peak in a target zone behind it; their frequencies
  and the time between them. 21 bits: frequency of the anchor (8), interval (7), time (6).
- *Triplets* (Six and Leman, ISMIR 2014, Section 3.2): an anchor and two of the peaks in the zone; the intervals to both
  and the ratio of the times to both, which neither a change of tempo nor one of pitch changes, and about where the
  anchor lies. 22 bits: register of the anchor (3), intervals (7 each), ratio (5).

Deviations from the papers:

- Frequencies are logarithmic, 36 bins an octave, also in landmarks, and interpolated between the bins of the Fourier
  transform, as times are between frames. So peaks can be moved to another speed, and combined to hashes anew: that is
  how `mirtool.retrieval.recognition.landmark_search` finds what runs faster or slower with landmarks, too. (Six and
  Leman compute a constant-Q transform for that; interpolated peaks of an FFT are cheaper, and finer.)
- An anchor takes the highest peaks of its zone, not the nearest: these are there in a noisy copy, too.

Landmarks are the default: of a noisy peak only one partner must be there, not two, and the few speeds that a query may
run at are cheaply tried.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.retrieval.parameters import FINGERPRINTS, FingerprintParameters
from mirtool.retrieval.recognition._fingerprint_kernels import pairs
from mirtool.retrieval.recognition.peaks import LOWEST, Peaks, peaks
from mirtool.types import AudioSource

FINGERPRINT_VERSION = 2  # raised when the meaning of a hash or of a time changes
HASH_BITS = 22

_OCTAVE = 36  # bins
_ZONE = np.array((4.0, 64.0, 36.0), np.float32)  # frames, frames, bins
_STEP = 2  # frames, of the time between two peaks
_RATIOS = 31  # steps of the ratio of two times
_REGISTER = 27  # bins: three quarters of an octave

Hashes = NDArray[np.uint32]
Times = NDArray[np.float32]
Anchors = NDArray[np.int64]


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

    hashes: Hashes
    times: NDArray[np.uint32]
    frames: int


def fingerprint(source: AudioSource, parameters: FingerprintParameters) -> Fingerprint:
    """Compute the fingerprint that an index keeps of a sound.

    Parameters
    ----------
    source : AudioSource
    parameters : FingerprintParameters

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    combine = combination(parameters.method)
    found, frames = peaks(source, parameters.density)
    hashes, times, _ = combine(found, parameters.fan_out, 1.0, 1.0)
    return Fingerprint(hashes, np.maximum(np.rint(times), 0).astype(np.uint32), frames)


def combination(method: str) -> Callable[[Peaks, int, float, float], tuple[Hashes, Times, Anchors]]:
    """Return the function that combines peaks to hashes: `landmarks` or `triplets`.

    Raises
    ------
    ParameterError
        There is no such method.
    """
    if method not in FINGERPRINTS:
        raise ParameterError(f"no fingerprints {method} (there are: {', '.join(FINGERPRINTS)})")
    return landmarks if method == "landmarks" else triplets


def landmarks(found: Peaks, fan_out: int, speed: float = 1.0, pitch: float = 1.0) -> tuple[Hashes, Times, Anchors]:
    """Combine peaks to landmarks: two frequencies and the time between them.

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
        Of the anchors (frames), ascending.
    anchors : ndarray, shape (n,), int64
        Numbers of the peaks that are the anchors.

    Raises
    ------
    ParameterError
        No pairs at all are wanted.
    """
    times, bins = _moved(found, speed, pitch)
    first, second = _pairs(times, bins, found.levels, fan_out)
    apart = _rounded((times[second] - times[first]) / np.float32(_STEP))
    hashes = (_rounded(bins[first]) & 255) << 13 | _interval(bins, first, second) << 6 | apart
    return hashes.astype(np.uint32), times[first], first


def triplets(found: Peaks, fan_out: int, speed: float = 1.0, pitch: float = 1.0) -> tuple[Hashes, Times, Anchors]:
    """Combine peaks to triplets: two intervals and the ratio of two times.

    As `landmarks`; but of `fan_out` peaks behind each one, every two make a triplet with it.
    """
    times, bins = _moved(found, speed, pitch)
    first, other = _pairs(times, bins, found.levels, fan_out)
    # The targets of an anchor stand one after the other: two that are `away` apart are of one anchor, or of several.
    near = [np.flatnonzero(first[away:] == first[:-away]) for away in range(1, fan_out)]
    second = np.concatenate([np.zeros(0, np.int64), *near])
    third = np.concatenate([np.zeros(0, np.int64), *(rows + away for away, rows in enumerate(near, 1))])
    order = np.lexsort((third, second))
    anchor, second, third = first[second[order]], other[second[order]], other[third[order]]
    ratio = _rounded(_RATIOS * (times[second] - times[anchor]) / (times[third] - times[anchor]))
    register = _rounded(bins[anchor]) // _REGISTER & 7
    hashes = (register << 7 | _interval(bins, anchor, second)) << 7 | _interval(bins, anchor, third)
    return (hashes << 5 | ratio).astype(np.uint32), times[anchor], anchor


def _moved(found: Peaks, speed: float, pitch: float) -> tuple[Times, NDArray[np.float32]]:
    """Return times (frames) and frequencies (bins) of peaks moved to another speed and pitch."""
    bins = np.float32(_OCTAVE) * np.log2(found.frequencies * np.float32(1 / (pitch * LOWEST)))
    return found.times * np.float32(speed), bins


def _pairs(
    times: Times, bins: NDArray[np.float32], levels: NDArray[np.float32], fan_out: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return anchors and targets, ascending."""
    if fan_out < 1:
        raise ParameterError(f"the fan-out must be positive, not {fan_out}")
    room = np.empty((len(times) * fan_out, 2), np.int64)
    found = room[: pairs(times, bins, levels, _ZONE, fan_out, room)]
    return found[:, 0], found[:, 1]


def _interval(bins: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return intervals in bins, raised by 64."""
    return _rounded(bins[second]) - _rounded(bins[first]) + 64


def _rounded(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.rint(values).astype(np.int64)
