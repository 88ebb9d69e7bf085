"""The local tempo: a smooth path through the tempi of each moment, or what beats, tempo maps and paths say."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.frames import Frames
from mirtool.rhythm.parameters import TempoCurveParameters, TempoParameters
from mirtool.rhythm.periodicity import AXIS, periodicities
from mirtool.rhythm.tempo import AccentCurves, bounds, product
from mirtool.types import Events, Features, Score, WarpingPath

_LEVEL = 0.3  # octaves about the tempo of the whole, so that the curve keeps to its metrical level
_FLOOR = 1e-3  # of a salience: silence says nothing
_MOST_ROWS = 1000.0  # a second, of the curve of a path
_REPLAYED = 0.5  # concentration of onsets on the grid of a score from which its tempo map counts as that of the music


@dataclass(frozen=True, eq=False)
class Curve:
    """A tempo curve and what it was found in.

    Parameters
    ----------
    events : Events
        `time`, `bpm`, `strength`.
    tempogram : Features or None
        Salience of the tempi at the times of the events.
    """

    events: Events
    tempogram: Features | None = None

    def moved(self, seconds: float) -> "Curve":
        """Return the same curve, that much later: that of an excerpt, in the time of the whole."""
        tempogram = self.tempogram and replace(self.tempogram, start=self.tempogram.start + seconds)
        return Curve(self.events.replace(time=self.events["time"] + seconds), tempogram)


def curve(
    heard: AccentCurves, parameters: TempoParameters, following: TempoCurveParameters, around: float | None
) -> Curve:
    """Follow the local tempo of sound.

    Parameters
    ----------
    heard : AccentCurves
    parameters : TempoParameters
    following : TempoCurveParameters
    around : float or None
        Tempo of the whole, whose metrical level the curve keeps; None: there is none, and the curve is empty.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    rate, window = _rate_and_window(following, heard.rate)
    N = heard.curves.shape[1]
    length = min(max(round(window * heard.rate), 2), N)
    if around is None or length < 2:
        return Curve(_events(np.zeros(0), np.zeros(0), np.zeros(0)))
    low, high = bounds(parameters)
    inside = (low <= AXIS) & (high >= AXIS)
    tempi = AXIS[inside]
    times = np.arange(math.floor((N - 1) / heard.rate * rate + 1e-9) + 1) / rate
    centres = np.round(times * heard.rate).astype(int)
    starts = np.clip(centres - length // 2, 0, N - length).tolist()
    found = periodicities(heard.curves[:1], heard.rate, length, starts)
    salience = np.empty((len(times), tempi.size), np.float32)
    for row, one in zip(salience, found, strict=True):
        row[:] = product(one)[0, inside]
    times = times + heard.start
    tempogram = Features(salience.T, rate, "tempogram", ("tempo", "time"), tuple(tempi.tolist()), start=heard.start)
    place = follow(salience, tempi, rate, following.steadiness, around)
    strength = np.sqrt(salience[np.arange(len(place)), place])
    return Curve(_events(times, _between(salience, tempi, place), strength), tempogram)


def _rate_and_window(following: TempoCurveParameters, highest: float) -> tuple[float, float]:
    """Return the rows per second of a curve (Hz) and the length of its window (s), if they can be met."""
    rate, window = following.curve_rate, following.curve_window
    if not 0 < rate <= highest:
        raise ParameterError(f"a curve has more than 0 and at most {highest:g} rows per second, not {rate:g}")
    if not 0 < window < math.inf:
        raise ParameterError(f"a window must be longer than 0 s, not {window:g} s")
    return rate, window


def curve_of_tempogram(tempogram: Features, following: TempoCurveParameters, around: float | None) -> Curve:
    """Follow the local tempo through a tempogram (a row a tempo, rising); the strengths are its values."""
    if around is None:
        return Curve(_events(np.zeros(0), np.zeros(0), np.zeros(0)))
    tempi = np.asarray(tempogram.axis, np.float64)
    salience = np.ascontiguousarray(tempogram.data.T)
    relative = (salience / max(float(salience.max(initial=0)), 1e-30)).astype(np.float32)
    place = follow(relative, tempi, tempogram.feature_rate or 1.0, following.steadiness, around)
    bpm, strength = _between(salience, tempi, place), salience[np.arange(len(place)), place]
    return Curve(_events(tempogram.times, bpm, strength), tempogram)


def follow(
    salience: Frames, tempi: NDArray[np.float64], rate: float, steadiness: float, around: float
) -> NDArray[np.int64]:
    """Find the path through a tempogram that is strong and smooth, by dynamic programming.

    It maximises Σ_n [log(S(n, k_n) + ε) - ½ (log2(τ_n / around) / 0.3)²] / rate, less steadiness · Σ_n
    |log2(τ_n / τ_{n-1})|, τ_n being the tempo of index k_n. With a cost that grows linearly, the best predecessors of
    all tempi are two running maxima.

    Parameters
    ----------
    salience : ndarray, shape (N, K), float32
        From 0 to about 1.
    tempi : ndarray, shape (K,)
        Rising (BPM).
    rate : float
        Frames per second (Hz).
    steadiness : float
        Not negative.
    around : float
        BPM.

    Returns
    -------
    ndarray, shape (N,), int64
        Index of the tempo at each frame.
    """
    if not 0 <= steadiness < math.inf:
        raise ParameterError(f"the steadiness must not be negative, not {steadiness:g}")
    N, K = salience.shape
    octaves = np.log2(tempi / around)
    level = -0.5 * (octaves / _LEVEL) ** 2
    slope = steadiness * octaves
    back = np.empty((N, K), np.int32)
    score = np.zeros(K)
    for n in range(N):
        rising, falling = score + slope, (score - slope)[::-1]
        below, above = _running(rising), K - 1 - _running(falling)[::-1]
        from_below, from_above = rising[below] - slope, (score - slope)[above] + slope
        back[n] = np.where(from_below >= from_above, below, above)
        score = np.maximum(from_below, from_above) + (np.log(salience[n] + _FLOOR) + level) / rate
        score -= score.max()
    path = np.empty(N, np.int64)
    k = int(score.argmax()) if N else 0
    for n in range(N - 1, -1, -1):
        path[n] = k
        k = int(back[n, k])
    return path


def _running(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where the maximum of the values up to each place is."""
    highest = np.maximum.accumulate(values)
    new = np.concatenate(([True], highest[1:] > highest[:-1]))
    return np.asarray(np.maximum.accumulate(np.where(new, np.arange(values.size), 0)), np.int64)


def _between(salience: Frames, tempi: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the tempi of a path, placed by a parabola where the path is at a local maximum."""
    n, K = np.arange(len(place)), tempi.size
    inner = np.clip(place, 1, max(K - 2, 1))
    if K < 3:
        return np.asarray(tempi[place])
    a, b, c = (salience[n, inner + step].astype(np.float64) for step in (-1, 0, 1))
    bend = a - 2 * b + c
    top = (b >= a) & (b >= c) & (bend < 0) & (inner == place)
    shift = np.where(top, 0.5 * (a - c) / np.where(top, bend, 1), 0.0)
    return np.asarray(np.exp(np.interp(place + shift, np.arange(K), np.log(tempi))))


def _events(times: NDArray[np.float64], bpm: NDArray[np.float64], strength: NDArray[np.float64] | Frames) -> Events:
    return Events({"time": times, "bpm": bpm, "strength": np.asarray(strength, np.float64)})


def curve_of_events(events: Events) -> Events | None:
    """Return the tempo that events tell: a tempo curve (`bpm`) its own, beats that between them, onsets none.

    Events with a strength are onsets, unless they have a place in the bar or a confidence, as beats do.

    Raises
    ------
    DataError
        Times that are not finite, or tempi that are not positive.
    """
    if "bpm" in events:
        if events["bpm"].dtype == object or not (events["bpm"] > 0).all():
            raise DataError("a tempo that is no positive number")
        strength = events["strength"] if "strength" in events else np.ones(len(events))
        return _events(events["time"], events["bpm"], strength)
    if "strength" in events and "beat" not in events and "confidence" not in events:
        return None
    return curve_of_beats(events)


def curve_of_beats(beats: Events) -> Events:
    """Return the tempo between each two beats, at the middle; the strength is the smaller confidence, or 1.

    Raises
    ------
    DataError
        Times that are not finite.
    """
    time = beats["time"]
    if not np.isfinite(time).all():
        raise DataError("beats at times that are not finite")
    order = np.argsort(time, kind="stable")
    time = time[order]
    sure = beats["confidence"][order] if "confidence" in beats else np.ones(len(time))
    gaps = np.diff(time)
    apart = gaps > 1e-6
    middle, strength = (time[:-1] + time[1:]) / 2, np.minimum(sure[:-1], sure[1:])
    return _events(middle[apart], 60 / gaps[apart], strength[apart])


def has_tempo(score: Score) -> bool:
    """Whether the tempo map of a score is that of its music: the notes begin where beats are divided by 4 or 3.

    Where somebody played without a click, the file's tempo says nothing and the onsets lie anywhere.
    """
    onsets = score.ticks[:, 0] / score.ticks_per_beat
    if not len(onsets):
        return False
    spread = [abs(np.exp(2j * np.pi * parts * onsets).mean()) for parts in (4, 3)]
    return bool(max(spread) >= _REPLAYED)


def curve_of_score(score: Score) -> Events:
    """Return the tempo of a score (quarter notes a minute) at each change, up to the end of its last note."""
    end = float(score.notes["offset"].max(initial=0.0))
    ticks, tempi = np.array(score.tempo_map.changes, dtype=np.float64).T
    times = score.seconds(ticks)
    kept = (times < end) & (np.diff(tempi, prepend=0.0) != 0)
    return _events(times[kept], 6e7 / tempi[kept], np.ones(int(kept.sum())))


def curve_of_path(path: WarpingPath, bpm: float, following: TempoCurveParameters) -> Events:
    """Return the tempo of the last version of a path, given that of the first.

    Parameters
    ----------
    path : WarpingPath
    bpm : float
        Steady tempo of the first version.
    following : TempoCurveParameters
        Its window is the stretch over which the ratio of durations is taken.

    Raises
    ------
    DataError
        Fewer than two points.
    ParameterError
        A parameter outside its domain.
    """
    rate, window = _rate_and_window(following, _MOST_ROWS)
    if not 0 < bpm < math.inf:
        raise ParameterError(f"a tempo is positive, not {bpm:g}")
    times = path.times
    if len(times) < 2:
        raise DataError("a path of fewer than two points has no tempo")
    a, b = times[:, 0], times[:, -1]
    rows = np.arange(math.floor((b[-1] - b[0]) * rate + 1e-9) + 1) / rate + b[0]
    reach = min(window, b[-1] - b[0]) / 2
    middle = np.clip(rows, b[0] + reach, b[-1] - reach)
    passed = np.interp(middle + reach, b, a) - np.interp(middle - reach, b, a)
    sure = path["confidence"] if "confidence" in path else np.ones(len(a))
    return _events(rows, bpm * passed / (2 * reach), np.interp(rows, b, sure))
