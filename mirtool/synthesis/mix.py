"""Sounds over sounds: a sonification mixed with its recording, block by block."""

import logging
from collections.abc import Iterator
from itertools import zip_longest

import numpy as np

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import ParameterError
from mirtool.signal.resampling import mono
from mirtool.synthesis.placement import Samples
from mirtool.types import AudioSource

log = logging.getLogger(__name__)


def over(source: AudioSource, other: AudioSource, gain: float = 0.0, stereo: bool = False) -> AudioSource:
    """Lay one sound over another.

    Nothing is rescaled or clipped: where the sum goes beyond full scale, it does, and a warning says so at the end.

    Parameters
    ----------
    source : AudioSource
        The recording.
    other : AudioSource
        What is laid over it, at the same sample rate; as mono.
    gain : float
        Of `other` (dB).
    stereo : bool
        `source`, as mono, on the left, `other` on the right. Otherwise `other` is added to every channel of `source`.

    Returns
    -------
    AudioSource
        As long as the longer of both.

    Raises
    ------
    ParameterError
        Different sample rates, or a gain that is no number.
    """
    if source.sample_rate != other.sample_rate:
        raise ParameterError(f"sounds at {source.sample_rate} and {other.sample_rate} Hz cannot be mixed")
    return _Watched(_Over(mono(source) if stereo else source, mono(other), _factor(gain), stereo))


def summed(source: AudioSource, other: AudioSource) -> AudioSource:
    """Play two sounds of one sample rate together; `other`, as mono, on every channel of `source`."""
    return _Over(source, mono(other), np.float32(1), False)


def amplified(source: AudioSource, gain: float = 0.0) -> AudioSource:
    """Make a sound louder or softer by `gain` (dB); a warning says at the end if it went beyond full scale."""
    return _Watched(_Amplified(source, _factor(gain)))


def _factor(gain: float) -> np.float32:
    if not -200 < gain < 200:
        raise ParameterError(f"a gain lies between -200 and 200 dB, not at {gain:g}")
    return np.float32(10 ** (gain / 20))


class _Derived:
    """A sound that is made of another, with its rate, channels and length."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self.sample_rate, self.channels = source.sample_rate, source.channels

    @property
    def frames(self) -> int | None:
        return self._source.frames


class _Amplified(_Derived):
    def __init__(self, source: AudioSource, factor: np.float32) -> None:
        super().__init__(source)
        self._factor = factor

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        return (block * self._factor for block in self._source.blocks(size, overlap))


class _Watched(_Derived):
    """A sound that tells at its end by how much it went beyond full scale."""

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        peak = 0.0
        for block in self._source.blocks(size, overlap):
            peak = max(peak, float(block.max(initial=0)), -float(block.min(initial=0)))
            yield block
        if peak > 1:
            log.warning("the sound goes up to %.3f (full scale is 1), which floats hold but players clip", peak)


class _Over:
    def __init__(self, source: AudioSource, other: AudioSource, factor: np.float32, stereo: bool) -> None:
        self._source, self._other, self._factor, self._stereo = source, other, factor, stereo
        self.sample_rate = source.sample_rate
        self.channels = 2 if stereo else source.channels

    @property
    def frames(self) -> int | None:
        one, other = self._source.frames, self._other.frames
        return None if one is None or other is None else max(one, other)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[Samples]:
        nothing = np.zeros((0, 1), np.float32)
        for below, above in zip_longest(_even(self._source), _even(self._other), fillvalue=nothing):
            mixed = np.zeros((max(len(below), len(above)), self.channels), np.float32)
            if self._stereo:
                mixed[: len(below), :1] = below
                mixed[: len(above), 1:] = self._factor * above
            else:
                mixed[: len(below)] = below
                mixed[: len(above)] += self._factor * above
            yield mixed


def _even(source: AudioSource) -> Iterator[Samples]:
    """Yield blocks that are all of one size, but for the last: a source may give shorter ones."""
    return reblocked(source.blocks(CHUNK), CHUNK, 0, source.channels)
