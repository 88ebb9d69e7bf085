"""`match-midi --index` on corpora of 100, 1,000 and 10,000 files: reading, building, searching, memory.

The corpus is a folder of MIDI files, replicated and perturbed: each replica is another piece of music of the same kind,
as its stretches of ten seconds stand in another order, half of them turned upside down, half played backwards, in
another key and tempo, with jitter of 10 ms and without a twentieth of the notes. The queries are twelve notes of a
line, of fourteen of which two are left out and one is wrong, in another key, at 0.7 to 1.4 times the tempo, with jitter
of 12 ms.

Told are, in the same run:

- reading: notes a second by mido, message by message, and by mirtool, one file after the other in one process;
- building: the whole process with --jobs 1 and 2, its ratio to the time that mido takes to read the same files, and an
  update where one file in a hundred has changed;
- a search: the whole process, start-up included, its processor time and its peak of memory; how often the file of
  the query comes first, and how often it or another replica of the same music is among the first ten.

    PYTHONPATH=. python tests/benchmarks/retrieval_midi.py FOLDER_OF_MIDI --sizes 100 1000 10000
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from mirtool.io import formats
from mirtool.types import Notes, Score

STRETCH = 10.0  # seconds
CHORD = 0.03
DRUMS = 9
LENGTH, LEFT_OUT = 14, 2
READ_AT_MOST = 300  # files that mido reads
COMMAND = [sys.executable, "-m", "mirtool", "match-midi"]


@dataclass(frozen=True)
class Run:
    """A process that has ended: seconds, processor seconds, and its peak of memory (MB)."""

    wall: float
    processor: float
    memory: float


def perturbed(score: Score, replica: int, rng: np.random.Generator) -> Notes:
    """Return other music of the same notes; replica 0 stays as it is."""
    notes = score.notes
    onset, offset, pitch = (notes[name].copy() for name in ("onset", "offset", "pitch"))
    tuned = notes["channel"] != DRUMS
    end = float(offset.max(initial=0.0))
    if replica & 1:
        onset, offset = end - offset, end - onset
    if replica & 2:
        pitch[tuned] = 127 - pitch[tuned]
    keep = np.ones(len(onset), dtype=bool)
    if replica:
        number = np.minimum((onset // STRETCH).astype(int), int(end // STRETCH))
        order = np.argsort(rng.permutation(int(end // STRETCH) + 1))
        move = (order[number] - number) * STRETCH
        ratio = rng.uniform(0.7, 1.4)
        length = (offset - onset) * ratio
        onset = np.maximum((onset + move) * ratio + rng.normal(0, 0.01, len(onset)), 0)
        offset = onset + length
        pitch[tuned] += rng.integers(-5, 6)
        keep = rng.random(len(onset)) > 0.05
    keep &= (pitch >= 0) & (pitch <= 127)
    columns = {name: notes[name] for name in ("velocity", "track", "channel", "program")}
    return Notes({"onset": onset, "offset": offset, "pitch": pitch, **columns}).take(keep)


def replicate(sources: Sequence[Path], folder: Path, size: int) -> None:
    """Write so many files, a hundred in a folder; those that are there stay."""
    scores: dict[int, Score] = {}
    for number in range(size):
        path = folder / f"{number // 100:03d}" / f"{number:05d}.mid"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        place = number % len(sources)
        if place not in scores:
            scores[place] = formats.read(str(sources[place]), many=True)
        rng = np.random.default_rng(number)
        formats.write(perturbed(scores[place], number // len(sources), rng), str(path))


def line_of(notes: Notes, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the highest notes of one track or of all, one of each chord."""
    tuned = np.flatnonzero(notes["channel"] != DRUMS)
    tracks = np.unique(notes["track"][tuned])
    mine = tuned[notes["track"][tuned] == rng.choice(tracks)]
    line = highest(notes, mine if rng.random() < 0.75 else tuned)
    return line if len(line) >= 60 else highest(notes, tuned)


