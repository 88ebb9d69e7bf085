"""Strokes of drums, by templates of each and when they are active.

The recording is taken for a sum of templates that last some frames (NMFD: Smaragdis, ICA 2004), learned beforehand, of
which only the activations are found: the fixed bases of Dittmar and Gärtner, "Real-time transcription and separation of
drum recordings based on NMF decomposition", DAFx 2014, with time in the templates (Lindsay-Smith, McDonald and Sandler,
"Drumkit transcription via convolutive NMF", DAFx 2012). A drum that rings on is then active at its stroke alone.
Templates of notes stand beside those of drums and take what is none.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mirtool.decomposition.factorization.drum_templates import DrumTemplates, drum_templates
from mirtool.decomposition.factorization.known_templates import activations
from mirtool.errors import DataError, ParameterError
from mirtool.features.bands import log_bands
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    features,
    gathered,
    power,
    provenance,
    sample_blocks,
)
from mirtool.rhythm.parameters import PeakParameters
from mirtool.rhythm.peaks import Peaks, PeakState
from mirtool.transcription.parameters import DrumParameters
from mirtool.types import Audio, AudioSource, Events, Features


@dataclass(frozen=True)
class Drum:
    """When the activation of a drum counts as a stroke.

    Parameters
    ----------
    share : float
        Least height of a peak: this share of the level of strong strokes.
    absolute : float
        Which level: 0 that of the drum itself, 1 that of the strongest drum, between them a geometric mean.
    rivals : mapping
        Drums that sound alike → least height relative to their activation at that moment.
    """

    share: float
    absolute: float
    rivals: Mapping[str, float] = field(default_factory=dict)


# Set on grooves that were rendered with sound fonts (FluidR3, MuseScore General, TimGM6mb, AVL drum kits).
DRUMS = {
    "kick": Drum(0.5, 0.1),
    "snare": Drum(0.13, 0.5, {"kick": 0.2, "rim": 0.3}),
    "hihat": Drum(0.15, 0.2, {"ride": 0.3}),
    "tom": Drum(0.5, 0.4, {"kick": 0.6, "snare": 1.0}),
    "crash": Drum(1.5, 0.0, {"snare": 0.5}),
    "ride": Drum(0.6, 0.0, {"snare": 0.3}),
    "rim": Drum(0.5, 0.7, {"snare": 1.0}),
}
OTHER = Drum(0.4, 0.2)
STRONG = 0.95  # quantile of the peaks of a drum: the level of its strong strokes
_COMPARISON = 0.03  # s to either side over which a peak is the highest
_CONTRAST, _AROUND = 2.2, 0.1  # a peak is so many times the mean of so many s to either side: tails are uneven, too
_FAINT = 0.01  # of the level of the strongest drum: nothing below counts
_TOGETHER = 0.02  # s to either side over which rivals are active at one moment
_LOWEST_RATE = 10.0  # Hz
# Half a window before a stroke something of it is seen already, so that its activation begins early.
ADVANCE = 0.005  # s


def drum_activations(source: AudioSource, parameters: DrumParameters) -> Features:
    """Find out how much of each drum begins at each moment.

    Parameters
    ----------
    source : AudioSource
    parameters : DrumParameters

    Returns
    -------
    Features
        Kind ``activation``, R × N; the axis holds the names of the drums.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    _check(parameters)
    bands = replace(parameters, high=min(parameters.high, 0.45 * source.sample_rate))
    templates = _templates(bands)
    owners = np.array([templates.drums == drum for drum in DRUMS], dtype=np.float32)
    frames = (H @ owners.T for H in activations(_band_frames(source, bands), templates.W, parameters.iterations))
    axis = tuple(DRUMS)
    data = gathered(frames, len(axis))
    found = features(data, "activation", "drum", axis, parameters.feature_rate, provenance(parameters))
    return replace(found, start=ADVANCE)


