"""Rhythm in real time: onsets of a sound that is still going on, told within a delay that is known before.

The delay is counted from the moment at which an event sounds until it is told, if samples come as they sound and the
machine keeps up. It is made of the steps in which samples are taken and resampled, the frames of the analysis, and what
must be heard after an event to be sure of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.onsets import OnsetState
from mirtool.rhythm.parameters import PeakParameters
from mirtool.signal.resampling import LiveSamples
from mirtool.types import AudioSource, Events


def live_onsets(
    source: AudioSource, parameters: NoveltyParameters, picking: PeakParameters, delay: float
) -> Iterator[Events]:
    """Find onsets as they become known.

    Parameters
    ----------
    source : AudioSource
        Read once, in steps of 10 ms.
    parameters : NoveltyParameters
        The lookahead is an upper limit: as much of it is used as the delay allows.
    picking : PeakParameters
    delay : float
        The longest time from an onset until it is told (s).

    Returns
    -------
    iterator of Events
        Of one or several onsets each, columns ``time,strength``.

    Raises
    ------
    ParameterError
        A parameter outside its domain, or a delay that is too short for the others.
    DataError
        Samples that are not finite.
    """
    samples = LiveSamples(source, parameters.analysis_rate)
    return _told(samples, _state(parameters, picking, delay, samples.latency))


def _told(samples: Iterable[NDArray[np.float32]], state: OnsetState) -> Iterator[Events]:
    for step in samples:
        events = state.push(step)
        if len(events):
            yield events
    rest = state.flush()
    if len(rest):
        yield rest


def _state(parameters: NoveltyParameters, picking: PeakParameters, delay: float, spent: float) -> OnsetState:
    """Return the state with the longest lookahead (whole frames) that a delay allows, of which a part is spent."""
    rate = parameters.feature_rate
    for frames in range(int(min(parameters.lookahead, delay) * rate + 1e-9), -1, -1):
        state = OnsetState(replace(parameters, lookahead=frames / rate), picking, batch=1)
        if spent + state.latency <= delay + 1e-9:
            return state
    raise ParameterError(f"onsets are known {spent + state.latency:.3f} s after they sound; the delay is {delay:g} s")
