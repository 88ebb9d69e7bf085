"""Spectrograms over frequency and over pitch (FMP, Sections 2.5 and 3.1.1)."""

from collections.abc import Iterator

import numpy as np

from mirtool.errors import DataError, ParameterError
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
from mirtool.features.parameters import PitchParameters, SpectrogramParameters
from mirtool.features.pitch import PitchState, note_energies, pitch_axis
from mirtool.features.tuning import resolved_tuning
from mirtool.signal.filters import bin_frequencies
from mirtool.types import AudioSource, Features, Notes


def spectrogram(source: AudioSource | Notes, parameters: SpectrogramParameters) -> Features:
    """Compute a magnitude, power or log-frequency spectrogram, in which a sine of amplitude 1 has a peak of 1.

    Parameters
    ----------
    source : AudioSource or Notes
        Notes have a spectrogram over pitch only.
    parameters : SpectrogramParameters

    Returns
    -------
    Features
        Kind ``spectrogram``: (N/2 + 1) × frames, rows in Hz, or P × frames, rows in MIDI pitches.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Notes, and not ``scale="pitch"``; samples or times that are not finite.
    """
    check_analysis(parameters)
    rate, unit = parameters.feature_rate, "" if parameters.compression else "power"
    if parameters.scale == "pitch":
        tuning = resolved_tuning(source, parameters)
        pitches = pitch_axis(parameters)
        if isinstance(source, Notes):
            data = note_energies(source, parameters).T
        else:
            batches = pitch_frames(source, parameters, tuning)
            data = gathered(batches, len(pitches), expected_frames(source, rate))
        axis, made = tuple(pitches.astype(float).tolist()), provenance(parameters, {"tuning": tuning})
        return features(data, "spectrogram", "pitch", axis, rate, made, unit)
    if parameters.scale != "linear":
        raise ParameterError(f"no scale {parameters.scale} (there are: linear, pitch)")
    if isinstance(source, Notes):
        raise DataError("notes have a spectrogram over pitch only")
    axis = tuple(bin_frequencies(parameters.analysis_rate, parameters.window_length).tolist())
    data = gathered(_linear_frames(source, parameters), len(axis), expected_frames(source, rate))
    unit = unit if parameters.power or not unit else "amplitude"
    return features(data, "spectrogram", "frequency", axis, rate, provenance(parameters), unit)


def pitch_frames(source: AudioSource, parameters: PitchParameters, tuning: float) -> Iterator[Frames]:
    """Yield frames (n × P) of the compressed log-frequency spectrogram of a sound."""
    state = PitchState(parameters, tuning)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from state.push(samples)
    yield from state.flush()


def _linear_frames(source: AudioSource, parameters: SpectrogramParameters) -> Iterator[Frames]:
    """Yield frames (n × bins) of the compressed magnitude or power spectrogram."""
    state = analysis_state(parameters)

    def values(spectra: np.ndarray) -> Frames:
        squared = power(spectra)
        return compress(squared if parameters.power else np.sqrt(squared), parameters.compression)

    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from map(values, state.push(samples))
    yield from map(values, state.flush())
