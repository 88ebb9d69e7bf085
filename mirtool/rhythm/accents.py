"""Accents: how strongly something begins in each register of the sound, and what that tells of beats."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.flux import FluxState
from mirtool.features.frames import Frames, expected_frames, features, gathered, provenance, sample_blocks
from mirtool.rhythm.parameters import AccentParameters
from mirtool.signal.stft import hann
from mirtool.types import AudioSource, Features

# The level of strong accents is a quantile of the curve, taken in stretches of a minute to either side: a quiet
# movement is judged by itself, and one loud clap does not hide it.
STRONG = 0.97
_STRETCH = 60.0  # s
_HEAVIEST = 1e6  # weight of a register
_STEP = 10.0  # s
_BLUR = 0.08  # s: notes that belong to one beat are not struck at the same instant, but must meet


def accent_state(
    parameters: AccentParameters, batch: int | None = None, listener: Callable[[Frames], None] | None = None
) -> FluxState:
    """Return the online state of accents: samples in, the flux in each register (n × R) out.

    Parameters
    ----------
    parameters : AccentParameters
    batch : int, optional
        Frames at a time, as for `mirtool.signal.stft.STFT`.
    listener : callable, optional
        Is given the magnitudes in the bands (n × K) as they come.

    Raises
    ------
    ParameterError
        Registers and weights that do not fit together; other parameters outside their domain.
    """
    check(parameters)

    def weigh(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        register = np.searchsorted(parameters.registers, centres, side="right")
        return np.asarray(register == np.arange(len(parameters.register_weights))[:, None], dtype=np.float64)

    return FluxState(parameters, batch, weigh=weigh, listener=listener)


def check(parameters: AccentParameters) -> None:
    """Raise `ParameterError` where registers and weights do not fit together."""
    edges, weights = parameters.registers, parameters.register_weights
    if not all(low < high for low, high in zip((0.0, *edges), edges, strict=False)):
        raise ParameterError("registers part at increasing frequencies")
    if len(weights) != len(edges) + 1 or not all(0 <= weight <= _HEAVIEST for weight in weights) or sum(weights) <= 0:
        raise ParameterError(
            f"{len(edges) + 1} registers need as many weights, not negative, not all 0, and none above {_HEAVIEST:g}"
        )


def accents(source: AudioSource, parameters: AccentParameters) -> Features:
    """Compute the accents of a sound.

    Parameters
    ----------
    source : AudioSource
    parameters : AccentParameters

    Returns
    -------
    Features
        Kind ``accents``, R × N; the axis holds the lower ends of the registers (Hz).
    """
    frames = accent_frames(accent_state(parameters), sample_blocks(source, parameters.analysis_rate))
    return gathered_accents(frames, parameters, expected_frames(source, parameters.feature_rate))


def accent_frames(state: FluxState, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Frames]:
    """Yield all accents (n × R) of samples that come in blocks; the state is spent."""
    for samples in blocks:
        yield from state.push(samples)
    yield from state.flush()


def gathered_accents(batches: Iterable[Frames], parameters: AccentParameters, expected: int | None) -> Features:
    """Put batches of accents (n × R) one after the other, and blur them; about as many frames are expected."""
    data = gathered(batches, len(parameters.register_weights), expected)
    blur(data, parameters.feature_rate)
    axis = (parameters.low, *parameters.registers)
    return features(data, "accents", "register", axis, parameters.feature_rate, provenance(parameters))


def blur_window(feature_rate: float) -> NDArray[np.float32]:
    """Return the window of 80 ms with which accents are blurred, of an odd length; its sum is 1."""
    window = hann(max(2 * round(_BLUR / 2 * feature_rate), 2))
    return np.asarray(window[1:] / window.sum(), dtype=np.float32)


def blur(curves: Frames, feature_rate: float) -> None:
    """Blur curves (C × N) in place, which saves memory for hours."""
    window = blur_window(feature_rate)
    for row in curves if curves.shape[1] else ():
        row[:] = np.convolve(row, window)[window.size // 2 :][: row.size]


def strong(curves: Frames, feature_rate: float) -> Frames:
    """Return the level of strong accents around each frame of each curve.

    Parameters
    ----------
    curves : ndarray, shape (R, N), float32
    feature_rate : float
        Hz.

    Returns
    -------
    ndarray, shape (R, N), float32
        Positive; 1 where a curve is 0 all around.
    """
    N = curves.shape[1]
    if N == 0:
        return curves
    reach, step = round(_STRETCH * feature_rate), max(round(_STEP * feature_rate), 1)
    centres = np.arange(0, N + step, step)
    levels = np.stack(
        [np.quantile(curves[:, max(c - reach, 0) : c + reach], STRONG, axis=1) for c in centres if c - reach < N],
        axis=1,
    )
    n = np.arange(N)
    level = np.stack([np.interp(n, centres[: levels.shape[1]], row) for row in levels]).astype(np.float32)
    return np.where(level > 0, level, np.float32(1))


def activation(accents: Features, parameters: AccentParameters) -> Features:
    """Weigh the registers and bring their sum to the range of a probability that a beat begins.

    Each register is measured by its strong accents; see `likely`.

    Parameters
    ----------
    accents : Features
        R × N, as `accents` makes them.
    parameters : AccentParameters

    Returns
    -------
    Features
        Kind ``activation``, 1 × N, from 0 to 1.
    """
    rate = accents.feature_rate or 0.0
    weights = np.asarray(parameters.register_weights, np.float32)
    curve: Frames = np.zeros(accents.frames, np.float32)
    for weight, register in zip(weights / weights.sum(), accents.data, strict=True):  # one by one: hours are large
        curve += np.asarray(weight * register / strong(register[None, :], rate)[0], dtype=np.float32)
    made = provenance(parameters)
    return features(likely(curve)[None, :], "activation", "activation", ("beat",), rate, made)


def likely(accents: Frames) -> Frames:
    """Return how likely a beat begins, given the weighted mean of accents, 1 for strong ones, of the same shape.

    ½ leaves it open whether a strong one is a beat.
    """
    return np.asarray(0.5 * np.minimum(accents, 1.5), dtype=np.float32)
