"""What holds for every command, whatever it does: exit codes, hostile inputs, pipes, full disks, batches.

Commands are found in the table of contents; their inputs are chosen by what they read (see inputs.py), so a new command
is tested without a line here. `SAMPLES` names the inputs and options where that choice does not fit.
"""

import io
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import inputs
import pytest
from conftest import environment, launch
from performances import compiled

from mirtool.cli.command import PICTURES, STREAMABLE, Command, load, names
from mirtool.cli.planning import is_folder
from mirtool.io import formats

SAMPLES: dict[tuple[str, ...], list[str]] = {
    ("similar",): ["take.wav", "slow.wav"],
    ("transcribe",): ["take.wav", "--drums"],
    ("identify", "add"): ["take", "--index", "library"],
    ("identify", "query"): ["take.wav", "--index", "library"],
    ("identify", "monitor"): ["take.wav", "--index", "library"],
    ("identify", "list"): ["--index", "library"],
    ("identify", "remove"): ["take", "--index", "library"],
    ("identify", "merge"): ["library", "--index", "library"],
    ("identify", "verify"): ["--index", "library"],
    ("edit",): ["take.wav", "--score", "piece.mid", "--shift-pitch", "pitch=C5:+2"],
    ("evaluate", "sync"): ["path.csv", "path.csv"],
    ("evaluate", "drums"): ["strokes.csv", "strokes.csv"],
    ("evaluate", "retrieval"): ["groups.csv", "answers.csv", "--all"],
    ("evaluate", "beats"): ["events.csv", "events.csv", "--trim", "0"],
}


def commands() -> list[Command]:
    entries = [load(name) for name in names()]
    return [command for entry in entries if entry is not None for command in entry.commands.values()]


ALL = commands()
READING = [command for command in ALL if command.inputs.shape != "none"]
# Processes of their own are slow: one sub-command stands for all in its file.
FIRST = list({command.module: command for command in reversed(READING)}.values())[::-1]
MANY = [command for command in READING if command.inputs.shape == "many" and not command.inputs.together]
SEARCHES = [command for command in READING if command.inputs.shape == "search"]


def each(chosen: list[Command]) -> Any:
    slow = {
        ("sync",),
        ("onsets",),
        ("tempo",),
        ("beats",),
        ("separate",),
        ("transcribe",),
        ("nmf-decompose",),
        ("edit",),
        ("mosaic",),
        ("features", "novelty"),
    }  # where loops are not compiled
    cases = [
        pytest.param(command, id="-".join(command.path), marks=[compiled] if command.path in slow else [])
        for command in chosen
    ]
    return pytest.mark.parametrize("command", cases)


def sample(command: Command) -> list[str]:
    """Return inputs and options that must work."""
    if command.path in SAMPLES:
        return SAMPLES[command.path]
    if command.inputs.shape == "none":
        return []
    if command.inputs.shape == "group":
        return ["take.wav", "slow.wav", "take.wav"][: max(2, command.inputs.minimum)]
    return [inputs.KINDS[argument.reads[0]] for argument in command.inputs.arguments]


def line(command: Command, *more: str, replaced: dict[int, str] | None = None) -> list[str]:
    words = sample(command)
    for place, name in (replaced or {}).items():
        words = [*words[:place], name, *words[place + 1 :]]
    only = ["-o", "parts/"] if command.parts and "-o" not in more else []
    return [*command.path, *words, *only, *more]


def places(command: Command) -> list[int]:
    return [place for place, word in enumerate(sample(command)) if "." in word]


def new(folder: Path) -> list[str]:
    """Return the files that are no inputs."""
    written = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(str(path.relative_to(folder)) for path in written if path.name not in inputs.CHANGED)


def target(command: Command) -> str:
    """Return the name of a regular output."""
    if command.parts:
        return "result/"
    if command.writes == PICTURES:
        return "result.png"
    return "result" + (formats.target_format(command.writes, "").extensions[0] if command.writes else "")


def explicit(command: Command) -> list[str]:
    """Return --format where a folder of outputs needs it."""
    kind = command.inputs.arguments[0].reads[0]
    return [] if command.writes else ["--format", formats.target_format(kind, "").name]


def assert_one_line(command: Command, err: str) -> None:
    assert err.startswith(f"mirtool {' '.join(command.path)}: "), err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err


# ----------------------------------------------------------------------------------------------------------- in process


@each(ALL)
def test_the_sample_works_and_says_nothing_on_stderr(command, call, here):
    result = call(*line(command))
    assert (result.code, result.err) == (0, "")
    assert result.out or new(here)


@each([command for command in READING if command.path != ("identify", "remove")])
def test_the_same_bytes_twice(command, call, here):
    assert call(*line(command)).out == call(*line(command)).out


