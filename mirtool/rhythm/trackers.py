"""Beat trackers: from evidence to a grid of beats over the whole recording."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.rhythm import dynamic_programming, tempo_curve
from mirtool.rhythm.bar_pointer import near_the_beat, state_space, viterbi
from mirtool.rhythm.evidence import Evidence, log_likelihoods
from mirtool.rhythm.parameters import BeatParameters, PulseParameters, TempoCurveParameters, TempoParameters
from mirtool.rhythm.periodicity import AXIS
from mirtool.rhythm.plp import PulseState
from mirtool.rhythm.tempo import Estimate, estimate

Frames = NDArray[np.float64]
Fixed = Mapping[int, int]  # frames at which a beat must be, and its position in the bar (0: any)

_SPREAD = 0.2  # octaves: how far local tempi lie from that of the whole
_UNFORESEEN = 0.3  # how likely any other tempo is: in a long recording there are many
_NEAR = 0.1  # of a period: how far a beat may be from the pulse that foretells it
_PULSE_WINDOW = 10.0  # s
_PULSE_RANGE = 1.1  # factor by which the local tempo of a pulse may differ from that of the whole


@dataclass(frozen=True, eq=False)
class Grid:
    """Beats as a tracker finds them.

    Parameters
    ----------
    frames : ndarray, shape (K,)
        Where they are, between frames; increasing.
    positions : ndarray, shape (K,), int64, or None
        In the bar, from 1, where the tracker finds them, too.
    """

    frames: Frames
    positions: NDArray[np.int64] | None = None


def tempo_of(evidence: Evidence, tempo_range: tuple[float, float]) -> Estimate:
    """Estimate the tempo of the whole, as `mirtool.rhythm.tempo` does, within a range (BPM).

    Raises
    ------
    ParameterError
        The range is empty.
    """
    low, high = _overlap(tempo_range)
    if evidence.tempo_curves is None or not low < high:
        none = np.zeros(0)
        return Estimate(none, none, none, none, none)
    return estimate(evidence.tempo_curves, TempoParameters(range=(low, high)))


def _overlap(tempo_range: tuple[float, float]) -> tuple[float, float]:
    """Return what a range of tempi has in common with those that tempi are looked for in."""
    return max(tempo_range[0], float(AXIS[0])), min(tempo_range[1], float(AXIS[-1]))


def track(evidence: Evidence, parameters: BeatParameters, tempo: Estimate, fixed: Fixed) -> Grid:
    """Find the beats by the method that the parameters name.

    Parameters
    ----------
    evidence : Evidence
    parameters : BeatParameters
    tempo : Estimate
        Of the whole; changes of tempo are followed all the same.
    fixed : mapping of int to int
        Frames at which a beat must be, and its position in the bar (0: any).

    Raises
    ------
    ParameterError
        A parameter outside its domain, or fixed beats that the tracker cannot meet.
    """
    trackers: dict[str, Callable[[Evidence, BeatParameters, Estimate, Fixed], Grid]] = {
        "hmm": bar_pointer,
        "dp": followed,
        "plp": pulse,
    }
    if parameters.method not in trackers:
        raise ParameterError(f"no method {parameters.method} (there are: {', '.join(trackers)})")
    return trackers[parameters.method](evidence, parameters, tempo, fixed)


def bar_pointer(evidence: Evidence, parameters: BeatParameters, tempo: Estimate, fixed: Fixed) -> Grid:
    """Track with the bar pointer; where the evidence tells of downbeats, bars and beats jointly."""
    share, downbeats = parameters.beat_share, evidence.downbeat is not None
    if not 0 < share < 1:
        raise ParameterError(f"the share of a beat that is heard as the beat lies between 0 and 1, not at {share:g}")
    bars = parameters.beats_per_bar if downbeats else (1,)
    observation = near_the_beat(share, downbeats=downbeats)
    space = state_space(parameters, evidence.feature_rate, observation, bars, lambda bpm: log_prior(tempo, bpm))
    marks = {frame: position if downbeats else 0 for frame, position in fixed.items()}
    path = viterbi(log_likelihoods(evidence, share), space, marks)
    known = path.frames >= 0
    begins, lengths = path.frames[known], np.ceil(path.intervals[known] * share).astype(np.int64)
    curve = evidence.beat if evidence.downbeat is None else np.maximum(evidence.beat, evidence.downbeat)
    return Grid(_sharpened(curve, begins, lengths), path.beats[known] if downbeats else None)


def log_prior(tempo: Estimate, bpm: Frames) -> Frames:
    """Return the logarithm of how likely tempi are: a log-normal around each candidate, as likely as that is."""
    octaves = np.log2(bpm[:, None] / tempo.bpm)
    weight = (tempo.strength * np.exp(-0.5 * np.square(octaves / _SPREAD))).sum(axis=1)
    return np.asarray(np.log(_UNFORESEEN + weight))


def followed(evidence: Evidence, parameters: BeatParameters, tempo: Estimate, fixed: Fixed) -> Grid:
    """Track by dynamic programming along the local period."""
    curve = evidence.beat
    beats = dynamic_programming.track(curve, _periods(evidence, parameters, tempo), parameters.tightness, list(fixed))
    gaps = np.diff(beats, prepend=beats[:1] - 5, append=beats[-1:] + 5)
    reach = np.minimum((np.minimum(gaps[:-1], gaps[1:]) - 1) // 2, 2)  # of quick beats, the windows do not meet
    begins = np.maximum(beats - reach, 0)
    lengths = np.minimum(2 * reach + 1, np.diff(begins, append=curve.size))
    return Grid(_sharpened(curve, begins, lengths))


def _periods(evidence: Evidence, parameters: BeatParameters, tempo: Estimate) -> Frames:
    """Return the local period (frames), shape (N,) or, where there is no tempo curve, ()."""
    around, rate = _best(parameters, tempo), evidence.feature_rate
    if evidence.tempo_curves is None or tempo.best is None:
        return np.asarray(60 * rate / around)
    within = TempoParameters(range=_overlap(parameters.range))
    following = TempoCurveParameters(curve_rate=min(TempoCurveParameters().curve_rate, rate))
    local = tempo_curve.curve(evidence.tempo_curves, within, following, around).events
    if not len(local):
        return np.asarray(60 * rate / around)
    time = local["time"] - evidence.tempo_curves.start
    bpm = np.interp(np.arange(evidence.beat.size) / rate, time, local["bpm"])
    return np.asarray(np.maximum(60 * rate / bpm, 1.0))


def _best(parameters: BeatParameters, tempo: Estimate) -> float:
    """Return the best tempo (BPM), or the middle of the range where nothing tells it."""
    return tempo.best if tempo.best is not None else math.sqrt(parameters.range[0] * parameters.range[1])


def pulse(evidence: Evidence, parameters: BeatParameters, tempo: Estimate, fixed: Fixed) -> Grid:
    """Track the maxima of the predominant local pulse, moved to the strongest activation near by."""
    if fixed:
        raise ParameterError("the pulse cannot be led through fixed beats; the other methods can")
    curve, rate = evidence.beat, evidence.feature_rate
    best = _best(parameters, tempo)
    period = 60 * rate / best
    around = PulseParameters(_PULSE_WINDOW, tempo_low=best / _PULSE_RANGE, tempo_high=best * _PULSE_RANGE)
    state = PulseState(around, rate)
    pulse = np.concatenate([*state.push((curve - curve.mean()).astype(np.float32)), *state.flush()])
    peaks = _maxima(pulse, round(0.6 * period))
    reach = max(round(2 * _NEAR * period), 1)
    around_peak = np.arange(-reach, reach + 1)
    window = np.exp(-0.5 * (around_peak / (_NEAR * period)) ** 2)
    padded = np.pad(curve, reach)
    best = peaks + np.argmax(padded[peaks[:, None] + reach + around_peak] * window, axis=1) - reach
    return Grid(_sharpened(curve, np.unique(best), np.ones(np.unique(best).size, np.int64)))


def _maxima(curve: NDArray[np.float32], distance: int) -> NDArray[np.int64]:
    """Return local maxima above 0 that no higher one is nearer to than a distance (frames)."""
    inner = curve[1:-1]
    peaks = np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]) & (inner > 0)) + 1
    taken = np.zeros(curve.size + 2 * distance, np.bool_)
    kept = []
    for peak in peaks[np.argsort(-curve[peaks], kind="stable")]:
        if not taken[peak + distance]:
            kept.append(peak)
            taken[peak : peak + 2 * distance + 1] = True
    return np.sort(np.array(kept, dtype=np.int64))


def _sharpened(curve: Frames, begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> Frames:
    """Place each beat on the highest value among some frames from `begins`, between frames by a parabola.

    Where there is none but 0, it lies as far from the beginning as the others do in the median. The windows do not
    overlap, so that the beats increase.
    """
    if not begins.size:
        return np.zeros(0)
    N, longest = curve.size, int(lengths.max())
    columns = np.arange(longest)
    windows = np.pad(curve, (0, longest))[begins[:, None] + columns]
    windows = np.where(columns < lengths[:, None], windows, -1.0)
    offset = windows.argmax(axis=1)
    peak = begins + offset
    inside = np.clip(peak, 1, max(N - 2, 1))
    padded = np.pad(curve, (0, 3))
    before, top, after = padded[inside - 1], padded[inside], padded[inside + 1]
    bend = before - 2 * top + after
    apart = np.diff(peak, prepend=-2, append=N + 2) > 1  # two on a plateau would meet between their frames
    curved = (inside == peak) & (top > 0) & (top >= before) & (top >= after) & (bend < 0) & apart[:-1] & apart[1:]
    shift = np.where(curved, 0.5 * (before - after) / np.where(curved, bend, -1.0), 0.0)
    heard = windows.max(axis=1) > 0
    usual = float(np.median(offset[heard])) if heard.any() else 0.0
    unheard = np.minimum(begins + usual, np.append(begins[1:] - 0.75, N - 1))
    return np.asarray(np.clip(np.where(heard, peak + shift, unheard), 0, N - 1))
