"""Metre: where the bars begin, given the beats.

Harmony, and the bass first of all, changes at the beginning of a bar rather than within it, and the bass drum strikes
there: Goto, "An audio-based real-time beat tracking system for music with or without drum-sounds", JNMR 30 (2001);
Davies and Plumbley, "A spectral difference approach to downbeat extraction in musical audio", EUSIPCO 2006.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, compress
from mirtool.features.pitch import checked_times, note_frames
from mirtool.pitch import frequency_pitch, pitch_frequency
from mirtool.rhythm.bar_pointer import Observation, state_space, viterbi
from mirtool.rhythm.parameters import BarPointerParameters, MetreParameters
from mirtool.types import Features, Notes

POOL = 10  # frames of bands in one frame of harmony
_HARMONY = (100.0, 2500.0)  # Hz
_BASS = (40.0, 250.0)  # Hz
_COMPRESSION = 1e3  # γ of log(1 + γ v)
_ENVELOPE = 5  # bands to either side whose average is taken as the envelope of the spectrum
_BATCH = 512  # beats whose spectra are summed up at a time
_ATTACK = 0.02  # s after a beat that still belong to the strike, not to what sounds

# Of the change against the two beats before, against the last beat, and of the bass; and of the accent of the bass.
_WEIGHTS = (1.0, 0.5, 0.5, 0.5)


class HarmonyState:
    """Online harmony: magnitudes in bands (n × K) in, compressed averages over `POOL` of them (m × H) out.

    Parameters
    ----------
    centres : ndarray, shape (K,)
        Of the bands (Hz).

    Attributes
    ----------
    centres : ndarray, shape (H,)
        Of the bands that are kept: the ranges of harmony and bass.
    """

    def __init__(self, centres: NDArray[np.float64]) -> None:
        self._kept = slice(*np.searchsorted(centres, (_BASS[0], _HARMONY[1])).tolist())
        self.centres = centres[self._kept]
        self._rest: Frames = np.zeros((0, self.centres.size), np.float32)

    def push(self, bands: Frames) -> NDArray[np.float16]:
        """Take frames of bands (n × K) and return the averages (m × H) that are complete."""
        frames = np.concatenate((self._rest, compress(bands[:, self._kept], _COMPRESSION)))
        whole = len(frames) // POOL * POOL
        self._rest = frames[whole:]
        averages = frames[:whole].reshape(whole // POOL, POOL, self.centres.size).mean(axis=1)
        return np.asarray(averages, dtype=np.float16)


@dataclass(frozen=True, eq=False)
class Harmony:
    """What sounds over time: shape (M, H) and the centres of its bands (Hz), shape (H,); `rate` frames a second."""

    levels: NDArray[np.float16]
    centres: NDArray[np.float64]
    rate: float


def note_harmony(notes: Notes, rate: float) -> Harmony:
    """Return the harmony of notes: the velocities of those that sound, a band a pitch."""
    onset, offset = checked_times(notes)
    pitches = np.arange(math.ceil(frequency_pitch(_BASS[0])), math.floor(frequency_pitch(_HARMONY[1])) + 1)
    M = note_frames(notes, rate)
    change = np.zeros((M + 1, pitches.size))
    band = np.rint(notes["pitch"]).astype(np.int64) - int(pitches[0])
    kept = (band >= 0) & (band < pitches.size)
    for times, sign in ((onset, 1), (offset, -1)):
        frame = np.clip(np.rint(times[kept] * rate).astype(np.int64), 0, M)
        np.add.at(change, (frame, band[kept]), sign * notes["velocity"][kept] / 127)
    return Harmony(np.cumsum(change, axis=0)[:-1].astype(np.float16), pitch_frequency(pitches), rate)


def downbeat_evidence(times: NDArray[np.float64], accents: Features, harmony: Harmony) -> NDArray[np.float64]:
    """Tell how much speaks for the beginning of a bar at each beat.

    Parameters
    ----------
    times : ndarray, shape (K,)
        Beats (s), increasing.
    accents : Features
        The lowest register comes first.
    harmony : Harmony

    Returns
    -------
    ndarray, shape (K,)
        A log-likelihood ratio, 0 on average.
    """
    if len(times) < 3:
        return np.zeros(len(times))
    spectra = _between(times, harmony)
    bass = (harmony.centres >= _BASS[0]) & (harmony.centres < _BASS[1])
    chords = _without_envelope(spectra[:, harmony.centres >= _HARMONY[0]])
    low = spectra[:, bass]
    low -= low.sum(axis=1, keepdims=True) / max(low.shape[1], 1)  # the lowest band may lie above the bass
    kinds = (_change(chords, 2), _change(chords, 1), _change(low, 1), _strength(times, accents))
    standard = [(kind - kind.mean()) / (kind.std() or 1.0) for kind in kinds]
    evidence: NDArray[np.float64] = np.tensordot(_WEIGHTS, standard, axes=1)
    return evidence


def _between(times: NDArray[np.float64], harmony: Harmony) -> Frames:
    """Return the average spectrum between each beat and the next, shape (K, H)."""
    # Frame m covers the time from m / rate - half a frame of bands on; the sum up to any time is interpolated.
    begin = times + _ATTACK
    end = np.append(times[1:], 2 * times[-1] - times[-2]) - _ATTACK
    M = len(harmony.levels)
    place = np.clip(np.stack((begin, np.maximum(end, begin + 1 / harmony.rate))) * harmony.rate, 0, M)
    spectra = np.zeros((len(times), harmony.centres.size), np.float32)
    for first in range(0, len(times), _BATCH):
        some = place[:, first : first + _BATCH]
        low = max(min(int(some.min()), M - 1), 0)
        levels = harmony.levels[low : math.ceil(some.max()) + 1]
        total = np.concatenate((np.zeros((1, harmony.centres.size)), np.cumsum(levels, axis=0, dtype=np.float64)))
        at = np.minimum((some - low).astype(np.int64), len(total) - 2)
        sums = total[at] + (some - low - at)[:, :, None] * (total[at + 1] - total[at])
        spectra[first : first + _BATCH] = (sums[1] - sums[0]) / np.maximum(some[1] - some[0], 1e-9)[:, None]
    return spectra


def _without_envelope(spectra: Frames) -> Frames:
    """Subtract the average over the neighbouring bands: what is left are partials."""
    width = 2 * _ENVELOPE + 1
    partials = np.empty(spectra.shape, np.float32)
    if not partials.size:
        return partials
    for first in range(0, len(spectra), _BATCH):
        some = spectra[first : first + _BATCH]
        padded = np.pad(some, ((0, 0), (_ENVELOPE + 1, _ENVELOPE)), mode="edge")
        total = np.cumsum(padded, axis=1, dtype=np.float64)
        partials[first : first + _BATCH] = some - (total[:, width:] - total[:, :-width]) / width
    return partials


def _change(spectra: Frames, reach: int) -> NDArray[np.float64]:
    """Return one less the cosine of the angle between what sounds in the beats before and after each beat."""
    K = len(spectra)
    change = np.zeros(K)
    for first in range(0, K, _BATCH):
        low = max(first - reach, 0)
        some = spectra[low : first + _BATCH + reach]
        total = np.concatenate((np.zeros((1, some.shape[1])), np.cumsum(some, axis=0, dtype=np.float64)))
        k = np.arange(first, min(first + _BATCH, K)) - low
        before = total[k] - total[np.maximum(k - reach, 0)]
        after = total[np.minimum(k + reach, len(some))] - total[k]
        length = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        cosine = np.divide((before * after).sum(axis=1), length, out=np.ones(len(k)), where=length > 1e-12)
        change[first : first + _BATCH] = 1 - cosine
    change[0] = change[1:].mean()  # of what was before the first beat nothing is known
    return change


def _strength(times: NDArray[np.float64], accents: Features) -> NDArray[np.float64]:
    """Return the largest accent of the lowest register within 50 ms of each beat."""
    rate = accents.feature_rate or 0.0
    low = accents.data[0]
    if not low.size:
        return np.zeros(len(times))
    reach = round(0.05 * rate)
    frames = np.round((times - accents.start) * rate).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    strongest: NDArray[np.float64] = low[np.clip(frames, 0, low.size - 1)].max(axis=1).astype(np.float64)
    return strongest


def bars(evidence: ArrayLike, parameters: MetreParameters, fixed: Mapping[int, int] | None = None) -> NDArray[np.int64]:
    """Find the most probable position in its bar of each beat.

    Parameters
    ----------
    evidence : array_like, shape (K,)
        For a downbeat at each beat: a log-likelihood ratio.
    parameters : MetreParameters
    fixed : mapping of int to int, optional
        Numbers of beats (from 0) whose position in the bar is known.

    Returns
    -------
    ndarray, shape (K,), int64
        From 1, the downbeat.

    Raises
    ------
    ParameterError
        A bar of fewer than two beats; fixed positions that no bars lead through.
    """
    # A bar pointer that moves on by one beat a frame: one tempo, and beats without an inside.
    ratio = np.asarray(evidence, dtype=np.float64)
    one = BarPointerParameters(range=(60.0, 60.0), bar_change=parameters.bar_change)
    space = state_space(one, 1.0, Observation((0.0,), ((1,), (0,))), _kinds(parameters.beats_per_bar))
    path = viterbi(np.stack((np.zeros_like(ratio), ratio), axis=1), space, fixed)
    return path.beats[path.frames >= 0]


def _kinds(beats_per_bar: Sequence[int]) -> tuple[int, ...]:
    if not beats_per_bar or min(beats_per_bar) < 2:
        raise ParameterError("a bar has at least two beats")
    return tuple(beats_per_bar)
