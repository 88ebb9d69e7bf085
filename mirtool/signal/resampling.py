"""Change the sample rate and the number of channels of a stream of sound."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, check_block, chunk_size, reblocked
from mirtool.errors import ParameterError
from mirtool.types import AudioSource

Samples = NDArray[np.float32]

_STEP = 0.01  # s
_TRIAL = 300  # steps


def mono(source: AudioSource) -> AudioSource:
    """Average the channels.

    Parameters
    ----------
    source : AudioSource

    Returns
    -------
    AudioSource
        One channel: the mean of all; `source` itself if it has only one.
    """
    return source if source.channels == 1 else _Mono(source)


def resampled(source: AudioSource, sample_rate: int) -> AudioSource:
    """Change the sample rate.

    Parameters
    ----------
    source : AudioSource
    sample_rate : int
        Hz.

    Returns
    -------
    AudioSource
        Without delay, of round(frames · ratio) samples, the same whatever the size of the blocks; `source` itself if
        it has that rate. Take `mono` first where one channel is enough: it halves the work.

    Raises
    ------
    ParameterError
        A rate that is not positive.

    Notes
    -----
    libsoxr at "HQ": flat to 0.91 of the new Nyquist frequency, aliases and images below −120 dB, linear phase.
    """
    _check(sample_rate)
    return source if source.sample_rate == sample_rate else _Resampled(source, sample_rate)


def _check(sample_rate: int) -> None:
    if sample_rate <= 0:
        raise ParameterError(f"sample rate must be positive, not {sample_rate}")


class Resampler:
    """Online change of the sample rate: blocks in, blocks out, in the end round(frames · ratio) samples without delay.

    Parameters
    ----------
    source_rate, target_rate : int
        Hz.
    channels : int, optional
        Without it, blocks have one dimension (n,) instead of two (n × channels).

    Raises
    ------
    ParameterError
        A rate that is not positive.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int | None = None) -> None:
        import soxr

        _check(target_rate)
        self._rates = source_rate, target_rate
        self._shape = () if channels is None else (channels,)
        self._stream = soxr.ResampleStream(source_rate, target_rate, channels or 1, quality="HQ")
        self._taken = self._given = 0

    def push(self, block: Samples) -> Samples:
        """Take samples and return those that are ready."""
        self._taken += len(block)
        ready: Samples = self._stream.resample_chunk(np.ascontiguousarray(block))
        self._given += len(ready)
        return ready

    def flush(self) -> Samples:
        """Return the rest; the state is spent."""
        rest: Samples = self._stream.resample_chunk(np.zeros((0, *self._shape), np.float32), last=True)
        missing = _length(self._taken, *self._rates) - self._given
        silence = np.zeros((max(missing - len(rest), 0), *self._shape), np.float32)
        return np.concatenate((rest[: max(missing, 0)], silence))


class LiveSamples:
    """Sound as it comes, mixed to mono and resampled, in steps of 10 ms; the same whatever pieces it comes in.

    Parameters
    ----------
    source : AudioSource
    sample_rate : int
        Hz.

    Attributes
    ----------
    latency : float
        The longest time from a sample's coming to its being given out (s).
    """

    def __init__(self, source: AudioSource, sample_rate: int) -> None:
        self._source, self._rates = source, (source.sample_rate, sample_rate)
        self._step = max(round(source.sample_rate * _STEP), 1)
        self.latency = self._step / source.sample_rate
        if source.sample_rate != sample_rate:
            self.latency += self._longest_wait()

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield samples (n,)."""
        blocks = (_average(block)[:, 0] for block in self._source.blocks(self._step))
        if self._rates[0] == self._rates[1]:
            yield from blocks
            return
        state = Resampler(*self._rates)
        for block in blocks:
            yield state.push(block)
        yield state.flush()

    def _longest_wait(self) -> float:
        """Return how long the resampler keeps samples back (s): it works in blocks of its own; found by trying."""
        state, silence = Resampler(*self._rates), np.zeros(self._step, np.float32)
        taken = given = 0
        longest = 0.0
        for _ in range(_TRIAL):
            given += len(state.push(silence))
            taken += self._step
            longest = max(longest, taken / self._rates[0] - given / self._rates[1])
        return longest


def _length(frames: int, source_rate: int, target_rate: int) -> int:
    """Return round(frames · target_rate / source_rate)."""
    return (2 * frames * target_rate + source_rate) // (2 * source_rate)


class _Mono:
    channels = 1

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self.sample_rate = source.sample_rate

    @property
    def frames(self) -> int | None:
        return self._source.frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        check_block(size, overlap)
        averages = (_average(block) for block in self._source.blocks(chunk_size(size, overlap)))
        return reblocked(averages, size, overlap)


def _average(block: Samples) -> Samples:
    """Return the mean of the channels (n × 1); column by column is six times as fast as `mean`."""
    if block.shape[1] == 1:
        return block
    total = block[:, 0] + block[:, 1]
    for column in range(2, block.shape[1]):
        total += block[:, column]
    total *= np.float32(1 / block.shape[1])
    return total[:, None]


class _Resampled:
    def __init__(self, source: AudioSource, sample_rate: int) -> None:
        self._source = source
        self.sample_rate = sample_rate
        self.channels = source.channels

    @property
    def frames(self) -> int | None:
        length = self._source.frames
        return None if length is None else _length(length, self._source.sample_rate, self.sample_rate)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        check_block(size, overlap)
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[Samples]:
        state = Resampler(self._source.sample_rate, self.sample_rate, self.channels)
        # Always the same chunks, so that rounding does not depend on the size of the blocks.
        for block in self._source.blocks(CHUNK):
            yield state.push(block)
        yield state.flush()