@each(READING)
def test_a_missing_input_is_66(command, call, here):
    for place in places(command):
        result = call(*line(command, replaced={place: "no such file.wav"}))
        assert result.code == 66
        assert "no such file.wav" in result.err
        assert_one_line(command, result.err)
    assert new(here) == []


@each(READING)
def test_stdin_is_an_input(command, call, here, monkeypatch):
    words = line(command)
    expected = call(*words)
    for place in places(command):
        name = sample(command)[place]
        stdin = type("Stdin", (), {"buffer": io.BytesIO((here / name).read_bytes())})
        monkeypatch.setattr(sys, "stdin", stdin)
        kind = formats.by_extension(name)
        source = ["--from", kind.name] if kind is not None and kind.is_text else []
        result = call(*line(command, *source, replaced={place: "-"}))
        assert (result.code, result.err) == (0, "")
        assert result.out == expected.out or not command.parts


@each(READING)
@pytest.mark.parametrize("hostile", inputs.HOSTILE)
@pytest.mark.filterwarnings("error")
def test_hostile_inputs_are_refused_or_done_whole(command, hostile, call, here):
    for place in places(command):
        output = target(command)
        result = call(*line(command, "-o", output, replaced={place: hostile}))
        assert result.code in (0, 65), result.err
        if result.code == 0:
            assert (here / output).exists()
        else:
            assert_one_line(command, result.err)
            assert hostile in result.err
            assert new(here) == []
        shutil.rmtree(here / output) if (here / output).is_dir() else (here / output).unlink(missing_ok=True)


@each(READING)
def test_what_is_no_input_at_all_is_65(command, call, here):
    for place in places(command):
        for hostile in ("page.html", "picture.png", "noise.bin", "empty"):
            result = call(*line(command, replaced={place: hostile}))
            assert result.code == 65, hostile
            assert result.out == b""


@each(READING)
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_input_is_66(command, call, here):
    locked = here / "locked.wav"
    locked.write_bytes(b"")
    locked.chmod(0)
    assert call(*line(command, replaced={0: "locked.wav"})).code == 66


@each([command for command in READING if not command.parts])
def test_an_older_output_outlives_a_failure(command, call, here):
    output = here / target(command)
    output.write_bytes(b"older")
    assert call(*line(command, "-o", output.name, replaced={0: "page.html"})).code == 65
    assert output.read_bytes() == b"older"
    assert call(*line(command, "-o", output.name)).code == 0
    assert output.read_bytes() != b"older"
    assert new(here) == [output.name]


@each(READING)
def test_an_output_over_an_input_is_refused(command, call, here):
    first = sample(command)[0]
    before = (here / first).read_bytes()
    result = call(*line(command, "-o", f"{first}/" if command.parts else f"./{first}"))
    assert result.code in (2, 73)
    assert_one_line(command, result.err)
    assert (here / first).read_bytes() == before


@each(READING)
def test_a_full_disk_is_74(command, call, here):
    if not command.parts:
        result = call(*line(command, "-o", "/dev/full"))
        if result.code != 2:  # a picture's format follows from the name
            assert result.code == 74
        assert_one_line(command, result.err)
    if command.plots:
        assert call(*line(command, "--plot", "nowhere.txt")).code == 2


@each(READING)
def test_debug_shows_where(command, call, here):
    result = call(*line(command, "--debug", replaced={0: "page.html"}))
    assert result.code == 65
    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("mirtool ")


@each([command for command in READING if command.kinds])
def test_parameters_go_round(command, call, here):
    dumped = call(*command.path, "--dump-params")
    assert dumped.code == 0
    (here / "p.toml").write_bytes(dumped.out)
    assert call(*command.path, "--dump-params", "--params", "p.toml") == dumped
    expected = call(*line(command))
    assert call(*line(command, "--params", "p.toml")) == expected
    (here / "p.toml").write_bytes(dumped.out + b"no_such_key = 1\n")
    result = call(*line(command, "--params", "p.toml"))
    assert result.code == 2
    assert "no_such_key" in result.err


@each([command for command in READING if command.plots])
def test_plots_are_the_same_twice(command, call, here):
    first, second = here / "a.svg", here / "b.svg"
    assert call(*line(command, "--plot", first.name)).code == 0
    assert call(*line(command, "--plot", second.name)).code == 0
    assert first.read_bytes().startswith(b"<?xml")
    assert first.read_bytes() == second.read_bytes()


