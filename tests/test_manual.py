"""Generated files: current, and right for those who read them."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mirtool.cli import manual
from mirtool.cli.command import Command, names
from mirtool.cli.main import parse
from mirtool.io import formats

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "man").glob("*.1"))


def test_generated_files_are_current():
    assert manual.stale(ROOT) == [], "run: make docs"


def test_every_command_has_a_page():
    assert {path.name for path in PAGES} == {"mirtool.1", *(f"mirtool-{name}.1" for name in names())}


def examples() -> list[tuple[str, Command | None, list[str]]]:
    """Return each command line within the examples of the help, with the command that it calls."""
    known = manual.entries()
    found = []
    for entry in known.values():
        for help in dict.fromkeys((entry.help, *(command.help for command in entry.commands.values()))):
            for line in re.findall(r"^    (mirtool .*)$", help, re.MULTILINE):
                for segment in line.split("|"):
                    words = shlex.split(segment, comments=True)
                    if words[0] != "mirtool" or words[1] not in known:
                        continue  # a tool of the shell, or a command that is still to come
                    called = known[words[1]]
                    if called.single is not None:
                        found.append((line, called.single, words[2:]))
                    else:
                        found.append((line, called.commands.get(words[2]), words[3:]))
    return found


@pytest.mark.parametrize(
    ("line", "command", "words"), examples(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_examples_are_command_lines(line, command, words):
    assert command is not None
    _, given = parse(command, [word for word in words if word not in (">", "head")])
    assert given or command.inputs.shape == "none"


@pytest.mark.parametrize("entry", manual.entries().values(), ids=lambda entry: entry.name)
def test_help_has_two_examples_and_a_summary(entry):
    for command in entry.commands.values():
        assert len(re.findall(r"^    mirtool ", command.help, re.MULTILINE)) >= 2
        assert command.help.partition("\n")[0].endswith(".")
        assert command.help.partition("\n\n")[0].count("\n") == 0
        if command.writes in formats.TABLES:
            assert "Columns: " in command.help


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
