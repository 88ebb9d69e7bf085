"""The frame of commands: options, parameters, inputs, outputs, exit codes; with small commands of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import sample_commands
from conftest import ROOT

from mirtool.cli import value_text
from mirtool.cli.command import Entry, entry_of, load, names
from mirtool.errors import UsageProblem

COMMANDS = entry_of(sample_commands).commands


def loader(name):
    return Entry(name, COMMANDS[name].help, {name: COMMANDS[name]}) if name in COMMANDS else None


@pytest.fixture
def run(call):
    return lambda *arguments: call(*arguments, loader=loader)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make a corpus of event files and go there."""
    monkeypatch.chdir(tmp_path)
    for name, times in {"a.csv": (1, 2), "b.csv": (3,), "corpus/a.csv": (4,), "corpus/deep/bad.csv": (5, 6)}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("time\n" + "".join(f"{time}.0\n" for time in times))
    (tmp_path / "corpus/.hidden.csv").write_text("nonsense")
    (tmp_path / "corpus/notes.pdf").write_text("nonsense")
    return tmp_path


# ------------------------------------------------------------------------------------------------- values and options


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("3", int, 3),
        ("-2.5e3", float, -2500.0),
        ("none", float | None, None),
        ("2", int | None, 2),
        ("1,2.5", tuple[float, ...], (1.0, 2.5)),
        ("a=1, b = 2", dict[str, float], {"a": 1.0, "b": 2.0}),
        ("yes", bool, True),
        ("none", str, "none"),
    ],
)
def test_values_from_text(text, annotation, value):
    assert value_text.parse(text, annotation) == value


@pytest.mark.parametrize(
    ("text", "annotation", "says"),
    [
        ("1_0", int, "'1_0' is not a whole number"),
        ("1.5", int, "'1.5' is not a whole number"),
        ("x", float, "'x' is not a number"),
        ("a", dict[str, float], "'a' is not NAME=VALUE"),
        ("60", tuple[float, float], "2 values are needed, not 1"),
    ],
)
def test_wrong_values(text, annotation, says):
    with pytest.raises(UsageProblem, match=says):
        value_text.parse(text, annotation)


def test_toml_gives_every_kind_of_value_back():
    for value, annotation in [
        (None, int | None),
        (1e-12, float),
        ({'a"\\b\n': 0.1}, dict[str, float]),
        ((1.0, 2.0), tuple[float, ...]),
        (False, bool),
        ("ü\x00'", str),
    ]:
        document = tomllib.loads(f"x = {value_text.to_toml(value)}")
        assert value_text.from_toml(document["x"], annotation) == value


def test_help_shows_options_defaults_and_units(run):
    result = run("shift", "--help")
    assert result.code == 0
    assert "--by X" in result.text
    assert "[s; default: 0.5]" in result.text
    assert "--mode later|earlier" in result.text
    assert "--[no-]exact" in result.text
    assert "Seed of everything random" in result.text
    assert not result.err


# ---------------------------------------------------------------------------------------------------------- parameters


def test_a_flag_goes_before_the_file_and_the_file_before_the_default(run, files):
    dumped = run("shift", "--dump-params", "--by", "2").text
    assert 'mirtool = "' in dumped
    (files / "p.toml").write_text(dumped)
    assert run("shift", "--dump-params", "--params", "p.toml").text == dumped
    assert run("shift", "a.csv", "--params", "p.toml").text == "time\n3.000000\n4.000000\n"
    assert run("shift", "a.csv", "--params", "p.toml", "--by", "1").text == "time\n2.000000\n3.000000\n"
    assert run("shift", "a.csv").text == "time\n1.500000\n2.500000\n"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("[sample-commands.shift]\nspeed = 1", 2, "unknown key speed"),
        ("speed = 1", 2, "unknown key speed"),
        ("[sample-commands.shift]\nby = 'x'", 2, "by: 'x' is not a number"),
        ("[sample-commands.shift]\norder = 'x'", 2, "none of up, down"),
        ("[sample-commands.shift]\nby = -1", 2, "must not be negative"),
        ("by = ", 65, "not TOML"),
    ],
)
def test_wrong_parameter_files(run, files, text, code, says):
    (files / "p.toml").write_text(text)
    result = run("shift", "a.csv", "--params", "p.toml")
    assert (result.code, result.text) == (code, "")
    assert says in result.err
    assert result.err.count("\n") == 1


