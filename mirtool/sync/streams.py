"""The streams of features whose distances add up to the cost of `sync`, and their embedding in one inner product.

=======  ====  =========  ==========================================================================================
stream   rows  distance   what it tells
=======  ====  =========  ==========================================================================================
chroma   12    cosine     harmony, whatever the instruments (FMP, Section 3.1.2)
pitch    85    cosine     the same with octaves; levels less their smooth envelope over pitch, which is timbre
onset    85    Euclidean  which pitches begin, locally normalised and decaying, with octaves
dlnco    12    Euclidean  the same over chroma (Ewert, Müller, Grosche, ICASSP 2009)
=======  ====  =========  ==========================================================================================

The Euclidean distance is squared, so that the weighted sum of all is bias - <x, y> (see `mirtool.sync.dtw`):
|x - y|² = |x|² + |y|² - 2 <x, y> takes two rows more.
"""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.dlnco import decaying, sliding_maximum
from mirtool.features.sync import KIND, PITCHES
from mirtool.types import Features

Frames = NDArray[np.float32]
Streams = Mapping[str, Frames]

COSINE, EUCLIDEAN = ("chroma", "pitch", "features"), ("onset", "dlnco")

_DECAY = 0.2  # seconds after which an onset is forgotten
_LOCAL = 1.0  # seconds to either side over which onsets are normalised
_FLOOR = 0.05  # of the largest onset, or of a loud frame: less counts as silence
_ENVELOPE = 6.0  # semitones, standard deviation of the smooth envelope over pitch
_SOME = 5000  # frames that tell how loud a recording is
_BLOCK = 1 << 12  # frames that are worked on at a time


class Side(Protocol):
    """One version at one feature rate, as the alignment sees it."""

    feature_rate: float
    frames: int
    weights: Mapping[str, float]

    def streams(self, first: int, stop: int) -> Streams:
        """Return the streams of frames first ≤ n < stop, each n × rows."""
        ...


class Version(Side, Protocol):
    """A side at its full feature rate."""

    def sounding(self, threshold: float) -> NDArray[np.bool_]:
        """Tell which frames hold more than a share of the energy of loud frames, shape (N,)."""
        ...


