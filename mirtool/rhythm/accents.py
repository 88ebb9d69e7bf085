"""Accents: how strongly something begins in each register of the sound, and what that tells of beats."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.bands import BandState, RiseState
from mirtool.features.frames import Frames, expected_frames, features, gathered, provenance, sample_blocks
from mirtool.rhythm.parameters import AccentParameters
from mirtool.types import AudioSource, Features

# The level of strong accents is a quantile of the curve, taken in stretches of a minute to either side: a quiet
# movement is judged by itself, and one loud clap does not hide it.
_STRONG = 0.99
_STRETCH = 60.0  # s
_STEP = 10.0  # s


class AccentState:
    """Online accents: frames of bands (n × K) in, their rise summed up in registers (n × R) out.

    Parameters
    ----------
    parameters : AccentParameters
    centres : ndarray, shape (K,)
        Of the bands (Hz), as `mirtool.features.bands.BandState` has them.
    """

    def __init__(self, parameters: AccentParameters, centres: NDArray[np.float64]) -> None:
        check(parameters)
        self._rise = RiseState(parameters.lag, parameters.reach)
        edges = np.searchsorted(centres, parameters.registers)
        self._registers = list(zip([0, *edges], [*edges, centres.size], strict=True))

    def push(self, bands: Frames) -> Frames:
        """Take frames of bands (n × K) and return their accents (n × R)."""
        rise = self._rise.push(bands)
        return np.stack([rise[:, low:high].sum(axis=1) for low, high in self._registers], axis=1)


def check(parameters: AccentParameters) -> None:
    """Raise `ParameterError` where registers and weights do not fit together."""
    edges, weights = parameters.registers, parameters.register_weights
    if any(low >= high for low, high in zip((0.0, *edges), edges, strict=False)):
        raise ParameterError("registers part at increasing frequencies")
    if len(weights) != len(edges) + 1 or min(weights) < 0 or sum(weights) <= 0:
        raise ParameterError(f"{len(edges) + 1} registers need as many weights, not negative and not all 0")


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
    bands = BandState(parameters)
    state = AccentState(parameters, bands.centres)
    batches = (state.push(frames) for frames in bands.frames(sample_blocks(source, parameters.analysis_rate)))
    expected = expected_frames(source, parameters.feature_rate)
    return gathered_accents(batches, parameters, expected)


def gathered_accents(batches: Iterable[Frames], parameters: AccentParameters, expected: int | None) -> Features:
    """Put batches of accents (n × R) one after the other; about as many frames are expected."""
    data = gathered(batches, len(parameters.register_weights), expected)
    axis = (parameters.low, *parameters.registers)
    return features(data, "accents", "register", axis, parameters.feature_rate, provenance(parameters))


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
        [np.quantile(curves[:, max(c - reach, 0) : c + reach], _STRONG, axis=1) for c in centres if c - reach < N],
        axis=1,
    )
    n = np.arange(N)
    level = np.stack([np.interp(n, centres[: levels.shape[1]], row) for row in levels]).astype(np.float32)
    return np.where(level > 0, level, np.float32(1))


def activation(accents: Features, parameters: AccentParameters) -> Features:
    """Weigh the registers and bring their sum to the range of a probability that a beat begins.

    Each register is measured by its strong accents; the power 3/2 lets a few strong accents outweigh many weak ones,
    and ½ leaves it open whether a strong one is a beat.

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
    curve = np.asarray(0.5 * np.minimum(curve, 1.5) ** 1.5, dtype=np.float32)
    made = provenance(parameters)
    return features(np.minimum(curve, 1)[None, :], "activation", "activation", ("beat",), rate, made)