# -------------------------------------------------------------------------------------- options that belong to others


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--share 0.2", "--share is for --method median or trimmed, not mean"),
        ("--method mean --share 0.1", "--share is for --method median or trimmed, not mean"),
        ("--shifted", "--shifted needs --grid"),
        ("--power 2", "--power is for --weight time, not no"),
        ("--params p.toml --method mean --share 0.2", "--share is for --method median or trimmed, not mean"),
        ("--dump-params --share 0.2", "--share is for --method median or trimmed, not mean"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(run, files, line, says):
    (files / "p.toml").write_text('[sample-commands.middle]\nmethod = "median"\n')
    result = run("middle", "a.csv", *line.split())
    assert (result.code, result.text) == (2, "")
    assert result.err == f"mirtool sample-commands middle: {says}\n"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("--method median --share 0.2", "share,power\n0.2,1\n"),
        ("--params p.toml --share 0.2", "share,power\n0.2,1\n"),
        ("--grid 1 --shifted --weight time --power 2 --foreign 3", "share,power\n0.1,2\n"),
    ],
)
def test_an_option_that_belongs_to_the_choice_made_is_taken(run, files, line, written):
    (files / "p.toml").write_text('[sample-commands.middle]\nmethod = "median"\n')
    result = run("middle", "a.csv", *line.split())
    assert (result.code, result.text, result.err) == (0, written, "")


def test_a_file_of_all_parameters_serves_every_method(run, files):
    (files / "p.toml").write_text(run("middle", "--dump-params", "--method", "median", "--share", "0.3").text)
    assert run("middle", "a.csv", "--params", "p.toml", "--method", "mean").code == 0


def test_rows_of_a_job_table_are_refused_one_by_one(run, files):
    (files / "jobs.tsv").write_text("x\tmethod\tshare\na.csv\tmedian\t0.2\nb.csv\tmean\t\n")
    assert run("middle", "--files-from", "jobs.tsv").code == 0
    (files / "jobs.tsv").write_text("x\tmethod\tshare\na.csv\tmedian\t0.2\nb.csv\tmean\t0.2\n")
    assert "--share is for --method" in run("middle", "--files-from", "jobs.tsv").err


def test_every_option_that_says_so_belongs_to_another_one_somewhere():
    entries = [command for name in names() for command in load(name).commands.values()]
    said = {option.of for command in entries for option in (*command.own, *command.parameters)}
    assert said <= {option.of for command in entries for option in command.options}


def test_help_tells_what_an_option_belongs_to(run):
    text = " ".join(run("middle", "--help").text.split())
    assert "Left out. [with --method median or trimmed; 1; default: 0.1]" in text
    assert "Begin between two lines. [with --grid]" in text
    assert "Used. [default: 1]" in text


# --------------------------------------------------------------------------------------------------- errors, exit codes


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("shift", 2, "missing argument X"),
        ("shift a.csv --jobs 0", 2, "--jobs: must be at least 1"),
        ("shift a.csv --no-such", 2, "no such option: --no-such"),
        ("shift a.csv --by", 2, "requires an argument"),
        ("shift a.csv --by x", 2, "--by: 'x' is not a number"),
        ("shift a.csv --by -1", 2, "must not be negative"),
        ("shift a.csv --mode sideways", 2, "none of later, earlier"),
        ("shift a.csv --format npy", 2, "--format"),
        ("shift none.csv", 66, "none.csv"),
        ("shift none/", 66, "none/"),
        ("shift a.csv --trouble data", 65, "a.csv: too short"),
        ("shift a.csv --trouble defect", 70, "internal error: RuntimeError: two lines"),
        ("shift a.csv -o none/../a.csv", 2, "is an input"),
        ("shift a.csv --copy a.csv", 2, "is an input"),
        ("shift a.csv corpus/a.csv -o out/", 2, "the output of both"),
        ("shift a.csv -o x.csv --copy x.csv", 2, "the output of both"),
        ("shift a.csv b.csv --copy x.csv", 2, "several inputs need a folder"),
        ("shift a.csv b.csv --format midi", 2, "cannot share one stream"),
        ("shift corpus --format beats", 2, "has no column for the input's name"),
        ("shift a.csv --skip-existing", 2, "--skip-existing needs -o"),
        ("shift - -", 2, "stdin"),
        ("shift a.csv -o /dev/full", 74, "/dev/full"),
        ("shift a.csv -o none/x.csv", 73, "none/x.csv: no such folder: none"),
        ("shift a.csv -o x.csv --copy none/y.csv", 73, "none/y.csv: no such folder: none"),
        ("shift a.csv --params none.toml", 66, "shift: none.toml: no such file"),
        ("compare a.csv", 2, "missing argument EST"),
        ("compare a.csv b.csv a.csv", 2, "unexpected argument"),
        ("collect a.csv", 2, "at least 2"),
        ("halves a.csv", 2, "several outputs"),
        ("halves a.csv --only third", 2, "there are first, second"),
        ("nothing", 2, "no command"),
        ("--nothing", 2, "before the command"),
    ],
)
def test_one_line_and_an_exit_code(run, files, line, code, says):
    result = run(*line.split())
    assert (result.code, result.text) == (code, "")
    assert says in result.err
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    assert sorted(path.name for path in files.iterdir()) == ["a.csv", "b.csv", "corpus"]