def drum_strokes(curves: Features, parameters: DrumParameters) -> Events:
    """Pick the strokes out of curves.

    A peak is a stroke if it is high enough among those of its drum, and if the drum plays a part at all.

    Parameters
    ----------
    curves : Features
        Activations, R × N, the axis naming drums.
    parameters : DrumParameters

    Returns
    -------
    Events
        Columns ``time,label,strength``, by time; strength is 1 for a strong stroke of that drum.

    Raises
    ------
    DataError
        No activations of drums.
    """
    rate = curves.feature_rate
    named = curves.data.ndim == 2 and len(curves.axis) == len(curves.data) and not np.iscomplexobj(curves.data)
    if rate is None or not named:
        raise DataError("activations of drums have a row a drum, with its name")
    activations = {str(name): row for name, row in zip(curves.axis, curves.data, strict=True)}
    peaks = {name: _peaks(row, rate, parameters) for name, row in activations.items()}
    strong = {name: float(np.quantile(found.heights, STRONG)) for name, found in peaks.items() if len(found.heights)}
    strongest = max(strong.values(), default=0.0)
    nearby = {name: _nearby(row, round(_TOGETHER * rate)) for name, row in activations.items()}
    rows = []
    for order, name in enumerate(strong):
        drum, found = DRUMS.get(name, OTHER), peaks[name]
        level = strong[name] ** (1 - drum.absolute) * strongest**drum.absolute
        frames = np.rint(found.places).astype(np.int64)
        around = _averaged(activations[name], round(_AROUND * rate))[frames]
        floor = parameters.threshold * max(drum.share * level, _FAINT * strongest)
        least = np.maximum(floor, _CONTRAST * around)
        for rival, ratio in drum.rivals.items():
            if rival in nearby:
                least = np.maximum(least, ratio * nearby[rival][frames])
        kept = found.heights >= least
        for place, height in zip(found.places[kept].tolist(), found.heights[kept].tolist(), strict=True):
            rows.append((max(curves.start + place / rate, 0.0), order, name, height / strong[name]))
    rows.sort()
    return Events(
        {
            "time": np.array([row[0] for row in rows]),
            "label": np.array([row[2] for row in rows], dtype=object),
            "strength": np.array([row[3] for row in rows]),
        }
    )


def _averaged(curve: Frames, reach: int) -> NDArray[np.float64]:
    """Return the means over the values within `reach` frames of each; beyond its ends the curve is 0."""
    sums = np.cumsum(np.pad(curve, (reach + 1, reach)), dtype=np.float64)
    return np.asarray((sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1))


def _nearby(curve: Frames, reach: int) -> Frames:
    """Return the largest value within `reach` frames of each."""
    largest: Frames = sliding_window_view(np.pad(curve, reach), 2 * reach + 1).max(axis=1)
    return largest


def _check(parameters: DrumParameters) -> None:
    check_analysis(parameters)
    if parameters.feature_rate < _LOWEST_RATE:
        raise ParameterError(f"strokes need {_LOWEST_RATE:g} frames a second or more, not {parameters.feature_rate:g}")
    for name in ("power", "threshold"):
        value = getattr(parameters, name)
        if not 0 < value < math.inf:
            raise ParameterError(f"the {name} must be positive, and finite: not {value:g}")
    if not 0 <= parameters.template <= 2:
        raise ParameterError(f"templates last 0 to 2 s, not {parameters.template:g} s")


def _length(parameters: DrumParameters) -> int:
    """Return the frames of a template."""
    return max(round(parameters.template * parameters.feature_rate), 1)


def _templates(parameters: DrumParameters) -> DrumTemplates:
    def transform(samples: NDArray[np.float32]) -> Frames:
        return np.concatenate(list(_band_frames(Audio(samples, parameters.analysis_rate), parameters)))

    hop = parameters.analysis_rate / parameters.feature_rate
    return drum_templates(
        (*DRUMS, "tone"), _length(parameters), hop, parameters.analysis_rate, parameters.window_length, transform
    )


def _band_frames(source: AudioSource, parameters: DrumParameters) -> Iterator[Frames]:
    """Yield compressed magnitudes in bands (n × K)."""
    state = analysis_state(parameters)
    filters, _ = log_bands(parameters)

    def compressed(spectra: NDArray[np.complex64]) -> Frames:
        return np.asarray((power(spectra) @ filters) ** np.float32(parameters.power / 2))

    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from (compressed(spectra) for spectra in state.push(samples))
    yield from (compressed(spectra) for spectra in state.flush())


def _peaks(curve: Frames, rate: float, parameters: DrumParameters) -> Peaks:
    state = PeakState(PeakParameters(0.0, parameters.min_gap, _COMPARISON), rate)
    found = [state.push(np.ascontiguousarray(curve)), state.flush()]
    return Peaks(np.concatenate([peaks.places for peaks in found]), np.concatenate([peaks.heights for peaks in found]))
