"""The kernel decorator, as processes see it: each test starts its own, with a cache of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KERNELS = """
from mirtool.jit import kernel

@kernel
def total(x, n):
    s = 0.0
    for i in range(n):
        s += x[i]
    return s
"""
RUN = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
import toy
print(toy.total(np.ones(3), int(sys.argv[2])))
stats = getattr(toy.total, "stats", None)
print(sum(stats.cache_misses.values()) if stats else "interpreted")
"""


def start(folder: Path, count: int, **variables: str) -> subprocess.Popen[str]:
    folder.joinpath("toy.py").write_text(KERNELS)
    hidden = ("NUMBA_CACHE_DIR", "NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT", "COVERAGE_PROCESS_START")
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", RUN, str(folder), str(count)]
    return subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True)


def result(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    out, err = process.communicate(timeout=120)
    value, misses = out.split() if out else ("", "")
    return value, misses, err


@pytest.mark.slow
def test_processes_started_together_compile_once(tmp_path):
    together = [start(tmp_path, 3, NUMBA_CACHE_DIR=str(tmp_path / "cache")) for _ in range(3)]
    results = [result(process) for process in together]
    assert [value for value, _, _ in results] == ["3.0"] * 3, results
    assert sum(int(misses) for _, misses, _ in results) == 1
    assert {err for _, _, err in results} == {""}
    assert list((tmp_path / "cache").rglob("*.nbc"))


@pytest.mark.slow
def test_a_warm_cache_does_not_hide_the_bounds_check(tmp_path):
    cache = str(tmp_path / "cache")
    assert result(start(tmp_path, 3, NUMBA_CACHE_DIR=cache))[0] == "3.0"
    _, _, err = result(start(tmp_path, 4, NUMBA_CACHE_DIR=cache, NUMBA_BOUNDSCHECK="1"))
    assert "IndexError" in err


def test_without_jit_the_function_is_interpreted(tmp_path):
    value, misses, err = result(start(tmp_path, 3, NUMBA_DISABLE_JIT="1"))
    assert (value, misses, err) == ("3.0", "interpreted", "")


@pytest.mark.slow
def test_damaged_and_unwritable_caches_cost_time_only(tmp_path):
    cache = tmp_path / "cache"
    assert result(start(tmp_path, 3, NUMBA_CACHE_DIR=str(cache)))[:2] == ("3.0", "1")
    for kept in [*cache.rglob("*.nbc"), *cache.rglob("*.nbi")]:
        kept.write_bytes(b"damaged")
    assert result(start(tmp_path, 3, NUMBA_CACHE_DIR=str(cache)))[:2] == ("3.0", "1")
    nowhere = {"NUMBA_CACHE_DIR": "/proc/none", "XDG_CACHE_HOME": "/proc/none", "TMPDIR": str(tmp_path)}
    assert result(start(tmp_path, 3, **nowhere))[0] == "3.0"