def test_debug_shows_the_traceback(run, files):
    result = run("shift", "a.csv", "--trouble", "defect", "--debug")
    assert result.code == 70
    assert "Traceback" in result.err
    assert "sample_commands.py" in result.err


def test_several_inputs_of_which_one_fails(run, files):
    result = run("shift", "a.csv", "none.csv", "b.csv")
    assert result.code == 1
    assert result.text == "time\n1.500000\n2.500000\n3.500000\n"
    assert result.err.splitlines()[-1].endswith("1 of 3 failed: none.csv")


# -------------------------------------------------------------------------------------------------------------- outputs


def test_a_glob_gets_no_column_and_a_folder_does(run, files):
    assert run("shift", "a.csv", "b.csv").text.startswith("time\n")
    assert run("shift", "-H", "a.csv").text == "file,time\na.csv,1.500000\na.csv,2.500000\n"
    assert run("shift", "corpus").text == (
        "file,time\ncorpus/a.csv,4.500000\ncorpus/deep/bad.csv,5.500000\ncorpus/deep/bad.csv,6.500000\n"
    )


def test_lines_of_json_are_laid_one_after_the_other(run, files):
    lines = run("shift", "corpus", "--format", "json").text.splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["corpus/a.csv"] + ["corpus/deep/bad.csv"] * 2
    assert run("shift", "a.csv", "b.csv", "--format", "mireval").text == "1.500000\n2.500000\n3.500000\n"


def test_a_folder_of_outputs(run, files):
    assert run("shift", "corpus", "-o", "out/", "--copy", "copies/").code == 0
    made = sorted(str(path.relative_to(files)) for path in files.rglob("*.csv") if path.parts[-2] != "corpus")
    assert "out/a.csv" in made
    assert "out/deep/bad.csv" in made
    assert "copies/deep/bad.csv" in made
    assert (files / "out/a.csv").read_text() == "time\n4.500000\n"


def test_outputs_within_the_folder_of_inputs_are_no_inputs(run, files):
    assert run("shift", "corpus", "-o", "corpus/out/").code == 0
    assert run("shift", "corpus", "-o", "corpus/out/").code == 0
    assert not (files / "corpus/out/out").exists()


def test_links_that_lead_back_up_are_not_followed_forever(run, files):
    (files / "corpus/deep/up").symlink_to(files / "corpus")
    assert run("shift", "corpus").text.count("\n") == 4


def test_names_that_are_not_utf8(run, files):
    name = os.fsdecode(b"take\xff.csv")
    (files / "a.csv").rename(files / name)
    assert run("shift", "-H", name).text == "file,time\ntake\\udcff.csv,1.500000\ntake\\udcff.csv,2.500000\n"
    assert run("shift", name, "-o", "out/").code == 0
    assert (files / "out" / name).exists()
    (files / name).write_text("nonsense")
    assert run("shift", name).code == 65


def test_one_file_for_all(run, files):
    assert run("shift", "corpus", "a.csv", "-o", "all.tsv").code == 0
    assert (files / "all.tsv").read_text().splitlines()[0] == "file\ttime"


def test_skip_existing_leaves_out_what_is_there(run, files):
    (files / "out").mkdir()
    (files / "out/a.csv").write_text("kept")
    assert run("shift", "a.csv", "b.csv", "-o", "out/", "--skip-existing").code == 0
    assert (files / "out/a.csv").read_text() == "kept"
    assert (files / "out/b.csv").read_text() == "time\n3.500000\n"