@each([command for command in FIRST if command.plots])
@pytest.mark.parametrize(("extension", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_plots_in_other_formats(command, extension, magic, call, here):
    assert call(*line(command, "--plot", f"a.{extension}")).code == 0
    assert (here / f"a.{extension}").read_bytes().startswith(magic)


@each(MANY)
def test_lists_and_folders(command, call, here):
    name, *options = sample(command)
    folder = here / "corpus" / "deep"
    folder.mkdir(parents=True)
    shutil.copy(here / name, folder / name)
    (here / "list.txt").write_text(f"corpus/deep/{name}\n")
    words = [*command.path, *options, *explicit(command), "-o", "out/"]
    assert call(*words, "corpus").code == 0
    made = [path for path in new(here) if path.startswith("out/deep/")]
    assert made
    (here / made[0]).write_bytes(b"kept")
    assert call(*words, "corpus", "--skip-existing").code == 0
    assert (here / made[0]).read_bytes() == b"kept"
    assert call(*words, "--files-from", "list.txt").code == 0
    assert [path for path in new(here) if path.startswith("out/corpus/deep/")]


@each(SEARCHES)
def test_an_index_finds_what_the_files_do(command, call, here):
    query, name, *options = sample(command)
    (here / "corpus").mkdir()
    for copy in ("a", "b"):
        shutil.copy(here / name, here / "corpus" / f"{copy}{Path(name).suffix}")
    words = [*command.path, query, *options]
    expected = call(*words, "corpus")
    assert expected.code == 0
    assert call(*words, "corpus", "--index", "x.db", "--jobs", "2") == expected
    assert call(*words, "--index", "x.db") == expected
    (here / f"corpus/c{Path(name).suffix}").write_bytes(b"\0")
    for more in ([], ["--index", "x.db"]):
        result = call(*words, "corpus", *more)
        assert (result.code, result.out) == (1, expected.out)
        assert f"corpus/c{Path(name).suffix}" in result.err
    built = call(*command.path, *options, "--index", "y.db", "corpus/")
    assert built.code == 1
    assert built.text.splitlines()[0] == "file,change"
    data = (here / "x.db").read_bytes()
    (here / "x.db").write_bytes(data[:-1])
    result = call(*words, "--index", "x.db")
    assert (result.code, result.out) == (65, b"")
    assert_one_line(command, result.err)


# ------------------------------------------------------------------------------------------ in processes of their own


@each(MANY)
@pytest.mark.slow
def test_jobs_do_not_change_a_byte(command, call, here):
    name, *options = sample(command)
    for copy in ("a", "b", "c"):
        shutil.copy(here / name, here / f"{copy}{Path(name).suffix}")
    copies = [f"{copy}{Path(name).suffix}" for copy in "abc"]
    words = [*command.path, *options, *explicit(command)]
    assert call(*words, *copies, "-o", "one/").code == 0
    result = call(*words, *copies, "-o", "two/", "--jobs", "2")
    assert (result.code, result.err) == (0, "")
    assert [path[4:] for path in new(here) if path[:3] == "one"] == [
        path[4:] for path in new(here) if path[:3] == "two"
    ]
    for path in new(here):
        if path[:3] == "one":
            assert (here / path).read_bytes() == (here / f"two{path[3:]}").read_bytes()
    if command.writes in formats.TABLES:
        assert call(*words, *copies, "missing").code == 1
        assert call(*words, *copies, "missing") == call(*words, *copies, "missing", "--jobs", "2")


@each(FIRST)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_ends_it_silently(command, unbuffered, here):
    if command.parts:
        pytest.skip("writes to a folder")
    read, write = os.pipe()
    os.close(read)
    process = launch(line(command), stdout=write, env={"PYTHONUNBUFFERED": unbuffered})
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGPIPE
    assert err == b""


@each(FIRST)
def test_stdout_on_a_full_disk_is_74(command, here):
    if command.parts:
        pytest.skip("writes to a folder")
    with open("/dev/full", "wb") as full:
        process = launch(line(command), stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 74
    assert_one_line(command, err.decode())


@each(FIRST)
def test_a_file_that_may_not_grow_leaves_nothing_behind(command, here):
    output = target(command)
    older = here / ("" if is_folder(output) else output)
    if not command.parts:
        older.write_bytes(b"older")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))  # noqa: E731
    process = launch(line(command, "-o", output), preexec_fn=limit, env={"PYTHONDONTWRITEBYTECODE": "1"})
    _, err = process.communicate(timeout=120)
    assert process.returncode == 74
    assert_one_line(command, err.decode())
    assert new(here) == ([] if command.parts else [output])
    assert command.parts or older.read_bytes() == b"older"


@each(FIRST)
def test_a_closed_stdout_is_an_error(command, here):
    if command.parts:
        pytest.skip("writes to a folder")
    words = " ".join([sys.executable, "-m", "mirtool", *line(command), ">&-"])
    done = subprocess.run(["bash", "-c", words], env=environment(), capture_output=True, timeout=60)
    assert done.returncode in (73, 74)
    assert_one_line(command, done.stderr.decode())


def test_streamable_formats_are_known():
    assert set(STREAMABLE) <= set(formats.FORMATS)
