"""Golden cases: `tests/cases/<command>/<case>/` holds `cmd`, and what it must print: `stdout` and `stderr`.

`cmd` is one line as users type it, pipes included; it runs in process, in a folder with the inputs of inputs.py and
the other files of the case. The first line of `stderr` may be `exit N`. Numbers are compared within a tolerance, all
else exactly. `MIRTOOL_WRITE_CASES=1 pytest tests/test_cases.py` writes stdout and stderr anew: read the difference.
"""

import io
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import inputs
import pytest

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/*/cmd"))
RELATIVE, ABSOLUTE = 1e-3, 2e-6
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")
EXPECTED = ("cmd", "stdout", "stderr")


def assert_alike(found: str, expected: str) -> None:
    """Compare texts: numbers with a point within the tolerance, everything else exactly."""
    assert NUMBER.sub("#", found) == NUMBER.sub("#", expected)
    for one, other in zip(NUMBER.findall(found), NUMBER.findall(expected), strict=True):
        assert float(one) == pytest.approx(float(other), rel=RELATIVE, abs=ABSOLUTE)


def test_numbers_are_compared_within_a_tolerance():
    assert_alike("a,1.0000001\n", "a,1.0\n")
    for found in ("a,1.01\n", "b,1.0\n", "a,1.0,2.0\n", "a,1\n"):
        with pytest.raises(AssertionError):
            assert_alike(found, "a,1.0\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case(case, here, call, monkeypatch):
    for path in case.iterdir():
        if path.name not in EXPECTED:
            shutil.copy(path, here / path.name)
    words = shlex.split((case / "cmd").read_text("utf-8"))
    slow = (
        case.parent.name in ("sync", "beats", "separate", "nmf-decompose", "edit") and (case / "stdout").stat().st_size
    )
    if slow and os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("minutes of uncompiled loops")
    data, stderr, code = b"", "", 0
    while words:
        end = words.index("|") if "|" in words else len(words)
        program, *arguments = words[:end]
        assert program == "mirtool"
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": io.BytesIO(data)}))
        result = call(*arguments)
        data, stderr, code = result.out, stderr + result.err, result.code
        words = words[end + 1 :]
    stderr = (f"exit {code}\n" if code else "") + stderr
    if os.environ.get("MIRTOOL_WRITE_CASES"):
        (case / "stdout").write_bytes(data)
        (case / "stderr").write_text(stderr, "utf-8")
    assert_alike(data.decode(), (case / "stdout").read_text("utf-8"))
    assert_alike(stderr, (case / "stderr").read_text("utf-8"))


def test_inputs_cover_what_commands_read():
    from mirtool.io import formats

    assert {row for known in formats.FORMATS.values() for row in known.containers} <= set(inputs.KINDS)
