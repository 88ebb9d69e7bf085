"""What all features share: sound cut into spectra, compression, normalisation, and frames gathered to `Features`."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool import __version__
from mirtool.errors import ParameterError
from mirtool.features.parameters import AnalysisParameters, SoundParameters
from mirtool.signal.resampling import mono, resampled
from mirtool.signal.stft import STFT, frame_count, hann
from mirtool.types import AudioSource, Features

Frames = NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 1e-6, 1e6  # Hz: a frame in eleven days, and more of them than sound has samples
STRONGEST = 1e30  # compression γ: times an energy, it still fits into single precision


def check_analysis(parameters: SoundParameters) -> None:
    """Raise `ParameterError` where a rate is not positive or senseless, or a window is shorter than two samples."""
    if not (parameters.feature_rate > 0 and math.isfinite(parameters.feature_rate)):
        raise ParameterError(f"the feature rate must be positive, not {parameters.feature_rate:g}")
    if not LOWEST_RATE <= parameters.feature_rate <= HIGHEST_RATE:
        raise ParameterError(
            f"a feature rate lies in {LOWEST_RATE:g} … {HIGHEST_RATE:g} Hz, not {parameters.feature_rate:g}"
        )
    if parameters.analysis_rate <= 0:
        raise ParameterError(f"the analysis rate must be positive, not {parameters.analysis_rate}")
    if isinstance(parameters, AnalysisParameters) and parameters.window_length < 2:
        raise ParameterError(f"a window needs at least two samples, not {parameters.window_length}")


def analysis_state(parameters: AnalysisParameters, batch: int | None = None) -> STFT:
    """Return the online transform, its Hann window scaled such that a sine of amplitude a gives a magnitude of a.

    Raises
    ------
    ParameterError
        A rate or a length that is not positive.
    """
    check_analysis(parameters)
    window = hann(parameters.window_length)
    return STFT(window * (2 / window.sum()), parameters.analysis_rate / parameters.feature_rate, batch)


def sample_blocks(source: AudioSource, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield the samples (n,) of a source, mixed to mono and resampled, in blocks of about 1.5 s."""
    for block in resampled(mono(source), sample_rate).blocks(1 << 15):
        yield block[:, 0]


def power(spectra: NDArray[np.complex64]) -> Frames:
    """Return |X|², shape (N, K), of spectra of the same shape."""
    squared: Frames = np.square(spectra.real)
    squared += np.square(spectra.imag)
    return squared


def check_compression(gamma: float) -> None:
    """Raise `ParameterError` where γ is negative, or so large that products do not fit into single precision."""
    if not (gamma >= 0 and math.isfinite(gamma)):
        raise ParameterError(f"the compression must not be negative, and finite: not {gamma:g}")
    if gamma > STRONGEST:
        raise ParameterError(f"the compression must not be above {STRONGEST:g}: not {gamma:g}")


def compress(values: Frames, gamma: float) -> Frames:
    """Return Γ_γ(v) = log(1 + γ v) (FMP, Section 3.1.2.1), or the values themselves for γ = 0.

    Raises
    ------
    ParameterError
        As `check_compression`.
    """
    check_compression(gamma)
    if gamma == 0:
        return values
    compressed: Frames = values * np.float32(gamma)
    compressed += 1
    return np.log(compressed, out=compressed)


def normalize(frames: Frames, norm: str, threshold: float) -> Frames:
    """Scale every frame to norm 1; a frame whose norm does not exceed the threshold becomes the flat vector of norm 1.

    FMP, Section 3.1.2.1: the flat vector says that nothing is known, where plain division would blow up noise.

    Parameters
    ----------
    frames : ndarray, shape (N, K)
    norm : {"none", "l1", "l2", "max"}
    threshold : float
        Not negative.

    Returns
    -------
    ndarray, shape (N, K), float32
    """
    K = frames.shape[1]
    if threshold < 0:
        raise ParameterError(f"the threshold must not be negative, not {threshold:g}")
    length: NDArray[Any]
    match norm:
        case "none":
            return frames
        case "l1":
            length, flat = np.abs(frames).sum(axis=1), 1 / K
        case "l2":
            length, flat = np.sqrt(np.square(frames).sum(axis=1)), 1 / math.sqrt(K)
        case "max":
            length, flat = np.abs(frames).max(axis=1), 1.0
        case _:
            raise ParameterError(f"no norm {norm} (there are: none, l1, l2, max)")
    silent = length <= threshold
    length[silent] = 1
    normalized: Frames = frames / length[:, None]
    normalized[silent] = flat
    return normalized


def gathered(batches: Iterable[Frames], rows: int, expected: int | None = None) -> Frames:
    """Put batches of frames (n × rows) one after the other, into place where the number of frames is about known.

    Returns
    -------
    ndarray, shape (rows, N), float32
        In Fortran order: frame by frame, as it is written to disk.
    """
    data = np.empty((max(expected or 0, 16), rows), dtype=np.float32)
    used = 0
    for batch in batches:
        if used + len(batch) > len(data):
            larger = np.empty((max(2 * len(data), used + len(batch)), rows), dtype=np.float32)
            larger[:used] = data[:used]
            data = larger
        data[used : used + len(batch)] = batch
        used += len(batch)
    return data[:used].T


def expected_frames(source: AudioSource, feature_rate: float) -> int | None:
    """Return about how many frames a source will give, where its length is known."""
    return None if source.frames is None else frame_count(source.frames, source.sample_rate / feature_rate) + 1


def provenance(parameters: Any, resolved: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Say what made a feature: tool, version and parameters, with those that were found from the sound."""
    return {"tool": "mirtool", "version": __version__, "parameters": {**asdict(parameters), **(resolved or {})}}


def features(
    data: Frames,
    kind: str,
    rows: str,
    axis: tuple[str, ...] | tuple[float, ...],
    feature_rate: float,
    made: Mapping[str, Any],
    unit: str = "",
) -> Features:
    """Wrap a matrix (K × N) whose frame 0 is centred at 0 s."""
    return Features(
        data, feature_rate, kind=kind, dims=(rows, "time"), axis=axis, start=0.0, unit=unit, provenance=made
    )
