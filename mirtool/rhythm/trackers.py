"""Beat trackers: from evidence to a grid of beats over the whole recording."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.rhythm import dynamic_programming
from mirtool.rhythm.bar_pointer import near_the_beat, state_space, viterbi
from mirtool.rhythm.evidence import Evidence, log_likelihoods
from mirtool.rhythm.parameters import BeatParameters, PulseParameters
from mirtool.rhythm.plp import PulseState
from mirtool.rhythm.tempogram import AutocorrelationState

Frames = NDArray[np.float64]
Fixed = Mapping[int, int]  # frames at which a beat must be, and its position in the bar (0: any)

_NEAR = 0.1  # of a period: how far a beat may be from the pulse that foretells it
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


def track(evidence: Evidence, parameters: BeatParameters, fixed: Fixed) -> Grid:
    """Find the beats by the method that the parameters name.

    Raises
    ------
    ParameterError
        A parameter outside its domain, or fixed beats that the tracker cannot meet.
    """
    trackers: dict[str, Callable[[Evidence, BeatParameters, Fixed], Grid]] = {
        "hmm": bar_pointer,
        "dp": followed,
        "plp": pulse,
    }
    if parameters.method not in trackers:
        raise ParameterError(f"no method {parameters.method} (there are: {', '.join(trackers)})")
    return trackers[parameters.method](evidence, parameters, fixed)


def bar_pointer(evidence: Evidence, parameters: BeatParameters, fixed: Fixed) -> Grid:
    """Track with the bar pointer; where the evidence tells of downbeats, bars and beats jointly."""
    share, downbeats = parameters.beat_share, evidence.downbeat is not None
    if not 0 < share < 1:
        raise ParameterError(f"the share of a beat that is heard as the beat lies between 0 and 1, not at {share:g}")
    bars = parameters.beats_per_bar if downbeats else (1,)
    space = state_space(parameters, evidence.feature_rate, near_the_beat(share, downbeats=downbeats), bars)
    marks = {frame: position if downbeats else 0 for frame, position in fixed.items()}
    path = viterbi(log_likelihoods(evidence, share), space, marks)
    known = path.frames >= 0
    begins, lengths = path.frames[known], np.ceil(path.intervals[known] * share).astype(np.int64)
    curve = evidence.beat if evidence.downbeat is None else np.maximum(evidence.beat, evidence.downbeat)
    return Grid(_sharpened(curve, begins, lengths), path.beats[known] if downbeats else None)


def followed(evidence: Evidence, parameters: BeatParameters, fixed: Fixed) -> Grid:
    """Track by dynamic programming along the local period."""
    curve = evidence.beat
    periods = local_periods(curve, evidence.feature_rate, parameters.range)
    beats = dynamic_programming.track(curve, periods, parameters.tightness, list(fixed))
    return Grid(_sharpened(curve, np.maximum(beats - 2, 0), np.full(beats.size, 5)))


def pulse(evidence: Evidence, parameters: BeatParameters, fixed: Fixed) -> Grid:
    """Track the maxima of the predominant local pulse, moved to the strongest activation near by."""
    if fixed:
        raise ParameterError("the pulse cannot be led through fixed beats; the other methods can")
    curve, rate = evidence.beat, evidence.feature_rate
    period = float(np.median(local_periods(curve, rate, parameters.range))) if curve.size else 1.0
    tempo = 60 * rate / period
    around = PulseParameters(tempo_low=tempo / _PULSE_RANGE, tempo_high=tempo * _PULSE_RANGE)
    state = PulseState(around, rate)
    pulse = np.concatenate([*state.push((curve - curve.mean()).astype(np.float32)), *state.flush()])
    peaks = _maxima(pulse, round(0.6 * period))
    reach = max(round(2 * _NEAR * period), 1)
    around_peak = np.arange(-reach, reach + 1)
    window = np.exp(-0.5 * (around_peak / (_NEAR * period)) ** 2)
    padded = np.pad(curve, reach)
    best = peaks + np.argmax(padded[peaks[:, None] + reach + around_peak] * window, axis=1) - reach
    return Grid(_sharpened(curve, np.unique(best), np.ones(np.unique(best).size, np.int64)))


def local_periods(curve: Frames, rate: float, tempo_range: tuple[float, float]) -> Frames:
    """Follow the local period (frames), shape (N,), through autocorrelations of the curve.

    A lag counts with two and three times itself; tempi are weighed by how people tap (a log-normal around 110 BPM, an
    octave wide); changes from one half second to the next cost their logarithm.
    """
    slowest, fastest = tempo_range
    tempi = np.geomspace(slowest, fastest, max(math.ceil(48 * math.log2(fastest / slowest)), 1) + 1)
    multiples = np.concatenate((tempi, tempi / 2, tempi / 3))
    length, hop = max(round(8 * rate), math.ceil(60 * rate / multiples.min()) + 2), rate / 2
    state = AutocorrelationState(multiples, rate, length, hop)
    prior = np.exp(-0.5 * np.log2(tempi / 110) ** 2)
    strength = [np.zeros((0, tempi.size), np.float32)]
    block = round(600 * rate)
    mean = curve.mean()
    for first in range(0, curve.size, block):
        frames = state.push((curve[first : first + block] - mean).astype(np.float32))
        strength += [_combined(some, prior) for some in frames]
    strength += [_combined(some, prior) for some in state.flush()]
    change = -40 * np.abs(np.log(tempi[:, None] / tempi[None, :]))
    path = _smoothest(np.concatenate(strength), change)
    centres = np.arange(len(path)) * hop
    return np.interp(np.arange(curve.size), centres, 60 * rate / tempi[path])


def _combined(found: NDArray[np.float32], prior: Frames) -> NDArray[np.float32]:
    """Add up the frames (n × 3 K) of once, twice and three times the lag, and weigh the tempi; the largest is 1."""
    one, two, three = np.split(np.maximum(found, 0), 3, axis=1)
    strength = (one + two / 2 + three / 4) * prior
    return np.asarray(strength / np.maximum(strength.max(axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _smoothest(strength: NDArray[np.float32], change: Frames) -> NDArray[np.int64]:
    """Return the row of each frame (N × K) on the path with the most strength."""
    sources = np.zeros(strength.shape, np.int16)
    score = strength[0].astype(np.float64)
    rows = np.arange(score.size)
    for n, frame in enumerate(strength[1:], 1):
        ways = score[:, None] + change
        sources[n] = ways.argmax(axis=0)
        score = ways[sources[n], rows] + frame
    path = np.zeros(len(strength), np.int64)
    path[-1] = score.argmax()
    for n in range(len(strength) - 1, 0, -1):
        path[n - 1] = sources[n, path[n]]
    return path


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

    Where there is none but 0, it lies as far from the beginning as the others do in the median.
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
    curved = (inside == peak) & (top > 0) & (top >= before) & (top >= after) & (bend < 0)
    shift = np.where(curved, 0.5 * (before - after) / np.where(curved, bend, -1.0), 0.0)
    heard = windows.max(axis=1) > 0
    usual = float(np.median(offset[heard])) if heard.any() else 0.0
    frames = np.where(heard, peak + shift, begins + usual)
    return np.asarray(np.maximum.accumulate(np.clip(frames, 0, N - 1)))