def highest(notes: Notes, members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the highest note of each chord of the members."""
    chord = np.cumsum(np.diff(notes["onset"][members], prepend=-1.0) > CHORD)
    order = np.lexsort((-notes["pitch"][members], chord))
    return members[order[np.unique(chord[order], return_index=True)[1]]]


def query_of(notes: Notes, rng: np.random.Generator) -> Notes | None:
    """Return a query, None if the music is too short."""
    line = line_of(notes, rng)
    if len(line) < LENGTH + 10:
        return None
    begin = int(rng.integers(5, len(line) - LENGTH - 4))
    onset, pitch = (notes[name][line[begin : begin + LENGTH]] for name in ("onset", "pitch"))
    touched = 1 + rng.permutation(LENGTH - 1)[: LEFT_OUT + 1]
    pitch = pitch + rng.integers(-5, 6)
    pitch[touched[0]] += rng.choice([-2, -1, 1, 2])
    onset = (onset - onset[0]) * rng.uniform(0.7, 1.4) + rng.normal(0, 0.012, LENGTH)
    kept = np.delete(np.arange(LENGTH), touched[1:])
    onset = np.maximum(onset[kept] - onset[0], 0)
    velocity = np.full(len(kept), 80.0)
    return Notes({"onset": onset, "offset": onset + 0.15, "pitch": pitch[kept], "velocity": velocity})


def timed(arguments: Sequence[str], output: Path) -> Run:
    """Run mirtool, and see what it takes."""
    begin = time.perf_counter()
    with output.open("wb") as stream:
        process = subprocess.Popen([*COMMAND, *arguments], stdout=stream)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"mirtool match-midi {' '.join(arguments)}: exit code {process.returncode}")
    return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def reading(files: Sequence[Path]) -> tuple[float, int]:
    """Tell how fast files are read; return the processor time of mido a file, and the notes a file."""
    chosen = files[:: max(1, len(files) // READ_AT_MOST)]
    counts = []
    for label, read in (("mido", read_by_mido), ("mirtool", read_by_mirtool), ("mirtool, many", read_many)):
        read(chosen[0])
        begin = time.process_time()
        count = sum(map(read, chosen))
        counts.append((time.process_time() - begin, count))
        print(f"  reading, {label:14} {count / counts[-1][0]:12,.0f} notes/s of processor time")
    return counts[0][0] / len(chosen), counts[0][1] // len(chosen)


def read_by_mido(path: Path) -> int:
    return sum(
        message.type == "note_on" and message.velocity > 0 for track in mido.MidiFile(path).tracks for message in track
    )


def read_by_mirtool(path: Path) -> int:
    return len(formats.read(str(path)).notes)


def read_many(path: Path) -> int:
    return len(formats.read(str(path), many=True).notes)


def building(folder: Path, index: Path, files: Sequence[Path], mido_seconds: float) -> None:
    """Build an index twice, and update it."""
    for jobs in ("1", "2"):
        index.unlink(missing_ok=True)
        run = timed(["--index", str(index), str(folder), "--jobs", jobs], index.with_suffix(".csv"))
        size = index.stat().st_size / 1e6
        print(
            f"  building, --jobs {jobs}: {run.wall:6.1f} s, processor {run.processor:6.1f} s, {run.memory:4.0f} MB of "
            f"memory, {size:.0f} MB on disk; mido reads in {mido_seconds:.0f} s of processor time: "
            f"{mido_seconds / run.processor:.1f} times as long"
        )
    for path in files[::100]:
        os.utime(path)
    run = timed(["--index", str(index), str(folder)], index.with_suffix(".csv"))
    print(f"  updating, one file in 100 changed: {run.wall:.1f} s, processor {run.processor:.1f} s")


def searching(index: Path, files: Sequence[Path], sources: int, count: int, work: Path) -> None:
    """Search for queries, a process each."""
    runs, first, ten = [], 0, 0
    for number, (path, query) in enumerate(queries(files, count)):
        name = work / f"query{number}.mid"
        formats.write(query, str(name))
        if not number:  # kernels are compiled, or loaded, once
            timed(["--index", str(index), str(name)], work / "hits.csv")
        runs.append(timed(["--index", str(index), str(name), "--top", "10"], work / "hits.csv"))
        with (work / "hits.csv").open() as stream:
            found = [int(Path(row["file"]).stem) for row in csv.DictReader(stream)]
        mine = int(path.stem)
        same = [hit % sources == mine % sources and (hit // sources & 3) == (mine // sources & 3) for hit in found]
        first += found[:1] == [mine]
        ten += mine in found or any(same)
    wall, processor, memory = (
        np.array([getattr(run, name) for run in runs]) for name in ("wall", "processor", "memory")
    )
    print(
        f"  searching, {len(runs)} queries: median {np.median(wall):.2f} s, worst {wall.max():.2f} s, processor "
        f"{np.median(processor):.2f} s, worst {processor.max():.2f} s; memory {memory.max():.0f} MB; the file first "
        f"{first / len(runs):.2f}, its music among ten {ten / len(runs):.2f}"
    )


def queries(files: Sequence[Path], count: int) -> Iterator[tuple[Path, Notes]]:
    rng = np.random.default_rng(1)
    while count:
        path = files[int(rng.integers(len(files)))]
        query = query_of(formats.read(str(path), many=True).notes, rng)
        if query is not None:
            count -= 1
            yield path, query


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--work", type=Path, help="keep the replicas here")
    options = parser.parse_args()
    sources = sorted(options.corpus.rglob("*.mid"))
    work = options.work or Path(tempfile.mkdtemp())
    try:
        for size in options.sizes:
            folder = work / f"corpus{size}"
            replicate(sources, folder, size)
            files = sorted(folder.rglob("*.mid"))
            print(f"{size} files")
            seconds, notes = reading(files)
            print(f"  about {notes * size / 1e6:.1f} million notes")
            index = work / f"notes{size}.idx"
            building(folder, index, files, seconds * size)
            searching(index, files, len(sources), options.queries, work)
    finally:
        if options.work is None:
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
