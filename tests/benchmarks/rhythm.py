"""Onsets, tempo and beats: `mirtool` beside its peers, whole processes, the same stereo WAV files at 44.1 kHz.

The music is synthesised in a temporary folder: a piano with a tempo curve of its own, and a drum kit. The clock holds
everything from the start of the process to the written list: decoding, mixing to mono, resampling where a program
does, detection. Two costs are told apart:

- one file: the whole process, start-up included;
- a further file of a batch: (time of N files − time of one) / (N − 1), in one process where the program can; programs
  that take one file only are started N times.

The floor, in the same run, is decoding to mono and one STFT (2048 samples, every 512th) by soundfile and scipy, and
nothing else; ratios are of processor time, which other work on the machine disturbs least. F (50 ms, or 70 ms for
beats, from 5 s on) and the tempo tell that the work was done; on synthesised music they say nothing more.

    PYTHONPATH=. python tests/benchmarks/rhythm.py --peer-python PYTHON_WITH_PEERS …
    PYTHONPATH=. python tests/benchmarks/rhythm.py --memory 10 30 180 --programs mirtool aubio
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirtool.evaluation import beats as beat_scores
from mirtool.evaluation import onsets as onset_scores
from mirtool.io import formats
from mirtool.synthesis.instruments import instrument
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import Rendering
from mirtool.types import Events, Notes

RATE = 44100
SECONDS = 180
SLOW = 6.0  # seconds for one file: such programs are run once, and a batch of theirs has two files
TASKS = ("onsets", "tempo", "beats")

FLOOR = """
import numpy as np, scipy.fft, soundfile
window = np.hanning(2048).astype(np.float32)
for name in FILES:
    rest = np.zeros(0, np.float32)
    with soundfile.SoundFile(name) as sound:
        while len(block := sound.read(65536, "float32", always_2d=True)):
            rest = np.concatenate((rest, 0.5 * (block[:, 0] + block[:, 1])))
            if len(rest) >= 2048:
                frames = np.lib.stride_tricks.sliding_window_view(rest, 2048)[::512]
                scipy.fft.rfft(frames * window, axis=1)
                rest = rest[512 * len(frames):]
    write(name, [0.0])
"""
LIBROSA = """
import librosa
for name in FILES:
    x, rate = librosa.load(name)
    write(name, {call})
"""
ESSENTIA = """
import essentia; essentia.log.infoActive = essentia.log.warningActive = False
import essentia.standard as es
for name in FILES:
    x = es.MonoLoader(filename=name, sampleRate=44100)()
    write(name, {call})
"""
SONARA = """
import sonara
for name in FILES:
    x, rate = sonara.load(name, sr=22050)
    write(name, {call})
"""
# Before each script: the files, and where its results go. A file's name ends in the result's.
PROLOGUE = """
import sys, warnings
warnings.filterwarnings("ignore")
FILES = sys.argv[1:]
def write(name, values):
    open(name + ".found", "w").write("".join(f"{float(value):.6f}\\n" for value in values))
"""
# Starts a process and measures it, from a process so small that its own memory, which the system counts for the child
# up to its beginning, does not matter.
CLOCK = """
import json, os, sys, time
begin = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
wall, cpu, peak = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
open(sys.argv[1], "w").write(json.dumps([wall, cpu, peak, os.waitstatus_to_exitcode(status)]))
"""
SCRIPTS = {
    ("librosa", "onsets"): LIBROSA.format(call='librosa.onset.onset_detect(y=x, sr=rate, units="time")'),
    ("librosa", "tempo"): LIBROSA.format(call="librosa.feature.tempo(y=x, sr=rate)"),
    ("librosa", "beats"): LIBROSA.format(call='librosa.beat.beat_track(y=x, sr=rate, units="time")[1]'),
    ("essentia", "onsets"): ESSENTIA.format(call="es.OnsetRate()(x)[0]"),
    ("essentia", "tempo"): ESSENTIA.format(call="[es.PercivalBpmEstimator()(x)]"),
    ("essentia", "beats"): ESSENTIA.format(call="es.BeatTrackerDegara()(x)"),
    ("sonara", "onsets"): SONARA.format(call="sonara.frames_to_time(sonara.onset_detect(y=x, sr=rate), sr=rate)"),
    ("sonara", "tempo"): SONARA.format(call="[sonara.beat_track(y=x, sr=rate)[0]]"),
    ("sonara", "beats"): SONARA.format(call="sonara.frames_to_time(sonara.beat_track(y=x, sr=rate)[1], sr=rate)"),
}
AUBIO = {"onsets": "aubioonset", "beats": "aubiotrack"}
MADMOM = {"onsets": "SuperFlux", "tempo": "TempoDetector", "beats": "DBNBeatTracker"}  # the last two are trained
PEERS = ("aubio", "librosa", "essentia", "sonara", "madmom")
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

Commands = Callable[[Sequence[str]], list[list[str]]]  # of some files: the processes that do them


@dataclass(frozen=True)
class Cost:
    """What processes took: seconds on the clock and of the processors, and the largest peak of memory (MB)."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Program:
    """A way to do a task: which processes do some files, and what reads their result."""

    name: str
    commands: Commands
    result: Callable[[str], NDArray[np.float64]]


