"""Align any number of versions: each with the first, or all jointly.

Jointly, the versions are put one after the other onto the time line of the first, where their features are averaged to
a template with which the next is aligned; then each is aligned anew with the template of all the others. Versions
count in a template by the confidence of their alignment, so that noise in one does not spoil it; what is unclear in one
pair is so decided by the rest [1]_.

References
----------
.. [1] S. Wang, S. Ewert, S. Dixon: Robust joint alignment of multiple versions of a piece of music. ISMIR 2014.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.sync import KIND, PITCHES
from mirtool.sync.align import Alignment, align
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.paths import sample, strictly_increasing, transfer
from mirtool.sync.streams import moved
from mirtool.types import Features, WarpingPath

Frames = NDArray[np.float32]

_LEAST_WEIGHT = 0.05  # of a frame in a template


def align_each(versions: Sequence[Features], parameters: SyncParameters, anchors: ArrayLike | None) -> list[Alignment]:
    """Align the first version with every other one.

    For the parameters see `mirtool.sync.align.align`; anchors have a column a version.
    """
    _check(versions)
    if anchors is None:
        return [align(versions[0], version, parameters) for version in versions[1:]]
    times = np.asarray(anchors, dtype=np.float64)
    if times.ndim != 2 or times.shape[1] != len(versions):
        raise ParameterError(f"anchors need a column for each of the {len(versions)} versions")
    return [
        align(versions[0], version, parameters, times[:, [0, k]]) for k, version in enumerate(versions[1:], start=1)
    ]


def align_jointly(versions: Sequence[Features], parameters: SyncParameters) -> list[Alignment]:
    """Align the first version with every other one, by way of templates made of all.

    Parameters
    ----------
    versions : sequence of Features
        Two or more, of one kind.
    parameters : SyncParameters

    Returns
    -------
    list of Alignment
        One a version from the second on, on the time line of the first.

    Raises
    ------
    DataError, ParameterError
        As from `mirtool.sync.align.align`.
    """
    _check(versions)
    first = versions[0]
    on_line = [_OnLine(np.asarray(first.data.T), np.ones((first.frames, 1), np.float32))]
    for version in versions[1:]:
        template = _mean(first, on_line)
        on_line.append(_carried(version, align(template, version, parameters), first))
    found = []
    for k, version in enumerate(versions[1:], start=1):
        others = [frames for other, frames in enumerate(on_line) if other != k]
        found.append(align(_mean(first, others), version, parameters))
        on_line[k] = _carried(version, found[-1], first)
    return found


def joined(alignments: Sequence[Alignment]) -> WarpingPath:
    """Join alignments with one first version to one path: time_1, …, time_K, and the least confidence."""
    if len(alignments) == 1:
        return alignments[0].path
    times = np.unique(np.concatenate([alignment.path["time_a"] for alignment in alignments]))
    sampled = [sample(alignment.path, times) for alignment in alignments]
    columns = np.stack([times, *(path["time_b"] for path in sampled)], axis=1)
    confidence = np.min([path["confidence"] for path in sampled], axis=0)
    return strictly_increasing(np.maximum.accumulate(columns, axis=0), confidence)


def _check(versions: Sequence[Features]) -> None:
    if len(versions) < 2:
        raise DataError("an alignment needs two versions")


@dataclass(frozen=True)
class _OnLine:
    """A version on the time line and in the key of the first one: frames (N × rows) and their weights (N × 1)."""

    frames: Frames
    weights: Frames


def _mean(first: Features, on_line: Sequence[_OnLine]) -> Features:
    """Return the template: the weighted mean of versions, as features of the first."""
    total = np.zeros_like(on_line[0].frames)
    for version in on_line:
        total += version.frames * version.weights
    return replace(first, data=(total / np.sum([version.weights for version in on_line], axis=0)).T)


def _carried(version: Features, alignment: Alignment, first: Features) -> _OnLine:
    """Put a version onto the time line of the first one."""
    path = alignment.path
    confidence = np.interp(first.times, path["time_a"], path["confidence"])[:, None]
    weights = np.maximum(confidence, _LEAST_WEIGHT).astype(np.float32)
    return _OnLine(_in_key(version, alignment, first), weights)


def _in_key(version: Features, alignment: Alignment, first: Features) -> Frames:
    """Return the frames of a version at the times of the first one and in its key, shape (N, rows)."""
    rate = float(version.feature_rate or 1)
    at = (transfer(alignment.path, first.times) - version.start) * rate
    frames = np.asarray(version.data.T)[np.clip(np.round(at), 0, version.frames - 1).astype(np.int64)]
    if not alignment.transposition:
        return frames
    if version.kind != KIND:
        return np.roll(frames, -alignment.transposition, axis=1)
    P, shift = len(PITCHES), -alignment.transposition
    return np.concatenate((moved(frames[:, :P], shift), moved(frames[:, P:], shift)), axis=1)
