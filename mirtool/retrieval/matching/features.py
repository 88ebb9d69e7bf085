"""The features of audio matching: twelve small numbers, ten times a second, in which only harmony is left.

As in CENS [1]_ the shares of the chroma are taken frame by frame, so that loudness does not matter, and their mean over
a short time; unlike there, energies are compressed by a power law instead of being quantised, and the mean of the
twelve is taken off, so that the product of two frames is their correlation: music that has nothing in common then has
values around 0, where those of CENS lie around 0.8.

References
----------
.. [1] M. Müller, F. Kurth, M. Clausen: Audio matching via chroma-based statistical features. ISMIR 2005.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.cens import quantize, smooth_downsample
from mirtool.features.frames import Frames, check_analysis, normalize, sample_blocks
from mirtool.features.parameters import PitchParameters
from mirtool.features.pitch import PitchState, note_energies, pitch_axis
from mirtool.features.tuning import checked, tuned
from mirtool.retrieval.parameters import STATISTICS, MatchingFeatureParameters
from mirtool.signal.filters import chroma_bank
from mirtool.types import AudioSource, Notes

Bytes = NDArray[np.int8]

_SAMPLE_RATE, _WINDOW = 11025, 2048  # Hz and samples: semitones are told apart from C2 on
_PARTIALS, _DECAY = 4, 10.0  # of notes
_POWER = 0.3  # of energies: about as loudness is perceived
_SILENT = 1e-9  # energy of a frame up to which nothing is heard: -90 dB
_FULL = 127  # what 1 is as a byte


def matching_frames(source: AudioSource | Notes, parameters: MatchingFeatureParameters) -> Bytes:
    """Compute what is kept of a recording or of notes.

    Parameters
    ----------
    source : AudioSource or Notes
        Sound is read once.
    parameters : MatchingFeatureParameters

    Returns
    -------
    ndarray of int8, shape (N, 12)
        Frame n is centred at n / feature_rate: 127 times a vector of norm 1 and mean 0, or zeros for silence.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite; no frames.
    """
    check(parameters)
    batches = _note_batches(source, parameters) if isinstance(source, Notes) else _sound_batches(source, parameters)
    frames = [kept(chroma, parameters.statistics) for chroma in batches if len(chroma)]
    if not frames:
        raise DataError("nothing to hear: no notes and no sound")
    return np.concatenate(frames)


def check(parameters: MatchingFeatureParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if parameters.statistics not in STATISTICS:
        raise ParameterError(f"no statistics {parameters.statistics} (there are: {', '.join(STATISTICS)})")
    check_analysis(_analysis(parameters))
    if parameters.tuning is not None:
        checked(parameters.tuning)


def _analysis(parameters: MatchingFeatureParameters) -> PitchParameters:
    return PitchParameters(
        feature_rate=parameters.feature_rate,
        analysis_rate=_SAMPLE_RATE,
        window_length=_WINDOW,
        compression=0.0,
        partials=_PARTIALS,
        decay=_DECAY,
    )


def _sound_batches(source: AudioSource, parameters: MatchingFeatureParameters) -> Iterator[Frames]:
    """Yield chroma frames (n × 12) of a sound, compressed."""
    cents, blocks = tuned(sample_blocks(source, _SAMPLE_RATE), _SAMPLE_RATE, parameters.tuning)
    state = PitchState(_analysis(parameters), cents)
    for samples in blocks:
        yield from (_chroma(energies, parameters) for energies in state.push(samples))
    yield from (_chroma(energies, parameters) for energies in state.flush())


def _note_batches(notes: Notes, parameters: MatchingFeatureParameters) -> Iterator[Frames]:
    yield _chroma(note_energies(notes, _analysis(parameters)), parameters)


def _chroma(energies: Frames, parameters: MatchingFeatureParameters) -> Frames:
    """Fold energies over pitch (n × P), compressed for `statistics` log; silent frames become 0."""
    heard = energies.sum(axis=1, keepdims=True) > _SILENT
    if parameters.statistics == "log":
        energies = energies**_POWER
    folded: Frames = np.where(heard, energies @ chroma_bank(pitch_axis(_analysis(parameters))).T, 0)
    return folded


def kept(chroma: Frames, statistics: str) -> Bytes:
    """Return chroma (N × 12, not negative) as it is kept: quantised for CENS, without its mean, of norm 1, in bytes."""
    if statistics == "quantized":
        chroma = quantize(normalize(chroma, "l1", 0))
    correlated = centred(chroma)
    return np.round(_FULL * correlated).astype(np.int8)


def centred(frames: Frames) -> Frames:
    """Take the mean off every frame and scale it to norm 1; a frame without differences becomes 0."""
    differences = frames - frames.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("nk,nk->n", differences, differences))[:, None]
    level = np.abs(frames).max(axis=1, keepdims=True)
    unit: Frames = np.divide(differences, norm, out=np.zeros_like(differences), where=norm > 1e-5 * level)
    return unit


def smoothed(frames: Bytes | Frames, length: int, factor: int) -> Frames:
    """Return frames (⌈N / d⌉ × 12) of norm 1, each the mean around every d-th with a Hann window of `length` frames."""
    return centred(smooth_downsample(frames.astype(np.float32), length, factor))
