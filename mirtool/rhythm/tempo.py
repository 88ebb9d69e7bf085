"""The tempo of a recording: the k best, with the metrical level chosen on evidence.

Periodicities of accents are measured twice: by autocorrelation, which has peaks at the fractions of a tempo, and by the
Fourier transform, which has them at its multiples; in their product both are weak beside the tempo itself (Peeters,
"Template-based estimation of time-varying tempo", EURASIP JASP 2007, Section 3.2). Its peaks are the candidates. Which
of them is the beat follows from what recurs at its fractions and multiples (`mirtool.rhythm.metrical_levels`).
"""

import math
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError
from mirtool.features.frames import Frames
from mirtool.features.pitch import checked_times, note_frames
from mirtool.pitch import pitch_frequency
from mirtool.rhythm.accents import accents, blur, strong
from mirtool.rhythm.metrical_levels import evidence
from mirtool.rhythm.parameters import AccentParameters, TempoParameters
from mirtool.rhythm.periodicity import AXIS, Periodicity, periodicities, sharpened, windows
from mirtool.types import AudioSource, Events, Features, Notes, Table

_SAME = 0.04  # tempi that differ by less are the same: the tolerance of the field's metric
_NEAR = 0.015  # by how much a candidate is moved for precision
_APART = 0.08  # candidates that no peak shows are at least so far from those that one shows
_CANDIDATES = 12
_WIDTH = 0.5  # octaves, of a prior
_HINTED = 0.08  # octaves, of what "about" means
_TRACE = 0.01  # of the highest salience: a tempo below is that of no level
_FAINT = 1e-3  # a product of periodicities below is none


@dataclass(frozen=True, eq=False)
class AccentCurves:
    """What the tempo is found from.

    Parameters
    ----------
    curves : ndarray, shape (C, N), float32
        All accents; and those of the lowest register, where registers are known.
    rate : float
        Hz.
    start : float
        Time of frame 0 (s).
    """

    curves: Frames
    rate: float
    start: float = 0.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """The tempi found, and what they were chosen from.

    Parameters
    ----------
    bpm : ndarray, shape (n,)
        Candidates, best first.
    strength : ndarray, shape (n,)
        How likely each is the tempo, given the candidates: from 0 to 1, 1 in all.
    stability : ndarray, shape (n,)
        Share of the windows whose local tempo is within 4 % of it.
    salience : ndarray, shape (K,)
        How strongly each tempo of the axis is there.
    tempi : ndarray, shape (K,)
        The axis (BPM).
    """

    bpm: NDArray[np.float64]
    strength: NDArray[np.float64]
    stability: NDArray[np.float64]
    salience: NDArray[np.float64]
    tempi: NDArray[np.float64]

    @property
    def best(self) -> float | None:
        """The tempo (BPM), if there is one."""
        return float(self.bpm[0]) if len(self.bpm) else None

    def table(self, count: int) -> Table:
        """Return the best as a table: `bpm`, `strength`, `stability`."""
        columns = {"bpm": self.bpm, "strength": self.strength, "stability": self.stability}
        return Table({name: values[:count] for name, values in columns.items()})


def accent_curves(source: AudioSource | Notes | Events | Features) -> AccentCurves:
    """Listen to sound, or take notes, onsets, accents, a novelty curve or an activation.

    Raises
    ------
    DataError
        Values that are not finite, or features that are neither.
    """
    if isinstance(source, Features):
        data, rate = source.data, source.feature_rate
        if rate is None or data.ndim != 2 or np.iscomplexobj(data) or (data.shape[0] != 1 and source.kind != "accents"):
            shape = " × ".join(map(str, data.shape))
            raise DataError(f"no curve of accents: {source.kind or 'a matrix'} of {shape} values")
        if not np.isfinite(data).all():
            raise DataError("the curve holds values that are not finite numbers")
        start = source.start
        if source.kind not in ("accents", "activation"):
            data = np.array(data, np.float32)
            blur(data, rate)
    else:
        parameters, start = AccentParameters(), 0.0
        rate = parameters.feature_rate
        if isinstance(source, Events):
            source, start = _as_notes(source)
        data = _struck(source, parameters) if isinstance(source, Notes) else accents(source, parameters).data
    curves = np.zeros((min(len(data), 2), data.shape[1]), np.float32)
    for number, register in enumerate(data):  # one by one: hours are large
        relative = np.maximum(register, 0) / strong(register[None, :], rate)[0]
        curves[0] += relative
        if number == 0 and len(data) > 1:
            curves[1] = relative
    return AccentCurves(sharpened(curves, rate), rate, start)


def _as_notes(onsets: Events) -> tuple[Notes, float]:
    """Return onsets as notes of one pitch on a time line that begins with the first of them, and when that is (s)."""
    time = onsets["time"]
    if not np.isfinite(time).all():
        raise DataError("events at times that are not finite")
    start = float(time.min(initial=math.inf)) if len(time) else 0.0
    strength = np.maximum(onsets["strength"], 0) if "strength" in onsets else np.ones(len(time))
    loud = 127 * strength / max(float(strength.max(initial=0)), 1e-30)
    columns = {"onset": time - start, "offset": time - start, "pitch": np.full(len(time), 60.0), "velocity": loud}
    return Notes(columns), start


