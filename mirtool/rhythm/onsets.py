"""Onsets: where notes begin (FMP, Section 6.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames
from mirtool.features.novelty import NoveltyState, checked_curve, novelty, novelty_start
from mirtool.features.parameters import NoveltyParameters
from mirtool.features.pitch import checked_times
from mirtool.rhythm.parameters import PeakParameters
from mirtool.rhythm.peaks import Peaks, PeakState, check
from mirtool.types import AudioSource, Events, Features, Notes


class OnsetState:
    """Online onset detection: samples in, onsets out.

    Parameters
    ----------
    parameters : NoveltyParameters
        Not with the norm ``max``, which is known only at the end.
    picking : PeakParameters
    batch : int, optional
        Frames of the transform at a time; live use takes 1.

    Attributes
    ----------
    latency : float
        How much of what follows an onset must be heard before it is told (s), a batch of one frame assumed.
    """

    def __init__(self, parameters: NoveltyParameters, picking: PeakParameters, batch: int | None = None) -> None:
        if parameters.norm == "max":
            raise ParameterError("the largest value of a curve is known only at its end")
        self._novelty = NoveltyState(parameters, batch)
        self._peaks = PeakState(picking, parameters.feature_rate)
        self._rate, self._start = parameters.feature_rate, novelty_start(parameters)
        self.latency = self._novelty.latency + (self._peaks.reach + 1) / self._rate

    def push(self, samples: NDArray[np.float32]) -> Events:
        """Take samples (n,), mono, at the analysis rate; return the onsets that are known now."""
        return self._picked(self._novelty.push(samples))

    def flush(self) -> Events:
        """Return the remaining onsets; the state is spent."""
        return _events([*self._peaks_of(self._novelty.flush()), self._peaks.flush()], self._start, self._rate)

    def _picked(self, curve: Iterable[Frames]) -> Events:
        return _events(self._peaks_of(curve), self._start, self._rate)

    def _peaks_of(self, curve: Iterable[Frames]) -> list[Peaks]:
        return [self._peaks.push(values) for values in curve]


@dataclass(frozen=True, eq=False)
class Onsets:
    """Onsets with the curve that they were found in.

    Parameters
    ----------
    events : Events
        Columns ``time,strength``.
    curve : Features or None
        None for notes, whose onsets are known.
    """

    events: Events
    curve: Features | None = None


def onsets(source: AudioSource | Notes | Features, parameters: NoveltyParameters, picking: PeakParameters) -> Onsets:
    """Find the onsets of a sound, of notes, or in a curve.

    Parameters
    ----------
    source : AudioSource, Notes or Features
        Features: a novelty curve, or an activation made elsewhere, 1 × N.
    parameters : NoveltyParameters
    picking : PeakParameters

    Returns
    -------
    Onsets
        Strength: the value of the curve; of notes, the velocities (1 for 127) that begin together.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples, times or values that are not finite, or features that are no curve.
    """
    if isinstance(source, Notes):
        check(picking)
        return Onsets(note_onsets(source, picking.min_gap))
    curve = checked_curve(source) if isinstance(source, Features) else novelty(source, parameters)
    return Onsets(pick(curve, picking), curve)


def pick(curve: Features, picking: PeakParameters) -> Events:
    """Return the onsets, columns ``time,strength``, at the peaks of a curve (1 × N)."""
    rate = curve.feature_rate or 0.0
    state = PeakState(picking, rate)
    return _events([state.push(curve.data[0]), state.flush()], curve.start, rate)


def note_onsets(notes: Notes, min_gap: float) -> Events:
    """Return when notes begin; those that begin within `min_gap` seconds of the first of them begin together.

    Parameters
    ----------
    notes : Notes
    min_gap : float

    Returns
    -------
    Events
        Columns ``time,strength``, the sum of the velocities (1 for 127).
    """
    onset, _ = checked_times(notes)
    order = np.argsort(onset, kind="stable")
    times: list[float] = []
    strengths: list[float] = []
    for time, strength in zip(onset[order].tolist(), (notes["velocity"][order] / 127).tolist(), strict=True):
        if times and time < times[-1] + min_gap:
            strengths[-1] += strength
        else:
            times.append(time)
            strengths.append(strength)
    return Events({"time": np.array(times), "strength": np.array(strengths)})


def _events(found: list[Peaks], start: float, rate: float) -> Events:
    """Turn places in a curve into times; what begins before the curve begins with it."""
    places = np.concatenate([np.zeros(0), *(peaks.places for peaks in found)])
    heights = np.concatenate([np.zeros(0), *(peaks.heights for peaks in found)])
    return Events({"time": np.maximum(start + places / rate, max(start, 0.0)), "strength": heights})
