"""An excerpt of 20 s against an index of hours of music: mirtool beside subsequence DTW of librosa in twelve keys.

The index holds recordings of three minutes, random chords that change every second or two, with noise. The clock holds
opening the index, reading all of it, and finding the ten best places of a query that is another performance of one of
them (faster, in another key). librosa gets the same smoothed features, two frames a second, and the same steps, and
only computes the costs of all paths; in twelve keys, file by file. Start-up and compilation are outside: a query of a
small index goes before. Run from the root of the project:

    PYTHONPATH=. OPENBLAS_NUM_THREADS=1 python tests/benchmarks/match_audio.py --hours 1 10 100
"""

import argparse
import importlib.util
import resource
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mirtool import store
from mirtool.retrieval.matching.features import Bytes, kept
from mirtool.retrieval.matching.matches import LAYOUT, Hit, Recordings, coarse, matches
from mirtool.retrieval.parameters import MatchingFeatureParameters, MatchingParameters
from mirtool.store import entries

RATE, MINUTES = 10, 3.0
PARAMETERS = MatchingParameters()


def recording(seed: int, tempo: float = 1.0, semitones: int = 0) -> Bytes:
    """Return the frames of three minutes of random chords."""
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(1, 2, round(MINUTES * 60)) * RATE / tempo
    roots, thirds = rng.integers(12, size=len(lengths)), rng.choice([3, 4], len(lengths))
    chords = np.full((len(lengths), 12), 0.15)
    for step in (0, thirds, 7):
        chords[np.arange(len(lengths)), (roots + step + semitones) % 12] = 1.0
    frames = np.repeat(chords, np.round(lengths).astype(int), axis=0)[: round(MINUTES * 60 * RATE / tempo)]
    noise = np.random.default_rng(seed + 1_000_000 * round(10 * tempo)).uniform(0.5, 1.5, frames.shape)
    return kept((frames * noise).astype(np.float32), "log")


def build(path: str, hours: float) -> int:
    """Write an index; return how many recordings it holds."""
    count = max(1, round(hours * 60 / MINUTES))
    with store.writing(path, LAYOUT.kind, asdict(MatchingFeatureParameters())) as writer:
        documents = ((store.Document(f"{seed:06d}.flac"), {"frames": recording(seed)}) for seed in range(count))
        entries.fill(writer, LAYOUT, documents)
    return count


def ours(path: str, query: Bytes) -> tuple[str, Hit]:
    with store.reading(path, LAYOUT.kind) as index:
        found = [(document.name, entry["frames"]) for document, entry in entries.entries(index)]
        hits = matches(query, Recordings.of([frames for _, frames in found], PARAMETERS), PARAMETERS, 10)
        return found[hits[0].document][0], hits[0]


def librosa(path: str, query: Bytes) -> float:
    """Return the seconds of the costs of all paths."""
    from librosa.sequence import dtw

    steps, weights = np.array([[1, 1], [1, 2], [2, 1]]), np.array([1.0, 1.0, 2.0])
    X = coarse(query, PARAMETERS)
    with store.reading(path, LAYOUT.kind) as index:
        corpus = [coarse(entry["frames"], PARAMETERS) for _, entry in entries.entries(index)]
    dtw(C=1 - X @ X.T, subseq=True, step_sizes_sigma=steps, weights_mul=weights, backtrack=False)
    begin = time.perf_counter()
    for Y in corpus:
        for shift in range(12):
            C = 1 - np.roll(X, shift, axis=1) @ Y.T
            dtw(C=C, subseq=True, step_sizes_sigma=steps, weights_mul=weights, backtrack=False)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = str(Path(folder) / "small.mirdb")
        build(small, 0.1)
        query = recording(1, 1.15, 4)[400:574]  # 20 s of the score
        ours(small, query)
        for hours in options.hours:
            path = str(Path(folder) / f"{hours:g}.mirdb")
            count = build(path, hours)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begin, cpu = time.perf_counter(), time.process_time()
            name, hit = ours(path, query)
            seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
            memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            size = Path(path).stat().st_size / 1e6
            found = name == "000001.flac" and abs(hit.first / RATE - 46) < 0.5 and hit.transposition == -4
            print(
                f"{hours:6g} h  {count:6d} recordings  {size:6.1f} MB  mirtool {seconds:7.3f} s ({cpu:.3f} s cpu, "
                f"{memory:.0f} MB more)  {'found' if found else 'NOT FOUND'}",
                flush=True,
            )
            if importlib.util.find_spec("librosa") is not None and hours <= 10:
                print(f"{hours:6g} h  librosa, costs alone {librosa(path, query):7.3f} s", flush=True)


if __name__ == "__main__":
    main()
