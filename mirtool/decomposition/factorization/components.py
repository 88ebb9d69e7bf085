"""Sound as a sum of components, and the sound of each (FMP, Section 8.3.3).

Templates are learned from the whole sound, or from excerpts of a long one; with them, the activations of the rest are
found stretch by stretch. So hours need the memory of minutes, but for the activations.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.blocks import CHUNK, sections
from mirtool.decomposition.factorization.beginnings import Beginning, Setting
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.grid import Grid, Matrix, Spectra, template_frames
from mirtool.decomposition.factorization.models import Advance, Fitted, fit
from mirtool.decomposition.masks import check, masks
from mirtool.decomposition.parameters import ComponentParameters, FactorizationParameters, MaskParameters
from mirtool.errors import DataError, ParameterError
from mirtool.signal.stft import InverseSTFT
from mirtool.threads import count
from mirtool.types import AudioSource, Factorization, Features, StemStream

_EXCERPT = 10.0  # s of an excerpt that templates are learned from
_STRETCH = 30.0  # s of which activations are found at a time
_MASK_VALUES = 1 << 22  # of the masks of all parts for a batch of frames


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A sound as a sum of components.

    Parameters
    ----------
    model : Factorization
        Of the whole sound; components of one label belong together.
    pitches : ndarray, shape (R,)
        MIDI numbers, NaN for none; empty where nobody knows.
    cost : ndarray, shape (iterations + 1,)
    initial : Factorization or None
        Where learning began, if that is known: activations that are not are all the same.
    """

    model: Factorization
    pitches: NDArray[np.float64]
    cost: NDArray[np.float64]
    initial: Factorization | None

    def moved(self, seconds: float) -> "Decomposition":
        """Return the same with later times."""
        initial = self.initial
        return replace(
            self,
            model=replace(self.model, start=self.model.start + seconds),
            initial=None if initial is None else replace(initial, start=initial.start + seconds),
        )


def length_of(source: AudioSource) -> int:
    """Return the number of samples of a sound, which is read where nothing tells it."""
    return source.frames if source.frames is not None else sum(len(block) for block in source.blocks(CHUNK))


def decompose(
    source: AudioSource,
    grid: Grid,
    shape: ComponentParameters,
    parameters: FactorizationParameters,
    begin: Callable[[Setting], Beginning],
    advance: Advance,
) -> Decomposition:
    """Factorise the spectrogram of a sound.

    Parameters
    ----------
    source : AudioSource
    grid : Grid
        From `grid_of`.
    shape : ComponentParameters
    parameters : FactorizationParameters
    begin : callable
        Makes the beginning.
    advance : callable
        Is called with 1 after each iteration of learning.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        There is no sound, samples are not finite, or the beginning does not fit.
    """
    if not shape.learning > 0:
        raise ParameterError(f"there must be some sound to learn from, not {shape.learning:g} s")
    frames = grid.frames(length_of(source))
    if not frames:
        raise DataError("there is no sound")
    length = template_frames(shape, grid.feature_rate) if shape.model == "nmfd" else None
    beginning = begin(Setting(grid, frames, length, source, parameters.rank))
    excerpts = _excerpts(frames, grid.feature_rate, shape.learning)
    chosen = np.concatenate([np.arange(excerpt.start, excerpt.stop) for excerpt in excerpts])
    start = beginning.start
    if len(chosen) < frames and start.H is not None:
        start = replace(start, H=np.asarray(start.H)[:, chosen])
    fitted = fit(shape.model, _gathered(source, grid, excerpts).T, parameters, start, length or 1, advance)
    factors = fitted.factors
    H = factors.H if len(chosen) == frames else _continued(source, grid, fitted, frames, length or 1, beginning)
    model = Factorization(factors.W, H, grid.feature_rate, axis=tuple(grid.frequencies.tolist()))
    return _labelled(model, beginning, factors.cost)


def _continued(
    source: AudioSource, grid: Grid, fitted: Fitted, frames: int, length: int, beginning: Beginning
) -> Matrix:
    """Return the activations of the whole sound, of templates that were learned from excerpts."""
    H = np.empty((len(fitted.factors.H), frames), np.float32)
    rows = (grid.matrix(spectra) for spectra in grid.spectra(source))
    for section in sections(rows, max(round(_STRETCH * grid.feature_rate), 1), length - 1):
        there = slice(section.first, section.first + len(section.frames))
        given = None if beginning.start.H is None else np.asarray(beginning.start.H)[:, there]
        H[:, there][:, section.inner] = fitted.activations(section.frames.T, given)[:, section.inner]
    return H


def decompose_matrix(
    V: Features, shape: ComponentParameters, parameters: FactorizationParameters, start: Start, advance: Advance
) -> Decomposition:
    """Factorise a nonnegative matrix over time; see `decompose`.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Values that are complex, negative or not finite, no frames a second for nmfd, or a beginning that does not fit.
    """
    if V.data.ndim != 2 or np.iscomplexobj(V.data):
        raise DataError("what is factorised is a matrix of real numbers")
    length = 1
    if shape.model == "nmfd":
        if V.feature_rate is None:
            raise DataError("templates over time need a matrix over time")
        length = template_frames(shape, V.feature_rate)
    factors = fit(shape.model, V.data, parameters, start, length, advance).factors
    model = Factorization(factors.W, factors.H, V.feature_rate, V.start, V.axis, V.dims[0])
    return _labelled(model, Beginning(start), factors.cost)