def test_parts_and_their_manifest(run, files):
    assert run("halves", "a.csv", "-o", "out/").code == 0
    assert json.loads((files / "out/manifest.json").read_text())["files"] == ["first.csv", "second.csv"]
    (files / "out/first.csv").write_text("kept")
    assert run("halves", "a.csv", "-o", "out/", "--skip-existing").code == 0
    assert (files / "out/first.csv").read_text() == "kept"
    (files / "out/manifest.json").unlink()
    assert run("halves", "a.csv", "-o", "out/", "--skip-existing").code == 0
    assert (files / "out/first.csv").read_text() != "kept"
    assert run("halves", "corpus", "-o", "all/").code == 0
    assert (files / "all/deep/bad/second.csv").read_text() == "time\n6.000000\n"
    assert run("halves", "a.csv", "--only", "second").text == "time\n2.000000\n"


def test_a_failed_job_leaves_no_manifest(run, files):
    assert run("halves", "a.csv", "-o", "out/").code == 0
    (files / "a.csv").write_text("nonsense")
    assert run("halves", "a.csv", "-o", "out/").code == 65
    assert not (files / "out/manifest.json").exists()


# ----------------------------------------------------------------------------------------------------- lists and tables


def test_a_list_of_inputs(run, files):
    (files / "list.txt").write_text("corpus/a.csv\n\nb.csv\n")
    assert run("shift", "--files-from", "list.txt").text == "file,time\ncorpus/a.csv,4.500000\nb.csv,3.500000\n"
    assert run("shift", "--files-from", "list.txt", "-o", "out/").code == 0
    assert (files / "out/corpus/a.csv").exists()


def test_all_inputs_make_one_job(run, files):
    (files / "list.txt").write_text("b.csv\n")
    words = ["census", "a.csv", "corpus", "--files-from", "list.txt", "--jobs", "3"]
    assert run(*words).text == "file,n,jobs\na.csv,2,3\ncorpus/a.csv,1,3\ncorpus/deep/bad.csv,2,3\nb.csv,1,3\n"
    (files / "jobs.tsv").write_text("x\na.csv\nb.csv\n")
    assert run("census", "--files-from", "jobs.tsv").text == "file,n,jobs\na.csv,2,1\nb.csv,1,1\n"
    assert "--with-filename" not in run("census", "--help").text
    assert run("census", "none.csv").code == 66


def test_names_that_are_no_files(run, files):
    assert run("spell", "corpus", "none.csv").text == "name\ncorpus\nnone.csv\n"
    assert not {"--from", "--jobs", "--skip-existing"} & set(run("spell", "--help").text.split())
    assert "--files-from" in run("spell", "--help").text


def test_a_job_a_row(run, files):
    (files / "jobs.tsv").write_text("ref\test\tscale\na.csv\tb.csv\t2\nb.csv\ta.csv\t\n")
    assert run("compare", "--files-from", "jobs.tsv").text == "file,ref,est\nb.csv,4,2\na.csv,1,2\n"
    (files / "jobs.tsv").write_text("x\tby\toutput\na.csv\t1\tcorpus/one.csv\na.csv\t2\ttwo.csv\n")
    assert run("shift", "--files-from", "jobs.tsv").code == 0
    assert (files / "corpus/one.csv").read_text() == "time\n2.000000\n3.000000\n"
    assert (files / "two.csv").read_text() == "time\n3.000000\n4.000000\n"


def test_a_group_a_row(run, files):
    (files / "jobs.tsv").write_text("a\tb\tc\na.csv\tb.csv\t\nb.csv\ta.csv\tcorpus/a.csv\n")
    assert run("collect", "--files-from", "jobs.tsv").text == (
        "file,n\na.csv b.csv,2\na.csv b.csv,1\nb.csv a.csv corpus/a.csv,1\nb.csv a.csv corpus/a.csv,2\n"
        "b.csv a.csv corpus/a.csv,1\n"
    )
    assert run("collect", "--files-from", "jobs.tsv", "-o", "out/").code == 0
    assert sorted(path.name for path in (files / "out").iterdir()) == ["a-b.csv", "b-a-corpus-a.csv"]
    (files / "jobs.tsv").write_text("a\na.csv\n")
    assert "a row needs the columns a, b" in run("collect", "--files-from", "jobs.tsv").err


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("ref\na.csv\n", 2, "without est"),
        ("ref\test\tspeed\na.csv\tb.csv\t1\n", 2, "speed is neither"),
        ("ref\tref\na.csv\tb.csv\n", 2, "stands twice"),
        ("ref\test\na.csv\tb.csv\tc\n", 65, "3 cells"),
        ("ref\test\tscale\na.csv\tb.csv\tx\n", 2, "--scale: 'x'"),
        ("", 65, "empty job table"),
    ],
)
def test_wrong_job_tables(run, files, text, code, says):
    (files / "jobs.tsv").write_text(text)
    result = run("compare", "--files-from", "jobs.tsv")
    assert (result.code, result.text) == (code, "")
    assert says in result.err


