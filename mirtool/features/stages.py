"""Novelty stage by stage: each can be written, read back, and gone on from (FMP, Section 6.1.2)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mirtool.errors import DataError, ParameterError
from mirtool.features.enhancement import USUAL
from mirtool.features.frames import (
    Frames,
    analysis_state,
    check_analysis,
    compress,
    expected_frames,
    features,
    gathered,
    power,
    provenance,
    sample_blocks,
)
from mirtool.features.novelty import (
    checked_curve,
    novelty,
    novelty_start,
    post_processed,
    raw_values,
)
from mirtool.features.parameters import NOVELTY_STAGES, NoveltyParameters
from mirtool.signal.filters import bin_frequencies
from mirtool.types import AudioSource, Features, Notes

_MATRICES = NOVELTY_STAGES[:3]


def novelty_stage(source: AudioSource | Notes | Features, parameters: NoveltyParameters, stage: str) -> Features:
    """Compute novelty up to a stage, from the sound or from an earlier stage.

    Of spectral novelty there are: spectrogram, the magnitudes |X(n, k)|; compression, Y = log(1 + γ |X|); difference,
    |Y(n, k) - Y(n-1, k)|≥0; accumulation, its sum over k; novelty, less the local average and normalised. Other methods
    have the last two.

    Parameters
    ----------
    source : AudioSource, Notes or Features
        Features: of a kind that is the name of an earlier stage. Their rate and times hold.
    parameters : NoveltyParameters
    stage : str
        One of `mirtool.features.parameters.NOVELTY_STAGES`.

    Returns
    -------
    Features
        Its kind is the name of the stage; K × N, or 1 × N.

    Raises
    ------
    ParameterError
        A stage that there is not, or not of this method; other parameters outside their domain.
    DataError
        Samples or values that are not finite; features that are no earlier stage.
    """
    if stage not in NOVELTY_STAGES:
        raise ParameterError(f"no stage {stage} (there are: {', '.join(NOVELTY_STAGES)})")
    if isinstance(source, Features):
        return _continued(source, parameters, stage)
    if stage == "novelty":
        return novelty(source, parameters)
    check_analysis(parameters)
    if isinstance(source, Notes):
        raise ParameterError("of notes there is only the novelty, no stage before it")
    if stage == "accumulation":
        return _accumulated(source, parameters)
    if parameters.method != "spectral":
        raise ParameterError(f"the stage {stage} is one of the method spectral, not {parameters.method}")
    axis = tuple(bin_frequencies(parameters.analysis_rate, parameters.window_length).tolist())
    data = gathered(_magnitudes(source, parameters), len(axis), expected_frames(source, parameters.feature_rate))
    made = features(data, "spectrogram", "frequency", axis, parameters.feature_rate, provenance(parameters))
    return made if stage == "spectrogram" else _continued(made, parameters, stage)


def _magnitudes(source: AudioSource, parameters: NoveltyParameters) -> Iterator[Frames]:
    state = analysis_state(parameters)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from (np.sqrt(power(spectra)) for spectra in state.push(samples))
    yield from (np.sqrt(power(spectra)) for spectra in state.flush())


def _accumulated(source: AudioSource, parameters: NoveltyParameters) -> Features:
    curve = np.concatenate([np.zeros(0, np.float32), *raw_values(source, parameters)])
    rate, made = parameters.feature_rate, provenance(parameters)
    found = features(curve[None, :], "accumulation", "novelty", ("novelty",), rate, made)
    return replace(found, start=novelty_start(parameters))


def _continued(source: Features, parameters: NoveltyParameters, stage: str) -> Features:
    """Go on from an earlier stage."""
    if source.kind not in NOVELTY_STAGES[: NOVELTY_STAGES.index(stage)]:
        raise DataError(f"features of the kind {source.kind or '(none)'} are no stage before the {stage}")
    if source.kind in _MATRICES and parameters.method != "spectral":
        raise ParameterError(f"a {source.kind} is a stage of the method spectral, not {parameters.method}")
    if source.feature_rate is None or source.data.ndim != 2 or np.iscomplexobj(source.data):
        raise DataError(f"a {source.kind} is a matrix of real numbers over time")
    if not np.isfinite(source.data).all():
        raise DataError(f"the {source.kind} holds values that are not finite numbers")
    while source.kind != stage:
        source = _next(source, parameters)
    return source


def _next(source: Features, parameters: NoveltyParameters) -> Features:
    rate = source.feature_rate or 0.0
    frames = np.ascontiguousarray(source.data.T)
    made = provenance(replace(parameters, feature_rate=rate))
    if source.kind == "spectrogram":
        return replace(source, data=compress(frames, parameters.compression).T, kind="compression", provenance=made)
    if source.kind == "compression":
        rise = np.maximum(frames - np.concatenate((frames[:1], frames[:-1])), 0)
        start = source.start + novelty_start(replace(parameters, feature_rate=rate))
        return replace(source, data=rise.T, kind="difference", start=start, provenance=made)
    if source.kind == "difference":
        curve = frames.sum(axis=1)
        found = features(curve[None, :], "accumulation", "novelty", ("novelty",), rate, made)
        return replace(found, start=source.start)
    curve = checked_curve(source).data[0]
    curve = post_processed(curve, replace(parameters, feature_rate=rate), USUAL[parameters.method])
    return replace(features(curve[None, :], "novelty", "novelty", ("novelty",), rate, made), start=source.start)
