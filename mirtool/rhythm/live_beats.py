"""Beats in real time: the bar pointer, filtered, told within a delay that is known before.

Offline, the bar pointer is decoded from the end backwards. Here its distribution given the sound so far is carried on
frame by frame (Whiteley, Cemgil and Godsill, ISMIR 2006; state space of Krebs, Böck and Widmer, ISMIR 2015). It
tells where the last beat began, and where the next one will: so a beat can be told with a delay, and is the surer, or
before it sounds.
"""

import itertools
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames
from mirtool.rhythm.accents import STRONG, accent_state, blur_window, likely
from mirtool.rhythm.bar_pointer import BarPointerFilter, StateSpace, near_the_beat, state_space
from mirtool.rhythm.evidence import Evidence, log_likelihoods
from mirtool.rhythm.parameters import AccentParameters, BeatParameters, PulseParameters
from mirtool.rhythm.plp import LivePulse
from mirtool.signal.resampling import LiveSamples
from mirtool.types import AudioSource, Events

_MEMORY = 20.0  # s of accents by which strong ones are measured
_FAINT = 0.1  # weaker accents, as in what is nearly silent, are no measure
_EVERY = 0.25  # s between two measurements
# Neighbouring frames overlap and tell the same in part: less is learned from each than if they were independent.
_TRUST = 0.6
_PREFERRED = 130.0  # BPM
_AROUND = 0.05  # s to either side within which probability counts for one beat
_SURE = 0.3  # least probability of a beat
_GAP = 0.5  # of the time between beats: no beat follows sooner
_SILENCE = 1e-3  # of the loudest sample: -60 dB
_FORGET = 20.0  # s in which the loudest sample falls to 1/e
_PAUSE = 2.0  # s after the last sound for which beats go on


class ActivationState:
    """Online activation of beats: samples in, the probability that a beat begins at each frame out.

    As `mirtool.rhythm.accents.activation`, but strong accents are those of the last 20 seconds, and the level of the
    sound is that of what has been heard.

    Parameters
    ----------
    parameters : AccentParameters

    Attributes
    ----------
    sample_rate : int
        Of the analysis (Hz).
    latency : float
        How much sound behind the centre of a frame must be heard (s).
    """

    def __init__(self, parameters: AccentParameters) -> None:
        self._accents = accent_state(replace(parameters, lookahead=0.0), batch=1)
        rate, self.sample_rate = parameters.feature_rate, parameters.analysis_rate
        registers = len(parameters.register_weights)
        weights = np.array(parameters.register_weights, np.float32)
        self._weights = weights / weights.sum()
        self._window = blur_window(rate)
        self._blur = np.zeros((self._window.size, registers), np.float32)  # the last frames
        self._ahead = self._window.size // 2
        self._past = np.zeros((max(round(_MEMORY * rate), 1), registers), np.float32)
        self._every = max(round(_EVERY * rate), 1)
        self._frame = 0
        self._level: NDArray[np.float32] = np.full(registers, _FAINT, np.float32)
        self.latency = parameters.window_length / 2 / self.sample_rate + (self._accents.delay + self._ahead) / rate

    def push(self, samples: NDArray[np.float32]) -> list[float]:
        """Take samples (n,) at the analysis rate; return the activations of the frames that are complete."""
        return self._activations(self._accents.push(samples))

    def flush(self) -> list[float]:
        """Return the remaining activations; the state is spent."""
        silence = np.zeros((self._ahead, self._blur.shape[1]), np.float32)
        return self._activations([*self._accents.flush(), silence])

    def _activations(self, batches: list[Frames]) -> list[float]:
        found = []
        for accents in itertools.chain.from_iterable(batches):
            self._blur[:-1] = self._blur[1:]
            self._blur[-1] = accents
            if self._ahead:
                self._ahead -= 1
            else:
                found.append(self._activation(self._window @ self._blur))
        return found

    def _activation(self, accents: NDArray[np.float32]) -> float:
        size = len(self._past)
        self._past[self._frame % size] = accents
        self._frame += 1
        if self._frame < 4 * self._every or self._frame % self._every == 0:
            level = np.quantile(self._past[: min(self._frame, size)], STRONG, axis=0)
            self._level = np.maximum(level, _FAINT).astype(np.float32)
        return float(likely(self._weights @ (accents / self._level)))


