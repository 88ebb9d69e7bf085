"""Sound: recordings, where they come from and go to, and the parts of a mixture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mirtool.types.freezing import frozen


@runtime_checkable
class AudioSource(Protocol):
    """Sound that can be read in blocks.

    Attributes
    ----------
    sample_rate : int
        Samples a second (Hz).
    channels : int
    frames : int or None
        Length in samples a channel; None when it is not known before the end.
    """

    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int | None: ...

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (n × channels, float32, n ≤ size), each sharing `overlap` samples with the one before.

        Every call starts at the beginning; a live source allows one call.
        """
        ...


class AudioSink(Protocol):
    """Where sound is written to, block by block."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...

    def write(self, block: NDArray[np.float32]) -> None:
        """Append samples (n × channels, float32)."""
        ...


@dataclass(frozen=True, eq=False)
class Audio:
    """A whole recording in memory; itself an `AudioSource`.

    Parameters
    ----------
    samples : ndarray, shape (frames, channels), float32
    sample_rate : int
        Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim == 1:
            samples = samples[:, None]
        object.__setattr__(self, "samples", frozen(samples))

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        for begin in range(0, max(self.frames - overlap, 1), size - overlap):
            yield self.samples[begin : begin + size]


@runtime_checkable
class Stems(Protocol):
    """The parts of a separation, of one length and side by side in time.

    Attributes
    ----------
    names : tuple of str
        Of the parts, which become names of files.
    sample_rate, channels : int
        Of every part.
    frames : int or None
        Length in samples a channel; None when it is not known before the end.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int | None: ...

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Yield, for one stretch of time after the other, a block (n × channels, float32) of each part.

        Every call starts at the beginning. The block of a part that will not be written may be empty (0 × channels).
        """
        ...


@dataclass(frozen=True)
class StemStream:
    """Parts that are computed as they are written; see `Stems`.

    Parameters
    ----------
    names : tuple of str
    sample_rate, channels : int
    frames : int or None
    make : callable
        Starts a computation from the beginning; what it returns yields a tuple with a block a part.
    """

    names: tuple[str, ...]
    sample_rate: int
    channels: int
    frames: int | None
    make: Callable[[], Iterator[tuple[NDArray[np.float32], ...]]]

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        return self.make()


@dataclass(frozen=True, eq=False)
class PartsOf:
    """Base of `Stems` that are made of a sound and are as long as it, with its rate and channels.

    Parameters
    ----------
    source : AudioSource
    """

    source: AudioSource

    @property
    def sample_rate(self) -> int:
        return self.source.sample_rate

    @property
    def channels(self) -> int:
        return self.source.channels

    @property
    def frames(self) -> int | None:
        return self.source.frames
