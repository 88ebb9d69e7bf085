"""Instruments made of sums of partials, computed and deterministic: no samples, no sound fonts.

Each turns frequency, velocity and duration into the samples of one note. A chord of ten notes at velocity 127 stays
below full scale; clicks and drums, which seldom sound together, are three and four times as loud.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import ParameterError
from mirtool.pitch import frequency_pitch

Samples = NDArray[np.float32]

LEVEL = 0.1  # amplitude of a note at velocity 127
_ROWS = 8  # of a matrix product: so few that BLAS does not spread them over threads, which costs more than it saves


class Instrument(Protocol):
    """What can play a note."""

    def seconds(self, duration: float) -> float:
        """Return how long a note of `duration` seconds sounds, release included (s)."""
        ...

    def tone(self, frequency: float, velocity: float, duration: float, sample_rate: int) -> Samples:
        """Return one note.

        Parameters
        ----------
        frequency : float
            Fundamental (Hz).
        velocity : float
            0 to 127.
        duration : float
            From key down to key up (s).
        sample_rate : int
            Hz.

        Returns
        -------
        ndarray of float32, shape (round(seconds(duration) · sample_rate),)
        """
        ...


@dataclass(frozen=True)
class Struck:
    """Strings that are struck or plucked once: inharmonic partials that die away, and a damper.

    Partial k lies at k · f0 · √(1 + B k²) (Fletcher & Rossing, The Physics of Musical Instruments, 2nd ed., eq. 12.4).
    Each is a pair of slightly detuned strings, whose sum decays fast first and slowly later.

    Parameters
    ----------
    partials : int
    inharmonicity : float
        B at middle C; it doubles every octave.
    brightness : float
        Amplitudes fall as k^-(1/brightness); lower velocities sound darker.
    strike : float
        Where along the string it is struck (0 to 0.5): partials with a node there are missing.
    decay : float
        Time in which the fundamental of middle C falls by 60 dB (s); half of it two octaves higher.
    attack, release : float
        Rise time and time constant of the damper (s).
    """

    partials: int = 16
    inharmonicity: float = 3e-4
    brightness: float = 0.8
    strike: float = 1 / 8
    decay: float = 7.0
    attack: float = 0.002
    release: float = 0.05

    def seconds(self, duration: float) -> float:
        return duration + 7 * self.release

    def tone(self, frequency: float, velocity: float, duration: float, sample_rate: int) -> Samples:
        octaves = np.log2(frequency / 261.63)
        k = np.arange(1, self.partials + 1)
        f = k * frequency * np.sqrt(1 + self.inharmonicity * 2.0**octaves * k**2)
        k, f = k[f < 0.45 * sample_rate], f[f < 0.45 * sample_rate]
        slope = (1.6 - 0.6 * velocity / 127) / self.brightness
        amplitude = np.abs(np.sin(np.pi * k * self.strike)) * k**-slope
        amplitude *= _gain(velocity) / max(amplitude.sum(), 1e-9)
        rate = np.log(1000) / self.decay * 2.0 ** (octaves / 2) * (0.7 + 0.3 * k)
        pair = np.concatenate((f, f * 2 ** (0.6 / 1200)))
        rates = np.concatenate((rate, rate / 4))
        amplitudes = np.concatenate((0.8 * amplitude, 0.2 * amplitude))
        samples = _decaying(pair, rates, amplitudes, round(self.seconds(duration) * sample_rate), sample_rate)
        return _shaped(samples, self.attack, duration, self.release, sample_rate)


@dataclass(frozen=True)
class Sustained:
    """Strings that are bowed, or pipes: harmonic partials that sound as long as the note is held.

    Parameters
    ----------
    amplitudes : tuple of float
        Of the partials 1, 2, …
    vibrato : float
        Depth (cents); it sets in after a third of a second.
    vibrato_rate : float
        Hz.
    attack, release : float
        Rise time and time constant of the fall (s).
    """

    amplitudes: tuple[float, ...] = tuple(1 / k for k in range(1, 17))
    vibrato: float = 15.0
    vibrato_rate: float = 5.5
    attack: float = 0.06
    release: float = 0.06

    def seconds(self, duration: float) -> float:
        return duration + 7 * self.release

    def tone(self, frequency: float, velocity: float, duration: float, sample_rate: int) -> Samples:
        n = round(self.seconds(duration) * sample_rate)
        kept = [a for k, a in enumerate(self.amplitudes, 1) if k * frequency < 0.45 * sample_rate]
        t = np.arange(n) / sample_rate
        phase = frequency * t
        if self.vibrato:
            # frequency deviation d·cos(2πrt), faded in; its integral is d/(2πr)·sin(2πrt) for a slow fade
            deviation = frequency * (2 ** (self.vibrato / 1200) - 1)
            depth = deviation / (2 * np.pi * self.vibrato_rate) * np.clip(3 * t - 0.5, 0, 1)
            phase += depth * np.sin(2 * np.pi * self.vibrato_rate * t)
        samples = _wave(phase, np.asarray(kept), _gain(velocity) / sum(self.amplitudes))
        return _shaped(samples, self.attack, duration, self.release, sample_rate)


@dataclass(frozen=True)
class Click:
    """A short, sharp click of the given pitch, however long the note; its first sample is its loudest.

    Parameters
    ----------
    decay : float
        Time constant (s).
    """

    decay: float = 0.006

    def seconds(self, duration: float) -> float:
        return 8 * self.decay

    def tone(self, frequency: float, velocity: float, duration: float, sample_rate: int) -> Samples:
        n = round(self.seconds(duration) * sample_rate)
        one = np.ones(1)
        return _decaying(frequency * one, one / self.decay, 4 * _gain(velocity) * one, n, sample_rate, np.pi / 2)


@dataclass(frozen=True)
class Drums:
    """A small drum kit on the pitches of General MIDI: kick (35, 36), snare (37 to 40) and cymbals (all others)."""

    def seconds(self, duration: float) -> float:
        return 0.3

    def tone(self, frequency: float, velocity: float, duration: float, sample_rate: int) -> Samples:
        pitch = round(float(frequency_pitch(frequency)))
        n = round(self.seconds(duration) * sample_rate)
        t = np.arange(n) / sample_rate
        noise = np.random.default_rng(pitch).uniform(-1, 1, n)
        if pitch <= 36:
            samples = np.sin(2 * np.pi * (50 * t + 2.5 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.08)
        elif pitch <= 40:
            samples = 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.04) + 0.5 * noise * np.exp(-t / 0.06)
        else:
            samples = np.diff(np.diff(noise, prepend=0.0), prepend=0.0) / 4 * np.exp(-t / 0.03)
        fade = np.minimum(1, (n - np.arange(n)) / (0.01 * sample_rate))
        return (3 * _gain(velocity) * samples * fade).astype(np.float32)


INSTRUMENTS: dict[str, Instrument] = {
    "piano": Struck(),
    "harpsichord": Struck(partials=24, inharmonicity=5e-5, brightness=2.0, strike=0.14, decay=4.0, release=0.03),
    "organ": Sustained((1.0, 0.7, 0.25, 0.4, 0.05, 0.15, 0.03, 0.2), vibrato=0.0, attack=0.02, release=0.04),
    "strings": Sustained(),
    "click": Click(),
    "drums": Drums(),
}


def instrument(name: str) -> Instrument:
    """Return an instrument by its name; a `ParameterError` lists those there are."""
    if name not in INSTRUMENTS:
        raise ParameterError(f"no instrument {name!r} (there are: {', '.join(INSTRUMENTS)})")
    return INSTRUMENTS[name]


def _gain(velocity: float) -> float:
    """Return the amplitude for a velocity: 40 dB between 13 and 127."""
    return float(LEVEL * (velocity / 127) ** 2)


def _decaying(
    frequencies: NDArray[np.float64],
    rates: NDArray[np.float64],
    amplitudes: NDArray[np.float64],
    n: int,
    sample_rate: int,
    phase: float = 0.0,
) -> Samples:
    """Return the sum of decaying sines a·e^(−rt)·sin(2πft + phase), n samples.

    With t = (block · B + k)/sample_rate each sine is a product of a function of `block` and one of k, and the sum over
    the partials a matrix product: n · partials multiplications by BLAS instead of as many sines.
    """
    size = max(int(np.sqrt(n)), 1)
    z = (2j * np.pi * frequencies - rates) / sample_rate
    inner = np.exp(z[:, None] * np.arange(size))
    starts = np.arange(0, n, size)
    starts = np.append(starts, np.repeat(n, -len(starts) % _ROWS))
    outer = amplitudes * np.exp(starts[:, None] * z + 1j * (phase - np.pi / 2))
    left = np.concatenate((outer.real, -outer.imag), axis=1).astype(np.float32)
    right = np.concatenate((inner.real, inner.imag), axis=0).astype(np.float32)
    products = left.reshape(len(left) // _ROWS, _ROWS, left.shape[1]) @ right
    return np.asarray(products.reshape(-1)[:n], dtype=np.float32)


def _wave(phase: NDArray[np.float64], amplitudes: NDArray[np.float64], gain: float, size: int = 8192) -> Samples:
    """Return harmonic partials Σ a_k sin(2πk·phase): one period is tabulated and read with linear interpolation."""
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(amplitudes) + 1] = -0.5j * size * gain * amplitudes
    table = np.fft.irfft(spectrum, size)
    table = np.append(table, table[0]).astype(np.float32)
    position = (phase % 1.0) * size
    index = position.astype(np.int32)
    fraction = (position - index).astype(np.float32)
    low = table[index]
    return np.asarray(low + fraction * (table[index + 1] - low), dtype=np.float32)


def _shaped(samples: Samples, attack: float, duration: float, release: float, sample_rate: int) -> Samples:
    """Give a note (changed in place) its attack (raised cosine) and, after `duration`, its release down to 0."""
    rise = min(round(attack * sample_rate), len(samples))
    samples[:rise] *= _half_cosine(rise)
    held = min(round(duration * sample_rate), len(samples))
    t = np.arange(len(samples) - held) / sample_rate
    if len(t):
        end = np.exp(-(t[-1] + 1 / sample_rate) / release)
        samples[held:] *= ((np.exp(-t / release) - end) / (1 - end)).astype(np.float32)
    return samples


def _half_cosine(n: int) -> Samples:
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))).astype(np.float32)
