"""The chroma by which versions of a piece are compared: few frames a second, without loudness."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.features.chroma import CHROMA_NAMES
from mirtool.features.frames import (
    Frames,
    check_analysis,
    check_compression,
    compress,
    expected_frames,
    features,
    gathered,
    provenance,
    sample_blocks,
)
from mirtool.features.parameters import PitchParameters, SoundParameters
from mirtool.features.pitch import PitchState, note_energies, pitch_axis
from mirtool.features.tuning import checked, resolved_tuning
from mirtool.retrieval.parameters import HarmonyParameters
from mirtool.signal.filters import chroma_bank
from mirtool.types import AudioSource, Features, Notes

_ANALYSIS_RATE = 10.0  # Hz, before frames are averaged
_LOUD = 90.0  # percentile of the energy of a frame to which energies are related
_INAUDIBLE = 1e-9  # energy of a frame up to which there is no sound; a sine at full scale has 1
_BLOCK = 1 << 12  # frames that are worked on at a time
_SILENT = 1e-4  # energy of a frame, relative to the loud ones, up to which it counts as silence


def harmony_features(source: AudioSource | Notes | Features, parameters: HarmonyParameters) -> Features:
    """Compute the chroma by which versions are compared.

    Chroma at 10 Hz or more is normalised (so that loud moments count no more than others), averaged over the time
    from frame to frame and normalised again; silence is 0, and left out at both ends. Values are rounded to half
    precision, so that they are the same whether they come from an index or not.

    Parameters
    ----------
    source : AudioSource, Notes or Features
        Features are chroma, without negative values. Sound is read twice where the tuning is to be estimated.
    parameters : HarmonyParameters

    Returns
    -------
    Features
        Kind ``chroma``, 12 × N; of a piece without any sound, a single frame of zeros.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        No frames; features that are no chroma; samples, times or values that are not finite.
    """
    check(parameters)
    rate = parameters.feature_rate
    if isinstance(source, Features):
        frames, found, start = _checked(source), source.feature_rate or rate, source.start
        made = provenance(parameters)
    else:
        pitch = PitchParameters(feature_rate=max(_ANALYSIS_RATE, rate), tuning=parameters.tuning, compression=0.0)
        found, start = pitch.feature_rate, 0.0
        tuning = resolved_tuning(source, pitch)
        frames = _chroma(_energies(source, pitch, tuning), parameters.compression, pitch_axis(pitch))
        made = provenance(parameters, {"tuning": tuning})
    if not len(frames):
        raise DataError("nothing to hear: no notes and no sound")
    frames = _normalized(averaged(_normalized(frames), found, rate))
    heard = np.flatnonzero(frames.any(axis=1))
    first, stop = (int(heard[0]), int(heard[-1]) + 1) if heard.size else (0, 1)
    data = frames[first:stop].astype(np.float16).astype(np.float32)
    return replace(features(data.T, "chroma", "chroma", CHROMA_NAMES, rate, made), start=start + first / rate)


def check(parameters: HarmonyParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    check_analysis(SoundParameters(parameters.feature_rate))
    check_compression(parameters.compression)
    if parameters.tuning is not None:
        checked(parameters.tuning)


def _energies(source: AudioSource | Notes, parameters: PitchParameters, tuning: float) -> Frames:
    """Return energies over pitch, shape (N, P)."""
    if isinstance(source, Notes):
        return note_energies(source, parameters)
    return gathered(
        _sound_energies(source, parameters, tuning),
        len(pitch_axis(parameters)),
        expected_frames(source, parameters.feature_rate),
    ).T


def _sound_energies(source: AudioSource, parameters: PitchParameters, tuning: float) -> Iterator[Frames]:
    state = PitchState(parameters, tuning)
    for samples in sample_blocks(source, parameters.analysis_rate):
        yield from state.push(samples)
    yield from state.flush()


def _chroma(energies: Frames, gamma: float, pitches: NDArray[np.int64]) -> Frames:
    """Return compressed chroma (N × 12) of energies over pitch (N × P), which are related to those of loud frames."""
    total = energies.sum(axis=1)
    loud = float(np.percentile(total, _LOUD)) if len(total) else 0.0
    heard = total > max(_SILENT * loud, _INAUDIBLE)
    chroma, bank = np.empty((len(energies), 12), np.float32), chroma_bank(pitches).T
    for begin in range(0, len(energies), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        chroma[part] = compress(energies[part] / np.float32(loud or 1), gamma) @ bank
    chroma[~heard] = 0
    return chroma


def _checked(source: Features) -> Frames:
    """Return the frames (N × 12) of chroma that was made elsewhere."""
    if source.data.ndim != 2 or len(source.data) != 12 or np.iscomplexobj(source.data):
        raise DataError(f"features of the kind {source.kind or '(none)'}, {source.data.shape}: chroma has 12 rows")
    if not np.isfinite(source.data).all():
        raise DataError("the chroma holds values that are not finite numbers")
    if source.data.size and source.data.min() < 0:
        raise DataError("the chroma holds negative values")
    return np.ascontiguousarray(source.data.T, np.float32)


def _normalized(frames: Frames) -> Frames:
    """Scale every frame to norm 1; one without sound stays 0."""
    length = np.sqrt(np.square(frames).sum(axis=1, keepdims=True))
    length[length == 0] = 1
    normalized: Frames = frames / length
    return normalized


def stretched(frames: Frames, ratio: float) -> Frames:
    """Return chroma (N × 12) as if the piece lasted `ratio` times as long, frames of norm 1 or 0."""
    return frames if ratio == 1 else _normalized(averaged(frames, 1.0, ratio))


def averaged(frames: Frames, rate: float, wanted: float) -> Frames:
    """Average frames over the time around each frame of another rate.

    Parameters
    ----------
    frames : ndarray, shape (N, K)
        Each stands for the time from half a frame before its centre to half a frame after it.
    rate, wanted : float
        Frames per second before and after.

    Returns
    -------
    ndarray, shape (⌊(N - 1) · wanted / rate⌋ + 1, K)
        Frame n is centred at n / wanted; what lies beyond the ends does not count.
    """
    if rate == wanted:
        return frames
    N, K = frames.shape
    count = int((N - 1) * wanted / rate + 1e-9) + 1
    borders = np.clip((np.arange(count + 1) - 0.5) * rate / wanted + 0.5, 0, N)  # in frames, frame n from n to n + 1
    sums = np.zeros((N + 2, K))
    np.cumsum(frames, axis=0, out=sums[1 : N + 1])
    whole = borders.astype(np.int64)
    at_borders = sums[whole] + (borders - whole)[:, None] * (sums[whole + 1] - sums[whole])
    averages: Frames = (np.diff(at_borders, axis=0) / np.diff(borders)[:, None]).astype(np.float32)
    return averages
