"""Strokes of many drum kits, computed: what kicks, snares, hihats, toms and cymbals share, and where they differ.

Their spectra and decays were set beside those of the kits of FluidR3 (MIT licence). They are not made to be listened
to; what is learned from them is found again in recordings.
"""

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.pitch import pitch_frequency

Samples = NDArray[np.float64]
Stroke = Callable[["Clock"], Samples]


class Clock:
    """The time since a stroke, and noise of its own.

    Parameters
    ----------
    seconds : float
    sample_rate : int
    seed : int

    Attributes
    ----------
    t : ndarray, shape (n,)
        Seconds.
    """

    def __init__(self, seconds: float, sample_rate: int, seed: int) -> None:
        self.t = np.arange(max(round(seconds * sample_rate), 2)) / sample_rate
        self._random = np.random.default_rng(seed)
        self._frequencies = np.maximum(np.fft.rfftfreq(len(self.t), 1 / sample_rate), 1.0)

    def decay(self, seconds: float) -> Samples:
        """Return e^(-t/τ)."""
        return np.exp(-self.t / seconds)

    def noise(self, low: float, high: float, level: float, tilt: float = 0.0) -> Samples:
        """Return noise between two frequencies (12 dB an octave beyond them).

        Parameters
        ----------
        low, high : float
            Hz.
        level : float
            Root mean square (dB).
        tilt : float
            dB an octave.
        """
        f = self._frequencies
        gain = (f / 1000) ** (tilt / 6.02) / np.sqrt((1 + (low / f) ** 4) * (1 + (f / high) ** 4))
        samples = np.fft.irfft(np.fft.rfft(self._random.standard_normal(len(self.t))) * gain, len(self.t))
        return np.asarray(_factor(level) * samples / np.sqrt(np.mean(samples**2)))

    def sweep(self, frequency: float, first: float, seconds: float) -> Samples:
        """Return a sine whose frequency falls from `first` times to `frequency` (Hz) with a time constant."""
        turns = frequency * (self.t + (first - 1) * seconds * (1 - self.decay(seconds)))
        return np.sin(2 * np.pi * turns)

    def metal(self, low: float, high: float, modes: int) -> Samples:
        """Return sines at random frequencies (Hz)."""
        frequencies = self._random.uniform(low, high, modes)
        phases = self._random.uniform(0, 2 * np.pi, modes)
        angles = 2 * np.pi * np.outer(frequencies, self.t) + phases[:, None]
        return np.asarray(np.sin(angles).sum(axis=0) / np.sqrt(modes / 2))


def kick(clock: Clock, pitch: float, ring: float, beater: float) -> Samples:
    """Return a skin that gives way, and the beater on it (level in dB)."""
    skin = clock.sweep(pitch, 3.0, 0.02) * clock.decay(ring)
    thud = clock.noise(80, 1000, beater - 2, -3) * clock.decay(0.06)
    return skin + thud + clock.noise(1500, 5000, beater, -1.5) * clock.decay(0.03)


def snare(clock: Clock, pitch: float, wires: float, rattle: float) -> Samples:
    """Return two modes of the skin, and the wires (level in dB) under it."""
    skin = clock.sweep(pitch, 1.3, 0.01) + 0.7 * clock.sweep(1.62 * pitch, 1.0, 1.0)
    skin += 0.4 * clock.sweep(2.4 * pitch, 1.0, 1.0) * clock.decay(0.02)
    return skin * clock.decay(0.05) + clock.noise(300, 7500, wires, -1) * clock.decay(rattle)


def hihat(clock: Clock, low: float, ring: float) -> Samples:
    """Return hiss above `low` (Hz) that opens for some milliseconds, and the stick."""
    hiss = clock.noise(low, 14000, 0, -1) + clock.noise(900, 9000, -7)
    stick = clock.noise(150, 2000, -14, -1) * clock.decay(0.03)
    return hiss * clock.decay(ring) * (1 - 0.4 * clock.decay(0.01)) + stick


def tom(clock: Clock, pitch: float, ring: float) -> Samples:
    """Return a skin with its second mode, and the stick."""
    skin = clock.sweep(pitch, 1.4, 0.05) * clock.decay(ring)
    skin += 0.35 * clock.sweep(1.6 * pitch, 1.0, 1.0) * clock.decay(ring / 3)
    return skin + clock.noise(300, 6000, -14, -1.5) * clock.decay(0.05)


def crash(clock: Clock, low: float, ring: float) -> Samples:
    """Return noise above `low` (Hz) that swells first, and the stick."""
    wash = clock.noise(low, 10000, 0, -0.5) * (1 - 0.7 * clock.decay(0.03)) * clock.decay(ring)
    return wash + clock.noise(300, 8000, -3, -2) * clock.decay(0.06)


