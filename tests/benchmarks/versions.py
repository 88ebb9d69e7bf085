"""Versions: `mirtool versions` beside essentia's CoverSongSimilarity, and how long an index takes to answer.

- accuracy: pieces that are composed here (progressions of triads in a key, with a melody), each played in four ways:
  on the piano; slower, in another key, on strings, with rubato; 30 % faster, melody and block chords alone, on the
  organ; with its second quarter left out. Each is asked for; mean average precision, and how often a version comes
  first, with the same numbers for the peer: HPCP of 4096 samples every 2048, medians of ten, stacks of 9,
  ChromaCrossSimilarity and CoverSongSimilarity with the authors' defaults, as in acoss (Yesiler et al. 2020).
- index: a query of four minutes to indexes of 1,000 and 10,000 pieces of three minutes, as a whole process.

    PYTHONPATH=. python tests/benchmarks/versions.py [PYTHON_WITH_ESSENTIA]
"""

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirtool import store
from mirtool.io import formats
from mirtool.retrieval.parameters import HarmonyParameters
from mirtool.retrieval.versions.entries import LAYOUT
from mirtool.store.entries import Packer
from mirtool.synthesis.render import render
from mirtool.types import Notes

RATE, PIECES, BARS, BAR = 22050, 16, 32, 2.0
SIZES = (1_000, 10_000)
ESSENTIA = """
import json, sys, time
import numpy as np, essentia
essentia.log.warningActive = essentia.log.infoActive = False
import essentia.standard as es
begin, chroma = time.process_time(), []
for name in sys.argv[1:]:
    window, spectrum = es.Windowing(type="blackmanharris62"), es.Spectrum()
    peaks = es.SpectralPeaks(magnitudeThreshold=0, maxPeaks=100, minFrequency=40, maxFrequency=3500, sampleRate=44100)
    whiten = es.SpectralWhitening(maxFrequency=3500, sampleRate=44100)
    hpcp = es.HPCP(size=12, harmonics=8, minFrequency=40, maxFrequency=3500, weightType="cosine", sampleRate=44100)
    frames = []
    for frame in es.FrameGenerator(es.MonoLoader(filename=name, sampleRate=44100)(), frameSize=4096, hopSize=2048):
        magnitudes = spectrum(window(frame))
        frequency, height = peaks(magnitudes)
        frames.append(hpcp(frequency, whiten(magnitudes, frequency, height)))
    chroma.append(np.array([np.median(frames[n : n + 10], axis=0) for n in range(0, len(frames), 10)], np.float32))
middle, scores = time.process_time(), np.eye(len(chroma))
for i, X in enumerate(chroma):
    for j, Y in enumerate(chroma):
        if i != j:
            alike = es.ChromaCrossSimilarity(frameStackSize=9, binarizePercentile=0.095, oti=True)(X, Y)
            scores[i, j] = es.CoverSongSimilarity(distanceType="symmetric")(alike)[1] / np.sqrt(len(Y))
end, count = time.process_time(), len(chroma)
seconds = [(middle - begin) / count, (end - middle) / (count * (count - 1))]
print(json.dumps({"scores": scores.tolist(), "seconds": seconds}))
"""


