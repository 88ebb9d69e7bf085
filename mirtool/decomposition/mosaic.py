"""Rebuild a recording from the grains of another (Driedger, Prätzlich, Müller, Let it Bee, ISMIR 2015).

Grains are windowed frames of the source. `mosaic_activations` tells which of them sound in each frame of the target;
here they are added up, phases included, or with phases that fit the magnitudes and each other better (Griffin-Lim).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, Section, reblocked, sections
from mirtool.decomposition._mosaic_kernels import add_grains
from mirtool.decomposition.mosaic_activations import Frames, learned
from mirtool.decomposition.parameters import PHASES, MosaicParameters
from mirtool.decomposition.transform import transform_hop, transform_size
from mirtool.errors import DataError, ParameterError
from mirtool.signal.griffin_lim import griffin_lim, phases
from mirtool.signal.resampling import resampled
from mirtool.signal.spectra import Chunks, Spectra, inverted, transformed
from mirtool.signal.stft import hann
from mirtool.threads import in_order
from mirtool.types import AudioSource

HIGHEST = 11025.0  # Hz: up to here spectra are compared, as in the paper; what is heard goes further
MOST_GAIN = 10.0  # what is weaker by more is not made as loud as the target: nothing of it is there
_AUDIBLE = 1e-4  # of the strongest grain of a frame
_BATCH = 64  # frames that are added up at a time
_SECTION = 512  # frames that get their phases at a time


class Mosaic:
    """A recording rebuilt from the grains of another; itself an `AudioSource`, computed while it is read.

    It lasts as long as the target, at its sample rate, and has the channels of the source. Each frame gets the energy
    that the target has there: grains that overlap weaken each other, and some sounds of a target are beyond a source.
    Memory does not grow with the target; of the source, all is held.

    Parameters
    ----------
    target, source : AudioSource
        Any sample rates and numbers of channels. Of a target, the mean spectrum of all channels counts.
    parameters : MosaicParameters
    observe : callable, optional
        Called with the activations H (n × K) of consecutive frames while the mosaic is read.

    Attributes
    ----------
    grains : int
        Number of grains K; grain k is centred at k / feature_rate in the source.
    feature_rate : float
        Frames per second (Hz) of the target, and grains per second of the source.

    Raises
    ------
    ParameterError
        A window or a hop that cannot be, a count that is negative, phases of no known kind.
    DataError
        The source is empty. Also while reading: samples that are not finite.
    """

    def __init__(
        self,
        target: AudioSource,
        source: AudioSource,
        parameters: MosaicParameters = MosaicParameters(),  # noqa: B008 - frozen
        observe: Callable[[Frames], None] | None = None,
    ) -> None:
        _check(parameters)
        self.sample_rate, self.channels = target.sample_rate, source.channels
        self._target, self._parameters, self._observe = target, parameters, observe
        self._window, self._hop = _geometry(parameters, self.sample_rate)
        size = len(self._window)
        self._bins = min(int(HIGHEST * size / self.sample_rate), size // 2) + 1
        blocks = resampled(source, self.sample_rate).blocks(CHUNK)
        samples = np.concatenate([np.ascontiguousarray(block.T) for block in blocks], axis=1)
        if not samples.size:
            raise DataError("no sound to take grains from")
        spectra = transformed([samples], source.channels, self._window, self._hop)
        self._templates = np.concatenate([_magnitudes(batch, self._bins) for batch in spectra])
        self._samples = np.pad(samples, ((0, 0), (size // 2, 2 * size)))  # grain k begins at k · hop
        self.grains, self.feature_rate = len(self._templates), self.sample_rate / self._hop

    @property
    def frames(self) -> int | None:
        """Length in samples: that of the target."""
        return self._target.frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (n × channels, float32); see `AudioSource`."""
        return reblocked(self._chunks(), size, overlap, self.channels)

    def unconstrained(self) -> Iterator[Frames]:
        """Learn the activations H (n × K) of consecutive frames without the constraints, to compare with."""
        parameters = replace(self._parameters, repetition=0, polyphony=0, continuity=0)
        spectra = transformed(Chunks(self._target), self._target.channels, self._window, self._hop)
        magnitudes = (_magnitudes(batch, self._bins) for batch in spectra)
        return (H for _, H in learned(magnitudes, self._templates, parameters))

    def _chunks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the mosaic (n × channels)."""
        target, window, hop = Chunks(self._target), self._window, self._hop
        levels: deque[np.float32] = deque()

        def magnitudes() -> Iterator[Frames]:
            for batch in transformed(target, self._target.channels, window, hop):
                V = _magnitudes(batch, self._bins)
                levels.extend(np.square(V).sum(axis=1))
                yield V

        def levelled(batches: Iterator[Spectra]) -> Iterator[Spectra]:
            for batch in batches:
                wanted = np.array([levels.popleft() for _ in batch])
                yield batch * _gain(wanted, batch[..., : self._bins])

        found = learned(magnitudes(), self._templates, self._parameters)
        spectra = self._consistent(found) if self._parameters.phase == "griffin-lim" else self._added(found)
        # What neighbouring frames lose where they overlap is only known once they have been added.
        added = transformed(inverted(spectra, window, hop, target), self.channels, window, hop)
        for samples in inverted(levelled(added), window, hop, target):
            yield samples.T

    def _added(self, found: Iterable[tuple[Frames, Frames]]) -> Iterator[Spectra]:
        """Yield spectra of added grains, as loud as the target."""
        for V, part in self._batches(found):
            spectra = self._sum(part)
            yield spectra * _gain(np.square(V).sum(axis=1), spectra[..., : self._bins])

    def _consistent(self, found: Iterable[tuple[Frames, Frames]]) -> Iterator[Spectra]:
        """Yield spectra with the added magnitudes of grains, as loud as the target, and phases that fit them."""
        size, rounds = len(self._window), self._parameters.phase_iterations
        grains = sliding_window_view(self._samples, size, axis=1)[:, :: self._hop][:, : self.grains]
        magnitudes = np.abs(np.fft.rfft(grains * self._window)).swapaxes(0, 1)

        def wanted() -> Iterator[Spectra]:
            for V, part in self._batches(found):
                spectra = np.tensordot(part, magnitudes, 1) * phases(self._sum(part))
                yield spectra * _gain(np.square(V).sum(axis=1), spectra[..., : self._bins])

        def improve(section: Section) -> Spectra:
            channels = section.frames.swapaxes(0, 1)
            improved = [griffin_lim(channel, self._window, self._hop, rounds) for channel in channels]
            return np.stack(improved, axis=1)[section.inner]

        context = rounds * -(-size // self._hop)
        return in_order(improve, sections(wanted(), _SECTION, context))

    def _batches(self, found: Iterable[tuple[Frames, Frames]]) -> Iterator[tuple[Frames, Frames]]:
        """Yield spectrogram and activations of fewer frames at a time."""
        for V, H in found:
            if self._observe:
                self._observe(H)
            for begin in range(0, len(H), _BATCH):
                yield V[begin : begin + _BATCH], H[begin : begin + _BATCH]

    def _sum(self, H: Frames) -> Spectra:
        """Return the sums of grains."""
        frames = np.empty((len(H), self.channels, len(self._window)), np.float32)
        add_grains(H, self._samples, self._hop, _AUDIBLE, frames)
        frames *= self._window
        spectra: NDArray[Any] = np.fft.rfft(frames)
        return spectra


def _magnitudes(spectra: Spectra, bins: int) -> Frames:
    """Return the mean magnitudes of the channels: what has opposite phases in two of them is heard, too."""
    magnitudes: Frames = np.abs(spectra[..., :bins]).mean(axis=1)
    return magnitudes


def _gain(wanted: NDArray[np.float32], spectra: Spectra) -> NDArray[np.float32]:
    """Return the factors, shape (n, 1, 1), that give frames of spectra these energies in the mean of the channels."""
    found = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=(1, 2)) / spectra.shape[1]
    gain = np.sqrt(np.divide(wanted, found, out=np.zeros_like(wanted), where=found > 0))
    limited: NDArray[np.float32] = np.minimum(gain, np.float32(MOST_GAIN))
    return limited[:, None, None]


def _geometry(parameters: MosaicParameters, sample_rate: int) -> tuple[NDArray[np.float32], int]:
    """Return the window and the hop in samples."""
    size = transform_size(parameters.window, sample_rate)
    return hann(size), transform_hop(parameters.hop, size, sample_rate, usual=2)


def _check(parameters: MosaicParameters) -> None:
    """Raise `ParameterError` for counts that cannot be."""
    if parameters.iterations < 1:
        raise ParameterError(f"activations take at least one iteration to learn, not {parameters.iterations}")
    for name in ("repetition", "polyphony", "continuity", "phase_iterations", "seed"):
        if getattr(parameters, name) < 0:
            raise ParameterError(f"{name.replace('_', ' ')} is a number of at least 0, not {getattr(parameters, name)}")
    if parameters.phase not in PHASES:
        raise ParameterError(f"no phases {parameters.phase!r} (there are: {', '.join(PHASES)})")
