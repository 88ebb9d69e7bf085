"""Align two recordings: `mirtool sync` beside the Sync Toolbox and librosa, whole processes, same files.

Pairs of stereo FLAC at 44.1 kHz are synthesised in a temporary folder: a piano and a harpsichord with tempo curves of
their own. The clock holds everything from the start of the process to the written path: decoding, mixing to mono,
resampling, tuning, features, alignment. The Sync Toolbox runs as in its notebooks (chroma and DLNCO at 50 Hz from a
filter bank of pitches, multiscale DTW); librosa with chroma_cqt at 10.8 Hz and exact DTW, which is less work. The
error is that at the beats, whose true times are known; single notes miss them by 6 ms on purpose.

    PYTHONPATH=. python tests/benchmarks/sync.py --peer-python PYTHON_WITH_PEERS
    PYTHONPATH=. python tests/benchmarks/sync.py --hour --pairs --programs mirtool
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirtool.io import formats
from mirtool.synthesis.instruments import instrument
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import Rendering
from mirtool.types import Notes, Score

RATE = 44100
PAIRS = {"short": (36, 22), "long": (600, 630), "hour": (3600, 3500)}  # seconds, about
KEYS = (0, 5, -2, 3, -4, 1)  # in which the piece is repeated

SYNCTOOLBOX = """
import contextlib, io, sys, warnings
warnings.filterwarnings("ignore")
import librosa, numpy as np
from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw
from synctoolbox.dtw.utils import compute_optimal_chroma_shift, make_path_strictly_monotonic, shift_chroma_vectors
from synctoolbox.feature.chroma import pitch_to_chroma, quantize_chroma, quantized_chroma_to_CENS
from synctoolbox.feature.dlnco import pitch_onset_features_to_DLNCO
from synctoolbox.feature.pitch import audio_to_pitch_features
from synctoolbox.feature.pitch_onset import audio_to_pitch_onset_features
from synctoolbox.feature.utils import estimate_tuning

def features(name):
    x, rate = librosa.load(name, sr=22050)
    tuning = estimate_tuning(x, rate)
    pitch = audio_to_pitch_features(f_audio=x, Fs=rate, tuning_offset=tuning, feature_rate=50)
    chroma = quantize_chroma(pitch_to_chroma(pitch))
    peaks = audio_to_pitch_onset_features(f_audio=x, Fs=rate, tuning_offset=tuning)
    return chroma, pitch_onset_features_to_DLNCO(peaks, feature_rate=50, feature_sequence_length=chroma.shape[1])

with contextlib.redirect_stdout(io.StringIO()):
    (chroma_a, dlnco_a), (chroma_b, dlnco_b) = features("a.flac"), features("b.flac")
    coarse = [quantized_chroma_to_CENS(chroma, 201, 50, 50)[0] for chroma in (chroma_a, chroma_b)]
    shift = compute_optimal_chroma_shift(*coarse)
    path = sync_via_mrmsdtw(
        f_chroma1=chroma_a, f_onset1=dlnco_a, f_chroma2=shift_chroma_vectors(chroma_b, shift),
        f_onset2=shift_chroma_vectors(dlnco_b, shift), input_feature_rate=50,
        step_weights=np.array([1.5, 1.5, 2.0]), threshold_rec=10**6,
    )
np.savetxt("path.csv", make_path_strictly_monotonic(path).T / 50, "%.6f", ",", header="time_a,time_b", comments="")
"""
LIBROSA = """
import librosa, numpy as np
chroma = []
for name in ("a.flac", "b.flac"):
    x, rate = librosa.load(name, sr=22050)
    chroma.append(librosa.feature.chroma_cqt(y=x, sr=rate, hop_length=2048))
D, path = librosa.sequence.dtw(*chroma, metric="cosine")
np.savetxt("path.csv", path[::-1] * 2048 / 22050, "%.6f", ",", header="time_a,time_b", comments="")
"""
PEERS = {"synctoolbox": SYNCTOOLBOX, "librosa": LIBROSA}
LARGEST = {"librosa": 1000}  # seconds for which there is memory


class Stereo:
    """Notes as a stereo source, the right side softer; computed while it is written."""

    sample_rate, channels = RATE, 2

    def __init__(self, notes: Notes, player: str) -> None:
        self._mono = Rendering(notes, RATE, instrument(player))
        self.frames = self._mono.frames

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        for block in self._mono.blocks(size, overlap):
            yield block * np.array([1, 0.8], np.float32)


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds on the clock and of the processors, and its peak memory (MB)."""

    wall: float
    cpu: float
    peak: float


