"""What is known of beats, frame by frame: from sound, from notes, or from an activation made elsewhere."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.features.bands import log_bands
from mirtool.features.frames import Frames, check_analysis, expected_frames, features, provenance, sample_blocks
from mirtool.features.pitch import checked_times, note_frames
from mirtool.pitch import pitch_frequency
from mirtool.rhythm.accents import accent_frames, accent_state, activation, check, gathered_accents
from mirtool.rhythm.metre import POOL, Harmony, HarmonyState, note_harmony
from mirtool.rhythm.parameters import AccentParameters
from mirtool.rhythm.tempo import AccentCurves, accent_curves
from mirtool.types import AudioSource, Features, Notes

_BLOCK = 1 << 16  # frames that are worked on at a time
_SILENCE = 1e-3  # of the loudest sample: -60 dB
_STRONG = 0.9  # share of the peaks that a strong one is above
_SHORTEST = 0.1  # s that a stroke sounds
_STROKE = 3  # frames from the beginning of a stroke to its top, in the curve of a sound
_SMALLEST = 0.01  # no frame is surer than this that there is a beat, or that there is none


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of beats.

    Parameters
    ----------
    beat : ndarray, shape (N,)
        Activation of beats, 0 to 1.
    feature_rate : float
        Hz.
    sounding : tuple of float
        When the first sound begins and the last one ends (s).
    start : float
        Time of frame 0 (s).
    downbeat : ndarray, shape (N,), optional
        Activation of downbeats, 0 to 1.
    accents : Features, optional
        Of the lowest register.
    harmony : Harmony, optional
    tempo_curves : AccentCurves, optional
        What the tempo is found from.
    """

    beat: NDArray[np.float64]
    feature_rate: float
    sounding: tuple[float, float]
    start: float = 0.0
    downbeat: NDArray[np.float64] | None = None
    accents: Features | None = None
    harmony: Harmony | None = None
    tempo_curves: AccentCurves | None = None

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames (s), shape (N,)."""
        return self.start + np.arange(self.beat.size) / self.feature_rate

    def moved(self, seconds: float) -> "Evidence":
        """Return the same evidence, that much later: that of an excerpt, in the time of the whole."""
        first, last = self.sounding
        return replace(self, start=self.start + seconds, sounding=(first + seconds, last + seconds))


def evidence(source: AudioSource | Notes | Features, parameters: AccentParameters) -> Evidence:
    """Listen for beats.

    Parameters
    ----------
    source : AudioSource, Notes or Features
        Features are an activation (of beats, and perhaps of downbeats in a second row), or a novelty curve.
    parameters : AccentParameters

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples, times or values that are not finite; features that are neither.
    """
    if isinstance(source, Features):
        return _of_features(source)
    if isinstance(source, Notes):
        return _of_notes(source, parameters)
    check_analysis(parameters)
    harmony, heard = HarmonyState(log_bands(parameters)[1]), _Heard()
    expected = expected_frames(source, parameters.feature_rate)
    levels = _Rows(harmony.centres.size, (expected or 0) // POOL)
    state = accent_state(parameters, listener=lambda bands: levels.append(harmony.push(bands)))
    frames = accent_frames(state, heard.passing(sample_blocks(source, parameters.analysis_rate)))
    accents = gathered_accents(frames, parameters, expected)
    first, last = heard.sounding()
    beat = activation(accents, parameters).data[0].astype(np.float64)
    lowest = replace(accents, data=accents.data[:1].copy(), axis=accents.axis[:1])  # all that is needed further on
    return Evidence(
        beat,
        parameters.feature_rate,
        (first / parameters.analysis_rate, last / parameters.analysis_rate),
        accents=lowest,
        harmony=Harmony(levels.rows, harmony.centres, parameters.feature_rate / POOL),
        tempo_curves=accent_curves(accents),
    )


def log_likelihoods(evidence: Evidence, share: float) -> NDArray[np.float32]:
    """Return the log-likelihoods of the classes of `near_the_beat`, shape (N, 2), or (N, 3) with downbeats.

    Böck, Krebs and Widmer, "A multi-model approach to beat tracking considering heterogeneous music styles", ISMIR
    2014, equation 5: the activation where a beat is, and one less it, divided by the rest of the beat, elsewhere.

    Parameters
    ----------
    evidence : Evidence
    share : float
        Share of a beat that counts as the beat, below 1.
    """
    N, classes = evidence.beat.size, 2 if evidence.downbeat is None else 3
    values = np.empty((N, classes), np.float32)
    for first in range(0, N, _BLOCK):
        some = slice(first, first + _BLOCK)
        beat = np.clip(evidence.beat[some], _SMALLEST, 1 - _SMALLEST)
        values[some, 0] = np.log(beat)
        rest = 1 - beat
        if evidence.downbeat is not None:
            down = np.clip(evidence.downbeat[some], _SMALLEST, 1 - _SMALLEST)
            values[some, 2] = np.log(down)
            rest = np.maximum(rest - down, _SMALLEST)
        values[some, 1] = np.log(rest * (share / (1 - share)))
    return values


def _of_features(curves: Features) -> Evidence:
    data, rate, start = curves.data, curves.feature_rate, curves.start
    if rate is None or data.ndim != 2 or np.iscomplexobj(data) or data.shape[0] not in (1, 2):
        shape = " × ".join(map(str, data.shape))
        raise DataError(f"no activation: {curves.kind or 'a matrix'} of {shape} instead of one curve over time, or two")
    if not np.isfinite(data).all():
        raise DataError("an activation that is not finite")
    if curves.kind != "activation" and (data.shape[0] == 1 and (curves.kind or data.max(initial=0) > 1)):
        return replace(_of_curve(data[0], rate, start), tempo_curves=accent_curves(curves))
    if data.size and not (data.min() >= 0 and data.max() <= 1):
        raise DataError(f"an activation lies from 0 to 1, not from {data.min():g} to {data.max():g}")
    values = data.astype(np.float64)
    heard = _frames_heard(values.max(axis=0, initial=0) > _SMALLEST, rate, start)
    tempo_curves = accent_curves(replace(curves, data=data[:1], kind="activation", axis=()))
    return Evidence(
        values[0], rate, heard, start, downbeat=values[1] if len(values) == 2 else None, tempo_curves=tempo_curves
    )


def _of_notes(notes: Notes, parameters: AccentParameters) -> Evidence:
    """Take the velocities of the notes that begin as accents, and those of the notes that sound as harmony."""
    check(parameters)
    rate = parameters.feature_rate
    onset, offset = checked_times(notes)
    frequency, loudness = pitch_frequency(notes["pitch"]), notes["velocity"] / 127
    register = np.searchsorted(parameters.registers, frequency, side="right")
    struck = _struck(onset * rate, register, loudness, (len(parameters.register_weights), note_frames(notes, rate)))
    accents = features(struck, "accents", "register", (0.0, *parameters.registers), rate, provenance(parameters))
    weights = np.asarray(parameters.register_weights)
    return Evidence(
        _probable(weights @ struck),
        rate,
        (float(onset.min(initial=np.inf)), float(offset.max(initial=-np.inf))),
        accents=accents,
        harmony=note_harmony(notes, rate / POOL),
        tempo_curves=accent_curves(accents),
    )


def _struck(
    place: NDArray[np.float64], row: NDArray[np.int64], loudness: NDArray[np.float64], shape: tuple[int, int]
) -> Frames:
    """Sum up triangles as wide as a stroke in sound, their tops between frames; shape (rows, frames)."""
    struck = np.zeros(shape[0] * shape[1])
    for shift in range(1 - _STROKE, _STROKE + 1):
        frame = np.floor(place).astype(np.int64) + shift
        inside = (frame >= 0) & (frame < shape[1])
        weight = loudness * np.maximum(1 - np.abs(frame - place) / _STROKE, 0)
        struck += np.bincount((row * shape[1] + frame)[inside], weight[inside], minlength=struck.size)
    return struck.reshape(shape).astype(np.float32)


def _of_curve(curve: Frames, feature_rate: float, start: float = 0.0) -> Evidence:
    curve = np.maximum(curve, 0)
    heard = _frames_heard(curve > 0, feature_rate, start)
    return Evidence(_probable(curve.astype(np.float64)), feature_rate, heard, start)


def _probable(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring a curve of single peaks to the range of a probability.

    As `mirtool.rhythm.accents.likely` does; what stands out counts more, as rises of a sound do by their power of 3/2.
    """
    peaks = curve[curve > 0]
    level = float(np.quantile(peaks, _STRONG)) if peaks.size else 1.0
    return np.asarray(0.5 * np.minimum(curve / level, 1.5) ** 1.5)


