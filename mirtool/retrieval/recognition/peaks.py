"""Spectral peaks: the points of a spectrogram that survive noise, rooms and codecs (Wang, ISMIR 2003, Section 2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import power, sample_blocks
from mirtool.retrieval.recognition._peak_kernels import local_maxima, outstanding
from mirtool.signal.stft import STFT, hann
from mirtool.types import AudioSource

RATE = 11025  # Hz
WINDOW = 1024  # samples
HOP = 256  # samples
FRAME = HOP / RATE  # s
LOWEST, HIGHEST = 100.0, 5300.0  # Hz

_REACH = 5  # frames to either side in which a peak is the highest
_WIDTH = 2 ** (1 / 12) - 1  # of its frequency: the same in frequency
_LEAST_WIDTH = 3  # bins
_FLOOR = 1e-12  # power; a sine at full scale has 1, rounding to 16 bits leaves some 1e-13 in a bin
_RIVALS = 43.0  # frames to either side of a peak that decide whether it is outstanding
_MOST_RIVALS = 1e6  # more points than two seconds have
_TILT = 1.0  # by which levels are raised, log2 power an octave

Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of a spectrogram, in the order of time.

    Attributes
    ----------
    times : ndarray, shape (n,), float32
        Frames of `FRAME` seconds, between frames interpolated.
    frequencies : ndarray, shape (n,), float32
        Hz.
    levels : ndarray, shape (n,), float32
        log2 of the power, raised by _TILT an octave above 1 kHz.
    """

    times: NDArray[np.float32]
    frequencies: NDArray[np.float32]
    levels: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.times)

    def chosen(self, which: NDArray[np.bool_] | slice) -> "Peaks":
        """Return some of them."""
        return Peaks(self.times[which], self.frequencies[which], self.levels[which])


def joined(parts: Sequence[Peaks]) -> Peaks:
    """Return peaks one after the other."""
    if not parts:
        return Peaks(*np.zeros((3, 0), np.float32))
    names = ("times", "frequencies", "levels")
    return Peaks(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class PeakState:
    """Online search for peaks.

    A point is a peak where nothing within ±0.12 s and ±1 semitone is larger, and where fewer than 2 · density · 1 s of
    the other points within ±1 s are. Whether it is one does not depend on the level of the sound, on what sounds more
    than a second away, or on the size of the blocks that are pushed.

    Parameters
    ----------
    density : float
        Peaks a second that are kept, about.

    Raises
    ------
    ParameterError
        A density that is not positive, or absurdly large.
    """

    def __init__(self, density: float) -> None:
        self._most = most_rivals(density)
        window = hann(WINDOW)
        self._stft = STFT(window * (2 / window.sum()), HOP)
        bins = np.arange(self._stft.bins)
        frequencies = bins * (RATE / WINDOW)
        inside = (frequencies >= LOWEST) & (frequencies <= HIGHEST)
        self._widths = np.where(inside, np.maximum(np.rint(bins * _WIDTH), _LEAST_WIDTH), 0).astype(np.int64)
        self._spectra = np.zeros((0, len(bins)), np.float32)
        self._first = 0  # number of the first frame that is held
        self._searched = 0  # frames in which local maxima were looked for
        self._points = np.zeros((0, 3), np.float32)  # time, frequency, level
        self._told = 0  # of these points
        self.frames = 0

    def push(self, samples: NDArray[np.float32]) -> Peaks:
        """Take samples (n,) at `RATE` and return the peaks they make certain.

        Raises
        ------
        DataError
            Samples that are not finite.
        """
        return joined([self._add(power(spectra)) for spectra in self._stft.push(samples)])

    def flush(self) -> Peaks:
        """Return the remaining peaks; the state is spent."""
        parts = [self._add(power(spectra)) for spectra in self._stft.flush()]
        self._search(self.frames)
        return joined([*parts, self._tell(np.inf)])

    def _add(self, spectra: NDArray[np.float32]) -> Peaks:
        self._spectra = np.concatenate((self._spectra, spectra))
        self.frames += len(spectra)
        self._search(self.frames - _REACH)
        return self._tell(self._searched - 0.5 - _RIVALS)

    def _search(self, stop: int) -> None:
        """Find the local maxima of the frames before `stop`."""
        if stop <= self._searched:
            return
        begin, end = self._searched - self._first, stop - self._first
        room = np.empty(((end - begin) * self._spectra.shape[1] // 2, 3), np.float32)
        count = local_maxima(self._spectra, begin, end, _REACH, self._widths, _FLOOR, room)
        found = room[:count]
        found[:, 0] += self._first
        found[:, 1] *= RATE / WINDOW
        found[:, 2] += np.float32(_TILT) * np.log2(found[:, 1] / 1000)
        self._points = np.concatenate((self._points, found[np.argsort(found[:, 0], kind="stable")]))
        self._searched = stop
        kept = max(stop - _REACH - self._first, 0)
        self._spectra = self._spectra[kept:]
        self._first += kept

    def _tell(self, before: float) -> Peaks:
        """Return the peaks before a time; what lies `_RIVALS` behind it is known."""
        times = np.ascontiguousarray(self._points[:, 0])
        end = int(np.searchsorted(times, before))
        kept = np.zeros(len(times), np.bool_)
        outstanding(times, np.ascontiguousarray(self._points[:, 2]), self._told, end, _RIVALS, self._most, kept)
        peaks = Peaks(*self._points[kept].T)
        forgotten = int(np.searchsorted(times, before - _RIVALS))
        self._points, self._told = self._points[forgotten:], end - forgotten
        return peaks


def peaks(source: AudioSource, density: float) -> tuple[Peaks, int]:
    """Find the peaks of a sound.

    Parameters
    ----------
    source : AudioSource
        Mixed to mono and resampled.
    density : float
        Peaks a second that are kept, about.

    Returns
    -------
    Peaks
    int
        Length of the sound in frames.

    Raises
    ------
    ParameterError
        A density that is not positive, or absurdly large.
    DataError
        Samples that are not finite.
    """
    state = PeakState(density)
    parts = [state.push(samples) for samples in sample_blocks(source, RATE)]
    parts.append(state.flush())
    return joined(parts), state.frames


def outstanding_of(found: Peaks, density: float) -> Peaks:
    """Return the peaks that a smaller density would have kept, but for few whose rivals were left out."""
    kept = np.zeros(len(found), np.bool_)
    outstanding(found.times, found.levels, 0, len(found), _RIVALS, most_rivals(density), kept)
    return found.chosen(kept)


def most_rivals(density: float) -> int:
    """Return how many points around a peak make that it is not kept.

    Raises
    ------
    ParameterError
        A density that is not positive, or absurdly large.
    """
    most = 2 * _RIVALS * FRAME * density
    if not 0.5 < most < _MOST_RIVALS:
        raise ParameterError(f"the density must be positive, and no more than there are points, not {density:g}")
    return round(most)
