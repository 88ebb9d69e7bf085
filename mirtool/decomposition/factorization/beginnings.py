"""Where a factorisation of sound begins: at random, or with templates of pitches, scores or drums.

Each takes a `Setting` and returns a `Beginning`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.grid import Grid
from mirtool.decomposition.factorization.harmonic_templates import HarmonicTemplates
from mirtool.decomposition.parameters import PitchTemplateParameters
from mirtool.errors import ParameterError
from mirtool.features.chroma import CHROMA_NAMES
from mirtool.features.tuning import estimate_tuning
from mirtool.signal.resampling import mono
from mirtool.types import AudioSource

Matrix = NDArray[np.float32]

_FURTHEST = 1200.0  # cents
_QUARTER_TONE = 50.0  # cents by which a partial may lie beside its frequency: then it belongs to another pitch


@dataclass(frozen=True, eq=False)
class Setting:
    """What a beginning may depend on.

    Parameters
    ----------
    grid : Grid
    frames : int
        N, of the whole sound.
    length : int or None
        Frames T of a template; None for templates of one frame, which have two dimensions.
    source : AudioSource
    rank : int
        Number of components, where nothing else tells it.
    """

    grid: Grid
    frames: int
    length: int | None
    source: AudioSource
    rank: int


@dataclass(frozen=True, eq=False)
class Beginning:
    """Where a factorisation begins.

    Parameters
    ----------
    start : Start
        Of the whole sound.
    labels : tuple of str
        One a component; components of one label are written together, under its name. Empty for a beginning that knows
        nothing: components are then numbered, the strongest first.
    pitches : tuple of float
        MIDI number of each component, NaN where it has none; empty where templates will tell.
    """

    start: Start
    labels: tuple[str, ...] = ()
    pitches: tuple[float, ...] = ()


def completed(
    beginning: Beginning, W: Matrix | None, H: Matrix | None, fixed_templates: bool, fixed_activations: bool
) -> Beginning:
    """Return a beginning with templates or activations that are given apart, and perhaps not to be changed.

    Raises
    ------
    ParameterError
        Both give the same, or what shall not be changed is not given.
    """
    start = beginning.start
    for what, one, other in (("templates", W, start.W), ("activations", H, start.H)):
        if one is not None and other is not None:
            raise ParameterError(f"{what} are given twice")
    W, H = start.W if W is None else W, start.H if H is None else H
    if (fixed_templates and W is None) or (fixed_activations and H is None):
        raise ParameterError("only what is given can be kept as it begins")
    return replace(
        beginning,
        start=Start(
            W,
            H,
            True if fixed_templates else start.fixed_templates,
            True if fixed_activations else start.fixed_activations,
        ),
    )


def random(setting: Setting) -> Beginning:
    """Begin anywhere."""
    return Beginning(Start())


def pitch(setting: Setting, parameters: PitchTemplateParameters) -> Beginning:
    """Begin with harmonic templates, one a pitch; what is zero in them stays zero."""
    low, high = parameters.pitch_low, parameters.pitch_high
    if not 0 <= low <= high <= 127:
        raise ParameterError(f"pitches go from 0 to 127, not from {low} to {high}")
    if parameters.partials < 1:
        raise ParameterError(f"a template needs at least one partial, not {parameters.partials}")
    if parameters.tuning is not None and not abs(parameters.tuning) <= _FURTHEST:
        raise ParameterError(f"the tuning lies within {_FURTHEST:g} cents of A4 = 440 Hz, not at {parameters.tuning:g}")
    tuning = estimate_tuning(mono(setting.source)) if parameters.tuning is None else parameters.tuning
    pitches = np.arange(low, high + 1)
    W = harmonic_templates(setting.grid, pitches, tuning, parameters.partials)
    if setting.length is not None:
        W = np.repeat(W[..., None], setting.length, axis=2)
    return Beginning(Start(W=W), tuple(map(pitch_label, pitches.tolist())), tuple(pitches.astype(float).tolist()))


def pitch_label(pitch: int) -> str:
    """Return the name of a pitch as files are called, such as ``C#4``."""
    return f"{CHROMA_NAMES[pitch % 12]}{pitch // 12 - 1}"


def harmonic_templates(grid: Grid, pitches: NDArray[np.int64], tuning: float = 0.0, partials: int = 20) -> Matrix:
    """Return templates (K × P) that are zero but near the partials of a pitch (FMP, Section 8.3.2.1).

    Parameters
    ----------
    grid : Grid
    pitches : ndarray of int, shape (P,)
        MIDI numbers.
    tuning : float
        Cents.
    partials : int
        The amplitude of partial h falls as 1/h.
    """
    instrument = np.zeros(len(pitches), dtype=np.int64)
    templates = HarmonicTemplates(pitches, instrument, 1, grid.frequencies, partials, _QUARTER_TONE)
    templates.tune(np.array([tuning]))
    W = templates.start().T
    return np.ascontiguousarray(np.square(W) if grid.power else W)