def piece(beats: int) -> Score:
    """Return so many beats of the prelude, over and over in several keys."""
    once = prelude()
    length = int(once.ticks.max())
    times = -(-beats * once.ticks_per_beat // length)
    ticks = np.concatenate([once.ticks + k * length for k in range(times)])
    pitch = np.concatenate([once.notes["pitch"] + KEYS[k % len(KEYS)] for k in range(times)])
    kept = ticks[:, 0] < beats * once.ticks_per_beat
    columns = {name: np.tile(values, times)[kept] for name, values in once.notes.columns.items()}
    return Score(Notes({**columns, "pitch": pitch[kept]}), ticks[kept], once.tempo_map).moved(ticks[kept])


def make(folder: Path, seconds: tuple[int, int]) -> NDArray[np.float64]:
    """Write a.flac and b.flac; return the times of the beats in both, shape (beats, 2)."""
    score = piece(round(seconds[0] / 60 * 80))
    last = float(score.ticks.max() / score.ticks_per_beat)
    truth = []
    for name, player, length, seed in zip("ab", ("piano", "harpsichord"), seconds, (1, 2), strict=True):
        drift = 0.2 / last**0.5  # the tempo wanders as far in an hour as in a minute
        manner = Performance(bpm=60 * last / length, rubato=0.1 + 0.05 * seed, drift=drift, seed=seed)
        formats.write(Stereo(perform(score, manner), player), str(folder / f"{name}.flac"), subtype="PCM_16")
        truth.append(manner.times(np.arange(int(last)), last))
    return np.stack(truth, axis=1)


def measured(command: list[str], folder: Path) -> Cost:
    """Run a process and return what it took; it must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])} if "mirtool" in command else None
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed ({process.returncode})")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(pair: str, programs: dict[str, list[str]], repeats: int) -> None:
    """Measure all programs on one pair; the fastest of each counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = make(folder, PAIRS[pair])
        print(f"{pair}: {truth[-1, 0]:.0f} s and {truth[-1, 1]:.0f} s", flush=True)
        first: Cost | None = None
        for program, command in programs.items():
            if PAIRS[pair][0] > LARGEST.get(program, PAIRS[pair][0]):
                continue
            cost = min((measured(command, folder) for _ in range(repeats)), key=lambda cost: cost.wall)
            path = np.loadtxt(folder / "path.csv", delimiter=",", skiprows=1)
            error = 1000 * np.abs(np.interp(truth[:, 0], path[:, 0], path[:, 1]) - truth[:, 1])
            first = first or cost
            ratios = f"{cost.wall / first.wall:6.1f} {cost.cpu / first.cpu:6.1f} {cost.peak / first.peak:6.1f}"
            taken = f"{cost.wall:8.2f} s {cost.cpu:8.2f} s CPU {cost.peak:7.0f} MB"
            print(f"  {program:12s}{taken}   x {ratios}   error {error.mean():6.1f} ms, median {np.median(error):.1f}")
            sys.stdout.flush()


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", metavar="PYTHON", help="interpreter with synctoolbox and librosa")
    parser.add_argument("--pairs", nargs="*", choices=["short", "long"], default=["short", "long"])
    parser.add_argument("--hour", action="store_true", help="a pair of an hour each, too; the peers take long")
    parser.add_argument("--programs", nargs="+", choices=["mirtool", *PEERS], default=["mirtool", *PEERS])
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    programs = {}
    for name in arguments.programs:
        if name == "mirtool":
            programs[name] = [sys.executable, "-m", "mirtool", "sync", "a.flac", "b.flac", "-o", "path.csv"]
        elif arguments.peer_python:
            if subprocess.run([arguments.peer_python, "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode:
                print(f"{name} is not installed there")
                continue
            programs[name] = [arguments.peer_python, "-c", PEERS[name]]
    if "mirtool" in programs:
        subprocess.run([sys.executable, "-m", "mirtool", "doctor", "--warm"], check=True, stdout=subprocess.DEVNULL)
    for pair in [*arguments.pairs, *(["hour"] if arguments.hour else [])]:
        compare(pair, programs, arguments.repeats)


if __name__ == "__main__":
    main()
