"""CENS features: chroma energy normalised statistics (Müller, Kurth and Clausen, ISMIR 2005; FMP, Section 7.2.1)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mirtool.errors import ParameterError
from mirtool.features.chroma import CHROMA_NAMES, chroma_frames, note_chroma
from mirtool.features.frames import (
    Frames,
    check_analysis,
    expected_frames,
    features,
    gathered,
    normalize,
    provenance,
)
from mirtool.features.parameters import CensParameters
from mirtool.features.tuning import resolved_tuning
from mirtool.types import AudioSource, Features, Notes

# The quantisation τ: a share of the energy of a frame counts as many points as there are thresholds that it reaches.
THRESHOLDS = (0.05, 0.1, 0.2, 0.4)


def quantize(shares: Frames) -> Frames:
    """Return τ(v): 0 below 0.05, 1 from there, 2 from 0.1, 3 from 0.2, 4 from 0.4 (FMP, Section 7.2.1)."""
    points: Frames = np.searchsorted(np.array(THRESHOLDS, shares.dtype), shares, side="right").astype(np.float32)
    return points


def smooth_downsample(frames: Frames, length: int, factor: int) -> Frames:
    """Smooth over time with a Hann window of area 1 (zeros beyond the ends), and keep every `factor`-th frame.

    Parameters
    ----------
    frames : ndarray, shape (N, K)
    length : int
        ℓ, samples of the window that are not zero; its centre lies on the frame that is kept.
    factor : int
        d.

    Returns
    -------
    ndarray, shape (⌈N / d⌉, K)
    """
    if length < 1:
        raise ParameterError(f"the smoothing window needs at least one frame, not {length}")
    if factor < 1:
        raise ParameterError(f"the downsampling factor must be at least 1, not {factor}")
    if not len(frames):
        return frames
    window = np.hanning(length + 2)[1:-1]
    weights = (window / window.sum()).astype(np.float32)
    padded = np.pad(frames, ((length // 2, (length - 1) // 2), (0, 0)))
    smoothed: Frames = sliding_window_view(padded, length, axis=0)[::factor] @ weights
    return smoothed


def cens_frames(frames: Frames, parameters: CensParameters) -> Frames:
    """Make CENS of chroma: shares (l1), quantised, smoothed, thinned out, normalised (l2).

    Parameters
    ----------
    frames : ndarray, shape (N, 12)
        Energies, not normalised.
    parameters : CensParameters

    Returns
    -------
    ndarray, shape (⌈N / d⌉, 12)
    """
    points = quantize(normalize(frames, "l1", parameters.threshold))
    return normalize(smooth_downsample(points, parameters.smoothing, parameters.downsampling), "l2", 0)


def cens(source: AudioSource | Notes, parameters: CensParameters) -> Features:
    """Compute CENS features of a sound or of notes.

    Parameters
    ----------
    source : AudioSource or Notes
        Sound is read twice where the tuning is to be estimated.
    parameters : CensParameters

    Returns
    -------
    Features
        Kind ``cens``, 12 × N, rows C, C#, … B; `feature_rate` is that of the chroma divided by the downsampling.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples or times that are not finite.
    """
    check_analysis(parameters)
    tuning = resolved_tuning(source, parameters)
    if isinstance(source, Notes):
        frames = note_chroma(source, parameters)
    else:
        batches = chroma_frames(source, parameters, tuning)
        frames = gathered(batches, 12, expected_frames(source, parameters.feature_rate)).T
    data = cens_frames(frames, parameters).T
    rate = parameters.feature_rate / parameters.downsampling
    return features(data, "cens", "chroma", CHROMA_NAMES, rate, provenance(parameters, {"tuning": tuning}))
