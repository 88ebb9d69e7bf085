"""Chroma features (FMP, Section 3.1.2)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.features.frames import (
    Frames,
    check_analysis,
    expected_frames,
    features,
    gathered,
    normalize,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import ChromaParameters, PitchParameters
from mirtool.features.pitch import PitchState, note_energies, pitch_axis
from mirtool.features.tuning import resolved_tuning
from mirtool.signal.filters import chroma_bank
from mirtool.types import AudioSource, Features, Notes

CHROMA_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


class ChromaState:
    """Online chroma without normalisation: samples in, frames (n × 12) out.

    C(n, c) = Σ_{p mod 12 = c} Y_LF(n, p), Y_LF being compressed (Chroma Log Pitch).

    Parameters
    ----------
    parameters : PitchParameters
    tuning : float
        Cents.
    batch : int, optional
        Frames given out at a time, as for `mirtool.signal.stft.STFT`.
    """

    def __init__(self, parameters: PitchParameters, tuning: float, batch: int | None = None) -> None:
        self._pitch = PitchState(parameters, tuning, batch)
        self._folding = chroma_bank(self._pitch.pitches).T

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the sample rate of the analysis; return the frames that are complete."""
        return [energies @ self._folding for energies in self._pitch.push(samples)]

    def flush(self) -> list[Frames]:
        """Return the remaining frames."""
        return [energies @ self._folding for energies in self._pitch.flush()]


def chroma_frames(source: AudioSource, parameters: PitchParameters, tuning: float) -> Iterator[Frames]:
    """Yield chroma frames (n × 12) of a sound, not normalised."""
    state = ChromaState(parameters, tuning)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from state.push(samples)
    yield from state.flush()


def note_chroma(notes: Notes, parameters: PitchParameters) -> Frames:
    """Return chroma frames (N × 12) of notes, not normalised."""
    folded: Frames = note_energies(notes, parameters) @ chroma_bank(pitch_axis(parameters)).T
    return folded


def chroma(source: AudioSource | Notes, parameters: ChromaParameters) -> Features:
    """Compute chroma features of a sound or of notes.

    Parameters
    ----------
    source : AudioSource or Notes
        Sound is mixed to mono and resampled; it is read twice where the tuning is to be estimated.
    parameters : ChromaParameters

    Returns
    -------
    Features
        Kind ``chroma``, 12 × N, rows C, C#, … B.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite.
    """
    norm, threshold = parameters.norm, parameters.threshold
    check_analysis(parameters)
    tuning = resolved_tuning(source, parameters)
    if isinstance(source, Notes):
        data = normalize(note_chroma(source, parameters), norm, threshold).T
    else:
        batches = (normalize(batch, norm, threshold) for batch in chroma_frames(source, parameters, tuning))
        data = gathered(batches, 12, expected_frames(source, parameters.feature_rate))
    made = provenance(parameters, {"tuning": tuning})
    return features(data, "chroma", "chroma", CHROMA_NAMES, parameters.feature_rate, made)
