"""Separation and factorisation: `mirtool` beside its peers, in one run on one machine.

- hpss: whole processes on three minutes of stereo WAV at 44.1 kHz, from the start of the process to both files written;
  all cores. The floor only decodes the file and writes it twice.
- medians: the running medians of a spectrogram over time and over frequency, at the default lengths and four times as
  long, one thread, beside scipy.ndimage.
- nmf: an iteration of multiplicative updates on a matrix of 1025 × 8000, beside the matrix products that are in it, as
  BLAS does them on as many threads.
- nmfd: the same with templates of eight frames, 1025 × 2000.

An iteration takes (time of many − time of few) / (many − few), so that preparations do not count. Ratios of kernels are
of processor time, which other work on the machine disturbs least; BLAS that waits for a thread wastes some, so that
--cores 1 is fairer there. Peers are found in the interpreters that --peer-python names.

    PYTHONPATH=. python tests/benchmarks/separation.py --peer-python PYTHON_WITH_PEERS …
    PYTHONPATH=. python tests/benchmarks/separation.py --tasks hpss --memory 10 30
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rhythm import CLOCK, RATE, SECONDS, Cost, Stereo, music

from mirtool.decomposition.hpss import resolution_of
from mirtool.decomposition.parameters import HpssParameters
from mirtool.io import formats
from mirtool.threads import count

TASKS = ("hpss", "medians", "nmf", "nmfd")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

FLOOR = """
import soundfile
x, rate = soundfile.read("take.wav", dtype="float32", always_2d=True)
for name in "ab":
    soundfile.write(name + ".wav", x, rate, subtype="FLOAT")
"""
LIBROSA = """
import librosa, soundfile
x, rate = librosa.load("take.wav", sr=None, mono=False)
for name, part in zip("ab", librosa.effects.hpss(x)):
    soundfile.write(name + ".wav", part.T, rate, subtype="FLOAT")
"""
LIBTSM = """
import libtsm, soundfile
x, rate = soundfile.read("take.wav", dtype="float32", always_2d=True)
for name, part in zip("ab", libtsm.hps(x, Fs=rate)):
    soundfile.write(name + ".wav", part, rate, subtype="FLOAT")
"""
SEPARATIONS = {"librosa": LIBROSA, "libtsm": LIBTSM}

# Each runner defines run(iterations); V, W and H are given, K × N, K × R and R × N.
PROLOGUE = """
import sys, time, json, warnings
import numpy as np
warnings.filterwarnings("ignore")
K, N, R, T, cost, few, many, repeats = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
V = (rng.gamma(0.3, size=(N, K)) + 1e-3).astype(np.float32).T
W, H = (rng.random(shape, dtype=np.float32) + 0.1 for shape in ((K, R), (R, N)))
"""
EPILOGUE = """
def clock(iterations):
    begin = np.array((time.perf_counter(), time.process_time()))
    run(iterations)
    return np.array((time.perf_counter(), time.process_time())) - begin
clock(few)
less, more = (np.min([clock(number) for _ in range(repeats)], axis=0) for number in (few, many))
print(json.dumps(((more - less) / (many - few)).tolist()))
"""
OURS = """
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.nmf import nmf
from mirtool.decomposition.factorization.nmfd import nmfd
from mirtool.decomposition.parameters import FactorizationParameters
def run(iterations):
    parameters = FactorizationParameters(rank=R, cost=cost, iterations=iterations, tolerance=0)
    if T == 1:
        nmf(V, parameters, Start(W, H))
    else:
        nmfd(V, parameters, T, Start(np.repeat(W[:, :, None], T, axis=2), H))
"""
PRODUCTS = """
X, Y, Z = np.ascontiguousarray(V.T), np.ascontiguousarray(W.T), np.ascontiguousarray(H.T)
L = np.empty_like(X)
def run(iterations):
    for _ in range(iterations):
        if cost == "kl":
            np.matmul(Z, Y, out=L); L @ Y.T
            np.matmul(Z, Y, out=L); Z.T @ L
        else:
            X @ Y.T; Z @ (Y @ Y.T)
            Z.T @ X; (Z.T @ Z) @ Y
"""
NUMPY = """
def run(iterations):
    w, h = W.copy(), H.copy()
    for _ in range(iterations):
        if cost == "kl":
            h *= (w.T @ (V / (w @ h))) / w.sum(axis=0)[:, None]
            w *= ((V / (w @ h)) @ h.T) / h.sum(axis=1)
        else:
            h *= (w.T @ V) / ((w.T @ w) @ h)
            w *= (V @ h.T) / (w @ (h @ h.T))
