"""Harmonic-percussive separation by median filtering (FMP, Section 8.1).

Fitzgerald, Harmonic/percussive separation using median filtering, DAFx 2010; with a margin, and a residual for what is
neither, Driedger, Müller, Disch, Extending harmonic-percussive separation of audio signals, ISMIR 2014.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.masks import MaskStream, Matrix, check, masks, remaining
from mirtool.decomposition.parameters import HpssParameters
from mirtool.decomposition.transform import transform_hop, transform_size
from mirtool.errors import ParameterError
from mirtool.features.frames import provenance
from mirtool.signal.hps import Piece, Resolution, channels_of, split
from mirtool.types import AudioSource, PartsOf

LONGEST = 60.0  # s of the median over time


@dataclass(frozen=True)
class HarmonicPercussive(PartsOf):
    """The parts of a sound, computed as they are read; they sum to it. `Stems`, with the masks that make them.

    Parameters
    ----------
    source : AudioSource
    parameters : HpssParameters
    """

    parameters: HpssParameters

    @property
    def names(self) -> tuple[str, ...]:
        return ("harmonic", "percussive") if self.parameters.margin == 1 else ("harmonic", "percussive", "residual")

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Yield blocks (n × channels) of the parts; see `Stems`."""
        for piece in self._pieces():
            yield tuple(part.T for part in piece.parts)

    @property
    def masks(self) -> MaskStream:
        """The masks of all parts, of which the last is what the others leave of 1."""
        resolution = resolution_of(self.parameters, self.sample_rate)
        return MaskStream(resolution.size, resolution.hop, self._masks, provenance(self.parameters))

    def _masks(self) -> Iterator[tuple[Matrix, ...]]:
        for piece in self._pieces():
            yield (*piece.masks, remaining(piece.masks))

    def _pieces(self) -> Iterator[Piece]:
        def masking(over_time: Matrix, over_frequency: Matrix) -> tuple[Matrix, ...]:
            found = masks((over_time, over_frequency), self.parameters, self.parameters.margin)
            return found[:1] if self.parameters.margin == 1 else found

        resolution = resolution_of(self.parameters, self.sample_rate)
        yield from split(channels_of(self.source), self.channels, resolution, masking)


def hpss(source: AudioSource, parameters: HpssParameters) -> HarmonicPercussive:
    """Separate what sounds from what is struck.

    Parameters
    ----------
    source : AudioSource
    parameters : HpssParameters

    Returns
    -------
    HarmonicPercussive
        Parts ``harmonic`` and ``percussive``, with a margin above 1 also ``residual``.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        While it is read: samples that are not finite.
    """
    check(parameters)
    if not 1 <= parameters.margin <= 1000:
        raise ParameterError(f"the margin lies between 1 and 1000, not at {parameters.margin:g}")
    resolution_of(parameters, source.sample_rate)
    return HarmonicPercussive(source, parameters)


def resolution_of(parameters: HpssParameters, sample_rate: int) -> Resolution:
    """Return windows and medians in samples, frames and bins; raise `ParameterError` where they are out of bounds."""
    size = transform_size(parameters.window, sample_rate)
    hop = transform_hop(parameters.hop, size, sample_rate, most=4)
    if not 0 < parameters.time_median <= LONGEST:
        raise ParameterError(f"the median over time takes up to {LONGEST:g} s, not {parameters.time_median:g} s")
    limit = sample_rate / 2
    for width in (parameters.frequency_median, parameters.bass_median):
        if not 0 < width <= limit:
            raise ParameterError(f"a median over frequency takes up to {limit:g} Hz, not {width:g}")
    if not 0 <= parameters.bass_edge < math.inf:
        raise ParameterError(f"the bass ends at a frequency, not at {parameters.bass_edge:g} Hz")
    frames, per_hertz = parameters.time_median * sample_rate / hop, size / sample_rate
    bins, bass, bass_bins = (
        width * per_hertz for width in (parameters.frequency_median, parameters.bass_edge, parameters.bass_median)
    )
    return Resolution(
        size, hop, nearest_odd(frames), nearest_odd(bins), min(round(bass), size // 2 + 1), nearest_odd(bass_bins)
    )


def nearest_odd(number: float) -> int:
    """Return the odd whole number nearest to a positive number."""
    return 2 * int(number / 2) + 1
