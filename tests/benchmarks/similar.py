"""Music of a kind: how fast pieces are described and found, and how well pieces of one group find each other.

Speed: three minutes of stereo music, whole process, beside the usual recipe in librosa (means and deviations of 20
MFCC); memory at 10 and 30 minutes; a query to indexes of up to 100,000 pieces, which are mixtures of a few real ones.

Quality: of a folder of groups (FOLDER/GROUP/piece.ogg: genres, albums, games), the share of pieces whose nearest
neighbour is of their group, precision at 5, mean average precision, and the skewness of how often pieces are found
among the first five (hubness: 0 is none), by aspect and together, with plain distances and by mutual proximity.

python tests/benchmarks/similar.py [--peer PYTHON_WITH_LIBROSA] [FOLDER]
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirtool import store
from mirtool.cli.planning import extensions_of
from mirtool.cli.similar import similar
from mirtool.io import formats
from mirtool.retrieval.parameters import ASPECTS, CharacterParameters, SimilarityParameters
from mirtool.retrieval.similarity.character import LAYOUT, Characters, character
from mirtool.retrieval.similarity.distances import distances, euclidean
from mirtool.retrieval.similarity.proximity import Neighbourhood, reference_places
from mirtool.store.entries import fill
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import render
from mirtool.types import Audio

RATE = 44100
RECIPE = """
import numpy as np, librosa
x, rate = librosa.load("take3.wav", sr=22050)
mfcc = librosa.feature.mfcc(y=x, sr=rate, n_mfcc=20)
np.save("peer.npy", np.concatenate((mfcc.mean(axis=1), mfcc.std(axis=1))))
"""


# A small process starts the command: what a large one starts counts its memory, too.
STARTER = """
import resource, subprocess, sys, time
begin = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def run(name: str, command: list[str], folder: Path, times: int = 3) -> None:
    """Run a command a few times; print the least of its time, work and memory."""
    lines = [
        subprocess.run([sys.executable, "-c", STARTER, *command], cwd=folder, check=True, capture_output=True).stdout
        for _ in range(times)
    ]
    wall, cpu, memory = np.array([line.split() for line in lines], float).min(axis=0)
    print(f"{name}: {wall:.2f} s ({cpu:.2f} s of work), {memory:.0f} MB", flush=True)


def speed(folder: Path, peer: str | None) -> None:
    """Describe pieces of 3, 10 and 30 minutes."""
    notes = perform(prelude(), Performance(bpm=60))
    once = render(notes, RATE, "piano", duration=120).samples[:, 0]
    for minutes in (3, 10, 30):
        samples = np.tile(once, minutes // 2 + 1)[: RATE * 60 * minutes]
        stereo = Audio(np.stack([samples, samples], axis=1), RATE)
        formats.write(stereo, str(folder / f"take{minutes}.wav"), subtype="PCM_16")
    words = [sys.executable, "-m", "mirtool", "similar"]
    run("start-up alone", [*words, "--help"], folder)
    for minutes in (3, 10, 30):
        built = [*words, "--index", f"{minutes}.idx", "--build", f"take{minutes}.wav"]
        run(f"mirtool similar --build, {minutes} minutes", built, folder, times=1)
    if peer is not None:
        run("librosa, means and deviations of MFCC, 3 minutes", [peer, "-W", "ignore", "-c", RECIPE], folder)
    kept = character(formats.read(str(folder / "take3.wav")), CharacterParameters())
    for count in (1_000, 10_000, 100_000):
        index = str(folder / f"{count}.idx")
        with store.writing(index, LAYOUT.kind, {**vars(CharacterParameters())}) as writer:
            fill(writer, LAYOUT, ((store.Document(f"{n}.wav"), entry) for n, entry in enumerate(varied(kept, count))))
        run(f"a query of three minutes to {count} pieces", [*words, "--index", index, "take3.wav"], folder)


def varied(piece: Characters, count: int) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield the arrays of pieces that are more or less like one."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        change = {name: 0.3 * rng.normal(size=array.shape) for name, array in piece.arrays.items()}
        change["covariance"] = np.diag(0.1 * rng.random(piece.mean.shape[1]))[None]
        yield {name: (array + change[name]).astype(np.float32) for name, array in piece.arrays.items()}


def quality(folder: Path) -> None:
    """Let pieces of a group find each other."""
    groups, pieces = [], []
    endings = extensions_of(similar.inputs.arguments[0])
    for path in sorted(folder.glob("*/*")):
        if path.name.lower().endswith(endings):
            pieces.append(character(formats.read(str(path)), CharacterParameters()))
            groups.append(path.parent.name)
    corpus, labels = Characters.joined(pieces), np.array(groups)
    print(f"{len(labels)} pieces, {len(set(groups))} groups: nearest, precision at 5, MAP, hubness")
    tell("mean cepstra", euclidean(corpus.mean, corpus.mean), labels)
    for aspect in ASPECTS:
        tell(aspect, distances(corpus, corpus, aspect), labels)
    references = corpus[reference_places(len(corpus))]
    alone = [tuple(float(name == aspect) for name in ASPECTS) for aspect in ASPECTS]
    for name, weights in (*zip(ASPECTS, alone, strict=True), ("all", SimilarityParameters().weights)):
        near = Neighbourhood(references, SimilarityParameters(weights))
        tell(f"{name}, mutual", 1 - near.scores(corpus, corpus), labels)


def tell(name: str, apart: NDArray[np.float64], labels: NDArray[np.str_]) -> None:
    """Print how well a matrix of distances ranks what is of the same group."""
    order = np.argsort(apart + np.diag(np.full(len(labels), np.inf)), axis=1, kind="stable")[:, :-1]
    relevant = labels[order] == labels[:, None]
    relevant = relevant[relevant.any(axis=1)]
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    found = np.bincount(order[:, :5].ravel(), minlength=len(labels)).astype(float)
    skewness = ((found - found.mean()) ** 3).mean() / found.std() ** 3
    figures = relevant[:, 0].mean(), relevant[:, :5].mean(), average.mean(), skewness
    print(f"{name:18}", *(f"{figure:.3f}" for figure in figures))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--peer")
    given = parser.parse_args()
    if given.folder is not None:
        quality(given.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        speed(Path(name), given.peer)


if __name__ == "__main__":
    main()