class Stereo:
    """A mono sound on both sides, the right one softer."""

    sample_rate, channels = RATE, 2

    def __init__(self, samples: NDArray[np.float32], times: int = 1) -> None:
        self._samples, self._times = samples, times
        self.frames = times * len(samples)

    def blocks(self, size: int, overlap: int = 0) -> Iterator[NDArray[np.float32]]:
        for _ in range(self._times):
            for begin in range(0, len(self._samples), size):
                yield self._samples[begin : begin + size, None] * np.array([1, 0.8], np.float32)


def music(seed: int) -> tuple[NDArray[np.float32], Events, Events]:
    """Return three minutes of sound, its onsets and its beats."""
    manner = Performance(bpm=76 + 4 * seed, lead=0.5 + 0.1 * seed, rubato=0.05, drift=0.005, ritardando=1.0, seed=seed)
    score = prelude()
    notes = perform(score, manner)
    beats = manner.times(np.arange(140), 140.0)
    grid = np.sort(np.concatenate((beats, (beats[1:] + beats[:-1]) / 2)))
    place = np.arange(len(grid))
    pitch = np.where(place % 2, 42, np.where(place % 4, 38, 36))
    drums = Notes({"onset": grid, "offset": grid, "pitch": pitch, "velocity": np.where(place % 2, 50, 90)})
    parts = [Rendering(part, RATE, instrument(who), SECONDS) for part, who in ((notes, "piano"), (drums, "drums"))]
    samples = sum(np.concatenate([block[:, 0] for block in part.blocks(1 << 16)]) for part in parts)
    sound = 0.5 * np.asarray(samples, np.float32)
    onsets = np.unique(np.round(np.concatenate((notes["onset"], grid)), 2))
    inside = onsets[np.concatenate(([True], np.diff(onsets) > 0.03)) & (onsets < SECONDS - 0.1)]
    return sound, Events({"time": inside}), Events({"time": beats[beats < SECONDS - 0.1]})


