"""What kind of music a piece is: timbre, rhythm and harmony as a few hundred numbers, found in one pass."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.features.frames import Frames, power, sample_blocks
from mirtool.retrieval.parameters import CharacterParameters
from mirtool.retrieval.similarity.harmonic_motion import motion, pitch_class_spectra
from mirtool.retrieval.similarity.levels import relative
from mirtool.retrieval.similarity.onset_patterns import AVERAGE, PulsationState, onset_coefficients, rises, tempi
from mirtool.retrieval.similarity.timbre import Gaussians, TimbreState
from mirtool.signal.filters import mel_bank
from mirtool.signal.stft import STFT, hann
from mirtool.store import Kind
from mirtool.store.entries import Layout
from mirtool.types import AudioSource

# Rate, windows and bands are part of what the numbers mean; they are no options.
RATE = 22050  # Hz
FRAME_RATE = 45.0  # Hz; the hop is a whole number of samples
WINDOW = 2048  # 93 ms
BANDS, LOW, HIGH = 40, 20.0, 11025.0
LEVEL_REACH = 4.0  # s
HARMONY_WINDOW, HARMONY_RATE = 8192, 10.0  # 0.37 s: a semitone at 80 Hz is 1.8 bins wide
MOMENT = 0.5  # s, over which pitch classes are averaged

ARRAYS = ("mean", "covariance", "rhythm", "harmony")


@dataclass(frozen=True, eq=False)
class Characters:
    """The characters of N pieces.

    Parameters
    ----------
    mean, covariance : ndarray, shapes (N, d) and (N, d, d), float32
        Of cepstra: timbre.
    rhythm, harmony : ndarray, shapes (N, r) and (N, h), float32
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    rhythm: NDArray[np.float32]
    harmony: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.mean)

    @cached_property
    def gaussians(self) -> Gaussians:
        """Timbre as normal distributions."""
        return Gaussians.of(self.mean, self.covariance)

    def __getitem__(self, places: "slice | NDArray[np.intp]") -> "Characters":
        """Return some of the pieces."""
        return Characters(*(getattr(self, name)[places] for name in ARRAYS))

    @property
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[np.float32]]) -> "Characters":
        """Make them of their arrays by name; without any there is no piece."""
        if not arrays:
            return Characters(*(np.zeros((0, *(1,) * axes), np.float32) for axes in (1, 2, 1, 1)))
        return Characters(*(arrays[name] for name in ARRAYS))

    @staticmethod
    def joined(parts: "Sequence[Characters]") -> "Characters":
        """Put pieces one after the other."""
        some = [part for part in parts if len(part)]
        return Characters.of({name: np.concatenate([getattr(part, name) for part in some]) for name in ARRAYS if some})


def character(source: AudioSource, parameters: CharacterParameters) -> Characters:
    """Describe a piece.

    Parameters
    ----------
    source : AudioSource
        Mixed to mono and resampled; read once, blockwise.
    parameters : CharacterParameters

    Returns
    -------
    Characters
        Of one piece.

    Raises
    ------
    ParameterError
        A parameter outside its domain.
    DataError
        Nothing but silence, or samples that are not finite.
    """
    check(parameters)
    timbre = TimbreState(BANDS, parameters.cepstra)
    rhythm = PulsationState(BANDS // 2, FRAME_RATE)
    harmony = _HarmonyState()

    def shares() -> Iterator[Frames]:
        for energies, heard in relative(_energies(source, harmony), round(LEVEL_REACH * FRAME_RATE)):
            timbre.push(energies[heard])
            yield energies

    for frames in rises(shares(), round(AVERAGE * FRAME_RATE)):
        rhythm.push(frames)
    mean, covariance = timbre.statistics()
    lags = tuple(max(round(lag / MOMENT), 1) for lag in parameters.lags)
    coefficients = onset_coefficients(rhythm.strengths(), parameters.rhythm_coefficients)
    return Characters(mean[None], covariance[None], coefficients[None], motion(harmony.moments(), lags)[None])


def entry_of(source: AudioSource, parameters: CharacterParameters) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a piece, as an entry of an index; raises what `character` raises."""
    return character(source, parameters).arrays


def check(parameters: CharacterParameters) -> None:
    """Raise `ParameterError` where a parameter is outside its domain."""
    if not 1 <= parameters.cepstra < BANDS:
        raise ParameterError(f"there are 1 to {BANDS - 1} cepstral coefficients, not {parameters.cepstra}")
    most = (len(tempi()), BANDS // 2)
    if len(parameters.rhythm_coefficients) != 2 or not all(map(_between, parameters.rhythm_coefficients, most)):
        raise ParameterError(
            f"the coefficients of rhythm are two numbers: 1 to {most[0]} over tempo, 1 to {most[1]} over bands"
        )
    if not parameters.lags or not all(MOMENT <= lag < math.inf for lag in parameters.lags):
        raise ParameterError(f"the lags of harmony are times of {MOMENT:g} s and more")


def _between(count: int, most: int) -> bool:
    return 1 <= count <= most


LAYOUT = Layout(Kind("characters", 1), entry_of, check=check)


def _energies(source: AudioSource, harmony: "_HarmonyState") -> Iterator[Frames]:
    """Yield the energies (n × K) of mel bands, and let harmony hear the same sound."""
    window = hann(WINDOW)
    stft = STFT(window * (2 / window.sum()), RATE / FRAME_RATE)
    bank = mel_bank(RATE, WINDOW, BANDS, LOW, HIGH)
    for samples in sample_blocks(source, RATE):
        harmony.push(samples)
        yield from (power(spectra) @ bank for spectra in stft.push(samples))
    harmony.flush()
    yield from (power(spectra) @ bank for spectra in stft.flush())


class _HarmonyState:
    """Online pitch classes as Fourier coefficients, averaged over moments."""

    def __init__(self) -> None:
        window = hann(HARMONY_WINDOW)
        self._stft = STFT(window * (2 / window.sum()), RATE / HARMONY_RATE)
        self._size = round(MOMENT * HARMONY_RATE)
        self._held: NDArray[np.complex64] = np.zeros((0, 6), np.complex64)
        self._moments: list[NDArray[np.complex64]] = []

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take samples (n,)."""
        for spectra in self._stft.push(samples):
            self._take(spectra)

    def flush(self) -> None:
        """Take the end of the sound into account."""
        for spectra in self._stft.flush():
            self._take(spectra)

    def moments(self) -> NDArray[np.complex64]:
        """Return the averages (n × 6); what is left at the end is one if there is no other."""
        found = np.concatenate((self._held[:0], *self._moments))
        return found if len(found) or not len(self._held) else self._held.mean(axis=0, keepdims=True)

    def _take(self, spectra: NDArray[np.complex64]) -> None:
        self._held = np.concatenate((self._held, pitch_class_spectra(spectra, RATE / HARMONY_WINDOW)))
        whole = len(self._held) // self._size * self._size
        self._moments.append(self._held[:whole].reshape(-1, self._size, 6).mean(axis=1))
        self._held = self._held[whole:]