def _struck(notes: Notes, parameters: AccentParameters) -> Frames:
    """Return the velocities of the notes that begin at each frame, in registers, shape (R, N)."""
    rate, R = parameters.feature_rate, len(parameters.register_weights)
    onset, _ = checked_times(notes)
    register = np.searchsorted(parameters.registers, pitch_frequency(notes["pitch"]), side="right")
    frame = np.floor(onset * rate + 0.5).astype(np.int64)
    N = max(note_frames(notes, rate), int(frame.max(initial=-1)) + 1)
    data = np.zeros((R, N), np.float32)
    np.add.at(data, (register, frame), notes["velocity"] / 127)
    blur(data, rate)
    return data


def estimate(heard: AccentCurves, parameters: TempoParameters) -> Estimate:
    """Find the tempi of curves of accents.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    """
    low, high = bounds(parameters)
    weight = _prior(parameters)
    length = min(_window(parameters.window, heard.rate), heard.curves.shape[1])
    if length < 2 or not heard.curves.any():
        return _ranked(np.zeros(0), np.zeros(0), np.zeros((0, AXIS.size), np.float32), np.zeros(AXIS.size), AXIS)
    starts = windows(heard.curves.shape[1], length, max(length // 2, 1))
    local = np.zeros((len(starts), AXIS.size), np.float32)
    total: Periodicity | None = None
    for row, found in zip(local, periodicities(heard.curves, heard.rate, length, starts), strict=True):
        row[:] = product(found)[0]
        total = found if total is None else total.plus(found)
    assert total is not None
    mean = total.over(len(starts))
    salience = product(mean)[0]
    candidates = np.clip(_refined(mean, _candidates(salience, low, high)), low, high)
    return _ranked(candidates, evidence(mean, candidates) + weight(candidates), local, salience, AXIS)


def estimate_in(tempogram: Features, parameters: TempoParameters) -> Estimate:
    """Find the tempi of a tempogram: the maxima of its mean over time.

    Nothing but the tempogram tells which metrical level is that of the beat.

    Raises
    ------
    DataError
        The rows are no rising tempi, or values are negative or not finite.
    """
    check_tempogram(tempogram)
    low, high = bounds(parameters)
    weight = _prior(parameters)
    tempi, local = np.asarray(tempogram.axis, np.float64), np.ascontiguousarray(tempogram.data.T)
    salience = local.mean(axis=0, dtype=np.float64) if len(local) else np.zeros(tempi.size)
    candidates = peaks(salience, tempi, low, high, _CANDIDATES)
    height = np.log(np.maximum(np.interp(candidates, tempi, salience), 1e-30))
    return _ranked(candidates, height + weight(candidates), local, salience, tempi)


def is_tempogram(source: object) -> TypeGuard[Features]:
    """Whether these are features with a row a tempo."""
    return isinstance(source, Features) and source.dims[:1] == ("tempo",)


def check_tempogram(tempogram: Features) -> None:
    """Raise `DataError` unless the rows are rising tempi and the values are finite and not negative."""
    if not all(isinstance(tempo, int | float) and tempo > 0 for tempo in tempogram.axis) or np.any(
        np.diff(np.asarray(tempogram.axis, np.float64)) <= 0
    ):
        raise DataError("a tempogram whose rows are no rising tempi")
    if len(tempogram.axis) != tempogram.data.shape[0] or tempogram.feature_rate is None:
        raise DataError("a tempogram without a tempo for each row, or without frames per second")
    if np.iscomplexobj(tempogram.data) or not np.isfinite(tempogram.data).all() or tempogram.data.min(initial=0) < 0:
        raise DataError("a tempogram with values that are not finite, or negative")


def _ranked(
    candidates: NDArray[np.float64],
    score: NDArray[np.float64],
    local: Frames,
    salience: NDArray[np.float64],
    tempi: NDArray[np.float64],
) -> Estimate:
    """Order candidates by their score, the logarithm of how likely they are."""
    order = np.argsort(-score, kind="stable")
    share = np.exp(score[order] - score.max(initial=-math.inf)) if len(order) else score
    best = candidates[order]
    return Estimate(best, share / max(share.sum(), 1e-30), _stability(local, tempi, best), salience, tempi)


def product(found: Periodicity) -> NDArray[np.float64]:
    """Return autocorrelation times Fourier magnitude of all accents, over `AXIS`, shape (W, K)."""
    values = found.recurrence(AXIS)[:, 0] * found.waves[:, 0]
    return np.asarray(values, np.float64)


def bounds(parameters: TempoParameters) -> tuple[float, float]:
    """Return the slowest and the fastest tempo that are looked for (BPM)."""
    low, high = parameters.range
    if parameters.hint is not None:
        low, high = parameters.hint / 1.3, parameters.hint * 1.3
    if not (AXIS[0] <= low < high <= AXIS[-1]):
        raise ParameterError(f"tempi lie between {AXIS[0]:g} and {AXIS[-1]:g} BPM and rise: not {low:g} to {high:g}")
    return low, high


def _prior(parameters: TempoParameters) -> "_Weight":
    """Return the weight of tempi beforehand."""
    centres: list[tuple[float, float]] = []
    if parameters.prior is not None:
        if not 1 <= len(parameters.prior) <= 2 or not all(1e-3 <= value < math.inf for value in parameters.prior):
            raise ParameterError("a prior is CENTRE or CENTRE,WIDTH, both positive numbers from 0.001 on")
        centres.append((parameters.prior[0], parameters.prior[1] if len(parameters.prior) == 2 else _WIDTH))
    if parameters.hint is not None:
        if not 0 < parameters.hint < math.inf:
            raise ParameterError(f"a tempo is positive, not {parameters.hint:g}")
        centres.append((parameters.hint, _HINTED))
    return _Weight(centres)


@dataclass(frozen=True)
class _Weight:
    """Sum of log-normal weights, each with centre (BPM) and width (octaves)."""

    centres: list[tuple[float, float]]

    def __call__(self, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.zeros(len(bpm))
        for centre, width in self.centres:
            total -= 0.5 * (np.log2(bpm / centre) / width) ** 2
        return total


def _window(seconds: float, rate: float) -> int:
    if not 0 < seconds < math.inf:
        raise ParameterError(f"a window must be longer than 0 s, not {seconds:g} s")
    return max(round(seconds * rate), 2)


def peaks(
    salience: NDArray[np.float64], tempi: NDArray[np.float64], low: float, high: float, count: int
) -> NDArray[np.float64]:
    """Return the tempi of the highest local maxima between two tempi, placed by a parabola."""
    a, b, c = salience[:-2], salience[1:-1], salience[2:]
    inside = (tempi >= low) & (tempi <= high)
    place = np.flatnonzero((b > a) & (b >= c) & inside[1:-1]) + 1
    place = place[np.argsort(-salience[place], kind="stable")][:count]
    a, b, c = salience[place - 1], salience[place], salience[place + 1]
    shift = 0.5 * (a - c) / (a - 2 * b + c)
    return np.exp(np.interp(place + shift, np.arange(tempi.size), np.log(tempi)))


def _candidates(salience: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return the peaks, and what lies an octave and the like from the highest ones: a level may have no peak.

    Of bare clicks nothing is there at half the tempo; it is a candidate only where the range leaves no other.
    """
    audible = np.where(salience > _FAINT, salience, 0)
    found = peaks(audible, AXIS, low, high, _CANDIDATES).tolist()
    roots = [*found[:3], *peaks(audible, AXIS, AXIS[0], AXIS[-1], 3)]
    for least in (_TRACE * salience.max(), -1.0):
        for tempo in roots:
            for other in tempo * np.array([2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3]):
                there = np.interp(np.log(other), np.log(AXIS), salience) > least
                if there and low <= other <= high and all(abs(other / known - 1) > _APART for known in found):
                    found.append(other)
        if found:
            break
    return np.array(found)


def _refined(found: Periodicity, candidates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move candidates to where most recurs after one, two, four and eight beats: long lags are read more exactly."""
    near = 1 + np.linspace(-_NEAR, _NEAR, 101)
    moved = []
    for tempo in candidates:
        tempi = tempo * near
        recurring = sum(found.recurrence(tempi, beats)[0, 0] for beats in (1, 2, 4, 8))
        moved.append(tempi[np.argmax(recurring)] if np.any(recurring) else tempo)
    return np.array(moved)


def _stability(local: Frames, tempi: NDArray[np.float64], bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the windows (W × K) whose highest value within a third of an octave is at the tempo."""
    heard = local[local.max(axis=1, initial=0) > _FAINT * local.max(initial=0)]
    if not len(heard):
        return np.zeros(len(bpm))
    shares = []
    for tempo in bpm:
        near = np.flatnonzero(np.abs(np.log2(tempi / tempo)) <= 1 / 3)
        place = near[np.argmax(heard[:, near], axis=1)]
        shares.append(np.mean(np.abs(tempi[place] / tempo - 1) <= _SAME))
    return np.array(shares)


def steady(curve: Events) -> Table:
    """Return the tempo of a curve of known tempi, one row: the median, and the share of the rows within 4 % of it."""
    bpm = curve["bpm"]
    if not len(bpm):
        return Table({name: np.zeros(0) for name in ("bpm", "strength", "stability")})
    middle = float(np.median(bpm))
    stability = float(np.mean(np.abs(bpm / middle - 1) <= _SAME))
    return Table({"bpm": np.array([middle]), "strength": np.ones(1), "stability": np.array([stability])})
