"""Separation of instruments informed by their scores (FMP, Section 8.3).

Ewert, Müller, Using score-informed constraints for NMF-based source separation, ICASSP 2012; Ewert, Pardo, Müller,
Plumbley, Score-informed source separation for musical audio recordings, IEEE Signal Processing Magazine 31(3), 2014.
The sound is worked on in stretches of a minute; each begins with what was learned in those before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK
from mirtool.decomposition.masks import MaskStream, Matrix, check, masks
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import Constraints, ScorePart
from mirtool.decomposition.scores.model import Learned, ScoreModel, check_learning
from mirtool.decomposition.transform import transform_size
from mirtool.errors import DataError
from mirtool.signal.stft import STFT, InverseSTFT, hann
from mirtool.types import AudioSource, PartsOf

_STRETCH, _CONTEXT = 60.0, 2.0  # s of sound that are learned from at a time, and around them
_BATCH = 64  # frames that are masked at a time

Spectra = NDArray[np.complex64]  # channels × frames × bins


@dataclass(frozen=True, eq=False)
class ScoreInformed(PartsOf):
    """The parts of a sound, computed as they are read; they sum to it. `Stems`, with the masks that make them.

    Parameters
    ----------
    source : AudioSource
    constraints : Constraints
    groups : ndarray of int64, shape (M,)
        The part of the result to which each note belongs.
    names : tuple of str
        Of the parts.
    parameters : ScoreParameters
    residual : bool
        The last part is what no note explains; otherwise it is shared out.
    floor : float
        The first part gets at least this share of the magnitudes: where no note sounds, all is its own.
    """

    constraints: Constraints
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    parameters: ScoreParameters
    residual: bool = False
    floor: float = 0.0

    @property
    def _size(self) -> int:
        """Samples of a window."""
        return transform_size(self.parameters.score_window, self.sample_rate)

    @property
    def masks(self) -> MaskStream:
        """The masks of all parts."""
        size = self._size
        return MaskStream(size, size // 4, lambda: (found for _, found, _ in self._masked()))

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Yield blocks (n × channels) of the parts; see `Stems`."""
        size = self._size
        sounds = [InverseSTFT(hann(size), size // 4) for _ in self.names]
        length = 0
        for X, found, read in self._masked():
            length = read
            yield tuple(sound.push(X * mask).T for sound, mask in zip(sounds, found, strict=True))
        if length:
            yield tuple(sound.flush(length).T for sound in sounds)

    def _masked(self) -> Iterator[tuple[Spectra, tuple[Matrix, ...], int]]:
        """Yield spectra, the masks of the parts, and the number of samples that have been read."""
        size = self._size
        rate = self.sample_rate / (size // 4)
        frequencies = np.arange(size // 2 + 1, dtype=np.float64) * (self.sample_rate / size)
        model = ScoreModel(self.constraints, frequencies, self.parameters)
        for stretch in stretches(self.source, size, round(_STRETCH * rate), round(_CONTEXT * rate)):
            V = magnitudes(stretch.spectra)
            allowed = self.constraints.allowed(stretch.first, len(V), rate)
            learned = model.learn(V, allowed)
            for begin in range(stretch.begin, stretch.stop, _BATCH):
                part = slice(begin, min(begin + _BATCH, stretch.stop))
                energies = self._energies(V[part], learned, part)
                yield stretch.spectra[:, part], masks(energies, self.parameters), stretch.samples
            del stretch, V, learned  # their memory is that of the next stretch

    def _energies(self, V: Matrix, learned: Learned, frames: slice) -> list[Matrix]:
        """Return what the model gives to each part of some frames (n × K)."""
        H, owner = learned.H[frames], learned.allowed.owner[frames]
        group = np.where(owner >= 0, self.groups[owner], -1)
        found = []
        for number in range(len(self.names) - self.residual):
            mine = group == number
            rows = np.flatnonzero(mine.any(axis=0))
            found.append((H[:, rows] * mine[:, rows]) @ learned.W[rows])
        if self.residual:
            found.append(np.maximum(V - sum(found), 0))
        if self.floor:
            found[0] += np.float32(self.floor) * V
        return [np.square(magnitude) for magnitude in found]


@dataclass(frozen=True, eq=False)
class Stretch:
    """A stretch of sound with its context.

    Parameters
    ----------
    spectra : ndarray, shape (channels, n, bins)
    first : int
        Number of the first frame, from the beginning of the sound.
    begin, stop : int
        The frames, within the stretch, that are no context.
    samples : int
        That have been read so far.
    """

    spectra: Spectra
    first: int
    begin: int
    stop: int
    samples: int


def stretches(source: AudioSource, size: int, step: int, context: int) -> Iterator[Stretch]:
    """Yield a sound in stretches of `step` frames; the last one has half as many to one and a half times as many.

    The transform has `size` samples and a hop of a quarter of it.
    """
    transforms = [STFT(hann(size), size // 4) for _ in range(source.channels)]
    held: list[Spectra] = []
    samples = first = count = before = 0

    def gather(batches: list[list[NDArray[np.complex64]]]) -> int:
        held.extend(np.stack(batch) for batch in zip(*batches, strict=True))
        return sum(len(batch) for batch in batches[0])

    for block in source.blocks(CHUNK):
        samples += len(block)
        count += gather([transform.push(block[:, place]) for place, transform in enumerate(transforms)])
        while count >= before + step + step // 2 + context:
            held = [np.concatenate(held, axis=1)]
            yield Stretch(held[0][:, : before + step + context], first, before, before + step, samples)
            dropped = before + step - context
            held = [held[0][:, dropped:].copy()]
            first, count, before = first + dropped, count - dropped, context
    count += gather([transform.flush() for transform in transforms])
    if count > before:
        yield Stretch(np.concatenate(held, axis=1), first, before, count, samples)


def magnitudes(spectra: Spectra) -> Matrix:
    """Return the root of the mean energy of the channels (channels × n × K), shape (n, K)."""
    energy = np.zeros(spectra.shape[1:], dtype=np.float32)
    for channel in spectra:
        energy += np.square(channel.real)
        energy += np.square(channel.imag)
    energy /= len(spectra)
    magnitude: Matrix = np.sqrt(energy, out=energy)
    return magnitude


def separate(
    source: AudioSource, parts: Sequence[ScorePart], parameters: ScoreParameters, residual: str | None = None
) -> ScoreInformed:
    """Separate instruments whose scores are known.

    Parameters
    ----------
    source : AudioSource
    parts : sequence of ScorePart
        Aligned with the sound.
    parameters : ScoreParameters
    residual : str, optional
        Name of a further part for what no score explains, which otherwise is shared out.

    Returns
    -------
    ScoreInformed
        One part for each of the scores, and perhaps the residual.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        No score holds a note; while it is read: samples that are not finite.
    """
    constraints = Constraints(parts, parameters)
    names = [part.name for part in parts]
    return of_groups(source, constraints, constraints.note_part, names, parameters, residual)


def of_groups(
    source: AudioSource,
    constraints: Constraints,
    groups: NDArray[np.int64],
    names: Sequence[str],
    parameters: ScoreParameters,
    residual: str | None = None,
    floor: float = 0.0,
) -> ScoreInformed:
    """Separate groups of notes, which may cut across the parts: a number for each note, a name for each group."""
    check(parameters)
    check_learning(parameters)
    transform_size(parameters.score_window, source.sample_rate)
    if len(groups) != len(constraints.onset):
        raise DataError(f"{len(groups)} groups for {len(constraints.onset)} notes")
    every = (*names, *([] if residual is None else [residual]))
    return ScoreInformed(source, constraints, groups, every, parameters, residual is not None, floor)
