"""Decoding to mono at 22.05 kHz, whole call: mirtool beside librosa.load, and the decoder alone as the floor.

Ten minutes of stereo at 44.1 kHz, synthesised. Each measurement runs in a process of its own, after a call on one
second that loads what is needed; the clock holds opening, decoding, averaging and resampling (librosa: soxr_hq). Memory
is the growth of the peak. Run from the root of the project, in an environment with the peers that are to be compared:

    PYTHONPATH=. python tests/benchmarks/decoding.py
"""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE, TARGET = 44100, 22050


def mirtool(path: str) -> int:
    from mirtool.io import formats
    from mirtool.signal.resampling import mono, resampled

    return sum(len(block) for block in resampled(mono(formats.read(path)), TARGET).blocks(4096))


def librosa(path: str) -> int:
    from librosa import load

    return len(load(path, sr=TARGET, mono=True, res_type="soxr_hq")[0])


def decoder(path: str) -> int:
    import soundfile

    frames = 0
    buffer = np.empty((65536, 2), np.float32)
    with soundfile.SoundFile(path) as sound:
        while count := len(sound.read(len(buffer), out=buffer)):
            frames += count
    return frames


PEERS: dict[str, tuple[Callable[[str], int], str]] = {
    "decoder": (decoder, "soundfile"),
    "mirtool": (mirtool, "mirtool"),
    "librosa": (librosa, "librosa"),
}


def synthesise(path: Path, minutes: float) -> None:
    """Write a chord with some noise."""
    import soundfile

    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 2) as file:
        for second in range(round(minutes * 60)):
            clock = second + np.arange(RATE)[:, None] / RATE
            tones = sum(np.sin(2 * np.pi * frequency * clock) for frequency in (220, 277, 330, 1760))
            file.write(0.1 * tones + 0.02 * rng.standard_normal((RATE, 2)))


def measure(name: str, path: str, small: str) -> None:
    function = PEERS[name][0]
    function(small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    function(path)
    seconds = time.perf_counter() - begin
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "memory": growth}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("PEER", "FILE", "SMALL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*options.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        for extension in ("flac", "wav", "mp3"):
            long, small = (Path(folder) / f"{name}.{extension}" for name in ("long", "small"))
            synthesise(long, options.minutes)
            synthesise(small, 1 / 60)
            for name, (_, module) in PEERS.items():
                if importlib.util.find_spec(module) is None:
                    continue
                command = [sys.executable, __file__, "--one", name, str(long), str(small)]
                runs = [json.loads(subprocess.check_output(command)) for _ in range(options.repeats)]
                best = min(run["seconds"] for run in runs)
                memory = max(run["memory"] for run in runs)
                print(f"{extension:5} {name:8} {best:7.3f} s  {memory:7.0f} MB")


if __name__ == "__main__":
    main()
