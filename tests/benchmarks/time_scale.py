"""Stretch three minutes of stereo music by 1.25: mirtool beside libtsm, whole process, same file.

python tests/benchmarks/time_scale.py [PYTHON_WITH_LIBTSM]
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mirtool.io import formats
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import render
from mirtool.types import Audio

RATE, SECONDS, FACTOR = 44100, 180, 1.25
PEER = f"""
import libtsm, soundfile
x, rate = soundfile.read("take.wav", always_2d=True)
soundfile.write("peer.wav", libtsm.hps_tsm(x, {FACTOR}, Fs=rate), rate, subtype="FLOAT")
"""


def make(folder: Path) -> None:
    """Write take.wav, piano left and harpsichord right with a click on every beat, and path.csv."""
    notes = perform(prelude(), Performance(bpm=60))
    sides = [render(notes, RATE, name, duration=SECONDS).samples[:, 0] for name in ("piano", "harpsichord")]
    samples = np.stack(sides, axis=1)
    samples[:: RATE // 2] += 0.3
    formats.write(Audio(samples, RATE), str(folder / "take.wav"), subtype="PCM_16")
    (folder / "path.csv").write_text(f"time_a,time_b\n0,0\n{SECONDS},{SECONDS * FACTOR}\n")


def run(name: str, command: list[str], folder: Path) -> None:
    """Run a command three times and print the fastest."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True)
        taken.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{name}: {min(taken):.2f} s, peak so far {peak:.0f} MB", flush=True)


def main() -> None:
    """Compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        for method in ("hps", "pv", "wsola"):
            command = ["mirtool", "warp", "path.csv", "take.wav", "-o", "ours.wav", "--tsm", method]
            run(f"mirtool warp --tsm {method}", [sys.executable, "-m", *command], folder)
        if len(sys.argv) > 1:
            run("libtsm.hps_tsm", [sys.argv[1], "-c", PEER], folder)


if __name__ == "__main__":
    main()