"""
SKLEARN = """
from sklearn.decomposition import NMF
loss = {"kl": "kullback-leibler", "euclidean": "frobenius"}[cost]
def run(iterations):
    model = NMF(R, init="custom", solver="mu", beta_loss=loss, max_iter=iterations, tol=0)
    model.fit_transform(V, W=W.copy(), H=H.copy())
"""
LIBNMFD = """
import tqdm
tqdm.tnrange = lambda numbers, **_: range(numbers)  # its progress needs a notebook
from libnmfd import core
def run(iterations):
    if T == 1:
        loss = {"kl": "KLDiv", "euclidean": "EucDist"}[cost]
        core.nmf(V.astype(float), R, loss, iterations, W.astype(float), H.astype(float))
    else:
        templates = [np.repeat(W[:, r : r + 1], T, axis=1).astype(float) for r in range(R)]
        core.nmfd(V.astype(float), R, N, iterations, T, templates, H.astype(float), num_bins=K)
"""


def make(folder: Path, minutes: float) -> None:
    """Write take.wav."""
    sound = Stereo(music(0)[0], max(round(minutes * 60 / SECONDS), 1))
    formats.write(sound, str(folder / "take.wav"), subtype="PCM_16")


def measured(command: Sequence[str], folder: Path, threads: int | None = None) -> Cost:
    """Run a process, which must succeed, and return what it took."""
    fixed = {} if threads is None else dict.fromkeys(THREADS, str(threads))
    environment = {**os.environ, **fixed, "PYTHONPATH": str(Path(__file__).parents[2]) if "mirtool" in command else ""}
    words = [sys.executable, "-S", "-c", CLOCK, "cost.json", *command]
    subprocess.run(words, cwd=folder, env=environment, stderr=subprocess.DEVNULL, check=True)
    wall, cpu, peak, code = json.loads((folder / "cost.json").read_text("utf-8"))
    if code:
        raise SystemExit(f"{' '.join(command)[:80]} failed ({code})")
    return Cost(wall, cpu, peak)


def has(python: str, module: str) -> bool:
    """Tell whether an interpreter finds a module."""
    probe = subprocess.run(
        [python, "-c", f"import {module}"], capture_output=True, env={**os.environ, "PYTHONPATH": ""}
    )
    return probe.returncode == 0


def separations(peers: Sequence[str], repeats: int) -> None:
    """Compare whole processes."""
    longer = ["--time-median", str(4 * HpssParameters().time_median)]
    longer += ["--frequency-median", str(4 * HpssParameters().frequency_median)]
    ours = [sys.executable, "-m", "mirtool", "separate", "take.wav", "-o", "parts/"]
    rows = [
        ("floor", [sys.executable, "-c", FLOOR]),
        ("mirtool", ours),
        ("mirtool, 4 times the medians", ours + longer),
    ]
    rows += [
        (name, [python, "-c", script]) for python in peers for name, script in SEPARATIONS.items() if has(python, name)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, SECONDS / 60)
        print(f"\nhpss: {SECONDS} s of stereo, whole process, {count()} cores", flush=True)
        least: Cost | None = None
        for label, command in rows:
            runs = [measured(command, folder) for _ in range(repeats if label in ("floor", rows[1][0]) else 1)]
            best = Cost(*(min(getattr(run, part) for run in runs) for part in ("wall", "cpu", "peak")))
            least = best if label == "mirtool" else least
            ratio = f"{best.wall / least.wall:7.1f} x, CPU {best.cpu / least.cpu:.1f} x mirtool" if least else ""
            print(f"  {label:30s}{best.wall:8.2f} s {best.cpu:8.2f} s CPU{best.peak:7.0f} MB{ratio}", flush=True)


def memory(minutes: Sequence[float]) -> None:
    """Measure mirtool on long recordings."""
    print("\nhpss: long recordings", flush=True)
    for length in minutes:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), length)
            words = [sys.executable, "-m", "mirtool", "separate", "take.wav", "-o", "parts/"]
            cost = measured(words, Path(name))
            print(f"  {length:6.0f} min{cost.wall:8.1f} s {cost.cpu:8.1f} s CPU{cost.peak:7.0f} MB", flush=True)


def medians(repeats: int) -> None:
    """Compare the kernels with scipy's filter."""
    from scipy.ndimage import median_filter

    from mirtool.signal._median_kernels import column_medians, row_medians

    resolution = resolution_of(HpssParameters(), RATE)
    values = np.random.default_rng(0).gamma(0.3, size=(500, resolution.size // 2 + 1)).astype(np.float32)
    print(f"\nmedians of {values.shape[0]} frames of {values.shape[1]} bins, ns a value, one thread", flush=True)

    def clock(work: Callable[[], object]) -> float:
        work()
        taken = []
        for _ in range(repeats):
            begin = time.thread_time()
            work()
            taken.append(time.thread_time() - begin)
        return 1e9 * min(taken) / values.size

    for axis, kernel, length in ((0, column_medians, resolution.frames), (1, row_medians, resolution.bins)):
        first = 0.0
        for size in (length, 4 * length + 1):
            pad = [(size // 2, size // 2) if place == axis else (0, 0) for place in (0, 1)]
            longer, found = np.pad(values, pad, mode="reflect"), np.empty_like(values)
            ours = clock(lambda longer=longer, size=size, found=found, kernel=kernel: kernel(longer, size, found))
            shape = (size, 1) if axis == 0 else (1, size)
            theirs = clock(lambda shape=shape: median_filter(values, shape, mode="mirror"))
            first = first or ours
            where = "time" if axis == 0 else "frequency"
            print(
                f"  over {where:10s} of {size:4d}: mirtool {ours:7.1f} ({ours / first:.2f})  scipy {theirs:8.1f}"
                f"  x {theirs / ours:.1f}",
                flush=True,
            )


def iteration(
    python: str, script: str, shape: tuple[int, int, int, int], cost: str, plan: tuple[int, int, int]
) -> tuple[float, float]:
    """Return the time of an iteration (s), on the clock and of the processors, in a process of its own."""
    ours = python == sys.executable and script is OURS
    threads = "1" if ours else str(count())  # of BLAS: we share out the blocks ourselves
    environment = {**os.environ, **dict.fromkeys(THREADS, threads), "PYTHONPATH": ""}
    if ours:
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    words = [python, "-c", PROLOGUE + script + EPILOGUE, json.dumps([*shape, cost, *plan])]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu


def factorisations(task: str, peers: Sequence[str], repeats: int) -> None:
    """Compare the time of an iteration."""
    convolutive = task == "nmfd"
    K, N, T = (1025, 2000, 8) if convolutive else (1025, 8000, 1)
    programs = [("mirtool", sys.executable, OURS)]
    if not convolutive:
        programs += [("matrix products", sys.executable, PRODUCTS), ("numpy", sys.executable, NUMPY)]
    for python in peers:
        if not convolutive and has(python, "sklearn"):
            programs.append(("scikit-learn", python, SKLEARN))
        if has(python, "libnmfd"):
            programs.append(("libnmfd", python, LIBNMFD))
    for R, cost in [(8, "kl")] if convolutive else [(R, cost) for cost in ("kl", "euclidean") for R in (32, 88)]:
        print(f"\n{task}: {K} × {N}, rank {R}, {T} frames a template, {cost}; {count()} threads", flush=True)
        ours = 0.0
        for name, python, script in programs:
            plan = (1, 3, 1) if name == "libnmfd" else (5, 35, repeats)
            wall, cpu = iteration(python, script, (K, N, R, T), cost, plan)
            ours = ours or cpu
            print(f"  {name:18s}{1e3 * wall:9.1f} ms {1e3 * cpu:9.1f} ms CPU{cpu / ours:9.2f} x mirtool", flush=True)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", nargs="*", default=[], metavar="PYTHON", help="interpreters with peers")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--cores", type=int, default=count(), help="that all may use; on a busy machine, 1 is fairer")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=float, nargs="+", metavar="MINUTES", help="of hpss on long recordings instead")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    subprocess.run([sys.executable, "-m", "mirtool", "doctor", "--warm"], check=True, stdout=subprocess.DEVNULL)
    for task in arguments.tasks:
        if task == "hpss" and arguments.memory:
            memory(arguments.memory)
        elif task == "hpss":
            separations(arguments.peer_python, arguments.repeats)
        elif task == "medians":
            medians(arguments.repeats)
        else:
            factorisations(task, arguments.peer_python, arguments.repeats)


if __name__ == "__main__":
    main()
