"""Sounds at moments: the one loop that puts notes and clicks on a time line."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, reblocked
from mirtool.errors import ParameterError

Samples = NDArray[np.float32]
LATEST = 1e6  # seconds: what would sound later, after more than eleven days, has a mistake in its time


class Placement(ABC):
    """Sounds that begin at given samples, as a mono `AudioSource`: made while it is read, in memory that does not grow.

    Parameters
    ----------
    begins : ndarray, shape (N,), int64
        First sample of each sound, not negative, nowhere decreasing.
    sample_rate : int
        Hz.
    duration : float, optional
        Length (s); by default until the last sound has died away.
    """

    channels = 1

    def __init__(self, begins: NDArray[np.int64], sample_rate: int, duration: float | None = None) -> None:
        if sample_rate <= 0:
            raise ParameterError(f"the sample rate must be positive, not {sample_rate}")
        self.sample_rate = sample_rate
        self._begins = begins
        if duration is not None:
            self.frames = round(duration * sample_rate)
        else:
            self.frames = int(max((begins + self._lengths()).tolist(), default=0))

    @abstractmethod
    def _lengths(self) -> NDArray[np.int64]:
        """Return the length of each sound (samples)."""

    @abstractmethod
    def _sound(self, index: int) -> Samples:
        """Return a sound, shape (n,)."""

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Samples]:
        """Yield blocks (n × 1, float32); see `AudioSource`."""
        return reblocked(self._chunks(), size, overlap, self.channels)

    def _chunks(self) -> Iterator[Samples]:
        pending = np.zeros(CHUNK, dtype=np.float32)
        played = 0
        for begin in range(0, self.frames, CHUNK):
            ready = int(np.searchsorted(self._begins, begin + CHUNK))
            for index in range(played, ready):
                pending = _mixed(pending, self._sound(index), int(self._begins[index]) - begin)
            played = ready
            yield pending[: min(CHUNK, self.frames - begin), None]
            rest = pending[CHUNK:]
            pending = np.pad(rest, (0, max(CHUNK - len(rest), 0)))


def _mixed(pending: Samples, sound: Samples, at: int) -> Samples:
    """Add a sound at position `at` and return the buffer, grown where the sound is longer."""
    end = at + len(sound)
    if end > len(pending):
        pending = np.pad(pending, (0, end - len(pending)))
    pending[at:end] += sound
    return pending
