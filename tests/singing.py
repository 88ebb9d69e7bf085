"""A voice that sings over chords and drums, with what it sings: for tests of melody and of separation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirtool.types import Audio

RATE = 16000
_FORMANTS = ((700, 110), (1220, 120), (2600, 160), (3300, 200))  # Hz and width: "a" (Fant, 1960)


@dataclass(frozen=True)
class Song:
    """Voice and accompaniment, with the pitch that is sung at each sample (0: nobody sings)."""

    voice: NDArray[np.float32]
    accompaniment: NDArray[np.float32]
    f0: NDArray[np.float64]

    @property
    def mixture(self) -> Audio:
        return Audio(self.voice + self.accompaniment, RATE)

    def truth(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pitch at times (s)."""
        return self.f0[np.minimum(np.round(times * RATE).astype(int), len(self.f0) - 1)]


def song(seconds: float = 6.0, seed: int = 0) -> Song:
    """Return notes of a fifth of a second and more, with vibrato and pauses, as loud as what accompanies them."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    pitch, begin = np.zeros(count), 0.3
    while begin < seconds:
        end = begin + rng.choice([0.3, 0.5, 0.9])
        pitch[round(begin * RATE) : round(end * RATE)] = rng.choice([62, 64, 65, 67, 69])
        begin = end + rng.choice([0.02, 0.02, 0.5])
    voice, f0 = _sung(pitch)
    chords = _chords(count, rng) + _drums(count, rng)
    chords *= np.sqrt(np.mean(voice**2) / np.mean(chords**2))
    return Song(voice.astype(np.float32), chords.astype(np.float32), f0)


def _sung(pitch: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sing pitches (MIDI, 0 for a pause; one a sample), gliding from one to the next, with vibrato."""
    count = len(pitch)
    sings = pitch > 0
    last = np.maximum.accumulate(np.where(sings, np.arange(count), 0))
    held = np.where(pitch[last] > 0, pitch[last], pitch[sings][0])
    glide = np.hanning(round(0.06 * RATE))
    held = np.convolve(np.pad(held, len(glide) // 2, mode="edge"), glide / glide.sum(), mode="same")
    held = held[len(glide) // 2 :][:count]
    f0 = 440 * 2 ** ((held + 0.4 * np.sin(2 * np.pi * 5.5 * np.arange(count) / RATE) - 69) / 12)
    phase = np.cumsum(f0) / RATE
    tone = np.zeros(count)
    for k in range(1, 30):
        frequency = k * f0
        level = sum(1 / (1 + ((frequency - centre) / width) ** 2) for centre, width in _FORMANTS) / k**0.5
        tone += np.where(frequency < 0.45 * RATE, level, 0) * np.sin(2 * np.pi * k * phase)
    envelope = np.convolve(sings, np.hanning(321) / np.hanning(321).sum(), mode="same")
    return 0.2 * tone * envelope, np.where(sings, f0, 0)


def _chords(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Play a chord a second on keys that ring."""
    sound = np.zeros(count)
    for begin in range(0, count, RATE):
        t = np.arange(min(RATE, count - begin)) / RATE
        root = rng.choice([36, 41, 43, 45])
        for note in (root, root + 12, root + 19, root + 24, root + 28):
            f = 440 * 2 ** ((note - 69) / 12)
            tone = sum(np.sin(2 * np.pi * f * k * t + rng.uniform(0, 6)) / k**1.5 for k in range(1, 9))
            sound[begin : begin + len(t)] += tone * np.exp(-1.5 * t) * np.minimum(t * 200, 1)
    return sound


def _drums(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Strike something without pitch twice a second."""
    sound = np.zeros(count)
    for begin in range(0, count, RATE // 2):
        t = np.arange(min(RATE // 4, count - begin)) / RATE
        sound[begin : begin + len(t)] += 4 * rng.normal(size=len(t)) * np.exp(-40 * t)
    return sound
