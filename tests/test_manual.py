"""Generated files: current, and right for those who read them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mirtool.cli import manual
from mirtool.cli.command import names

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "man").glob("*.1"))


def test_generated_files_are_current():
    assert manual.stale(ROOT) == [], "run: make docs"


def test_every_command_has_a_page():
    assert {path.name for path in PAGES} == {"mirtool.1", *(f"mirtool-{name}.1" for name in names())}


def test_no_dates():
    for path in [*PAGES, *(ROOT / "completions").iterdir()]:
        assert not re.search(r"\b20\d\d-\d\d", path.read_text("utf-8")), path


def test_writing_restores_what_is_stale(tmp_path, monkeypatch, capsys):
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "man").mkdir()
    (tmp_path / "man/mirtool-gone.1").write_text("old")
    monkeypatch.chdir(tmp_path)
    assert manual.main(["--check"]) == 1
    assert "man/mirtool-gone.1: stale" in capsys.readouterr().out
    assert manual.main([]) == 0
    assert manual.main(["--check"]) == 0
    assert not (tmp_path / "man/mirtool-gone.1").exists()


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_can_be_set(path):
    words = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "can't break line" not in line] == []
    assert "MIRTOOL" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mirtool", "doc"], {"doctor"}),
        (["mirtool", "doctor", "--wa"], {"--warm"}),
        (["mirtool", "doctor", "--format", "cs"], {"csv"}),
    ],
)
def test_bash_completes(words, expected):
    script = (
        f"source {ROOT}/completions/mirtool.bash; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
        '_mirtool; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert set(done.stdout.split()) == expected
    assert not done.stderr