class PitchSide:
    """Streams made of `mirtool.features.sync` features.

    Parameters
    ----------
    features : Features
        Kind ``sync``.
    transposition : int
        Semitones by which the version is moved.
    weights : mapping
        Of the streams; those with weight 0 are not made.
    """

    def __init__(self, features: Features, transposition: int, weights: Mapping[str, float]) -> None:
        if features.data.shape[0] != 2 * len(PITCHES):
            raise DataError(f"features of kind {KIND} have {2 * len(PITCHES)} rows, not {features.data.shape[0]}")
        self.feature_rate = float(features.feature_rate or 0)
        self.frames = features.frames
        self.weights: Mapping[str, float] = {name: weight for name, weight in weights.items() if weight}
        self._rows = features.data.T
        self._shift = transposition
        self._decay = max(1, round(_DECAY * self.feature_rate))
        self._loud = self._typical_level() if "pitch" in self.weights else 0.0
        self._onset_norm = self._local_norm(lambda rows: rows) if "onset" in self.weights else None
        self._dlnco_norm = self._local_norm(self._folded) if "dlnco" in self.weights else None

    def streams(self, first: int, stop: int) -> Streams:
        P = len(PITCHES)
        before = max(0, first - self._decay)
        levels, peaks = self._rows[first:stop, :P], self._rows[before:stop, P:]
        made: dict[str, Frames] = {}
        if "chroma" in self.weights:
            made["chroma"] = unit(self._folded(levels), 1e-3)
        if "pitch" in self.weights:
            made["pitch"] = unit(moved(levels @ _contrast(), self._shift), _FLOOR * self._loud)
        if self._onset_norm is not None:
            onsets = decaying(moved(peaks, self._shift) / self._onset_norm[before:stop], self._decay)
            made["onset"] = onsets[first - before :]
        if self._dlnco_norm is not None:
            onsets = decaying(self._folded(peaks) / self._dlnco_norm[before:stop], self._decay)
            made["dlnco"] = onsets[first - before :]
        return made

    def sounding(self, threshold: float) -> NDArray[np.bool_]:
        # compressed levels log(1 + γ v) are undone up to γ, which the share does not depend on
        energy = np.concatenate(
            [
                np.expm1(self._rows[first : first + _BLOCK, : len(PITCHES)]).sum(axis=1)
                for first in range(0, self.frames, _BLOCK)
            ]
        )
        return np.asarray(energy > threshold * np.percentile(energy, 90))

    def _folded(self, rows: Frames) -> Frames:
        return folded(rows, self._shift)

    def _typical_level(self) -> float:
        """Return the level of loud frames, judged by some thousands of them."""
        some = self._rows[:: 1 + self.frames // _SOME, : len(PITCHES)] @ _contrast()
        return float(np.percentile(np.linalg.norm(some, axis=1), 90))

    def _local_norm(self, view: Callable[[Frames], Frames]) -> Frames:
        """Return the largest norm of onsets around each frame, shape (N, 1)."""
        blocks = [
            np.linalg.norm(view(self._rows[first : first + _BLOCK, len(PITCHES) :]), axis=1)
            for first in range(0, self.frames, _BLOCK)
        ]
        norm = np.concatenate(blocks)[:, None]
        reach = max(1, round(_LOCAL * self.feature_rate))
        largest = sliding_maximum(np.pad(norm, ((reach, reach), (0, 0))), 2 * reach + 1)
        return np.maximum(largest, max(_FLOOR * float(norm.max()), 1e-9)).astype(np.float32)


class PlainSide:
    """One stream: the columns of any feature matrix, normalised; a chroma can be transposed."""

    def __init__(self, features: Features, transposition: int) -> None:
        self.feature_rate = float(features.feature_rate or 0)
        self.frames = features.frames
        self.weights: Mapping[str, float] = {"features": 1.0}
        self._rows = np.roll(features.data.T, transposition, axis=1) if transposition else features.data.T

    def streams(self, first: int, stop: int) -> Streams:
        return {"features": unit(np.asarray(self._rows[first:stop], dtype=np.float32), 1e-3)}

    def sounding(self, threshold: float) -> NDArray[np.bool_]:
        return np.ones(self.frames, dtype=np.bool_)  # features do not say how loud they were


def check_weights(weights: Mapping[str, float]) -> None:
    """Raise `ParameterError` where a stream is unknown, a weight is negative or all are zero."""
    unknown = [name for name in weights if name not in (*COSINE[:2], *EUCLIDEAN)]
    if unknown:
        raise ParameterError(f"no feature {', '.join(unknown)} (there are: chroma, pitch, onset, dlnco)")
    if any(not (weight >= 0 and math.isfinite(weight)) for weight in weights.values()) or not any(weights.values()):
        raise ParameterError("feature weights must not be negative, and one of them must be above 0")


def side(features: Features, transposition: int, weights: Mapping[str, float]) -> Version:
    """Return how features are compared: by the streams above, or (kinds other than ``sync``) as they are."""
    if not features.feature_rate or features.feature_rate <= 0:
        raise DataError(f"features without a feature rate cannot be aligned (kind {features.kind or 'unknown'})")
    if np.iscomplexobj(features.data):
        raise DataError("complex features cannot be aligned; take their magnitudes")
    if features.frames == 0:
        raise DataError("no frames to align")
    if features.kind != KIND:
        return PlainSide(features, transposition)
    check_weights(weights)
    return PitchSide(features, transposition, weights)


class PooledSide:
    """A version at a lower feature rate, its streams held in memory.

    Parameters
    ----------
    side : Side
        The version at a higher rate.
    factor : int
        Frames of it that make one: the mean of levels, the maximum of onsets.
    """

    def __init__(self, side: Side, factor: int) -> None:
        self.feature_rate = side.feature_rate / factor
        self.frames = -(-side.frames // factor)
        self.weights = side.weights
        length = max(factor, _BLOCK // factor * factor)
        parts = [
            {name: pool(name, frames, factor) for name, frames in side.streams(first, first + length).items()}
            for first in range(0, side.frames, length)
        ]
        self._streams = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def streams(self, first: int, stop: int) -> Streams:
        return {name: frames[first:stop] for name, frames in self._streams.items() if self.weights[name]}

    def weighted(self, factors: Mapping[str, float]) -> "PooledSide":
        """Return the version with the weights of some streams multiplied."""
        side = copy.copy(self)
        side.weights = {name: weight * factors.get(name, 1.0) for name, weight in self.weights.items()}
        return side


def pool(name: str, frames: Frames, factor: int) -> Frames:
    """Pool one stream (N × k) by a factor; a last, shorter group counts as one."""
    if factor == 1:
        return frames
    starts = np.arange(0, len(frames), factor)
    if name in EUCLIDEAN:
        return np.maximum.reduceat(frames, starts, axis=0)
    total: Frames = np.add.reduceat(frames, starts, axis=0)
    return unit(total / np.float32(factor), _FLOOR)


def embedded(streams: Streams, weights: Mapping[str, float], left: bool) -> Frames:
    """Stack weighted streams to a matrix (K, N) whose inner products are bias - cost; each side has its role."""
    rows = []
    for name, frames in streams.items():
        weight = np.float32(weights[name])
        if name in COSINE:
            rows.append((frames * weight if left else frames).T)
            continue
        square = np.square(frames).sum(axis=1)[None]
        ones = np.ones_like(square)
        rows += [2 * weight * frames.T, -weight * square, -ones] if left else [frames.T, ones, weight * square]
    return np.concatenate(rows)


def distances(name: str, a: Frames, b: Frames) -> Frames:
    """Return the distances of the frames of one stream, pair by pair, shape (N,)."""
    if name in COSINE:
        return np.asarray(np.float32(1) - np.einsum("nk,nk->n", a, b))
    return np.asarray(np.square(a - b).sum(axis=1))


def bias(weights: Mapping[str, float]) -> float:
    """Return the cost of frames that have nothing in common but are no onsets: the sum of the cosine weights."""
    return float(sum(weight for name, weight in weights.items() if name in COSINE))


def unit(frames: Frames, threshold: float) -> Frames:
    """Scale frames (N × k) to unit length; those shorter than the threshold are divided by it and stay shorter."""
    length = np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), np.float32(max(threshold, 1e-9)))
    return np.asarray(frames / length, dtype=np.float32)


def folded(rows: Frames, shift: int) -> Frames:
    """Fold frames over pitch (N × 85) to chroma (N × 12), moved up by `shift` semitones."""
    octaves = len(PITCHES) // 12
    chroma: Frames = rows[:, : 12 * octaves].reshape(-1, octaves, 12).sum(axis=1)
    chroma[:, : len(PITCHES) - 12 * octaves] += rows[:, 12 * octaves :]
    return np.roll(chroma, PITCHES[0] + shift, axis=1) if (PITCHES[0] + shift) % 12 else chroma


def _contrast() -> Frames:
    """Return the matrix (85, 85) that takes the smooth envelope over pitch off a frame."""
    pitch = np.arange(len(PITCHES))
    envelope = np.exp(-0.5 * ((pitch[:, None] - pitch) / _ENVELOPE) ** 2)
    envelope /= envelope.sum(axis=0)
    return (np.eye(len(PITCHES)) - envelope).astype(np.float32)


def moved(rows: Frames, shift: int) -> Frames:
    """Move frames (N × 85) up by `shift` pitches."""
    if not shift:
        return rows
    moved = np.zeros_like(rows)
    if shift > 0:
        moved[:, shift:] = rows[:, :-shift]
    else:
        moved[:, :shift] = rows[:, -shift:]
    return moved