def composed(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a piece as rows of onset, offset, pitch and voice (0 melody, 1 chords): phrases of eight bars, A A B A."""
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    phrases = [_phrase(rng, scale) for _ in range(2)]
    rows = [phrases[k] + [8 * BAR * place, 8 * BAR * place, 0, 0] for place, k in enumerate((0, 0, 1, 0))]
    return np.concatenate(rows)


def _phrase(rng: np.random.Generator, scale: NDArray[np.int64]) -> NDArray[np.float64]:
    rows, step = [], int(rng.integers(7, 14))
    for bar, degree in enumerate([0, *rng.integers(0, 6, 6), 4]):
        for third in (0, 2, 4):
            octave, place = divmod(int(degree) + third, 7)
            for beat in range(2):
                begin = (bar + beat / 2) * BAR
                rows.append((begin, begin + BAR / 2, 48 + 12 * octave + scale[place], 1))
        for eighth in range(0, 8, int(rng.choice([1, 2]))):
            step = int(np.clip(step + rng.choice([-2, -1, -1, 1, 1, 2]), 4, 20))
            octave, place = divmod(step, 7)
            begin = (bar + eighth / 8) * BAR
            rows.append((begin, begin + BAR / 8, 60 + 12 * octave + scale[place], 0))
    return np.array(rows, np.float64)


def versions(rng: np.random.Generator) -> dict[str, tuple[Notes, str]]:
    """Return four versions of a new piece, each with its instrument."""
    piece = composed(rng)
    onset, offset, pitch, voice = piece.T
    swing = np.linspace(0, BARS * BAR, 200)
    rubato = swing * 1.2 + np.cumsum(rng.normal(0, 0.05, len(swing)))
    blocks = (voice == 0) | (onset % BAR == 0)
    cut = (onset < 8 * BAR) | (onset >= 16 * BAR)
    later = np.where(onset >= 16 * BAR, 8 * BAR, 0)
    held = onset + np.where(voice == 1, BAR, offset - onset)
    played = {
        "piano": (onset, offset, pitch, "piano"),
        "strings": (*np.interp([onset, offset], swing, np.maximum.accumulate(rubato)), pitch + 3, "strings"),
        "organ": (onset[blocks] / 1.3, held[blocks] / 1.3, pitch[blocks] - 2, "organ"),
        "cut": ((onset - later)[cut] * 1.1, (offset - later)[cut] * 1.1, pitch[cut] + 5, "harpsichord"),
    }
    found = {}
    for name, (begin, end, pitches, player) in played.items():
        begin = begin - begin.min()
        columns = {"onset": begin, "offset": np.maximum(end - np.min(begin), begin + 0.05), "pitch": pitches}
        found[name] = Notes({**columns, "velocity": np.full(len(begin), 80.0)}), player
    return found


def measures(scores: NDArray[np.float64], pieces: list[str]) -> str:
    """Return mean average precision, and how often a version comes first."""
    precision, first = [], []
    for row, scored in enumerate(scores):
        order = [n for n in np.argsort(-scored, kind="stable") if n != row]
        right = np.array([pieces[n] == pieces[row] for n in order])
        ranks = np.flatnonzero(right) + 1
        precision.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
        first.append(right[0])
    return f"MAP {np.mean(precision):.3f}, first {np.mean(first):.3f}"


def accuracy(folder: Path, peer: str | None) -> None:
    """Compare how well versions are found."""
    rng = np.random.default_rng(0)
    for number in range(PIECES):
        for name, (notes, player) in versions(rng).items():
            formats.write(render(notes, RATE, player), str(folder / f"{number:02d}-{name}.wav"), subtype="PCM_16")
    files = sorted(map(str, folder.glob("*.wav")))
    begin = time.perf_counter()
    words = ["mirtool", "versions", files[0], *files[1:], "--matrix", str(folder / "pairs.npy")]
    subprocess.run([sys.executable, "-m", *words], check=True, stdout=subprocess.DEVNULL)
    taken = time.perf_counter() - begin
    matrix = formats.read(str(folder / "pairs.npy"))
    found = measures(matrix.data, [Path(name).name[:2] for name in matrix.axis])
    print(f"mirtool: {found}; {len(files)} files and all pairs in {taken:.1f} s", flush=True)
    if peer is not None:
        done = subprocess.run(
            [peer, "-W", "ignore", "-c", ESSENTIA, *files], check=True, capture_output=True, text=True
        )
        told = json.loads(done.stdout.splitlines()[-1])
        found = measures(np.array(told["scores"]), [Path(name).name[:2] for name in files])
        print(
            "essentia: {}; {:.2f} s a file, {:.1f} ms a pair".format(
                found, told["seconds"][0], 1e3 * told["seconds"][1]
            )
        )


def index_of(path: Path, size: int) -> None:
    """Make an index of pieces of three minutes, a new chord every other frame."""
    rng = np.random.default_rng(size)
    parameters = HarmonyParameters()
    frames = int(180 * parameters.feature_rate)
    with store.writing(str(path), LAYOUT.kind, vars(parameters)) as writer:
        packer = Packer(writer, LAYOUT)
        for number in range(size):
            chords = 0.2 * rng.random((frames // 2, 12))
            np.put_along_axis(chords, rng.integers(0, 12, (frames // 2, 3)), 1.0, axis=1)
            chroma = np.repeat(chords / np.linalg.norm(chords, axis=1, keepdims=True), 2, axis=0)
            packer.add(store.Document(f"{number}.wav"), {"chroma": chroma.astype(np.float16), "start": np.zeros(1)})
        packer.flush()


def growth(folder: Path) -> None:
    """Time queries of indexes."""
    notes = versions(np.random.default_rng(99))["piano"][0]
    query = folder / "query.mid"
    formats.write(notes.replace(onset=notes["onset"] * 4, offset=notes["offset"] * 4), str(query))
    for size in SIZES:
        path = folder / f"{size}.mirdb"
        index_of(path, size)
        words = [sys.executable, "-m", "mirtool", "versions", "--index", str(path), str(query)]
        begin = time.perf_counter()
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        taken = time.perf_counter() - begin
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        print(f"index of {size}: {taken:.2f} s, {len(rows)} hits, best {rows[0]['score']}", flush=True)


def main() -> None:
    """Compare."""
    with tempfile.TemporaryDirectory() as name:
        accuracy(Path(name), sys.argv[1] if len(sys.argv) > 1 else None)
        growth(Path(name))


if __name__ == "__main__":
    main()