def measured(commands: list[list[str]], folder: Path) -> Cost:
    """Run processes one after the other and return what they took; they must succeed."""
    ours = {"PYTHONPATH": str(Path(__file__).parents[2])}
    total = Cost(0.0, 0.0, 0.0)
    for command in commands:
        environment = {**os.environ, **THREADS, **(ours if "mirtool" in command else {"PYTHONPATH": ""})}
        words = [sys.executable, "-S", "-c", CLOCK, "cost.json", *command]
        done = subprocess.run(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
        wall, cpu, peak, code = json.loads((folder / "cost.json").read_text("utf-8"))
        if code:
            raise SystemExit(f"{' '.join(command[:4])[:80]} failed ({code})")
        if command[0] in AUBIO.values():  # they print what they find
            (folder / (command[-1] + ".found")).write_bytes(done.stdout)
        total = Cost(total.wall + wall, total.cpu + cpu, max(total.peak, peak))
    return total


def best(commands: list[list[str]], folder: Path, repeats: int) -> Cost:
    """Return the smallest of each cost over some runs."""
    runs = [measured(commands, folder) for _ in range(repeats)]
    return Cost(*(min(getattr(run, name) for run in runs) for name in ("wall", "cpu", "peak")))


def numbers(path: Path) -> NDArray[np.float64]:
    """Read the first number of each line."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return np.array([float(line.split()[0]) for line in lines if line.strip()], dtype=np.float64)


def programs(task: str, folder: Path, wanted: Sequence[str], peers: Sequence[str]) -> Iterator[Program]:
    """Yield the floor, mirtool and the peers that are there."""

    def found(name: str) -> NDArray[np.float64]:
        return numbers(folder / (name + ".found"))

    def script(python: str, code: str) -> Commands:
        return lambda files: [[python, "-c", PROLOGUE + code, *files]]

    def ours(name: str) -> NDArray[np.float64]:
        table = formats.read(str(folder / f"ours/{Path(name).stem}.csv"))
        return np.asarray(table["bpm" if task == "tempo" else "time"])

    def named(name: str) -> NDArray[np.float64]:
        return numbers(folder / f"theirs/{Path(name).stem}.txt")

    yield Program("floor", script(sys.executable, FLOOR), found)
    if "mirtool" in wanted:
        words = [sys.executable, "-m", "mirtool", task]
        yield Program("mirtool", lambda files: [[*words, *files, "-o", "ours/"]], ours)
    if "aubio" in wanted and task in AUBIO and shutil.which(AUBIO[task]):
        yield Program(AUBIO[task], lambda files: [[AUBIO[task], name] for name in files], found)
    for python in peers:
        for name in ("librosa", "essentia", "sonara"):
            probe = subprocess.run([python, "-c", f"import {name}"], capture_output=True)
            if name in wanted and probe.returncode == 0:
                yield Program(name, script(python, SCRIPTS[name, task]), found)
        binary = Path(python).parent / MADMOM[task]
        if "madmom" in wanted and binary.exists():
            batch = [str(binary), "batch", "-j", "1", "-o", "theirs", "-s", ".txt"]
            yield Program(f"madmom {MADMOM[task]}", lambda files, batch=batch: [[*batch, *files]], named)


def quality(task: str, truth: tuple[Events, Events], found: NDArray[np.float64]) -> str:
    """Say how good a result is."""
    if task == "tempo":
        return f"{found[0]:.1f} of {60 / np.median(np.diff(truth[1]['time'])):.1f} BPM" if len(found) else "nothing"
    events = Events({"time": found})
    score = onset_scores.evaluate(truth[0], events) if task == "onsets" else beat_scores.evaluate(truth[1], events)
    return f"F {score['f']:.2f}"


def compare(task: str, wanted: Sequence[str], peers: Sequence[str], count: int, repeats: int) -> None:
    """Measure all programs on one task: one file, then a batch."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [f"take_{k}.wav" for k in range(count)]
        truth = {}
        for k, file in enumerate(files):
            sound, *events = music(k % 6)
            truth[file] = events[0], events[1]
            formats.write(Stereo(np.roll(sound, 100 * (k // 6))), str(folder / file), subtype="PCM_16")
        (folder / "ours").mkdir()
        (folder / "theirs").mkdir()
        print(f"\n{task}: {SECONDS} s of stereo; a further file of {count}", flush=True)
        print(f"  {'':22s}{'one file':>19s}{'MB':>7s}{'a further file':>22s}  x floor  x real time")
        floor = 0.0
        for program in programs(task, folder, wanted, peers):
            first = measured(program.commands(files[:1]), folder)  # what is compiled or cached on the first call
            batch, runs = (files, repeats) if first.cpu < SLOW else (files[:2], 1)
            one = best(program.commands(files[:1]), folder, runs)
            many = best(program.commands(batch), folder, runs)
            single = len(program.commands(batch)) > 1
            wall, cpu = (
                b / len(batch) if single else (b - a) / (len(batch) - 1)
                for a, b in ((one.wall, many.wall), (one.cpu, many.cpu))
            )
            floor = floor or cpu
            what = "" if program.name == "floor" else quality(task, truth[files[0]], program.result(files[0]))
            print(
                f"  {program.name:22s}{one.wall:7.2f} s {one.cpu:6.2f} CPU{one.peak:7.0f}{wall:10.3f} s {cpu:6.3f} CPU"
                f"{cpu / floor:9.1f}{SECONDS / wall:13.0f}   {what}",
                flush=True,
            )


def memory(task: str, wanted: Sequence[str], peers: Sequence[str], minutes: Sequence[int]) -> None:
    """Measure the peak of memory, and the time, of whole processes on long recordings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        (folder / "theirs").mkdir()
        sound = music(0)[0]
        print(f"\n{task}: recordings of {', '.join(map(str, minutes))} minutes", flush=True)
        for length in minutes:
            formats.write(Stereo(sound, 60 * length // SECONDS), str(folder / "long.wav"), subtype="PCM_16")
            for program in programs(task, folder, wanted, peers):
                cost = measured(program.commands(["long.wav"]), folder)
                took = f"{cost.wall:8.1f} s {cost.cpu:8.1f} s CPU"
                print(f"  {length:4d} min  {program.name:22s}{took}{cost.peak:8.0f} MB", flush=True)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", nargs="*", default=[], metavar="PYTHON", help="interpreters with peers")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--programs", nargs="+", choices=["mirtool", *PEERS], default=["mirtool", *PEERS])
    parser.add_argument("--files", type=int, default=8, help="of a batch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="+", metavar="MINUTES", help="measure memory on long recordings")
    arguments = parser.parse_args()
    if "mirtool" in arguments.programs:
        subprocess.run([sys.executable, "-m", "mirtool", "doctor", "--warm"], check=True, stdout=subprocess.DEVNULL)
    for task in arguments.tasks:
        if arguments.memory:
            memory(task, arguments.programs, arguments.peer_python, arguments.memory)
        else:
            compare(task, arguments.programs, arguments.peer_python, arguments.files, arguments.repeats)


if __name__ == "__main__":
    main()
