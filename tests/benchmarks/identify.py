"""Recognition among up to 100,000 tracks: how fast, in how much memory, and whether it is right.

An index of a folder of music is filled up with synthetic tracks, through the same writer: each has the landmarks of one
real track, drawn with replacement (so that hashes are as popular as they are in music, and each synthetic track shares
all hashes with a real one), at random times, and lasts two to six minutes. A fifth of the real tracks stay out. Then
excerpts of all real ones, 10 s long with as much noise as music at 5 dB, are asked for, each in a process of its own.

python tests/benchmarks/identify.py MUSIC [--sizes 100,1000,10000,100000] [--queries 40] [--folder DIR]
                                    [--audfprint PROGRAM]

With --audfprint (which needs ffmpeg) both programs index the same WAV files, decoding included, one process each.
100,000 tracks need 25 GB of disk while they are made, in DIR.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirtool import store
from mirtool.io import formats
from mirtool.retrieval.recognition import library
from mirtool.retrieval.recognition.fingerprints import Fingerprint
from mirtool.retrieval.recognition.library import KIND, Library, Track
from mirtool.retrieval.recognition.peaks import FRAME
from mirtool.retrieval.recognition.postings import GAP
from mirtool.types import Audio

EXTENSIONS = (".flac", ".mp3", ".ogg", ".opus", ".wav")
SECONDS, DECIBELS = 10.0, 5.0
AT_ONCE = 1000  # tracks


# A process of its own measures, as what the one that starts a program holds counts as the program's, too.
MEASURE = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds by the clock and of the processor, and the most memory (MB)."""

    code: int
    seconds: float
    work: float
    memory: float
    output: str


def run(*words: str | Path) -> Cost:
    """Run a program to its end."""
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, *map(str, words)], capture_output=True, text=True)
    return Cost(done.returncode, *map(float, done.stderr.splitlines()[-1].split()), done.stdout)


def mirtool(*words: str | Path) -> Cost:
    """Run a command of ours."""
    return run(sys.executable, "-m", "mirtool", *words)


def fingerprints_of(path: Path) -> list[Track]:
    """Read the tracks of an index back from its lists."""
    tracks = []
    with store.reading(str(path), KIND) as index:
        opened = Library(index)
        for segment, lists in zip(opened.segments, opened.lists, strict=True):
            bounds = segment.whole("bounds").astype(np.int64)
            hashes, positions = np.repeat(segment.whole("keys"), np.diff(bounds)), segment.whole("positions")
            order = np.argsort(positions, kind="stable")
            hashes, positions = hashes[order], positions[order].astype(np.int64)
            places = np.searchsorted(positions, lists.starts)
            for number, document in enumerate(segment.documents):
                begin, end = places[number : number + 2]
                times = (positions[begin:end] - lists.starts[number]).astype(np.uint32)
                frames = int(lists.starts[number + 1] - lists.starts[number]) - GAP
                tracks.append(Track(document, frames * FRAME, Fingerprint(hashes[begin:end].copy(), times, frames)))
    return tracks


def synthetic(real: Sequence[Track], number: int) -> Track:
    """Make a track of the landmarks of a real one."""
    rng = np.random.default_rng(number)
    model = real[int(rng.integers(len(real)))].fingerprint
    frames = int(rng.uniform(120, 360) / FRAME)
    count = int(len(model.hashes) / model.frames * frames)
    times = rng.integers(0, frames, count, dtype=np.uint32)
    made = Fingerprint(model.hashes[rng.integers(0, len(model.hashes), count)], times, frames)
    return Track(store.Document(f"synthetic/{number:07d}", 1, 1), frames * FRAME, made)


def fill(path: Path, real: Sequence[Track], models: Sequence[Track], size: int, have: int) -> None:
    """Bring an index to so many tracks."""
    for begin in range(have, size - len(real), AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, size - len(real)))
        with store.writing(str(path), KIND) as writer:
            library.put(writer, [synthetic(models, number) for number in numbers])
    library.merge(str(path), [])