def preferring(space: StateSpace) -> StateSpace:
    """Weigh each beat by how people tap: a log-normal over tempo, an octave wide, around 130 BPM (Moelants, 2002).

    Offline, the tempo of the whole is known; here nothing but this tells the level of beats from its half and double.
    """
    prior = -0.5 * np.square(np.log2(60 * space.feature_rate / space.intervals / _PREFERRED))
    kernel = space.kernel._replace(tempo_change=space.kernel.tempo_change + prior)
    return replace(space, kernel=kernel, initial=space.initial + prior)


@dataclass(frozen=True)
class Beat:
    """A beat: its place in frames, and the probability that there is one."""

    frame: float
    probability: float


class BeatState:
    """Online beats: activations in, beats out, a number of frames later or earlier.

    With p(m, i) the probability that the beat which is under way at frame n has the length τ_m and began i frames
    before, Σ_m p(m, i) is that a beat began at n - i, and Σ_m p(m, τ_m - i) that one will at n + i. Where the sum over
    a twentieth of a second around n - lag is a maximum over n, there is a beat: at the centre of gravity of that sum,
    and in the middle of the share of it that is heard as the beat.

    Parameters
    ----------
    parameters : BeatParameters
    feature_rate : float
        Hz.
    lag : int
        Frames between a beat and the frame at which it is looked for; negative: before it comes.

    Attributes
    ----------
    reach : int
        Frames to either side over which the sum goes.
    """

    def __init__(self, parameters: BeatParameters, feature_rate: float, lag: int) -> None:
        self._share, self._rate = parameters.beat_share, feature_rate
        space = preferring(state_space(parameters, feature_rate, near_the_beat(self._share)))
        self._filter = BarPointerFilter(space)
        self.reach = round(_AROUND * feature_rate)
        intervals = space.intervals
        shortest = int(intervals[0])
        self._lag = lag = min(lag, shortest - 1 - self.reach)
        self._places = np.arange(lag - self.reach, lag + self.reach + 1)
        # Farther ahead than the next beat, the one behind it is foretold at the same tempo.
        within = np.where(self._places >= 0, self._places, self._places % intervals[:, None])
        self._columns = self._filter.offsets[:, None] + within
        self._intervals = intervals.astype(np.float64)
        self._frame = -1
        self._last = -math.inf
        self._recent: deque[tuple[float, float, float]] = deque([(0.0, 0.0, 1.0)] * 3, 3)

    def push(self, activation: float) -> Beat | None:
        """Take the activation of the next frame; return a beat if one is known now."""
        evidence = Evidence(np.array([activation]), self._rate, (0.0, 0.0))
        return self._moved(_TRUST * log_likelihoods(evidence, self._share)[0])

    def flush(self) -> list[Beat]:
        """Return the remaining beats before the end; the state is spent."""
        end = self._frame
        unheard = np.zeros(2, np.float32)
        beats = [self._moved(unheard) for _ in range(max(self._lag + self.reach, 0) + 1)]
        return [beat for beat in beats if beat is not None and beat.frame <= end]

    def _moved(self, log_likelihoods: NDArray[np.float32]) -> Beat | None:
        """Move on by a frame."""
        self._frame += 1
        self._filter.push(log_likelihoods)
        probabilities = self._filter.probabilities[0, self._columns]
        total = float(probabilities.sum())
        centre = float(probabilities.sum(axis=0) @ self._places) / max(total, 1e-9)
        interval = float(probabilities.sum(axis=1) @ self._intervals) / max(total, 1e-9)
        self._recent.append((total, self._frame - centre + self._share * interval / 2, interval))
        return self._found()

    def _found(self) -> Beat | None:
        """Return the beat of the last frame but one, if the probability has a maximum there."""
        before, (total, place, interval), after = self._recent
        if total < _SURE or total < before[0] or total <= after[0] or place < self._last + _GAP * interval:
            return None
        self._last = place
        return Beat(place, min(total, 1.0))