def _labelled(model: Factorization, beginning: Beginning, cost: NDArray[np.float64]) -> Decomposition:
    """Name the components; number them, the strongest first, where nothing is given of them."""
    labels, pitches = beginning.labels, np.array(beginning.pitches, dtype=np.float64)
    if not labels:
        digits = max(len(str(model.rank)), 2)
        labels = tuple(f"{number:0{digits}d}" for number in range(1, model.rank + 1))
        if beginning.start.W is None and beginning.start.H is None:
            order = np.argsort(-energies(model.templates, model.activations), kind="stable")
            model = replace(model, templates=model.templates[:, order], activations=model.activations[order])
    model = replace(model, labels=labels)
    return Decomposition(model, pitches, cost, _initial(model, beginning.start))


def _initial(model: Factorization, start: Start) -> Factorization | None:
    if start.W is None:
        return None
    H = np.ones(model.activations.shape, np.float32) if start.H is None else start.H
    return replace(model, templates=start.W, activations=H)


def energies(W: Matrix, H: Matrix) -> NDArray[np.float64]:
    """Return the energies of components (R,), as if the frames of a template did not overlap themselves."""
    templates = np.square(W, dtype=np.float64).reshape(W.shape[0], W.shape[1], -1).sum(axis=(0, 2))
    found: NDArray[np.float64] = templates * np.square(H, dtype=np.float64).sum(axis=1)
    return found


def stems(
    source: AudioSource,
    model: Factorization,
    grid: Grid,
    parameters: MaskParameters,
    wanted: Callable[[str], bool] = lambda _: True,
) -> StemStream:
    """Return the sound of each label, masked out of the mixture; they sum to it.

    Parameters
    ----------
    source : AudioSource
        All channels get the same masks.
    model : Factorization
    grid : Grid
        That of the model.
    parameters : MaskParameters
    wanted : callable
        Whether the sound of a label is needed.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    check(parameters)
    names = tuple(dict.fromkeys(model.labels))
    of = np.array(model.labels)
    parts = [
        Factorization(model.templates[:, of == name], model.activations[of == name], model.feature_rate)
        for name in names
    ]
    samples = length_of(source)
    batch = min(max(_MASK_VALUES // (len(names) * len(grid.frequencies)), 1), 256)

    def make() -> Iterator[tuple[Matrix, ...]]:
        inverses = [grid.inverse() if wanted(name) else None for name in names]
        first = 0
        with ThreadPoolExecutor(count()) as threads:
            for X in grid.spectra(source, batch):
                stop = first + X.shape[1]

                def energy(part: Factorization, first: int = first, stop: int = stop) -> Matrix:
                    values = part.product(first, stop).T
                    return values if grid.power else np.square(values)

                def sound(inverse: InverseSTFT | None, mask: Matrix, X: Spectra = X) -> Matrix:
                    return np.zeros((0, len(X)), np.float32) if inverse is None else inverse.push(X * mask).T

                shares = masks(tuple(threads.map(energy, parts)), parameters)
                yield tuple(threads.map(sound, inverses, shares))
                first = stop
        none = np.zeros((0, source.channels), np.float32)
        yield tuple(none if inverse is None else inverse.flush(samples).T for inverse in inverses)

    return StemStream(names, source.sample_rate, source.channels, source.frames, make)


def _excerpts(frames: int, feature_rate: float, learning: float) -> list[slice]:
    """Return excerpts, spread evenly, of so many seconds together; one where that is the whole."""
    if frames <= learning * feature_rate:
        return [slice(0, frames)]
    size = max(round(min(_EXCERPT, learning) * feature_rate), 1)
    count = max(min(round(learning * feature_rate / size), frames // size), 1)  # so many do not overlap
    begins = np.linspace(0, frames - size, count).round().astype(int).tolist()
    return [slice(begin, begin + size) for begin in begins]


def _gathered(source: AudioSource, grid: Grid, excerpts: list[slice]) -> Matrix:
    """Return the frames of the excerpts (n × K), one after the other."""
    V = np.empty((sum(excerpt.stop - excerpt.start for excerpt in excerpts), len(grid.frequencies)), np.float32)
    first = 0
    for spectra in grid.spectra(source):
        stop = first + spectra.shape[1]
        rows = grid.matrix(spectra)
        at = 0
        for excerpt in excerpts:
            begin, end = max(first, excerpt.start), min(stop, excerpt.stop)
            if begin < end:
                V[at + begin - excerpt.start : at + end - excerpt.start] = rows[begin - first : end - first]
            at += excerpt.stop - excerpt.start
        first = stop
    return V


def overview(source: AudioSource, grid: Grid, columns: int = 720) -> Features:
    """Return the matrix that is factorised with so many columns at most, the means of neighbouring frames."""
    run = max(-(-grid.frames(length_of(source)) // columns), 1)
    sums: list[Matrix] = []
    held = np.zeros((0, len(grid.frequencies)), np.float32)
    for spectra in grid.spectra(source):
        held = np.concatenate((held, grid.matrix(spectra)))
        whole = len(held) // run
        sums.append(held[: whole * run].reshape(whole, run, -1).mean(axis=1))
        held = held[whole * run :]
    if len(held):
        sums.append(held.mean(axis=0, keepdims=True))
    return Features(
        np.concatenate(sums).T,
        grid.feature_rate / run,
        "spectrogram",
        ("frequency", "time"),
        tuple(grid.frequencies.tolist()),
        start=(run - 1) / 2 / grid.feature_rate,
        unit="power" if grid.power else "amplitude",
    )