def _frames_heard(heard: NDArray[np.bool_], feature_rate: float, start: float) -> tuple[float, float]:
    frames = np.flatnonzero(heard)
    if not frames.size:
        return math.inf, -math.inf
    return start + frames[0] / feature_rate, start + frames[-1] / feature_rate + _SHORTEST


class _Rows:
    """Gathers rows of half precision in place: hours of harmony are the largest thing that is kept."""

    def __init__(self, width: int, expected: int) -> None:
        self._data = np.empty((max(expected, 16), width), np.float16)
        self._used = 0

    def append(self, rows: NDArray[np.float16]) -> None:
        if self._used + len(rows) > len(self._data):
            self._data = np.concatenate(
                (self._data, np.empty((len(self._data) + len(rows), rows.shape[1]), np.float16))
            )
        self._data[self._used : self._used + len(rows)] = rows
        self._used += len(rows)

    @property
    def rows(self) -> NDArray[np.float16]:
        return self._data[: self._used]


class _Heard:
    """Notes, while sound passes by, how loud it is in pieces of about 10 ms."""

    PIECE = 256  # samples

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._levels: list[NDArray[np.float32]] = []

    def passing(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        for block in blocks:
            samples = np.concatenate((self._rest, block))
            whole = len(samples) // self.PIECE * self.PIECE
            self._rest = samples[whole:]
            self._levels.append(np.abs(samples[:whole].reshape(-1, self.PIECE)).max(axis=1))
            yield block
        if len(self._rest):
            self._levels.append(np.abs(self._rest).max(keepdims=True))

    def sounding(self) -> tuple[float, float]:
        """Return the samples between which there is sound."""
        levels = np.concatenate([np.zeros(0, np.float32), *self._levels])
        loud = np.flatnonzero(levels > _SILENCE * levels.max(initial=0))
        if not loud.size:
            return math.inf, -math.inf
        return float(loud[0] * self.PIECE), float((loud[-1] + 1) * self.PIECE)
