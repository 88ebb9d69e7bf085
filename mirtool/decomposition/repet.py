"""Voice and accompaniment told apart by what repeats: REPET and REPET-SIM.

An accompaniment repeats, a voice above it does so less. In the spectrogram, a frame of the accompaniment alone is
therefore the median of frames that repeat it, in which the voice is elsewhere each time; it has no more than the
mixture in any bin. REPET finds those frames a period apart (Rafii, Pardo, REpeating Pattern Extraction Technique, TASLP
21(1), 2013), REPET-SIM by their likeness (Rafii, Pardo, Music/voice separation using the similarity matrix, ISMIR
2012).

Both look at a stretch of music around the frames at hand (as the extended REPET of the first paper): the period follows
the tempo, and memory does not grow with the length.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import Section, sections
from mirtool.decomposition import _repeating_kernels as kernels
from mirtool.decomposition.masked import MaskedStems
from mirtool.decomposition.masks import MaskStream, Matrix, check, masks
from mirtool.decomposition.parameters import RepetParameters
from mirtool.decomposition.period import beat_spectrum, repeating_period
from mirtool.decomposition.transform import transform_hop, transform_size
from mirtool.errors import ParameterError
from mirtool.features.frames import provenance
from mirtool.signal.spectra import Chunks, Spectra, transformed
from mirtool.signal.stft import frame_count, hann
from mirtool.threads import in_order
from mirtool.types import AudioSource

Frames = NDArray[np.int64]
Choice = Callable[[Matrix, slice, RepetParameters, float], tuple[Frames, Frames]]

NAMES = ("vocals", "accompaniment")
LONGEST = 600.0  # s of a neighbourhood, and of all that is looked for in it
_NOTHING = np.float32(1e-20)  # magnitude of silence
_SECTION = 4.0  # s whose masks are made at a time


def repet(source: AudioSource, parameters: RepetParameters, by_likeness: bool = False) -> MaskedStems:
    """Separate a voice from an accompaniment that repeats.

    Parameters
    ----------
    source : AudioSource
        Read twice: for the masks and for the parts.
    parameters : RepetParameters
    by_likeness : bool
        Whether repetitions are found by their likeness (REPET-SIM) instead of a period (REPET).

    Returns
    -------
    MaskedStems
        Parts ``vocals`` and ``accompaniment``.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        While it is read: samples that are not finite.
    """
    _check(parameters)
    size, hop = _geometry(parameters, source.sample_rate)
    repetition = _Repetition(source, parameters, size, hop, similar if by_likeness else repeated)
    made = provenance(parameters, {"method": "repet-sim" if by_likeness else "repet"})
    return MaskedStems(source, MaskStream(size, hop, repetition.masks, made), NAMES[:1], NAMES[1])


@dataclass(frozen=True, eq=False)
class _Repetition:
    """Masks of a sound, section by section."""

    source: AudioSource
    parameters: RepetParameters
    size: int
    hop: int
    choose: Choice

    def masks(self) -> Iterator[tuple[Matrix]]:
        """Yield the masks of the voice (n × bins) for consecutive frames."""
        chunks, channels = Chunks(self.source), self.source.channels
        spectra = transformed(chunks, channels, hann(self.size), self.hop)
        rate, done = self.source.sample_rate / self.hop, 0
        size, context = math.ceil(_SECTION * rate), math.ceil(self.parameters.neighbourhood * rate)
        for mask in in_order(self._mask, sections(map(_magnitudes, spectra), size, context)):
            mask = mask[: frame_count(chunks.samples, self.hop) - done]
            done += len(mask)
            yield (mask,)

    def _mask(self, section: Section) -> Matrix:
        """Return the share of the voice in the frames of a section."""
        V, inner, p = section.frames, section.inner, self.parameters
        chosen, counts = self.choose(V, inner, p, self.source.sample_rate / self.hop)
        B = np.empty((len(counts), V.shape[1]), np.float32)
        kernels.frame_medians(V, chosen, counts, B)
        np.minimum(B, V[inner], out=B)
        mask, _ = masks((np.square(V[inner] - B), np.square(B)), replace(p, mask=p.mask or "soft"))
        mask[:, : math.ceil(p.cutoff * self.size / self.source.sample_rate)] = 0
        return mask


def repeated(V: Matrix, inner: slice, parameters: RepetParameters, rate: float) -> tuple[Frames, Frames]:
    """Choose the frames that lie whole periods from each frame (the frame itself among them).

    Parameters
    ----------
    V : ndarray, shape (N, bins)
        Magnitudes.
    inner : slice
        The F frames whose repetitions are asked for.
    parameters : RepetParameters
    rate : float
        Frames per second.

    Returns
    -------
    chosen : ndarray of int64, shape (F, most)
    counts : ndarray of int64, shape (F,)
        How many of them are valid.
    """
    shortest, longest = (round(seconds * rate) for seconds in parameters.period)
    period = repeating_period(beat_spectrum(V), shortest, longest)
    first = np.arange(len(V))[inner] % period
    counts = (len(V) - 1 - first) // period + 1
    return first[:, None] + period * np.arange(counts.max(initial=1)), counts


def similar(V: Matrix, inner: slice, parameters: RepetParameters, rate: float) -> tuple[Frames, Frames]:
    """Choose the frames that are most like each frame; arguments and results are those of `repeated`.

    Likeness is the cosine of the angle between two frames (Rafii, Pardo 2012, Equation 1), here of the square roots of
    their magnitudes: of the magnitudes themselves, a voice that is loud decides alone.
    """
    U = np.sqrt(V)
    U /= np.maximum(np.sqrt(V.sum(axis=1)), _NOTHING)[:, None]
    frames = np.arange(len(V))[inner]
    chosen = np.zeros((len(frames), min(parameters.similar, len(V))), np.int64)
    counts = np.zeros(len(frames), np.int64)
    distance = max(round(parameters.similar_distance * rate), 1)
    kernels.choose_similar(U[inner] @ U.T, distance, parameters.similarity, chosen, counts)
    alone = counts == 0  # silence is like nothing
    chosen[alone, 0], counts[alone] = frames[alone], 1
    return chosen, counts


def _magnitudes(spectra: Spectra) -> Matrix:
    """Return the magnitudes of spectra (n × channels × bins), over all channels (root of the mean energy)."""
    energy = np.square(spectra.real) + np.square(spectra.imag)
    magnitudes: Matrix = np.sqrt(energy.mean(axis=1))
    return magnitudes


def _geometry(parameters: RepetParameters, sample_rate: int) -> tuple[int, int]:
    """Return the samples of the window and of the hop; raise `ParameterError` where they are out of bounds."""
    size = transform_size(parameters.window, sample_rate)
    return size, transform_hop(parameters.hop, size, sample_rate)


def _check(parameters: RepetParameters) -> None:
    check(parameters)
    shortest, longest = parameters.period
    if not 0 < shortest <= longest <= LONGEST:
        shown = f"{LONGEST:g} s at most, the shorter first, not between {shortest:g} and {longest:g} s"
        raise ParameterError(f"a period lies between two positive times, {shown}")
    if parameters.similar < 1 or not 0 <= parameters.similar_distance <= LONGEST:
        raise ParameterError(f"at least one similar frame is needed, and a distance from 0 to {LONGEST:g} s")
    if not 0 <= parameters.similarity <= 1:
        raise ParameterError(f"a likeness lies between 0 and 1, not at {parameters.similarity:g}")
    if not 0 < parameters.neighbourhood <= LONGEST:
        raise ParameterError(f"a neighbourhood reaches up to {LONGEST:g} s, not {parameters.neighbourhood:g} s")
    if not 0 <= parameters.cutoff < math.inf:
        raise ParameterError(f"a frequency is not negative: {parameters.cutoff:g} Hz")
