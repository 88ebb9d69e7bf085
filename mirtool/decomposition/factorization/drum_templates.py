"""Templates of drums, of strokes that are synthesised: where a factorisation of a recording of drums begins.

Dittmar and Müller, "Reverse engineering the Amen break: score-informed separation and restoration applied to drum
recordings", IEEE/ACM TASLP 24(9), 2016, begin with templates of a collection of isolated drums.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.decomposition.factorization.beginnings import Beginning, Setting
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.known_templates import activations
from mirtool.decomposition.parameters import DrumTemplateParameters
from mirtool.errors import ParameterError
from mirtool.features.frames import gathered
from mirtool.synthesis.strokes import strokes
from mirtool.types import Audio, Events

Matrix = NDArray[np.float32]

_SINGLE = 0.1  # s of a stroke that a template of one frame is the mean of
_ITERATIONS = 20
_TOLERANCE = 0.05  # s by which known strokes may be wrong
_RING = 0.5  # s for which a drum may be active after a known stroke


@dataclass(frozen=True, eq=False)
class DrumTemplates:
    """Templates, each the mean of strokes that are alike.

    Parameters
    ----------
    W : ndarray, shape (K, R, T), float32
        Each sums to 1.
    drums : ndarray of str, shape (R,)
        Which drum a template is of; a drum may have several.
    """

    W: Matrix
    drums: NDArray[np.str_]


def drum_templates(
    drums: Sequence[str],
    length: int,
    hop: float,
    sample_rate: int,
    window_length: int,
    transform: Callable[[Matrix], Matrix],
    *,
    joined: bool = False,
) -> DrumTemplates:
    """Compute templates, whose first frame is centred at the stroke.

    Parameters
    ----------
    drums : sequence of str
        Keys of `mirtool.synthesis.strokes.SOUNDS`.
    length : int
        Frames T.
    hop : float
        Samples from frame to frame.
    sample_rate : int
        Hz.
    window_length : int
        Samples that a frame reaches over.
    transform : callable
        From samples (n,) to nonnegative frames (N × K), the first centred at the first sample.
    joined : bool
        One template a drum, the mean of all of its sounds.

    Returns
    -------
    DrumTemplates
    """
    lead = int(np.ceil(window_length / 2 / hop))  # frames, so that no window begins before the sound
    seconds = ((lead + length) * hop + window_length / 2) / sample_rate
    W, owners = [], []
    for drum in drums:
        means = []
        for group in strokes(drum, sample_rate, seconds, lead * hop / sample_rate):
            spectra = [transform(samples)[lead : lead + length] for samples in group]
            means.append(np.mean([frames / frames.sum() for frames in spectra], axis=0))
        for mean in [np.mean(means, axis=0)] if joined else means:
            W.append(mean.T)
            owners.append(drum)
    return DrumTemplates(np.stack(W, axis=1).astype(np.float32), np.array(owners))


def drums(setting: Setting, parameters: DrumTemplateParameters, known: Events | None = None) -> Beginning:
    """Begin with a template a drum, and with the activations that belong to these.

    So each drum takes what is most like it before any template changes, and the templates then become those of the
    recording. Where the strokes are known, nothing else is active.

    Parameters
    ----------
    setting : Setting
    parameters : DrumTemplateParameters
    known : Events, optional
        All strokes, columns ``time,label``.

    Raises
    ------
    ParameterError
        A drum that there is not, one named twice, or none.
    """
    if not parameters.drums or len(set(parameters.drums)) < len(parameters.drums):
        raise ParameterError("drums are named once each, one at least")
    grid = setting.grid

    def transform(samples: Matrix) -> Matrix:
        return np.concatenate([grid.matrix(spectra) for spectra in grid.spectra(Audio(samples, grid.sample_rate))])

    length = max(round(_SINGLE * grid.feature_rate), 1) if setting.length is None else setting.length
    W = drum_templates(parameters.drums, length, grid.hop, grid.sample_rate, grid.size, transform, joined=True).W
    if setting.length is None:
        W = W.sum(axis=2, keepdims=True)
    frames = (grid.matrix(spectra) for spectra in grid.spectra(setting.source))
    H = gathered(activations(frames, W, _ITERATIONS), W.shape[1], setting.frames)
    if known is not None:
        H = H * _near(known, parameters.drums, setting)
    return Beginning(Start(W if setting.length else W[..., 0], H), parameters.drums)


def _near(known: Events, drums: Sequence[str], setting: Setting) -> NDArray[np.bool_]:
    """Return where a drum may be active (R × N): from its strokes on, as long as it may ring."""
    rate = setting.grid.feature_rate
    reach, ring = round(_TOLERANCE * rate), round(_RING * rate)
    near = np.zeros((len(drums), setting.frames), np.bool_)
    for row, drum in zip(near, drums, strict=True):
        for place in np.rint(known["time"][known["label"] == drum] * rate).astype(np.int64).tolist():
            row[max(place - reach, 0) : max(place + ring + 1, 0)] = True
    return near