def ride(clock: Clock, ping: float, wash: float) -> Samples:
    """Return modes around `ping` (Hz), the wash (level in dB) that stays, and the stick."""
    modes = clock.metal(0.6 * ping, 2.2 * ping, 20) * (0.6 * clock.decay(0.05) + 0.4 * clock.decay(0.4))
    return modes + clock.noise(800, 12000, wash) * clock.decay(0.3) + clock.noise(1000, 14000, -6) * clock.decay(0.03)


def rim(clock: Clock, pitch: float) -> Samples:
    """Return the click of a stick across the rim."""
    click = clock.sweep(pitch, 1.0, 1.0) + 0.3 * clock.sweep(0.3 * pitch, 1.0, 1.0)
    click = click * clock.decay(0.03) + 0.6 * clock.sweep(2.7 * pitch, 1.0, 1.0) * clock.decay(0.02)
    return click + clock.noise(800, 7000, -4, -1) * clock.decay(0.03)


def tone(clock: Clock, pitch: float, ring: float) -> Samples:
    """Return the partials of a note, which is no drum but sounds along."""
    partials = sum(clock.sweep(h * pitch, 1.0, 1.0) / h * clock.decay(ring / (1 + 0.15 * h)) for h in range(1, 13))
    return np.asarray(partials * (1 - clock.decay(0.004)))


def _all(stroke: Callable[..., Samples], **ranges: tuple[float, ...]) -> tuple[Stroke, ...]:
    """Return a stroke with every combination of its parameters."""
    return tuple(partial(stroke, **dict(zip(ranges, values, strict=True))) for values in product(*ranges.values()))


# What a drum, or a note beside it, may sound like: groups of strokes that are alike.
SOUNDS: dict[str, tuple[tuple[Stroke, ...], ...]] = {
    "kick": (
        _all(kick, pitch=(42.0, 50.0), ring=(0.04, 0.08, 0.16), beater=(-22.0, -14.0, -8.0)),
        _all(kick, pitch=(60.0, 72.0), ring=(0.04, 0.08, 0.16), beater=(-22.0, -14.0, -8.0)),
        # With a soft beater, so that a hihat struck together with a kick is not taken for its beater.
        _all(kick, pitch=(42.0, 50.0, 60.0, 72.0), ring=(0.04, 0.08, 0.16), beater=(-40.0, -28.0)),
    ),
    "snare": tuple(
        _all(snare, pitch=(150.0, 180.0, 215.0), wires=(-8.0, -2.0, 4.0), rattle=rattle)
        for rattle in ((0.03, 0.06), (0.12,))
    ),
    "hihat": tuple(_all(hihat, low=(3500.0, 6000.0, 8500.0), ring=ring) for ring in ((0.02, 0.05), (0.12, 0.35))),
    "tom": tuple(_all(tom, pitch=pitches, ring=(0.1, 0.25)) for pitches in ((75.0, 95.0), (120.0, 150.0, 190.0))),
    "crash": (_all(crash, low=(600.0, 1500.0, 3000.0), ring=(0.3, 0.8)),),
    "ride": (_all(ride, ping=(2500.0, 3500.0, 5000.0), wash=(-8.0, 0.0)),),
    "rim": (_all(rim, pitch=(1200.0, 1700.0, 2300.0)),),
    "tone": tuple(
        _all(tone, pitch=tuple(pitch_frequency(np.arange(low, low + 5)).tolist()), ring=(0.3, 1.0))
        for low in range(60, 90, 5)
    ),
}


def strokes(drum: str, sample_rate: int, seconds: float, lead: float = 0.0) -> list[list[NDArray[np.float32]]]:
    """Return the sounds of a drum.

    Parameters
    ----------
    drum : str
        A key of `SOUNDS`.
    sample_rate : int
        Hz.
    seconds : float
        Length of each.
    lead : float
        Silence before the stroke, of `seconds` (s).

    Returns
    -------
    list of list of ndarray, shape (round(seconds · sample_rate),)
        Strokes that are alike stand in one list.

    Raises
    ------
    ParameterError
        There is no such drum.
    """
    if drum not in SOUNDS:
        raise ParameterError(f"no drum {drum!r} (there are: {', '.join(SOUNDS)})")
    silence = np.zeros(round(lead * sample_rate))
    length = max(round(seconds * sample_rate), len(silence) + 2)
    found: list[list[NDArray[np.float32]]] = []
    seed = 0
    for group in SOUNDS[drum]:
        found.append([])
        for stroke in group:
            clock = Clock((length - len(silence)) / sample_rate, sample_rate, seed)
            found[-1].append(np.concatenate((silence, stroke(clock))).astype(np.float32))
            seed += 1
    return found


def _factor(level: float) -> float:
    return float(10 ** (level / 20))
