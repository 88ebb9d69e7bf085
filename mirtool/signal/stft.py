"""The short-time Fourier transform, block by block (FMP, Section 2.5).

Arrays of frames have the frames first (frames × bins), as they come; a chapter turns them when it makes `Features`.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError

# Samples of a batch of frames: 512 KiB of float32, so that the frames and their spectra stay in the cache.
_BATCH_SAMPLES = 1 << 17

# glibc gives blocks of this size back to the system at each `free`, and the page faults that follow cost three times as
# much as the transform itself; once a larger block has been freed (never touched: it costs nothing) it keeps them.
np.empty(1 << 24, dtype=np.uint8)


def hann(length: int) -> NDArray[np.float32]:
    """Return the periodic Hann window w(r) = (1 - cos(2πr / length)) / 2, shape (length,) (FMP, Section 2.5.1)."""
    phase = 2 * np.pi * np.arange(length) / length
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


def frame_count(samples: int, hop: float) -> int:
    """Return the number of frames whose centres n · hop do not lie beyond the end of `samples` samples."""
    return 0 if samples <= 0 else math.floor(samples / hop + 1e-9) + 1


class Windows:
    """Online cutting of a signal into windows with centred frames.

    Frame n holds the `length` samples from c_n - length // 2 on, with centre c_n = round(n · hop), the signal being
    continued by zeros on both sides. There are `frame_count` frames.

    Parameters
    ----------
    length : int
        Samples of a window.
    hop : float
        Distance of the frames in samples; may be fractional (a centre is then rounded to the nearest sample).
    batch : int, optional
        Frames given out at a time; the default fills the cache. Only the last batch is smaller, so that the numbers
        do not depend on the sizes of the blocks pushed. Live use takes 1.

    Raises
    ------
    ParameterError
        A window shorter than two samples, a hop below one sample or an empty batch.
    """

    def __init__(self, length: int, hop: float, batch: int | None = None) -> None:
        if length < 2:
            raise ParameterError("a window needs at least two samples")
        if not 1 <= hop < math.inf:
            raise ParameterError(f"the hop must be at least one sample, not {hop:g}")
        if batch is not None and batch < 1:
            raise ParameterError("a batch needs at least one frame")
        self.length = length
        self.hop = float(hop)
        self.batch = batch or max(1, _BATCH_SAMPLES // length)
        self._half = length // 2
        self._buffer: NDArray[np.float32] = np.zeros(self._half, dtype=np.float32)
        self._origin = -self._half  # index of the sample at the beginning of the buffer
        self._frame = 0  # the next frame
        self._samples = 0  # pushed so far

    def push(self, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Take samples (n,) and return the batches of windows (batch × length, not to be written to) they complete."""
        if samples.size == 0:
            return []
        self._samples += samples.size
        self._buffer = np.concatenate((self._buffer, samples), dtype=np.float32)
        return list(self._batches(self._complete()))

    def flush(self) -> list[NDArray[np.float32]]:
        """Continue the signal by zeros and return the remaining windows; the state is spent."""
        last = frame_count(self._samples, self.hop)
        missing = self._start(max(last - 1, 0)) + self.length - (self._origin + self._buffer.size)
        self._buffer = np.concatenate((self._buffer, np.zeros(max(missing, 0), dtype=np.float32)))
        batches = list(self._batches(last))
        if self._frame < last:
            batches.append(self._cut(last - self._frame))
        return batches

    def centres(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the indices of the samples at the centres of frames, shape (count,)."""
        centres: NDArray[np.int64] = np.floor(np.arange(first, first + count) * self.hop + 0.5).astype(np.int64)
        return centres

    def _start(self, frame: int) -> int:
        """Return the index of the first sample of a frame."""
        return math.floor(frame * self.hop + 0.5) - self._half

    def _complete(self) -> int:
        """Return the number of frames, counted from the beginning of the signal, whose samples have all come."""
        end = self._origin + self._buffer.size - self.length
        frames = max(0, math.floor((end + self._half) / self.hop) + 2)
        while frames and self._start(frames - 1) > end:
            frames -= 1
        return frames

    def _batches(self, stop: int) -> Iterator[NDArray[np.float32]]:
        """Yield the full batches before frame `stop`, and forget the samples that no later frame needs."""
        while self._frame + self.batch <= stop:
            yield self._cut(self.batch)
        unused = min(max(self._start(self._frame) - self._origin, 0), self._buffer.size)
        self._buffer = self._buffer[unused:]
        self._origin += unused

    def _cut(self, count: int) -> NDArray[np.float32]:
        """Return the next `count` windows."""
        first = self._start(self._frame) - self._origin
        stride = self._buffer.strides[0]
        windows: NDArray[Any]
        if self.hop.is_integer():
            shape, strides = (count, self.length), (int(self.hop) * stride, stride)
            windows = as_strided(self._buffer[first:], shape, strides, writeable=False)
        else:
            centres = self.centres(self._frame, count)
            every = as_strided(
                self._buffer[first:],
                (int(centres[-1] - centres[0]) + 1, self.length),
                (stride, stride),
                writeable=False,
            )
            windows = every[centres - centres[0]]
        self._frame += count
        return windows


class STFT:
    """Online short-time Fourier transform with centred frames.

    Frame n is X(n, k) = Σ_r x(c_n - N/2 + r) w(r) exp(-2πikr / N) with centre c_n = round(n · hop), the sound being
    continued by zeros on both sides (FMP, Section 2.5.3, moved by half a window). There are `frame_count` frames.

    Parameters
    ----------
    window : array_like, shape (N,)
        Window w.
    hop : float
        Distance of the frames in samples; may be fractional.
    batch : int, optional
        Frames given out at a time, as for `Windows`.

    Raises
    ------
    ParameterError
        A window shorter than two samples, a hop below one sample or an empty batch.
    """

    def __init__(self, window: ArrayLike, hop: float, batch: int | None = None) -> None:
        self.window: NDArray[np.float32] = np.ascontiguousarray(window, dtype=np.float32)
        if self.window.ndim != 1:
            raise ParameterError("a window needs at least two samples")
        self._windows = Windows(self.window.size, hop, batch)
        self.hop, self.batch = self._windows.hop, self._windows.batch

    @property
    def bins(self) -> int:
        """Number of frequency bins, N/2 + 1."""
        return self.window.size // 2 + 1

    def push(self, samples: NDArray[np.float32]) -> list[NDArray[np.complex64]]:
        """Take samples (n,) and return the batches of frames (batch × bins) that they complete.

        Raises
        ------
        DataError
            The samples are not finite.
        """
        if samples.size and not (math.isfinite(samples.min()) and math.isfinite(samples.max())):
            raise DataError("the sound holds samples that are not finite numbers")
        return [self._transform(windows) for windows in self._windows.push(samples)]

    def flush(self) -> list[NDArray[np.complex64]]:
        """Continue the sound by zeros and return the remaining frames; the state is spent."""
        return [self._transform(windows) for windows in self._windows.flush()]

    def centres(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the indices of the samples at the centres of frames, shape (count,)."""
        return self._windows.centres(first, count)

    def _transform(self, windows: NDArray[np.float32]) -> NDArray[np.complex64]:
        spectra: NDArray[Any] = np.fft.rfft(windows * self.window)  # complex64: numpy keeps the precision
        return spectra


def overlap_add(frames: NDArray[np.float32], hop: int) -> NDArray[np.float32]:
    """Return the sum of frames (… × m × N), each `hop` samples after the one before, shape (… × (m - 1) · hop + N)."""
    count, size = frames.shape[-2:]
    overlap = -(-size // hop)  # frames so many apart do not touch each other and are added in one go
    rounded = (count - 1 + 2 * overlap) * hop
    total = np.zeros((*frames.shape[:-2], rounded), dtype=np.float32)
    for first in range(min(overlap, count)):
        part = frames[..., first::overlap, :]
        strides = (*total.strides[:-1], overlap * hop * total.itemsize, total.itemsize)
        there = as_strided(total[..., first * hop :], part.shape, strides)
        there += part
    return total[..., : (count - 1) * hop + size]


class InverseSTFT:
    """Online inverse of `STFT`: overlap-add of windowed frames (Griffin and Lim, IEEE TASSP 32(2), 1984, Equation 6).

    Of spectra that were not changed the sound comes back as it was, up to rounding, from its first sample to its last;
    of others, the sound whose spectra are nearest to them.

    Parameters
    ----------
    window : array_like, shape (N,)
        As for `STFT`.
    hop : float
        As for `STFT`, but whole. Where it is more than a third of a Hann window, samples behind the centre of the last
        frame come back only if the sound is continued by `hop` zeros.

    Raises
    ------
    ParameterError
        The hop is not whole, or so large that some samples lie at the edges of windows only.
    """

    _LEAST = 1e-3  # share of the largest sum of squared windows; where there is less, rounding errors are heard

    def __init__(self, window: ArrayLike, hop: float) -> None:
        self.window: NDArray[np.float32] = np.ascontiguousarray(window, dtype=np.float32)
        size, self._half = self.window.size, self.window.size // 2
        if not float(hop).is_integer() or not 1 <= hop <= size:
            raise ParameterError(f"the way back from spectra needs a hop of 1 to {size} whole samples, not {hop:g}")
        self.hop = int(hop)
        frames = 2 * -(-size // self.hop)
        weights = self._weights(frames)[self._half : self._half + (frames - 1) * self.hop]
        self._least = self._LEAST * weights.max()
        if weights.min() < self._least:
            raise ParameterError(f"windows of {size} samples overlap too little at a hop of {self.hop}")
        self._next = -self._half  # index of the first sample that is not complete
        self._tail: NDArray[np.float32] = np.zeros(size - self.hop, dtype=np.float32)
        self._weight = np.zeros(size - self.hop, dtype=np.float32)

    def push(self, frames: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Take frames (… × m × bins), such as channels × m × bins; return the samples (… × n) that they complete."""
        framed: NDArray[Any] = np.fft.irfft(frames, self.window.size)
        framed *= self.window
        total, weight = overlap_add(framed, self.hop), self._weights(framed.shape[-2])
        kept = self._weight.size
        total[..., :kept] += self._tail
        weight[:kept] += self._weight
        done = framed.shape[-2] * self.hop
        self._tail, self._weight = total[..., done:], weight[done:]
        return self._divided(total[..., :done], weight[:done])

    def flush(self, length: int) -> NDArray[np.float32]:
        """Return the remaining samples (… × n) of a sound of `length` samples; the state is spent."""
        left = length - self._next
        return self._divided(self._tail[..., :left], self._weight[:left])

    def _weights(self, count: int) -> NDArray[np.float32]:
        return overlap_add(np.broadcast_to(self.window**2, (count, self.window.size)), self.hop)

    def _divided(self, total: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return samples of the sound: what lies before its beginning is left out."""
        skipped = min(max(-self._next, 0), total.shape[-1])
        self._next += total.shape[-1]
        samples: NDArray[np.float32] = total[..., skipped:] / np.maximum(weight[skipped:], self._least)
        return samples
