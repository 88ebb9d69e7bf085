"""Split sound into a harmonic and a percussive part by medians over time and over frequency, block by block.

Fitzgerald, Harmonic/percussive separation using median filtering, DAFx 2010; FMP, Section 8.1.1: what sounds makes
horizontal lines in a spectrogram, which a median over time keeps, and strokes make vertical lines, which a median over
frequency keeps. Masks are made of the two; all channels share them, so that the stereo image stays.

`split` is one stage, from a stream of samples to streams of samples: stages of several resolutions can follow each
other.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.errors import DataError, ParameterError
from mirtool.signal._median_kernels import STRIP, column_medians, row_medians
from mirtool.signal.stft import hann, overlap_add
from mirtool.threads import in_order
from mirtool.types import AudioSource

Samples = NDArray[np.float32]  # channels × n: the transforms run along contiguous samples
Matrix = NDArray[np.float32]  # frames × bins
Masking = Callable[[Matrix, Matrix], Sequence[Matrix]]

_BLOCK_SAMPLES = 1 << 21  # samples of the frames of a block, all channels together, as far as possible
_BATCH_SAMPLES = 1 << 17  # samples of the frames that are transformed at a time: they stay in the cache


@dataclass(frozen=True)
class Resolution:
    """How finely a stage looks at time and frequency.

    Parameters
    ----------
    size : int
        Samples of the window (Hann), even.
    hop : int
        Samples from one frame to the next, at most a quarter of the window.
    frames, bins : int
        How many values the medians over time and over frequency take, odd.
    bass : int
        How many of the lowest bins are the bass, over which medians take `bass_bins` values, odd: a bass drum is
        narrower than `bins`.
    bass_bins : int

    Raises
    ------
    ParameterError
        A window or a hop that does not fit, or medians of an even number of values.
    """

    size: int
    hop: int
    frames: int
    bins: int
    bass: int = 0
    bass_bins: int = 1

    def __post_init__(self) -> None:
        if self.size < 4 or self.size % 2 or not 1 <= self.hop <= self.size // 4:
            raise ParameterError(f"no window of {self.size} samples with a hop of {self.hop}: a quarter of it at most")
        for length in (self.frames, self.bins, self.bass_bins):
            if length < 1 or length % 2 == 0:
                raise ParameterError(f"medians of an odd number of values, not of {length}")


@dataclass(frozen=True, eq=False)
class Piece:
    """The parts of a stretch of sound.

    Parameters
    ----------
    parts : tuple of ndarray, shape (channels, n)
        One for each mask, and last what they leave: they sum to the sound.
    masks : tuple of ndarray, shape (frames, bins)
        The masks of the frames that are centred in the stretch.
    """

    parts: tuple[Samples, ...]
    masks: tuple[Matrix, ...]


def channels_of(source: AudioSource) -> Iterator[Samples]:
    """Yield the samples of a source, channel by channel (channels × n); raise `DataError` where they are not finite."""
    for block in source.blocks(CHUNK):
        if not (math.isfinite(block.min(initial=0)) and math.isfinite(block.max(initial=0))):
            raise DataError("the sound holds samples that are not finite numbers")
        yield np.ascontiguousarray(block.T)


def split(chunks: Iterable[Samples], channels: int, resolution: Resolution, masking: Masking) -> Iterator[Piece]:
    """Split a stream.

    The medians see the sound mirrored at its ends, so that what begins with the recording is no attack; over frequency,
    the spectrum of real sound is its own mirror image.

    Parameters
    ----------
    chunks : iterable of ndarray, shape (channels, any)
    channels : int
    resolution : Resolution
    masking : callable
        Makes masks (frames × bins, 0 to 1) of the energies that the medians over time and over frequency leave
        (frames × bins each).

    Yields
    ------
    Piece
    """
    stage = _Stage(channels, resolution, masking)
    yield from in_order(stage.piece, stage.blocks(chunks))


@dataclass(frozen=True, eq=False)
class _Block:
    """Frames `first` to `stop` with the sound around them.

    `last` is the last frame of all where that is known; `length` the samples that the block stands for, `centred` the
    frames that are centred in them: the very last sample may have a frame of its own.
    """

    samples: Samples
    first: int
    stop: int
    last: int | None
    length: int
    centred: int


class _Stage:
    """The geometry of blocks, and what is done with one of them, which depends on no other."""

    def __init__(self, channels: int, resolution: Resolution, masking: Masking) -> None:
        size, hop = resolution.size, resolution.hop
        self._channels, self._resolution, self._masking = channels, resolution, masking
        self._window = hann(size)
        # overlapping squared windows add up to this at every sample that `hop` tells apart
        overlap = -(-size // hop)
        total = overlap_add(np.broadcast_to(self._window**2, (2 * overlap, size)), hop)
        steady = total[overlap * hop :][:hop]
        self._synthesis = self._window / np.resize(steady, size)
        self._reach = -(-size // (2 * hop))  # frames before and after a sample that hold it
        self._half = resolution.frames // 2
        around = 2 * (self._reach + self._half)  # frames that a block has in common with others: an eighth of it
        wanted = -(-(8 * around + 2 * self._reach) // STRIP) * STRIP  # medians are found for so many frames at once
        possible = _BLOCK_SAMPLES // (channels * size)
        self._step = max(min(wanted, possible) - 2 * self._reach, around // 2)
        self._batch = max(_BATCH_SAMPLES // (channels * size), 1)

    def blocks(self, chunks: Iterable[Samples]) -> Iterator[_Block]:
        """Cut a stream into blocks."""
        hop = self._resolution.hop
        context = (self._reach + self._half) * hop + self._resolution.size // 2
        step = self._step * hop
        held = np.zeros((self._channels, context), dtype=np.float32)
        first = 0
        for chunk in chunks:
            held = np.concatenate((held, chunk), axis=1)
            while held.shape[1] >= step + 2 * context:
                yield _Block(held[:, : step + 2 * context], first, first + self._step, None, step, self._step)
                held = held[:, step:]
                first += self._step
        left = held.shape[1] - context
        last = first + left // hop
        while left > 0:
            length = min(left, step)
            stop = first + -(-length // hop)
            centred = (last + 1 if length == left else stop) - first
            samples = np.zeros((self._channels, (stop - first) * hop + 2 * context), dtype=np.float32)
            there = held[:, : samples.shape[1]]
            samples[:, : there.shape[1]] = there
            yield _Block(samples, first, stop, last, length, centred)
            held, first, left = held[:, length:], stop, left - length

    def piece(self, block: _Block) -> Piece:
        """Split a block."""
        hop, half, reach = self._resolution.hop, self._half, self._reach
        windows = sliding_window_view(block.samples, self._resolution.size, axis=1)[:, ::hop]
        count = block.stop - block.first + 2 * (half + reach)
        X, energy = self._transformed(windows[:, :count])
        if block.first == 0 or block.last is not None:
            begin = block.first - half - reach
            energy = energy[_mirrored(np.arange(begin, begin + count), block.last) - begin]
        masks = self._masking(*self._medians(energy))
        context = (reach + half) * hop + self._resolution.size // 2
        rest = block.samples[:, context : context + block.length].copy()
        parts = []
        for mask in masks:
            part = self._sound(X, mask, block.length)
            rest -= part
            parts.append(part)
        inside = slice(reach, reach + block.centred)
        return Piece((*parts, rest), tuple(mask[inside] for mask in masks))

    def _transformed(self, windows: NDArray[np.float32]) -> tuple[NDArray[np.complex64], Matrix]:
        """Return the spectra (channels × m × bins) of the inner frames, and the energies (frames × bins) of all."""
        channels, count, size = windows.shape
        spectra = np.empty((channels, count, size // 2 + 1), dtype=np.complex64)
        energy = np.empty(spectra.shape[1:], dtype=np.float32)
        for begin in range(0, count, self._batch):
            part = slice(begin, begin + self._batch)
            X = np.fft.rfft(windows[:, part] * self._window, out=spectra[:, part])
            np.square(X[0].real, out=energy[part])
            for values in (X[0].imag, *(side for channel in X[1:] for side in (channel.real, channel.imag))):
                energy[part] += values * values
        return spectra[:, self._half : count - self._half], energy

    def _medians(self, energy: Matrix) -> tuple[Matrix, Matrix]:
        """Return the medians over time and over frequency of the inner frames."""
        half, resolution = self._half, self._resolution
        shape = (len(energy) - 2 * half, energy.shape[1])
        over_time = np.empty(shape, np.float32)
        column_medians(energy, resolution.frames, over_time)
        inner = energy[half : half + shape[0]]
        over_frequency = _over_frequency(inner, resolution.bins)
        bass, reach = min(resolution.bass, shape[1]), resolution.bass_bins // 2
        if bass:
            over_frequency[:, :bass] = _over_frequency(inner[:, : bass + reach + 1], resolution.bass_bins)[:, :bass]
        return over_time, over_frequency

    def _sound(self, X: NDArray[np.complex64], mask: Matrix, length: int) -> Samples:
        """Return the samples (channels × length) that a mask takes."""
        size, hop = self._resolution.size, self._resolution.hop
        sound = np.zeros((len(X), (len(mask) - 1) * hop + size), dtype=np.float32)
        for begin in range(0, len(mask), self._batch):
            part = slice(begin, begin + self._batch)
            framed: NDArray[Any] = np.fft.irfft(X[:, part] * mask[part], size)  # numpy keeps the precision
            framed *= self._synthesis
            added = overlap_add(framed, hop)
            sound[:, begin * hop : begin * hop + added.shape[1]] += added
        begin = self._reach * hop + size // 2
        return sound[:, begin : begin + length]


def _over_frequency(energy: Matrix, length: int) -> Matrix:
    """Return the medians (frames × bins) over `length` bins."""
    medians = np.empty(energy.shape, np.float32)
    padded = np.ascontiguousarray(np.pad(energy, ((0, 0), (length // 2, length // 2)), mode="reflect"))
    row_medians(padded, length, medians)
    return medians


def _mirrored(frames: NDArray[np.int64], last: int | None) -> NDArray[np.int64]:
    """Return the frames between 0 and `last` (None: not in sight) that are the mirror images of frames outside."""
    frames = np.abs(frames)
    if last is None:
        return frames
    period = max(2 * last, 1)
    frames %= period
    return np.minimum(frames, period - frames) if last else np.zeros_like(frames)
