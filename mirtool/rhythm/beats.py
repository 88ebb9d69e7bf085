"""Beats: a tracker, led by what the user knows, its grid carried to the ends of the sound, bars, and how sure it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.rhythm.evidence import Evidence
from mirtool.rhythm.metre import bars, downbeat_evidence
from mirtool.rhythm.parameters import TRACKERS, BeatParameters
from mirtool.rhythm.tempo import Estimate
from mirtool.rhythm.trackers import tempo_of, track
from mirtool.types import Events

Times = NDArray[np.float64]

_HINTED = 1.25  # factor by which a local tempo may differ from the one given
_EARLY, _LATE = 0.05, 0.05  # s: how long before the first sound a beat may be, and how long before the end of the last
_AROUND = 4  # beats to either side over which agreement is averaged
_TOLERANCE = 0.1  # of the time between beats: where the agreement of two trackers has fallen to 61 %


@dataclass(frozen=True)
class Guidance:
    """What the user knows of one recording.

    Parameters
    ----------
    tempo : float or None
        About how fast the beats are (BPM).
    fixed : mapping of float to int
        Times at which there is a beat (s), and its position in the bar (0: not known).
    first_downbeat : float or None
        About when the first bar begins (s).
    """

    tempo: float | None = None
    fixed: Mapping[float, int] | None = None
    first_downbeat: float | None = None


def beats(evidence: Evidence, parameters: BeatParameters, guidance: Guidance | None = None) -> Events:
    """Track beats and bars.

    Parameters
    ----------
    evidence : Evidence
    parameters : BeatParameters
    guidance : Guidance, optional

    Returns
    -------
    Events
        `time` (s), strictly increasing; `beat`: position in the bar, from 1, or 0 where it is not known; `confidence`
        (0 to 1).

    Raises
    ------
    ParameterError
        A parameter outside its domain; fixed beats outside of the recording, or that no path leads through.
    """
    guidance = guidance or Guidance()
    parameters = led(parameters, guidance)
    if guidance.first_downbeat is not None and evidence.downbeat is not None and parameters.method == "hmm":
        raise ParameterError("the activation tells where the bars begin; a first downbeat cannot be given, too")
    fixed = _fixed_frames(evidence, guidance.fixed or {})
    if not evidence.sounding[0] <= evidence.sounding[1]:
        return Events({name: np.zeros(0) for name in ("time", "beat", "confidence")})
    tempo = tempo_of(evidence, parameters.range)
    grid = track(evidence, parameters, tempo, fixed)
    times = evidence.start + grid.frames / evidence.feature_rate
    for time in guidance.fixed or {}:
        times[np.argmin(np.abs(times - time))] = time
    positions = grid.positions
    if positions is None:
        times = within(carried(times, evidence), evidence)
        positions = _positions(times, evidence, parameters, guidance)
    else:  # the bar pointer has reached both ends
        positions = positions[np.isin(times, within(times, evidence))]
        times = within(times, evidence)
    return Events({"time": times, "beat": positions, "confidence": confidence(times, evidence, parameters, tempo)})


def led(parameters: BeatParameters, guidance: Guidance) -> BeatParameters:
    """Narrow the range of tempi to a quarter to either side of the one that the user gives.

    So the nearest other levels, in the ratios 3 : 4 and 4 : 3, are left out.

    Raises
    ------
    ParameterError
        The tempo is not positive.
    """
    if guidance.tempo is None:
        return parameters
    if not 0 < guidance.tempo < math.inf:
        raise ParameterError(f"a tempo must be positive, not {guidance.tempo:g} BPM")
    return replace(parameters, range=(guidance.tempo / _HINTED, guidance.tempo * _HINTED))


def _fixed_frames(evidence: Evidence, fixed: Mapping[float, int]) -> dict[int, int]:
    frames = {}
    for time, position in fixed.items():
        frame = round((time - evidence.start) * evidence.feature_rate)
        if not 0 <= frame < evidence.beat.size:
            raise ParameterError(f"a fixed beat at {time:g} s lies outside of the recording")
        frames[frame] = position
    return frames


def carried(times: Times, evidence: Evidence) -> Times:
    """Carry beats on to both ends of the recording, at the tempo that they have there.

    What would come just before the beginning comes at the beginning: a stroke at its very start is not seen to rise.
    """
    if len(times) < 2:
        return times
    gaps = np.diff(times)
    first, last = float(np.median(gaps[:4])), float(np.median(gaps[-4:]))
    begin, end = evidence.times[0], evidence.times[-1]
    before = times[0] - first * np.arange(math.floor((times[0] - begin + _EARLY) / first), 0, -1)
    after = times[-1] + last * np.arange(1, math.floor((end - times[-1]) / last + 1e-9) + 1)
    return np.concatenate((np.maximum(before, begin), times, after))


def within(times: Times, evidence: Evidence) -> Times:
    """Keep the beats between the first sound and the last."""
    first, last = evidence.sounding
    return times[(times >= first - _EARLY) & (times <= last - _LATE)]


def _positions(times: Times, evidence: Evidence, parameters: BeatParameters, guidance: Guidance) -> NDArray[np.int64]:
    """Find the position in the bar of each beat, as far as there is anything to find it by."""
    fixed = {int(np.argmin(np.abs(times - time))): place for time, place in (guidance.fixed or {}).items() if place}
    if guidance.first_downbeat is not None and len(times):
        if not -math.inf < guidance.first_downbeat <= evidence.times[-1]:
            raise ParameterError(f"the first downbeat at {guidance.first_downbeat:g} s lies behind the recording")
        fixed[int(np.argmin(np.abs(times - guidance.first_downbeat)))] = 1
    if evidence.accents is not None and evidence.harmony is not None:
        return bars(downbeat_evidence(times - evidence.start, evidence.accents, evidence.harmony), parameters, fixed)
    if fixed and len(set(parameters.beats_per_bar)) == 1:
        return bars(np.zeros(len(times)), parameters, fixed)
    return np.zeros(len(times), np.int64)


def confidence(times: Times, evidence: Evidence, parameters: BeatParameters, tempo: Estimate) -> Times:
    """Tell how sure each beat is: the mean of three votes, each from 0 to 1.

    The two other trackers, which find the tempo by themselves, vote by how near their beats are: half by the nearest
    to this beat, half by those of the beats around it. The third vote is the activation here, measured by the strong
    ones of the recording.
    """
    if not len(times):
        return np.zeros(0)
    gaps = np.gradient(times) if len(times) > 1 else np.ones(1)
    votes = [_local(times, evidence)]
    for method in TRACKERS:
        if method != parameters.method:
            grid = track(evidence, replace(parameters, method=method), tempo, {})
            votes.append(_agreement(times, gaps, evidence.start + grid.frames / evidence.feature_rate))
    return np.asarray(np.mean(votes, axis=0))


def _agreement(times: Times, gaps: Times, others: Times) -> Times:
    if not len(others):
        return np.zeros(len(times))
    place = np.clip(np.searchsorted(others, times), 1, max(len(others) - 1, 1))
    distance = np.minimum(np.abs(times - others[place - 1]), np.abs(times - others[np.minimum(place, len(others) - 1)]))
    here = np.exp(-0.5 * np.square(distance / (_TOLERANCE * gaps)))
    width = 2 * _AROUND + 1
    total = np.cumsum(np.concatenate(([0.0], np.pad(here, _AROUND, mode="edge"))))
    return np.asarray((here + (total[width:] - total[:-width]) / width) / 2)


def _local(times: Times, evidence: Evidence) -> Times:
    """Return the activation within two frames of each beat, 1 where it is as strong as that of a strong beat."""
    frames = np.round((times - evidence.start) * evidence.feature_rate).astype(np.int64)[:, None] + np.arange(-2, 3)
    values = evidence.beat[np.clip(frames, 0, evidence.beat.size - 1)].max(axis=1)
    strong = np.quantile(values, 0.9)
    return np.minimum(values / strong, 1.0) if strong > 0 else np.zeros(len(times))
