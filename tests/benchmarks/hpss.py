"""Separate tones from strokes: mirtool beside librosa, whole process, same file; then what length and windows cost.

python tests/benchmarks/hpss.py [PYTHON_WITH_LIBROSA]

Both read three minutes of stereo at 44.1 kHz (16 bits) and write two files of floats. The first call of mirtool on a
machine compiles, and is not counted.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mirtool.io import formats
from mirtool.signal._median_kernels import column_medians, row_medians
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import render
from mirtool.types import Audio

RATE, SECONDS = 44100, 180
PEER = """
import librosa, soundfile
x, rate = soundfile.read("take.wav", always_2d=True, dtype="float32")
harmonic, percussive = librosa.effects.hpss(x.T)
soundfile.write("peer_harmonic.wav", harmonic.T, rate, subtype="FLOAT")
soundfile.write("peer_percussive.wav", percussive.T, rate, subtype="FLOAT")
"""

WATCH = """
import resource, subprocess, sys, time
begin = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
wall, usage = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def make(folder: Path) -> None:
    """Write take.wav, piano left and harpsichord right with a click on every beat, and long.wav, an hour of it."""
    notes = perform(prelude(), Performance(bpm=60))
    sides = [render(notes, RATE, name, duration=SECONDS).samples[:, 0] for name in ("piano", "harpsichord")]
    samples = np.stack(sides, axis=1)
    samples[:: RATE // 2] += 0.3
    formats.write(Audio(samples, RATE), str(folder / "take.wav"), subtype="PCM_16")
    formats.write(Audio(np.tile(samples, (20, 1)), RATE), str(folder / "long.wav"), subtype="PCM_16")


def run(name: str, command: list[str], folder: Path) -> None:
    """Run a command and print what it took; from a small process, whose memory does not hide that of the command."""
    watched = [sys.executable, "-c", WATCH, *command]
    output = subprocess.run(watched, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    wall, processor, peak = (float(word) for word in output.split())
    print(f"{name}: {wall:.2f} s, {processor:.2f} s of processor, {peak / 1024:.0f} MB", flush=True)


def medians() -> None:
    """Print what a median costs by its length, over time and over frequency."""
    frames, bins = 512, 1025
    values = np.random.default_rng(0).random((frames + 510, bins + 510), dtype=np.float32)
    out = np.empty((frames, bins), np.float32)
    for length in (7, 15, 31, 61, 125, 249, 499):
        tall = np.ascontiguousarray(values[: frames + length - 1, :bins])
        wide = np.ascontiguousarray(values[:frames, : bins + length - 1])
        costs = []
        for kernel, data in ((column_medians, tall), (row_medians, wide)):
            taken = []
            for _ in range(9):
                begin = time.thread_time()
                kernel(data, length, out)
                taken.append(time.thread_time() - begin)
            costs.append(1e9 * min(taken) / out.size)
        print(f"median of {length}: {costs[0]:.1f} ns over time, {costs[1]:.1f} ns over frequency", flush=True)


def main() -> None:
    """Compare."""
    mirtool = [sys.executable, "-m", "mirtool", "separate", "take.wav", "-o", "parts/"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        subprocess.run(mirtool, cwd=folder, check=True)
        for _ in range(3):
            run("mirtool separate", mirtool, folder)
            if len(sys.argv) > 1:
                run("librosa.effects.hpss", [sys.argv[1], "-c", PEER], folder)
        run("medians four times as long", [*mirtool, "--time-median", "1.6", "--frequency-median", "1080"], folder)
        run("an hour", [*mirtool[:4], "long.wav", "-o", "parts/"], folder)
    medians()


if __name__ == "__main__":
    main()