class PulseBeatState:
    """Online beats by the predominant local pulse: activations in, beats out, as they come or before.

    Meier, Chiu and Müller, "A real-time beat tracking system with zero latency and enhanced controllability", TISMIR 7
    (2024): a beat is a maximum of the sum of the sinusoids that fit the last seconds best, carried on into the future.

    Parameters
    ----------
    parameters : BeatParameters
    feature_rate : float
        Hz.
    lookahead : int
        Frames before a beat at which it is told.
    """

    def __init__(self, parameters: BeatParameters, feature_rate: float, lookahead: int) -> None:
        slowest, fastest = parameters.range
        pulse = PulseParameters(tempo_low=slowest, tempo_high=fastest)
        self._pulse = LivePulse(pulse, feature_rate, lookahead)
        self._lookahead, self._rate = lookahead, feature_rate
        self._memory = pulse.tempo_window / 2 * feature_rate
        self._mean = 0.0
        self._frame = -1
        self._last = -math.inf

    def push(self, activation: float) -> Beat | None:
        """Take the activation of the next frame; return a beat if one is known now."""
        self._frame += 1
        self._mean += (activation - self._mean) / min(self._frame + 1, self._memory)
        passed = self._pulse.push(activation - self._mean)
        place, height = self._frame + self._lookahead, float(self._pulse.pulse[self._lookahead])
        interval = 60 * self._rate / self._pulse.tempo if self._pulse.tempo else math.inf
        if not passed or height <= 0 or place < self._last + _GAP * interval:
            return None
        self._last = place
        return Beat(place, min(height, 1.0))

    def flush(self) -> list[Beat]:
        """Return the remaining beats before the end: none."""
        return []


class _Sounding:
    """Tells whether there has been sound of late."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._loudest = 0.0
        self._silent = math.inf  # s

    def push(self, samples: NDArray[np.float32]) -> bool:
        """Take samples (n,)."""
        if len(samples):
            level = float(np.abs(samples).max())
            seconds = len(samples) / self._rate
            self._loudest = max(self._loudest * math.exp(-seconds / _FORGET), level)
            self._silent = 0.0 if level > _SILENCE * self._loudest else self._silent + seconds
        return self._silent < _PAUSE


def live_beats(
    source: AudioSource, parameters: BeatParameters, accents: AccentParameters, delay: float
) -> Iterator[Events]:
    """Track beats as they come.

    Parameters
    ----------
    source : AudioSource
        Read once, in steps of 10 ms.
    parameters : BeatParameters
    accents : AccentParameters
    delay : float
        The longest time from a beat until it is told (s).

    Returns
    -------
    iterator of Events
        Of one beat each: `time`, `beat` (0: not known), `confidence`: the probability of a beat there given the sound
        until then; for ``plp`` the height of the pulse.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Samples that are not finite.
    """
    if parameters.method not in ("hmm", "plp"):
        raise ParameterError(f"beats are told live by hmm or plp, not by {parameters.method}")
    samples = LiveSamples(source, accents.analysis_rate)
    activation = ActivationState(accents)
    rate = accents.feature_rate
    spare = math.floor((delay - samples.latency - activation.latency) * rate + 1e-9)
    beats: BeatState | PulseBeatState
    if parameters.method == "hmm":
        beats = BeatState(parameters, rate, spare - 2 - round(_AROUND * rate))
    else:
        beats = PulseBeatState(parameters, rate, max(2 - spare, 0))
    return _told(samples, activation, beats, rate)


def _told(
    samples: LiveSamples, activation: ActivationState, beats: BeatState | PulseBeatState, rate: float
) -> Iterator[Events]:
    sounding = _Sounding(activation.sample_rate)
    going_on = False
    for step in samples:
        going_on = sounding.push(step)
        for value in activation.push(step):
            beat = beats.push(value)
            if beat is not None and going_on:
                yield _event(beat, rate)
    rest = [*map(beats.push, activation.flush()), *beats.flush()]
    yield from (_event(beat, rate) for beat in rest if beat is not None and going_on)


def _event(beat: Beat, rate: float) -> Events:
    columns = {"time": max(beat.frame / rate, 0.0), "beat": 0.0, "confidence": beat.probability}
    return Events({name: np.array([value]) for name, value in columns.items()})