# ------------------------------------------------------------------------------------------------------------ processes


def heed_interrupt():
    """Undo what a shell does to its background jobs, where SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def driver(files):
    """Start the sample commands as a program of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
        words = [sys.executable, str(ROOT / "tests/sample_program.py"), *arguments]
        process = subprocess.Popen(
            words,
            env=environment,
            stdout=-1,
            stderr=-1,
            text=True,
            start_new_session=True,
            preexec_fn=heed_interrupt,
        )
        started.append(process)
        return process

    yield start
    for process in started:  # a test that fails leaves some that never end, and their workers
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_processes_give_the_same_bytes_in_the_same_order(run, files):
    alone = run("shift", "a.csv", "b.csv", "corpus")
    assert run("shift", "a.csv", "b.csv", "corpus", "--jobs", "2") == alone
    assert run("shift", "corpus", "-o", "out/", "-j", "2").code == 0
    assert (files / "out/deep/bad.csv").read_text() == "time\n5.500000\n6.500000\n"


def test_messages_of_workers_come_in_order(run, files):
    expected = "".join(f"mirtool sample-commands shift: {name}\n" for name in ("a.csv: 2 events", "b.csv: 1 events"))
    for jobs in "12":
        assert run("shift", "a.csv", "b.csv", "-j", jobs).err == ""
        assert run("shift", "a.csv", "b.csv", "-j", jobs, "-v").err == expected


def test_a_process_that_dies_takes_no_other_job_with_it(run, files):
    result = run("shift", "corpus/deep/bad.csv", "a.csv", "b.csv", "--trouble", "kill", "--jobs", "2")
    assert result.code == 1
    assert result.text == "time\n1.500000\n2.500000\n3.500000\n"
    assert "corpus/deep/bad.csv: its process died (SIGKILL)" in result.err


def test_interrupt_while_the_program_loads_is_silent(tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    words = [sys.executable, "-m", "mirtool", "--help"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, preexec_fn=heed_interrupt)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("trouble", ["slow", "stuck"])
def test_interrupt_stops_at_once(driver, files, jobs, trouble):
    process = driver("shift", "a.csv", "b.csv", "--trouble", trouble, "-j", jobs, "-o", "out/")
    time.sleep(1.5)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not list(Path("out").glob("*")) if Path("out").exists() else True


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def growing(folder, size=100_000):
    """Return the hidden files that are being written."""
    return [path for path in folder.glob(".*") if path.stat().st_size > size]


def test_a_kill_leaves_the_old_output_and_one_hidden_file_that_the_next_run_removes(driver, run, files):
    out = files / "out"
    out.mkdir()
    (out / "a.wav").write_bytes(b"older")
    process = driver("trickle", "a.csv", "-o", "out/a.wav")
    wait_for(lambda: growing(out, 1_000_000))
    process.kill()
    process.communicate()
    assert (out / "a.wav").read_bytes() == b"older"
    assert len(list(out.iterdir())) == 2
    assert run("shift", "a.csv", "-o", "out/a.wav", "--format", "csv").code == 0
    assert [path.name for path in out.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(driver, files, number):
    out = files / "out"
    process = driver("trickle", "a.csv", "b.csv", "-o", "out/", "--jobs", "2")
    wait_for(lambda: len(growing(out)) == 2)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert list(out.iterdir()) == []


def test_workers_end_with_a_killed_parent(driver, files):
    out = files / "out"
    process = driver("trickle", "a.csv", "b.csv", "-o", "out/", "--jobs", "2")
    wait_for(lambda: len(growing(out)) == 2)
    process.kill()
    process.communicate(timeout=20)  # ends when the last worker has closed stdout
    sizes = [path.stat().st_size for path in growing(out)]
    time.sleep(0.2)
    assert [path.stat().st_size for path in growing(out)] == sizes


def test_a_stream_of_failures_leaves_the_older_file(run, files):
    (files / "all.csv").write_text("old\n")
    assert run("shift", "none.csv", "nor.csv", "-o", "all.csv").code == 1
    assert (files / "all.csv").read_text() == "old\n"


def test_names_that_are_empty(run, files):
    assert "empty name" in run("shift", "").err
    assert "empty name" in run("shift", "a.csv", "-o", "").err


def test_outputs_beside_inputs(run, files):
    assert run("shift", "corpus", "-o", "corpus", "--format", "json").code == 0
    assert (files / "corpus/a.json").read_text()
