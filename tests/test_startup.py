"""What a call loads: help is instant, and a command loads its own file only."""

import json
import subprocess
import sys

import pytest

from mirtool.cli.command import load, names

HEAVY = (
    "numpy",
    "numba",
    "scipy",
    "librosa",
    "matplotlib",
    "pydantic",
    "soundfile",
    "soxr",
    "mir_eval",
    "rich",
)
CALL = """
import json, sys
from mirtool.cli.main import run
code = run(sys.argv[1:])
print()
print(json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(*arguments: str) -> set[str]:
    """Return the modules that a fresh process has loaded after a call that must succeed."""
    done = subprocess.run([sys.executable, "-c", CALL, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


def lines() -> list[tuple[str, ...]]:
    """Return every way to ask for help."""
    calls: list[tuple[str, ...]] = [(), ("--help",), ("--version",)]
    for name in names():
        entry = load(name)
        assert entry is not None
        if entry.single is None:
            calls += [(name, "--help"), (name, next(iter(entry.commands)), "--help")]
        else:
            calls.append((name, "--help"))
    return calls


@pytest.mark.parametrize("arguments", lines(), ids=" ".join)
def test_help_loads_nothing_heavy(arguments):
    assert not modules_after(*arguments) & set(HEAVY)


def test_only_the_file_of_the_command_is_imported():
    others = {f"mirtool.cli.{name.replace('-', '_')}" for name in names()} - {"mirtool.cli.doctor"}
    assert not modules_after("doctor", "--help") & others


def test_dumping_parameters_loads_nothing_heavy():
    for name in names():
        entry = load(name)
        assert entry is not None
        if entry.single is not None and entry.single.kinds:
            assert not modules_after(name, "--dump-params") & set(HEAVY)
            return
