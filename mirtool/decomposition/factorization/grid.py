"""The spectra that factorisations look at: all channels of a sound, on one grid of time and frequency."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.decomposition.parameters import ComponentParameters
from mirtool.decomposition.transform import transform_hop, transform_size
from mirtool.errors import ParameterError
from mirtool.signal.filters import bin_frequencies
from mirtool.signal.stft import STFT, InverseSTFT, frame_count, hann
from mirtool.types import AudioSource

Spectra = NDArray[np.complex64]  # channels × frames × bins
Matrix = NDArray[np.float32]

LONGEST_TEMPLATE = 10.0  # s


@dataclass(frozen=True)
class Grid:
    """A grid of time and frequency; frame n is centred at n / feature_rate seconds.

    Parameters
    ----------
    sample_rate : int
        Hz.
    size, hop : int
        Samples of the Hann window, and from one frame to the next.
    power : bool
        Matrices hold squared magnitudes.
    """

    sample_rate: int
    size: int
    hop: int
    power: bool = False

    @property
    def feature_rate(self) -> float:
        """Frames per second (Hz)."""
        return self.sample_rate / self.hop

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Frequencies of the bins (Hz), shape (K,)."""
        return bin_frequencies(self.sample_rate, self.size)

    @property
    def window(self) -> Matrix:
        """Window with which a sine of amplitude 1 has a magnitude of 1."""
        window = hann(self.size)
        return window * np.float32(2 / window.sum())

    def inverse(self) -> InverseSTFT:
        """Return the way back from spectra to sound."""
        return InverseSTFT(self.window, self.hop)

    def frames(self, samples: int) -> int:
        """Return the number of frames of a sound."""
        return frame_count(samples, self.hop)

    def spectra(self, source: AudioSource, batch: int | None = None) -> Iterator[Spectra]:
        """Yield the spectra of a sound, `batch` frames at a time.

        Raises
        ------
        DataError
            Samples that are not finite.
        """
        channels = [STFT(self.window, self.hop, batch) for _ in range(source.channels)]
        for block in source.blocks(CHUNK):
            found = [
                state.push(np.ascontiguousarray(samples)) for state, samples in zip(channels, block.T, strict=True)
            ]
            yield from (np.stack(batches) for batches in zip(*found, strict=True))
        yield from (np.stack(batches) for batches in zip(*(state.flush() for state in channels), strict=True))

    def matrix(self, spectra: Spectra) -> Matrix:
        """Return what is factorised of spectra, the mean over the channels (frames × bins)."""
        values = np.square(spectra.real)
        values += np.square(spectra.imag)
        if not self.power:
            np.sqrt(values, out=values)
        mean: Matrix = values[0] if len(values) == 1 else values.mean(axis=0)
        return mean


def grid_of(parameters: ComponentParameters, beta: float, sample_rate: int) -> Grid:
    """Return the grid that parameters ask for.

    Raises
    ------
    ParameterError
        A window or a hop that does not fit.
    """
    window = parameters.window
    if window is None:
        window = 0.046 if parameters.model == "nmfd" else 0.093
    size = transform_size(window, sample_rate)
    hop = transform_hop(parameters.hop, size, sample_rate)
    spectrum = parameters.spectrum or ("power" if beta == 0 else "magnitude")
    return Grid(sample_rate, size, hop, spectrum == "power")


def template_frames(parameters: ComponentParameters, feature_rate: float) -> int:
    """Return the frames T of a template of nmfd; raise `ParameterError` where it is too short or too long."""
    if not 0 < parameters.template_length <= LONGEST_TEMPLATE:
        raise ParameterError(f"a template lasts up to {LONGEST_TEMPLATE:g} s, not {parameters.template_length:g} s")
    return max(round(parameters.template_length * feature_rate), 1)