def excerpts(names: Sequence[str], folder: Path) -> Iterator[tuple[Path, float]]:
    """Write a noisy excerpt of each file; yield it, and where it begins (s)."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(names):
        source = formats.read(name)
        samples = np.concatenate([*source.blocks(1 << 16)]).mean(axis=1)
        length = int(SECONDS * source.sample_rate)
        begin = int(rng.integers(0, max(1, len(samples) - length)))
        clip = samples[begin : begin + length]
        noise = rng.normal(size=len(clip)) * np.sqrt(np.mean(clip**2)) * 10 ** (-DECIBELS / 20)
        target = folder / f"{number}.wav"
        formats.write(Audio((clip + noise).astype(np.float32), source.sample_rate), str(target))
        yield target, begin / source.sample_rate


def ask(path: Path, asked: Sequence[tuple[str, Path, float]], inside: set[str]) -> str:
    """Ask for all excerpts; return a line that says how that went."""
    right, placed, false = [], [], []
    costs: dict[bool, list[Cost]] = {True: [], False: []}
    for name, clip, begin in asked:
        cost = mirtool("identify", "query", "--index", path, clip)
        rows = [line.split(",") for line in cost.output.splitlines()[1:]]
        costs[name in inside].append(cost)
        if name in inside:
            right.append(bool(rows) and rows[0][0] == name)
            placed.append(right[-1] and abs(float(rows[0][1]) - begin) < 0.5)
        else:
            false.append(bool(rows))
    memory = max(cost.memory for group in costs.values() for cost in group)
    return (
        f"right {np.mean(right):.3f}, place {np.mean(placed):.3f}, false answers {sum(false)} of {len(false)}; "
        f"a query {times(costs[True])}, of what is not there {times(costs[False])}; memory {memory:.0f} MB"
    )


def times(costs: Sequence[Cost]) -> str:
    """Say what processes took: the median by the clock, and of the processor with the most."""
    seconds, work = [cost.seconds for cost in costs], [cost.work for cost in costs]
    return f"{np.median(seconds):.2f} s (processor {np.median(work):.2f}, {max(work):.2f} at most)"


def describe(path: Path) -> str:
    """Say how large an index is."""
    with store.reading(str(path), KIND) as index:
        landmarks = sum(count for _, _, count in library.tracks_of(index))
        segments = len(Library(index).segments)
        return f"{len(index)} tracks, {landmarks:,} landmarks, {index.size / 1e6:,.0f} MB, {segments} segments"


def compare_ingest(files: Sequence[Path], folder: Path, program: str) -> None:
    """Index the same recordings with both programs, as WAV, which both can read."""
    waves = []
    for number, file in enumerate(files):
        source = formats.read(str(file))
        samples = np.concatenate([*source.blocks(1 << 16)])
        waves.append(folder / f"{number}.wav")
        formats.write(Audio(samples, source.sample_rate), str(waves[-1]), subtype="PCM_16")
    mirtool("identify", "add", "--index", folder / "ours.mirdb", waves[0])  # compiles
    (folder / "ours.mirdb").unlink()
    ours = mirtool("identify", "add", "--index", folder / "ours.mirdb", *waves)
    theirs = run(program, "new", *waves, "--dbase", folder / "theirs.pklz")
    if ours.code or theirs.code:
        raise SystemExit(f"mirtool ended with {ours.code}, {program} with {theirs.code}")
    with store.reading(str(folder / "ours.mirdb"), KIND) as index:
        seconds = sum(duration for _, duration, _ in library.tracks_of(index))
    for name, cost in (("mirtool identify add", ours), ("audfprint new", theirs)):
        speed = f"{seconds / cost.seconds:.0f} x real time, {seconds / cost.work:.0f} by processor time"
        print(f"{name}: {cost.seconds:.1f} s, {speed}, {cost.memory:.0f} MB", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--audfprint")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    files = sorted(path for path in arguments.music.rglob("*") if path.suffix in EXTENSIONS)
    if arguments.audfprint:
        compare_ingest(files[:: max(1, len(files) // 8)], folder, arguments.audfprint)
    every, path = folder / "every.mirdb", folder / "index.mirdb"
    mirtool("identify", "add", "--index", every, *files)
    tracks = fingerprints_of(every)
    real = [track for number, track in enumerate(tracks) if number % 5 != 4]
    inside = {track.document.name for track in real}
    names = [track.document.name for track in tracks][:: max(1, len(tracks) // arguments.queries)]
    asked = [(name, *clip) for name, clip in zip(names, excerpts(names, folder), strict=True)]
    with store.reading(str(every), KIND) as index:
        library.add(str(path), real, Library(index).parameters)
    print(f"{len(real)} of {len(tracks)} real tracks, {len(asked)} queries", flush=True)
    mirtool("identify", "query", "--index", path, asked[0][1])  # compiles
    print("start-up alone:", times([mirtool("identify", "list", "--index", path) for _ in range(5)]), flush=True)
    have = 0
    for size in map(int, arguments.sizes.split(",")):
        began = time.perf_counter()
        fill(path, real, tracks, size, have)
        have = max(have, size - len(real))
        print(
            f"{describe(path)}, made in {time.perf_counter() - began:.0f} s:\n    {ask(path, asked, inside)}",
            flush=True,
        )
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
