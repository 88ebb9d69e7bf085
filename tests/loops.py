"""A drum loop with the truth about it, synthesised: other sounds than those that templates are made of."""

import numpy as np
from numpy.typing import NDArray

RATE = 44100
PATTERN = {"kick": (0, 6, 8), "snare": (4, 12), "hihat": (0, 2, 4, 6, 8, 10, 12, 14)}  # sixteenths of a bar


def stroke(drum: str, seed: int = 0) -> NDArray[np.float64]:
    """Return a stroke of 0.3 s."""
    t = np.arange(round(0.3 * RATE)) / RATE
    noise = np.random.default_rng(seed).uniform(-1, 1, len(t))
    if drum == "kick":
        return np.sin(2 * np.pi * (52 * t + 2.0 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.08)
    if drum == "snare":
        wires = np.convolve(noise, np.ones(4) / 4, "same")  # falls off above some kilohertz
        return 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.04) + wires * np.exp(-t / 0.06)
    return np.diff(np.diff(noise, prepend=0.0), prepend=0.0) / 4 * np.exp(-t / 0.03)


def loop(bars: int = 2, sixteenth: float = 0.125) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float64]]]:
    """Return the sound of the loop, and when each drum is struck (s)."""
    begins = {
        drum: np.array([0.2 + (16 * bar + place) * sixteenth for bar in range(bars) for place in places])
        for drum, places in PATTERN.items()
    }
    stems = stems_of(begins, round((0.6 + 16 * bars * sixteenth) * RATE))
    return sum(stems.values()).astype(np.float32), begins


def stems_of(begins: dict[str, NDArray[np.float64]], length: int) -> dict[str, NDArray[np.float64]]:
    """Return the sound of each drum, of strokes at the given times (s)."""
    stems = {}
    for drum, times in begins.items():
        stems[drum] = np.zeros(length)
        for seed, time in enumerate(times):
            at = round(time * RATE)
            sound = stroke(drum, seed)[: length - at]
            stems[drum][at : at + len(sound)] += sound
    return stems
