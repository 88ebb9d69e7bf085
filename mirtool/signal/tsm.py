"""Time-scale modification: other durations, the same pitch, along any monotone mapping of time.

Driedger, Müller, Ewert, Improving time-scale modification of music signals using harmonic-percussive separation, IEEE
Signal Processing Letters 21(1), 2014; Driedger, Müller, A review of time-scale modification of music signals, Applied
Sciences 6(2), 2016. The harmonic part goes through a phase vocoder with identity phase locking (Laroche, Dolson 1999),
the percussive part through overlap-add of short windows. Three things differ from the papers:

- The phase vocoder measures the phase advance between two analysis frames that lie one *synthesis* hop apart. It needs
  no unwrapping, works for any local tempo (even where time stands still), and gives the input back exactly where the
  map is a mere shift.
- All channels are turned by the same angle, found from all of them, so that the stereo image stays.
- Overlap-add repeats or skips a sharp attack that several windows see at different places. Here windows near an attack
  are all taken with the same offset, so that it sounds once, sharp, and at its mapped time.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.blocks import reblocked
from mirtool.errors import DataError, ParameterError
from mirtool.signal.hps import Matrix, Resolution, Samples, channels_of, split
from mirtool.signal.parameters import TimeScaleParameters
from mirtool.signal.stft import hann, overlap_add
from mirtool.signal.transients import Transients
from mirtool.types import AudioSource

TimeMap = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_MEDIAN = 11  # frames (128 ms) and bins (237 Hz) of the medians
_BATCH = 64  # synthesis frames of the phase vocoder at a time
_INSTANT = 1 << 21  # a batch is halved until it reads fewer samples than this
_MOST_SECONDS = 1e6


class TimeScaled:
    """A source played along another time line; itself an `AudioSource`, computed while it is read in bounded memory.

    Sample n of the result is what sounds at `backward(n / sample_rate)` in the source (silence outside of it). The
    result ends where the source ends: it has round(forward(duration) · sample_rate) samples, none if that is negative.

    Parameters
    ----------
    source : AudioSource
        Any sample rate and number of channels.
    forward, backward : callable
        From times of the source (s, float64 array) to times of the result, monotone, and back.
    parameters : TimeScaleParameters

    Raises
    ------
    ParameterError
        There is no such method.
    DataError
        While reading: samples that are not finite.
    """

    def __init__(
        self,
        source: AudioSource,
        forward: TimeMap,
        backward: TimeMap,
        parameters: TimeScaleParameters = TimeScaleParameters(),  # noqa: B008 - frozen
    ) -> None:
        if parameters.tsm not in METHODS:
            raise ParameterError(f"no method {parameters.tsm!r} (there are: {', '.join(METHODS)})")
        self._source, self._method = source, METHODS[parameters.tsm]
        self._forward, self._backward = forward, backward
        self.sample_rate, self.channels = source.sample_rate, source.channels

    @property
    def frames(self) -> int | None:
        """Length in samples; None when that of the source is not known."""
        return None if self._source.frames is None else self._length(self._source.frames)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (n × channels, float32); see `AudioSource`."""
        chunks = (np.ascontiguousarray(chunk.T) for chunk in self._chunks())
        return reblocked(chunks, size, overlap, self.channels)

    def _length(self, frames: int) -> int:
        end = float(self._forward(np.array([frames / self.sample_rate]))[0])
        if not abs(end) < _MOST_SECONDS:
            raise DataError(f"the mapped sound would end at {end:g} s")
        return max(round(end * self.sample_rate), 0)

    def _positions(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the source samples that belong to samples of the result."""
        times = self._backward(samples / self.sample_rate)
        # ties fall to one side, also when rounding errors push them about: a constant shift stays constant
        return np.floor(times * self.sample_rate + 0.501).astype(np.int64)

    def _mapped(self, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self._forward(samples / self.sample_rate) * self.sample_rate)

    def _chunks(self) -> Iterator[Samples]:
        """Yield the result (channels × n)."""
        feed = _Feed(self._source, self._method)
        engines = [engine(feed, self._positions, self._mapped) for engine in self._method]
        hop = max(engine.hop for engine in engines)
        reach = max(engine.reach for engine in engines)
        begin = 0
        while True:
            step = _BATCH * hop
            while step > hop and np.ptp(self._positions(np.array([begin, begin + step]))) > _INSTANT:
                step //= 2
            first, last = self._positions(np.array([begin - reach, begin + step + reach]))
            feed.advance(int(first) - reach, int(last) + reach)
            total = self._length(feed.end) if feed.exhausted else math.inf
            if begin >= total:
                return
            parts = [engine.output(begin + step) for engine in engines]
            chunk = parts[0] if len(parts) == 1 else parts[0] + parts[1]
            yield chunk[:, : int(min(total - begin, step))]
            begin += step


class _Feed:
    """The part of the source that is in sight, one signal an engine (harmonic and percussive, or all)."""

    def __init__(self, source: AudioSource, method: "tuple[type[_Engine], ...]") -> None:
        self.channels, self.sample_rate = source.channels, source.sample_rate
        size = _fft_size(source.sample_rate) // 2
        chunks = channels_of(source)
        self._parts: Iterator[tuple[Samples, ...]] = ((chunk,) for chunk in chunks)
        if len(method) > 1:
            resolution = Resolution(size, size // 4, frames=_MEDIAN, bins=_MEDIAN)
            self._parts = (piece.parts for piece in split(chunks, source.channels, resolution, _larger))
        self._held: list[Samples] = [np.zeros((source.channels, 0), dtype=np.float32) for _ in method]
        self.begin = self.end = 0
        self.exhausted = False
        self.transients = Transients(max(size // 32, 1)) if len(method) > 1 else None

    def advance(self, first: int, last: int) -> None:
        """Read until sample `last` is in sight (or the source ends), and forget what lies before `first`."""
        while not self.exhausted and (self.end < last or (self.transients and self.transients.until < last)):
            self._forget(first)
            parts = next(self._parts, None)
            if parts is None:
                self.exhausted = True
                if self.transients:
                    self.transients.flush()
                break
            self._held = [np.concatenate(pair, axis=1) for pair in zip(self._held, parts, strict=True)]
            self.end += parts[0].shape[1]
            if self.transients:
                self.transients.push(parts[1])
        self._forget(first)

    def _forget(self, first: int) -> None:
        gone = min(max(first - self.begin, 0), self.end - self.begin)
        if gone:
            self._held = [part[:, gone:] for part in self._held]
            self.begin += gone
            if self.transients:
                self.transients.forget(self.begin)

    def windows(self, part: int, starts: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Return windows (channels × len(starts) × size) of a part; zeros outside of the source."""
        first, last = int(starts.min()), int(starts.max()) + size
        held = self._held[part]
        low, high = max(first, self.begin), min(last, self.end)
        if low == first and high == last:
            segment = held[:, low - self.begin : high - self.begin]
        else:
            segment = np.zeros((self.channels, last - first), dtype=np.float32)
            if high > low:
                segment[:, low - first : high - first] = held[:, low - self.begin : high - self.begin]
        return np.asarray(sliding_window_view(segment, size, axis=1)[:, starts - first])


class _Engine(ABC):
    """Overlap-add of windowed frames: frame i is centred at sample i · hop of the result.

    Attributes
    ----------
    part : int
        Which signal of the feed it takes.
    size, hop : int
        Of its frames (samples).
    reach : int
        How far around the mapped time it looks into the source (samples).
    """

    part = 0
    size: int
    hop: int
    reach: int

    def __init__(
        self,
        feed: _Feed,
        positions: Callable[[NDArray[np.int64]], NDArray[np.int64]],
        mapped: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    ) -> None:
        self.feed, self.positions, self.mapped = feed, positions, mapped
        self.set_sizes(_fft_size(feed.sample_rate))
        self._frame = 1 - self.size // 2 // self.hop
        self._skip = self.size // 2 - self._frame * self.hop
        self._tail = np.zeros((feed.channels, self.size - self.hop), dtype=np.float32)

    @abstractmethod
    def set_sizes(self, fft_size: int) -> None: ...

    @abstractmethod
    def synthesised(self, centres: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the windowed frames (channels × M × size) centred at samples of the result."""

    def output(self, end: int) -> Samples:
        """Return the next samples of the result, up to `end` (a multiple of the hop)."""
        last = (end + self.size // 2) // self.hop
        centres = np.arange(self._frame, last, dtype=np.int64) * self.hop
        framed = self.synthesised(centres)
        total = overlap_add(framed, self.hop)
        total[:, : self._tail.shape[1]] += self._tail
        done = len(centres) * self.hop
        samples, self._tail = total[:, self._skip : done], total[:, done:]
        self._frame, self._skip = last, 0
        return samples


class PhaseVocoder(_Engine):
    """Phase vocoder with identity phase locking: what sounds is kept, attacks are blurred."""

    def set_sizes(self, fft_size: int) -> None:
        self.size, self.hop = fft_size, fft_size // 4
        self.reach = fft_size
        self._window = hann(fft_size)
        self._last = np.zeros((self.feed.channels, fft_size // 2 + 1), dtype=np.complex64)

    def synthesised(self, centres: NDArray[np.int64]) -> NDArray[np.float32]:
        from scipy.fft import irfft, rfft

        from mirtool.signal._kernels import lock_phases

        places = self.positions(centres)
        needed, index = np.unique(np.concatenate((places, places - self.hop)), return_inverse=True)
        windows = self.feed.windows(self.part, needed - self.size // 2, self.size)
        windows *= self._window
        X = rfft(windows)
        Y = np.empty((X.shape[0], len(places), X.shape[2]), dtype=np.complex64)
        current, before = index[: len(places)].astype(np.int64), index[len(places) :].astype(np.int64)
        lock_phases(X, current, before, Y, self._last)
        framed: NDArray[np.float32] = irfft(Y, self.size)
        framed *= self._window / np.float32(1.5)
        return framed


class OverlapAdd(_Engine):
    """Overlap-add of short windows, aligned at attacks: attacks are kept, tones would be broken."""

    part = 1

    def set_sizes(self, fft_size: int) -> None:
        self.size, self.hop = fft_size // 8, fft_size // 16
        self._guard = self.size // 2 + self.size // 4  # half a window before an attack, and the rise before its peak
        self.reach = 2 * fft_size
        self._window = hann(self.size)

    def synthesised(self, centres: NDArray[np.int64]) -> NDArray[np.float32]:
        places = self._aligned(centres, self.positions(centres))
        framed = self.feed.windows(self.part, places - self.size // 2, self.size)
        framed *= self._window
        return framed

    def _aligned(self, centres: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Move the places to read near attacks: within the guard around one, the map has slope one; none crosses it."""
        transients = self.feed.transients
        if transients is None or not len(transients.positions):
            return places
        attacks = transients.positions
        there = np.floor(self.mapped(attacks) + 0.5).astype(np.int64)
        nearest = np.searchsorted((there[1:] + there[:-1]) / 2, centres)
        distance, attack = centres - there[nearest], attacks[nearest]
        after = np.maximum(places, attack + self._guard)
        before = np.minimum(places, attack - self._guard)
        return np.where(np.abs(distance) < self._guard, attack + distance, np.where(distance > 0, after, before))


class Similar(_Engine):
    """WSOLA: overlap-add where each window is moved to continue the one before it best (Verhelst, Roelands 1993)."""

    def set_sizes(self, fft_size: int) -> None:
        self.size, self.hop = fft_size // 2, fft_size // 4
        self._tolerance = fft_size // 4
        self.reach = 2 * fft_size
        self._window = hann(self.size)
        self._natural: int | None = None

    def synthesised(self, centres: NDArray[np.int64]) -> NDArray[np.float32]:
        starts = self.positions(centres) - self.size // 2
        for i, start in enumerate(starts):
            if self._natural is not None and self._natural != start:
                starts[i] = start + self._best_shift(int(start), self._natural)
            self._natural = int(starts[i]) + self.hop
        return self.feed.windows(self.part, starts, self.size) * self._window

    def _best_shift(self, start: int, natural: int) -> int:
        """Return the shift of `start` within the tolerance that makes the window most like the one at `natural`."""
        from scipy.fft import irfft, rfft

        tolerance = self._tolerance
        wanted = self.feed.windows(self.part, np.array([natural]), self.size)[:, 0].sum(axis=0)
        span = self.size + 2 * tolerance
        there = self.feed.windows(self.part, np.array([start - tolerance]), span)[:, 0].sum(axis=0)
        # no wrap-around: the shifts asked for end where `wanted` still fits into the span
        similarity = irfft(rfft(there) * np.conj(rfft(wanted, span)), span)[: 2 * tolerance + 1]
        return int(np.argmax(similarity)) - tolerance


METHODS: dict[str, tuple[type[_Engine], ...]] = {
    "hps": (PhaseVocoder, OverlapAdd),
    "pv": (PhaseVocoder,),
    "wsola": (Similar,),
}


def _larger(over_time: Matrix, over_frequency: Matrix) -> list[Matrix]:
    """Return the mask of what is harmonic: where the median over time is the larger one."""
    return [(over_time >= over_frequency).astype(np.float32)]


def _fft_size(sample_rate: int) -> int:
    """Return the power of two nearest to 93 ms: 4096 at 44.1 and 48 kHz, 2048 at 22.05 kHz."""
    return int(max(2 ** round(math.log2(sample_rate * 4096 / 44100)), 64))
