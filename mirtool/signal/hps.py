"""Split sound into a harmonic and a percussive part, and find the transients of the latter: the front of `tsm`.

Fitzgerald, Harmonic/percussive separation using median filtering, DAFx 2010; FMP, Section 8.1.1. The mask is binary and
the percussive part is what the harmonic one leaves, so that both always sum to the input.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.signal._kernels import harmonic_mask

Samples = NDArray[np.float32]  # channels × n: the transforms run along contiguous samples

MEDIAN_HALF = 5  # medians of 11 frames (128 ms) and 11 bins (237 Hz)
_FRAMES = 128  # a block: its spectra stay in the cache
_CONTEXT = MEDIAN_HALF + 3  # hops of sound on either side of a block that its masks and frames reach into


def split(chunks: Iterable[Samples], channels: int, window: NDArray[np.float32]) -> Iterator[tuple[Samples, Samples]]:
    """Split a stream.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (channels, any)
    channels : int
        All share one mask, so that the stereo image stays.
    window : ndarray, shape (N,)
        Periodic Hann window; the hop is N/4.

    Yields
    ------
    harmonic, percussive : ndarray, shape (channels, n)
    """
    hop = len(window) // 4
    step, context = _FRAMES * hop, _CONTEXT * hop
    held = np.zeros((channels, context), dtype=np.float32)
    for chunk in chunks:
        held = np.concatenate((held, chunk), axis=1)
        while held.shape[1] >= step + 2 * context:
            yield _split_block(held[:, : step + 2 * context], window)
            held = held[:, step:]
    while held.shape[1] > context:
        rest = held.shape[1] - context
        padded = np.zeros((channels, step + 2 * context), dtype=np.float32)
        padded[:, : min(rest + context, padded.shape[1])] = held[:, : padded.shape[1]]
        harmonic, percussive = _split_block(padded, window)
        yield harmonic[:, :rest], percussive[:, :rest]
        held = held[:, step:]


def _split_block(x: Samples, window: NDArray[np.float32]) -> tuple[Samples, Samples]:
    """Split the middle of a block that has its context on either side."""
    from scipy.fft import irfft, rfft  # loads in 0.25 s; transforms batches twice as fast as numpy

    size, hop = len(window), len(window) // 4
    X = rfft(sliding_window_view(x, size, axis=1)[:, ::hop] * window)
    channels, frames, bins = X.shape
    power = np.zeros((frames, bins + 2 * MEDIAN_HALF), dtype=np.float32)
    inner = power[:, MEDIAN_HALF:-MEDIAN_HALF]
    for channel in X:
        inner += channel.real**2
        inner += channel.imag**2
    power[:, :MEDIAN_HALF] = inner[:, MEDIAN_HALF:0:-1]
    power[:, -MEDIAN_HALF:] = inner[:, -2 : -2 - MEDIAN_HALF : -1]
    mask = np.empty((frames - 2 * MEDIAN_HALF, bins), dtype=np.float32)
    harmonic_mask(power, MEDIAN_HALF, mask)
    kept = X[:, MEDIAN_HALF:-MEDIAN_HALF]
    kept *= mask
    framed = irfft(kept, size)
    framed *= window / np.float32(1.5)
    # frame j covers quarters j to j + 3 of the sound; the middle begins with the last quarter of frame 0
    quarters = framed.reshape(channels, len(mask), 4, hop)
    count = len(mask) - 3
    harmonic = quarters[:, 3:, 0] + quarters[:, 2:-1, 1] + quarters[:, 1:-2, 2] + quarters[:, :-3, 3]
    harmonic = harmonic.reshape(channels, count * hop)
    begin = _CONTEXT * hop
    return harmonic, x[:, begin : begin + count * hop] - harmonic


class Transients:
    """Online detection of the sharp attacks of a percussive signal.

    An attack is a bin of about 1.5 ms whose peak is the highest within 11 ms on either side and `RISE` times the mean
    of the 30 ms before. A false one does no harm: there the sound is merely not stretched for some milliseconds.

    Parameters
    ----------
    width : int
        Samples of a bin.
    """

    RISE = 4.0
    _NEAR, _PAST = 8, 20

    def __init__(self, width: int) -> None:
        self._width = width
        self._peaks = np.zeros(self._PAST + self._NEAR, dtype=np.float32)
        self._places = np.zeros(self._PAST + self._NEAR, dtype=np.int64)
        self._begin = 0
        self.positions = np.empty(0, dtype=np.int64)  # of all attacks not yet forgotten (samples)
        self.until = 0  # they are complete up to here (samples)

    def push(self, percussive: Samples) -> None:
        """Take the next samples (channels × n); only the last chunk may be no multiple of the width."""
        missing = -percussive.shape[1] % self._width
        level = np.pad(np.abs(percussive).max(axis=0), (0, missing)).reshape(-1, self._width)
        places = level.argmax(axis=1)
        peaks = level[np.arange(len(level)), places]
        places = places + self._begin + self._width * np.arange(len(level))
        self._begin += level.size
        self._peaks = np.concatenate((self._peaks, peaks))
        self._places = np.concatenate((self._places, places))
        self._decide()

    def flush(self) -> None:
        """Decide on the last samples: silence follows."""
        self.push(np.zeros((1, self._NEAR * self._width), dtype=np.float32))

    def forget(self, before: int) -> None:
        """Drop attacks before a sample."""
        self.positions = self.positions[self.positions >= before]

    def _decide(self) -> None:
        near, past = self._NEAR, self._PAST
        count = len(self._peaks) - past - near
        if count <= 0:
            return
        here = self._peaks[past : past + count]
        highest = sliding_window_view(self._peaks[past - near :], 2 * near + 1)[:count].max(axis=1)
        before = sliding_window_view(self._peaks, past - 2)[:count].mean(axis=1)
        found = (here == highest) & (here > self.RISE * before + 1e-5)
        self.positions = np.concatenate((self.positions, self._places[past : past + count][found]))
        self._peaks, self._places = self._peaks[count:], self._places[count:]
        self.until = self._begin - near * self._width
