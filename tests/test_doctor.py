"""`mirtool doctor`."""

import csv
import re
import tomllib

import pytest
from conftest import ROOT

from mirtool.cli import doctor

PACKAGE = ROOT / "mirtool"


def rows(result):
    assert (result.code, result.err) == (0, "")
    return {row["part"]: row for row in csv.DictReader(result.text.splitlines())}


def test_it_looks_for_what_the_package_depends_on():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    assert needed <= set(doctor.NEEDED)
    assert set(doctor.EXTRAS.values()) <= set(project["optional-dependencies"])


def test_it_says_what_is_there(call):
    found = rows(call("doctor"))
    assert found["mirtool"]["state"] == "0.1.0"
    assert found["numpy"]["state"][0].isdigit()
    assert "WAV" in found["libsndfile"]["note"].split()
    assert found["ffmpeg"]["state"] in ("found", "missing")
    assert found["kernel cache"]["state"] in ("writable", "missing")
    assert int(found["threads"]["state"]) > 0
    assert found["kernels of sync"]["state"] == "there"


def test_what_is_missing_is_named_with_the_way_to_get_it(call, monkeypatch):
    monkeypatch.setattr(doctor, "EXTRAS", {"no-such-package": "score"})
    monkeypatch.setenv("PATH", "")
    found = rows(call("doctor"))
    assert found["no-such-package"]["state"] == "missing"
    assert "pip install 'mirtool[score]'" in found["no-such-package"]["note"]
    assert found["ffmpeg"]["state"] == "missing"


@pytest.mark.slow
def test_warm_leaves_nothing_to_compile(program, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    first = rows(program("doctor", "--warm", env=cache, patience=600))
    compiled = sorted(path.name for path in tmp_path.rglob("*.nbc"))
    second = rows(program("doctor", "--warm", env=cache, patience=600))
    assert compiled
    assert sorted(path.name for path in tmp_path.rglob("*.nbc")) == compiled
    for found in (first, second):
        kernels = [row for part, row in found.items() if part.startswith("kernels of ")]
        assert len(kernels) == len({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*_kernels.py")})
        assert {row["state"] for row in kernels} == {"ready"}
