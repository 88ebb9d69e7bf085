"""Flux over logarithmic bands: SuperFlux and ComplexFlux, relative to the level of the sound and placed in time."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features import _kernels
from mirtool.features.bands import log_bands
from mirtool.features.enhancement import LONGEST
from mirtool.features.frames import Frames, analysis_state
from mirtool.features.parameters import FluxParameters

DECAY = 10.0  # s in which the level of a sound that has ended falls to 1/e
QUIETEST = 1e-4  # what is below this level (80 dB below a sine at full scale) counts as silence
# Harmony changes in the lower bands, hiss and sibilants in the upper ones: weights fall linearly from 3/2 to 1/2.
WEIGHTS = (1.5, 0.5)
# The centre of what is new in a window lies behind its beginning, and farther behind the softer the attack is.
ADVANCE = 0.004  # s
_FARTHEST = 10_000  # bands: more than there ever are


class LevelState:
    """Online level of a sound: the largest norm of a frame up to `ahead` frames later, falling slowly where it ends.

    L(n) = max_m e(m) · exp(-max(n - m, 0) / τ) over all frames m ≤ n + ahead, τ being ten seconds.

    Parameters
    ----------
    feature_rate : float
        Hz.
    ahead : int
        Frames by which the levels come later than the norms.
    """

    def __init__(self, feature_rate: float, ahead: int) -> None:
        self._decay = math.exp(-1 / (DECAY * feature_rate))
        self._ahead = ahead
        self._norms: NDArray[np.float64] = np.zeros(0)
        self._last = 0.0

    def push(self, norms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take norms (n,) and return the levels (m,) that are known."""
        self._norms = np.concatenate((self._norms, norms))
        level = np.empty(max(len(self._norms) - self._ahead, 0))
        self._last = _kernels.held_level(self._norms, self._ahead, self._decay, self._last, level)
        self._norms = self._norms[len(level) :]
        return level

    def flush(self) -> NDArray[np.float64]:
        """Return the remaining levels; the state is spent."""
        return self.push(np.zeros(self._ahead))


