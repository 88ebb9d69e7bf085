"""Exact dynamic time warping with path, whole call: mirtool beside librosa, synctoolbox and linmdtw.

Each measurement runs in a process of its own, on one core, after a small call that compiles or loads what is needed.
The clock holds the cost matrix (float32, 1 - X'Y with K = 12), the accumulation and the path; the matrix is the
peer's only where the peer wants one (linmdtw takes the features, with Euclidean cost). Memory is the growth of the
peak beyond the inputs. Run from the root of the project, in an environment with the peers that are to be compared:

    PYTHONPATH=. python tests/benchmarks/dtw.py
    PYTHONPATH=. python tests/benchmarks/dtw.py --sizes 36000 --peers mirtool mirtool-slanted
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Peer = Callable[[Features, Features], object]


def mirtool(X: Features, Y: Features) -> object:
    from mirtool.sync.dtw import dtw

    return dtw(X, Y)


def mirtool_slanted(X: Features, Y: Features) -> object:
    from mirtool.sync.dtw import dtw

    return dtw(X, Y, "slanted")


def librosa(X: Features, Y: Features) -> object:
    from librosa.sequence import dtw

    return dtw(C=1 - X.T @ Y, backtrack=True)


def synctoolbox(X: Features, Y: Features) -> object:
    from synctoolbox.dtw.core import compute_warping_path

    return compute_warping_path(1 - X.T @ Y)


def linmdtw(X: Features, Y: Features) -> object:
    from linmdtw import linmdtw as align

    return align(np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T), do_gpu=False)


# function, module, largest N = M that takes neither minutes nor more than 8 GB
PEERS: dict[str, tuple[Peer, str, int]] = {
    "mirtool": (mirtool, "mirtool", 100_000),
    "mirtool-slanted": (mirtool_slanted, "mirtool", 100_000),
    "librosa": (librosa, "librosa", 20_000),
    "synctoolbox": (synctoolbox, "synctoolbox", 10_000),
    "linmdtw": (linmdtw, "linmdtw", 5_000),
}


def features(N: int, seed: int) -> Features:
    """Random normalised features K = 12."""
    X = np.random.default_rng(seed).random((12, N), np.float32)
    return X / np.linalg.norm(X, axis=0)


def peak() -> float:
    """Peak memory of this process so far (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(peer: str, N: int, repeats: int) -> tuple[float, float]:
    """Return the best wall time (s) and the growth of the peak (MB)."""
    function = PEERS[peer][0]
    X, Y = features(N, 0), features(N, 1)
    function(X[:, :300], Y[:, :300])
    before, best = peak(), np.inf
    for _ in range(repeats):
        begin = time.perf_counter()
        function(X, Y)
        best = min(best, time.perf_counter() - begin)
        if best > 10:
            break
    return best, peak() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 10000, 20000])
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("PEER", "N"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]), arguments.repeats)))
        return
    single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    print(f"{'':16s}{'N = M':>8s}{'s':>10s}{'M cells/s':>12s}{'peak MB':>10s}")
    for N in arguments.sizes:
        for peer in arguments.peers:
            _, module, largest = PEERS[peer]
            if importlib.util.find_spec(module) is None or largest < N:
                continue
            command = [sys.executable, __file__, "--one", peer, str(N), "--repeats", str(arguments.repeats)]
            run = subprocess.run(command, env={**os.environ, **single}, stdout=subprocess.PIPE, text=True, check=True)
            seconds, memory = json.loads(run.stdout.splitlines()[-1])
            print(f"{peer:16s}{N:8d}{seconds:10.3f}{N * N / seconds / 1e6:12.1f}{memory:10.0f}", flush=True)


if __name__ == "__main__":
    main()
