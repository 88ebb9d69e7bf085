"""Components made again from nothing but templates and activations: partials as sines, all else as noise.

Harmonic plus noise (Serra and Smith, Computer Music Journal 14(4), 1990): what of a template lies at the partials of
its pitch gives their amplitudes, and the rest shapes white noise. Nothing of the mixture is left in it, but nothing of
its phases either; it has one channel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.grid import Grid, Matrix
from mirtool.pitch import pitch_frequency
from mirtool.types import Factorization, StemStream

_LOBE = 2  # bins on either side of a partial that its main lobe reaches
_LOBE_ENERGY = 1.5  # of a sine of amplitude 1 in them, for a Hann window
_FAINT = 1e-3  # partials below this share of the strongest are noise
_BATCH = 64  # frames


def resynthesis(model: Factorization, pitches: NDArray[np.float64], grid: Grid, samples: int, seed: int) -> StemStream:
    """Return the sound of each label.

    Parameters
    ----------
    model : Factorization
    pitches : ndarray, shape (R,)
        MIDI numbers, with fractions; NaN for components that are all noise.
    grid : Grid
        That of the model.
    samples : int
        Length of the sound.
    seed : int
        Of the noise.
    """
    names = tuple(dict.fromkeys(model.labels))

    def make() -> Iterator[tuple[Matrix, ...]]:
        voices = [
            _voice(model, np.flatnonzero(np.array(model.labels) == name), pitches, grid, samples, (seed, place))
            for place, name in enumerate(names)
        ]
        return zip(*voices, strict=True)

    return StemStream(names, grid.sample_rate, 1, samples, make)


def _voice(
    model: Factorization,
    chosen: NDArray[np.intp],
    pitches: NDArray[np.float64],
    grid: Grid,
    samples: int,
    seed: tuple[int, int],
) -> Iterator[Matrix]:
    """Yield blocks (n × 1) of the sound of some components."""
    parts = [_split(model, place, pitches[place], grid) for place in chosen]
    tones = [tone for tone, _ in parts if tone is not None]
    noises = [noise for _, noise in parts]
    inverse, first = grid.inverse(), 0
    # The mean magnitude of white noise of variance 1 (Rayleigh), under a window that is scaled for sines.
    unit = np.sqrt(np.pi / 4 * np.square(grid.window).sum())
    begin = 0
    for spectra in grid.spectra(_Noise(grid.sample_rate, samples, seed), _BATCH):
        stop = first + spectra.shape[1]
        shape = sum(_magnitudes(noise, first, stop, grid) for noise in noises) / unit
        block = inverse.push(spectra[0] * shape)
        yield _with_tones(block, begin, tones, grid)
        begin, first = begin + len(block), stop
    yield _with_tones(inverse.flush(samples), begin, tones, grid)


@dataclass(frozen=True, eq=False)
class _Tone:
    """The partials of a component.

    Parameters
    ----------
    frequencies : ndarray, shape (P,)
        Hz.
    strengths : ndarray, shape (P, T)
        Amplitudes, or energies where the model is one of energies.
    activation : ndarray, shape (N,)
    """

    frequencies: NDArray[np.float64]
    strengths: NDArray[np.float64]
    activation: Matrix

    def amplitudes(self, first: int, stop: int, power: bool) -> NDArray[np.float64]:
        """Return the amplitudes (P × frames) in frames, which may lie beyond the ends."""
        length = self.strengths.shape[1]
        places = np.arange(first, stop) - np.arange(length)[:, None]
        inside = (places >= 0) & (places < len(self.activation))
        found: NDArray[np.float64] = self.strengths @ np.where(inside, self.activation.take(places, mode="clip"), 0)
        return np.sqrt(found) if power else found


def _split(model: Factorization, place: int, pitch: float, grid: Grid) -> tuple[_Tone | None, Factorization]:
    """Split a component into its partials, None for no pitch, and the rest."""
    W = model.templates[:, [place]].copy()
    H = model.activations[[place]]
    template = W.reshape(len(W), -1)  # frames of the template last
    tone = None
    if not np.isnan(pitch):
        energies = template.astype(np.float64) if grid.power else np.square(template, dtype=np.float64)
        frequencies, lobes = _partials(energies.sum(axis=1), float(pitch_frequency(pitch)), grid)
        found = np.array([energies[lobe].sum(axis=0) for lobe in lobes]).reshape(-1, energies.shape[1]) / _LOBE_ENERGY
        for lobe in lobes:
            template[lobe] = 0
        tone = _Tone(frequencies, found if grid.power else np.sqrt(found), H[0])
    return tone, replace(model, templates=W, activations=H, labels=())


def _partials(energy: NDArray[np.float64], fundamental: float, grid: Grid) -> tuple[NDArray[np.float64], list[slice]]:
    """Return the frequencies of the partials in a template's energies (K,), and their main lobes.

    The fundamental is corrected by where the energy of the partials lies, for recordings are not tuned to A4 = 440 Hz.
    """
    spacing = grid.sample_rate / grid.size
    half = min(_LOBE, int(fundamental / spacing / 2))
    number = int((len(energy) - 1 - half) * spacing / fundamental)
    centres = [round(order * fundamental / spacing) for order in range(1, number + 1)]
    lobes = [slice(centre - half, centre + half + 1) for centre in centres if centre > half]
    sums = np.array([energy[lobe].sum() for lobe in lobes])
    kept = np.flatnonzero(sums > _FAINT**2 * sums.max(initial=0))
    if not len(kept):
        return np.zeros(0), []
    orders = kept + 1 + number - len(lobes)
    bins = np.arange(len(energy))
    measured = np.array([bins[lobes[k]] @ energy[lobes[k]] / sums[k] for k in kept]) * spacing / orders
    weights = sums[kept] * orders**2  # an error in bins weighs less in a high partial
    tuned = float(weights @ measured / weights.sum())
    tuned = min(max(tuned, fundamental * 2 ** (-1 / 24)), fundamental * 2 ** (1 / 24))
    return np.asarray(orders * tuned, np.float64), [lobes[k] for k in kept]


def _magnitudes(model: Factorization, first: int, stop: int, grid: Grid) -> Matrix:
    """Return frames (n × K) of a component's magnitudes."""
    values = model.product(first, stop).T
    return np.sqrt(values) if grid.power else values


def _with_tones(block: Matrix, begin: int, tones: list[_Tone], grid: Grid) -> Matrix:
    """Return a block (n × 1) to which tones are added; `begin` is its first sample."""
    places = np.arange(begin, begin + len(block))
    first, stop = begin // grid.hop, (begin + len(block)) // grid.hop + 2
    frames = np.arange(first, stop) * grid.hop
    for tone in tones:
        for frequency, amplitude in zip(tone.frequencies, tone.amplitudes(first, stop, grid.power), strict=True):
            if amplitude.any():
                cycles = places * (frequency / grid.sample_rate) % 1.0
                wave = np.sin((2 * np.pi * cycles).astype(np.float32))
                wave *= np.interp(places, frames, amplitude).astype(np.float32)
                block = block + wave
    return block[:, None]


@dataclass(frozen=True)
class _Noise:
    """White noise of variance 1, an `AudioSource`."""

    sample_rate: int
    frames: int
    seed: tuple[int, int]
    channels: int = 1

    def blocks(self, size: int, overlap: int = 0) -> Iterator[Matrix]:
        assert not overlap
        rng = np.random.default_rng(self.seed)
        for begin in range(0, self.frames, size):
            yield rng.standard_normal((min(size, self.frames - begin), 1), dtype=np.float32)
