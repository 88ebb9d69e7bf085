"""Spectrograms of bounded size, made while sound passes by: what pictures of separations are drawn of."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.signal.stft import STFT, hann
from mirtool.types import AudioSource, Features, Stems, StemStream

COLUMNS = 720  # at least, where the sound is long enough; there are twice as many at most
_WINDOW = 0.046  # s
_LOW = 40.0  # Hz
_OCTAVE_ROWS = 30

Frames = NDArray[np.float32]


class Overview:
    """Online power spectrogram over logarithmic frequency, the mean over all channels.

    Columns are short at first; whenever there are too many, neighbours are merged (mean of their power), so that memory
    does not depend on the duration. A row holds the largest power of the bins that fall on it.

    Parameters
    ----------
    sample_rate : int
        Hz.
    channels : int
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        half = max(round(_WINDOW * sample_rate / 2), 1)
        self._stfts = [STFT(hann(2 * half), half) for _ in range(channels)]
        self._rate = sample_rate / half  # frames a second
        width = sample_rate / (2 * half)  # of a bin, Hz
        nyquist = sample_rate / 2
        low = min(_LOW, nyquist / 2)
        count = int(np.log2(nyquist / low) * _OCTAVE_ROWS)
        self._centres = low * 2 ** (np.arange(count) / _OCTAVE_ROWS)
        first = np.minimum(np.rint(self._centres * 2 ** (-0.5 / _OCTAVE_ROWS) / width).astype(np.intp), half)
        self._bins, self._rows = np.unique(first, return_inverse=True)
        self._columns = np.zeros((2 * COLUMNS, len(self._bins)), np.float32)
        self._filled, self._run = 0, 1
        self._rest: Frames = np.zeros((0, len(self._bins)), np.float32)

    def push(self, block: NDArray[np.float32]) -> None:
        """Take samples (n × channels)."""
        batches = zip(*(stft.push(block[:, channel]) for channel, stft in enumerate(self._stfts)), strict=True)
        for spectra in batches:
            self._add(spectra)

    def flush(self) -> Features:
        """Return the spectrogram (rows × columns, power); the state is spent."""
        for spectra in zip(*(stft.flush() for stft in self._stfts), strict=True):
            self._add(spectra)
        columns = self._columns[: self._filled]
        if len(self._rest):
            columns = np.concatenate((columns, self._rest.mean(axis=0, keepdims=True)))
        return Features(
            columns.T[self._rows],
            self._rate / self._run,
            "spectrogram",
            ("frequency", "time"),
            tuple(self._centres.tolist()),
            start=(self._run - 1) / 2 / self._rate,
            unit="power",
        )

    def _add(self, spectra: tuple[NDArray[np.complex64], ...]) -> None:
        power = np.mean([X.real**2 + X.imag**2 for X in spectra], axis=0, dtype=np.float32)
        frames = np.concatenate((self._rest, np.maximum.reduceat(power, self._bins, axis=1)))
        while len(frames) >= self._run:
            if self._filled == len(self._columns):
                self._columns[:COLUMNS] = (self._columns[::2] + self._columns[1::2]) / 2
                self._filled, self._run = COLUMNS, 2 * self._run
                continue
            count = min(len(frames) // self._run, len(self._columns) - self._filled)
            cells = frames[: count * self._run].reshape(count, self._run, -1)
            self._columns[self._filled : self._filled + count] = cells.mean(axis=1)
            self._filled += count
            frames = frames[count * self._run :]
        self._rest = frames.copy()


class Watched:
    """A sound of which a spectrogram is made while it is read; itself an `AudioSource`, to be read once."""

    def __init__(self, source: AudioSource) -> None:
        self._source, self._overview = source, Overview(source.sample_rate, source.channels)
        self.sample_rate, self.channels = source.sample_rate, source.channels

    @property
    def frames(self) -> int | None:
        return self._source.frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Frames]:
        fresh = 0
        for block in self._source.blocks(size, overlap):
            self._overview.push(block[fresh:])
            fresh = overlap
            yield block

    def spectrogram(self) -> Features:
        """Return the spectrogram of what was read."""
        return self._overview.flush()


def watched(stems: Stems) -> tuple[Stems, Callable[[], dict[str, Features]]]:
    """Return parts of which a spectrogram is made as they pass by, and what gives these spectrograms afterwards.

    Parameters
    ----------
    stems : Stems
        To be read once, to the end.
    """
    overviews = [Overview(stems.sample_rate, stems.channels) for _ in stems.names]

    def make() -> Iterator[tuple[NDArray[np.float32], ...]]:
        for blocks in stems.blocks():
            for overview, block in zip(overviews, blocks, strict=True):
                overview.push(block)
            yield blocks

    def features() -> dict[str, Features]:
        return {name: overview.flush() for name, overview in zip(stems.names, overviews, strict=True)}

    return StemStream(stems.names, stems.sample_rate, stems.channels, stems.frames, make), features