class FluxState:
    """Online SuperFlux or ComplexFlux: samples in, one curve or several (n × R) out, without post-processing.

    What rises in a frame n of the band magnitudes B is

        R(n, k) = |log(B(n, k) + c) - log(max_{|j - k| ≤ reach} B(n - lag, j) + c)|≥0

    with c = L(n) / γ, L being the level of the sound (`LevelState`): how loud a recording is does not matter. The
    maximum over neighbouring bands lets vibrato pass (Böck and Widmer, "Maximum filter vibrato suppression for onset
    detection", DAFx 2013, equations 3 and 4). Its sum Σ_k w(k) R(n, k)^(3/2), which a new partial in few bands moves
    more than a little more everywhere, is not laid to the centre of the frame but to where in it the new sound is: at
    the local group delay of the bins that rise (reassignment: Auger and Flandrin, IEEE TSP 1995). This takes away what
    long windows do to the time of an onset, and makes the peaks sharp. Before a recording there is silence, so that one
    that begins with a note begins with an onset; where it is cut off at its end, nothing begins.

    ComplexFlux multiplies R(n, k) by the smallest of |group delay| within the band, relative to half a window, the
    largest of three frames: steady partials with tremolo have almost none (Böck and Widmer, "Local group delay based
    vibrato and tremolo suppression for onset detection", ISMIR 2013, equations 6 to 8; there the largest of three
    frames is taken bin by bin, before the smallest within the band).

    Parameters
    ----------
    parameters : FluxParameters
    batch : int, optional
        Frames at a time, as for `mirtool.signal.stft.STFT`.
    tremolo : bool
        False for ComplexFlux.
    weigh : callable
        From the centres of the bands (K,), in Hz, to the weights w of each curve (R × K). By default there is one
        curve; harmony changes in the lower bands, hiss and sibilants are in the upper ones.
    listener : callable, optional
        Is given the magnitudes in the bands (n × K) as they come.

    Attributes
    ----------
    centres : ndarray, shape (K,)
        Of the bands (Hz).
    delay : int
        Frames that must follow a value before it is complete.
    """

    def __init__(
        self,
        parameters: FluxParameters,
        batch: int | None = None,
        *,
        tremolo: bool = True,
        weigh: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
        listener: Callable[[Frames], None] | None = None,
    ) -> None:
        check(parameters)
        rate = parameters.feature_rate
        self._stft = analysis_state(parameters, batch)
        filters, self.centres = log_bands(parameters)
        self._first, self._place, self._filters = _sparse(filters)
        # as many frames more that see an onset, so much less does each count
        weights = (weigh or falling)(self.centres) * (100 / rate)
        self._weights = np.ascontiguousarray(weights, dtype=np.float64)
        self._listener = listener
        self._gamma = parameters.compression
        self._lag, self._reach = max(round(parameters.lag * rate), 1), parameters.reach
        ahead = round(parameters.lookahead * rate)
        self._level = LevelState(rate, ahead)
        self._complex = not tremolo
        self._delay = parameters.window_length / (2 * math.pi) / parameters.analysis_rate * rate  # frames a radian
        self._shift = ADVANCE * rate
        self._spread = math.ceil(math.pi * self._delay + self._shift) + 1
        self.delay = max(ahead, int(self._complex)) + self._spread
        K, R = len(self.centres), len(self._weights)
        self._bands: Frames | None = None  # from `lag` frames before the next one on
        self._turns: NDArray[np.complex64] = np.zeros((0, K), np.complex64)
        self._masks: Frames = np.ones((1, K), np.float32)  # ComplexFlux: from the frame before the next one on
        self._levels: NDArray[np.float64] = np.zeros(0)
        self._curves: NDArray[np.float64] = np.zeros((self._spread, R))  # from the first value that is not complete on
        self._given = self._frame = self._samples = 0

    def push(self, samples: NDArray[np.float32]) -> list[Frames]:
        """Take samples (n,) at the analysis rate; return the values (m × R) that are complete."""
        self._samples += len(samples)
        for spectra in self._stft.push(samples):
            self._take(spectra)
        return [self._rise(min(len(self._levels), len(self._masks) - 2 if self._complex else len(self._levels)))]

    def flush(self) -> list[Frames]:
        """Return the remaining values; the state is spent."""
        for spectra in self._stft.flush():
            self._take(spectra)
        self._levels = np.concatenate((self._levels, self._level.flush()))
        if self._complex:
            self._masks = np.concatenate((self._masks, self._masks[-1:]))
        frames = self._frame + len(self._levels)
        ends = self._stft.centres(0, frames) + self._stft.bins - 1
        curves = [self._rise(len(self._levels), int(np.count_nonzero(ends > self._samples)))]
        rest = self._curves[: self._frame - self._given].copy()
        rest[-1:] += self._curves[len(rest) :].sum(axis=0)
        return [*curves, rest.astype(np.float32)]

    def _take(self, spectra: NDArray[np.complex64]) -> None:
        """Add a batch of frames to what is waiting for the level around it."""
        K = len(self.centres)
        bands, turns = np.empty((len(spectra), K), np.float32), np.empty((len(spectra), K), np.complex64)
        _kernels.band_frames(spectra, self._first, self._place, self._filters, bands, turns)
        if self._listener is not None:
            self._listener(bands)
        before = np.zeros((self._lag, K), np.float32) if self._bands is None else self._bands
        self._bands = np.concatenate((before, bands))
        self._turns = np.concatenate((self._turns, turns))
        if self._complex:
            self._masks = np.concatenate((self._masks, self._group_delays(spectra)))
        norms = np.sqrt(np.square(bands, dtype=np.float64).sum(axis=1))
        self._levels = np.concatenate((self._levels, self._level.push(norms)))

    def _rise(self, count: int, cut: int = 0) -> Frames:
        """Let the next `count` frames rise, place their values, and return what no later frame reaches.

        In the last `cut` frames, which reach beyond the end of the sound, nothing begins.
        """
        R = len(self._weights)
        if count <= 0 or self._bands is None:
            return np.zeros((0, R), np.float32)
        values, sums = np.empty((count, R)), np.empty((count, R), np.complex128)
        floor = np.maximum(self._levels[:count], QUIETEST) / self._gamma
        masks = self._masks
        if self._complex:
            masks = np.maximum(np.maximum(masks[:count], masks[1 : count + 1]), masks[2 : count + 2])
            self._masks = self._masks[count:]
        _kernels.weighted_rises(
            self._bands, self._lag, self._reach, floor, masks, self._weights, self._turns[:count], values, sums
        )
        values[max(count - cut, 0) :] = 0
        self._bands, self._turns, self._levels = self._bands[count:], self._turns[count:], self._levels[count:]
        return self._placed(values, np.angle(sums))

    def _placed(self, values: NDArray[np.float64], angles: NDArray[np.float64]) -> Frames:
        n = np.arange(self._frame, self._frame + len(values))[:, None]
        self._frame += len(values)
        missing = max(self._frame + self._spread - self._given - len(self._curves), 0)
        self._curves = np.concatenate((self._curves, np.zeros((missing, values.shape[1]))))
        _kernels.place_values(values, n + angles * self._delay - self._shift - self._given, self._curves)
        ready = max(self._frame - self._spread - self._given, 0)
        complete = self._curves[:ready].astype(np.float32)
        self._curves, self._given = self._curves[ready:], self._given + ready
        return complete

    def _group_delays(self, spectra: NDArray[np.complex64]) -> Frames:
        """Return the smallest |group delay| within each band (m × K), 1 for half a window."""
        turn = -spectra[:, :-1] * spectra[:, 1:].conj()
        delay = np.abs(np.angle(turn)) / np.float32(math.pi)
        delay = np.concatenate((delay, delay[:, -1:]), axis=1)
        ends = np.minimum(self._first + np.diff(self._place) + 1, delay.shape[1])
        begins = np.maximum(self._first - 1, 0)
        smallest = [delay[:, a:b].min(axis=1) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        return np.stack(smallest, axis=1).astype(np.float32)


def falling(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (1 × K) of a curve in which lower bands count more, by `WEIGHTS`."""
    return np.linspace(*WEIGHTS, len(centres))[None] / len(centres)


def check(parameters: FluxParameters) -> None:
    """Raise `ParameterError` where a parameter of the flux is outside its domain."""
    if not 0 < parameters.compression < math.inf:
        raise ParameterError(f"a flux needs a positive compression, not {parameters.compression:g}")
    if not 0 < parameters.lag <= LONGEST or not 0 <= parameters.reach <= _FARTHEST:
        raise ParameterError(f"no rise over {parameters.lag:g} s and {parameters.reach} bands")
    if not 0 <= parameters.lookahead <= LONGEST:
        raise ParameterError(f"the lookahead lies between 0 and {LONGEST:g} s, not at {parameters.lookahead:g} s")


def _sparse(filters: Frames) -> tuple[NDArray[np.int64], NDArray[np.int64], Frames]:
    """Return of filters (bins × K) the first bins, and where the weights of each stand among all that are not 0."""
    used = filters > 0
    first = used.argmax(axis=0)
    place = np.concatenate(([0], np.cumsum(used.sum(axis=0))))
    return first.astype(np.int64), place.astype(np.int64), np.ascontiguousarray(filters.T[used.T])
