"""Parts of a separation: written together in one pass, each whole, or none at all."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sample_commands
import soundfile
from conftest import ROOT, environment

from mirtool.cli.command import Entry, entry_of
from mirtool.io import audio_output
from mirtool.types import AudioSource, Stems, StemStream

RATE = 8000
COMMANDS = entry_of(sample_commands).commands


@pytest.fixture
def run(call):
    return lambda *arguments: call(
        *arguments, loader=lambda name: Entry(name, COMMANDS[name].help, {name: COMMANDS[name]})
    )


@pytest.fixture
def sound(tmp_path, monkeypatch):
    """Write a stereo sound to take.wav, go to its folder, and return the samples."""
    monkeypatch.chdir(tmp_path)
    samples = np.random.default_rng(1).uniform(-1, 1, (5300, 2)).astype(np.float32)
    soundfile.write("take.wav", samples, RATE, "FLOAT")
    return samples


def start(*arguments, **more):
    words = [sys.executable, str(ROOT / "tests/sample_program.py"), "layers", "take.wav", *arguments]
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return subprocess.Popen(words, env={**environment(), "PYTHONPATH": path}, stderr=subprocess.PIPE, **more)


def files(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def test_a_stream_of_stems_begins_again_at_every_call():
    blocks = [(np.ones((3, 1), np.float32), np.zeros((3, 1), np.float32))] * 2
    stems = StemStream(("a", "b"), RATE, 1, 6, lambda: iter(blocks))
    assert isinstance(stems, Stems)
    assert sum(len(first) for _ in range(2) for first, _ in stems.blocks()) == 12
    one = audio_output.Stem(stems, "a")
    assert isinstance(one, AudioSource)
    assert [len(block) for block in one.blocks(4, 2)] == [4, 4]


def test_each_part_is_a_file_and_they_sum_to_the_mixture(run, sound):
    assert run("layers", "take.wav", "-o", "out/").code == 0
    assert files("out") == ["above.wav", "below.wav", "levels.npy", "manifest.json"]
    parts = [soundfile.read(f"out/{name}.wav", dtype="float32", always_2d=True)[0] for name in ("above", "below")]
    assert np.array_equal(parts[0] + parts[1], sound)
    assert json.loads(Path("out/manifest.json").read_text())["files"] == ["levels.npy", "above.wav", "below.wav"]
    os.truncate("out/above.wav", 3)
    assert run("layers", "take.wav", "-o", "out/", "--skip-existing").code == 0
    assert os.path.getsize("out/above.wav") == 3


@pytest.mark.parametrize(("format", "subtype"), [("flac", "PCM_16"), ("wav", "PCM_24"), ("ogg", "VORBIS")])
def test_formats_of_the_sound_leave_other_parts_as_they_are(run, sound, format, subtype):
    assert run("layers", "take.wav", "-o", "out/", "--format", format, "--subtype", subtype).code == 0
    assert files("out") == [f"above.{format}", f"below.{format}", "levels.npy", "manifest.json"]
    assert soundfile.info(f"out/below.{format}").subtype == subtype


def test_one_part_alone_goes_anywhere(run, sound):
    result = run("layers", "take.wav", "--only", "below", "-o", "-")
    below = soundfile.read(io.BytesIO(result.out), dtype="float32")[0]
    assert np.array_equal(below, np.minimum(sound, 0))
    assert run("layers", "take.wav", "--only", "below").out == result.out
    assert run("layers", "take.wav", "--only", "above", "-o", "x.flac", "--subtype", "PCM_16").code == 0
    assert soundfile.info("x.flac").format == "FLAC"
    assert run("layers", "take.wav", "--only", "levels", "-o", "levels.npy").code == 0
    assert np.load("levels.npy").shape == (2, 3)
    assert run("layers", "take.wav", "--only", "levels").out[:6] == b"\x93NUMPY"
    assert run("layers", "take.wav", "--only", "above", "-o", "out/").code == 0
    assert files("out") == ["take.wav"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("--only sideways", 2, "no part 'sideways'; there are levels, above, below"),
        ("--only above -o x.npy", 2, "npy cannot hold audio"),
        ("--only above -o x.png", 2, "draws pictures"),
        ("--only levels --format flac", 2, "flac cannot hold features"),
        ("--only levels --subtype PCM_16", 2, "--subtype is for sound: npy has no PCM_16"),
        ("-o out/ --format npy", 2, "none of wav"),
        ("-o out/ --subtype nothing", 2, "no subtype"),
        ("-o out/ --trouble twice", 2, "two parts are called 'above'"),
        ("-o out/ --trouble nan", 65, "NaN or infinite sample at 0.000000 s"),
        ("-o out/ --trouble data", 65, "too long"),
    ],
)
def test_what_fails_leaves_nothing_and_older_files_as_they_were(run, sound, words, code, says):
    os.mkdir("out")
    for name in ("above.wav", "below.wav"):
        Path("out", name).write_text("older")
    result = run("layers", "take.wav", *words.split())
    assert result.code == code
    assert says in result.err
    assert result.err.count("\n") == 1
    assert set(files("out")) - {"levels.npy"} == {"above.wav", "below.wav"}
    assert Path("out/above.wav").read_text() == Path("out/below.wav").read_text() == "older"


@pytest.mark.parametrize("part", ["above", "below"])
@pytest.mark.parametrize("format", ["wav", "flac"])
def test_a_full_disk_under_one_part_leaves_none(run, sound, part, format):
    os.mkdir("out")
    os.symlink("/dev/full", f"out/{part}.{format}")
    result = run("layers", "take.wav", "-o", "out/", "--format", format)
    assert result.code == 74
    assert f"out/{part}.{format}: cannot be written" in result.err
    assert files("out") == sorted(["levels.npy", f"{part}.{format}"])


@pytest.mark.parametrize("limit", [60_000, 100_000])
def test_a_limit_that_is_met_on_the_way_or_at_the_end_leaves_nothing(sound, limit):
    process = start(
        "-o", "out/", "--copies", "2", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode in (74, 0)
    assert (process.returncode == 0) == (limit == 100_000)
    assert len(files("out")) == (4 if process.returncode == 0 else 1), err


def test_a_reader_that_has_gone_ends_it_silently(sound):
    read, write = os.pipe()
    os.close(read)
    process = start("--only", "above", "--copies", "20", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_part(sound, number):
    process = start("-o", "out/", "--trouble", "slow", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    end = time.monotonic() + 20
    while len([name for name in files("out") if name.startswith(".")]) < 2:  # at once, while files are being created
        assert time.monotonic() < end
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert files("out") == ["levels.npy"]


def test_a_picture_is_made_of_all_parts_in_the_same_pass(run, sound):
    assert run("layers", "take.wav", "-o", "out/", "--plot", "a.svg").code == 0
    assert run("layers", "take.wav", "--only", "above", "-o", "above.wav", "--plot", "b.svg").code == 0
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
    assert Path("above.wav").read_bytes() == Path("out/above.wav").read_bytes()
    assert run("layers", "take.wav", "--only", "nothing", "-o", "x.wav", "--plot", "c.svg").code == 2
    assert not os.path.exists("c.svg")


def test_memory_does_not_grow_with_the_length(sound):
    peaks = []
    for copies in ("100", "1500"):  # 64 MB in each of two files
        process = start("-o", "out/", "--copies", copies)
        with process.stderr as messages:
            assert messages.read() == b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(usage.ru_maxrss >> (10 if sys.platform == "darwin" else 0))
    assert peaks[1] - peaks[0] < 8 << 10  # kB
