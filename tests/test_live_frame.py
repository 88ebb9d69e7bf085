"""What --live means for every command that has it: rows at once, streams without end, interrupts, refusals."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import sample_commands
import soundfile
from conftest import ROOT

from mirtool.cli.command import Entry, entry_of
from mirtool.io import riff

RATE = 8000
STEP = 400  # samples a row of the sample command
RAW = ("--raw", "s16le", "--sample-rate", str(RATE))
COMMANDS = entry_of(sample_commands).commands


@pytest.fixture
def run(call):
    return lambda *arguments: call(
        *arguments, loader=lambda name: Entry(name, COMMANDS[name].help, {name: COMMANDS[name]})
    )


def ramp(rows):
    """Return sound whose row k has the strength (k + 1) / 64."""
    return np.repeat((np.arange(rows) % 64 + 1) * 512, STEP).astype("<i2").tobytes()


def expected(rows):
    lines = [f"{k * 0.05:.6f},{'%.6g' % ((k % 64 + 1) / 64)}\n" for k in range(rows)]
    return "time,strength\n" + "".join(lines)


@pytest.fixture
def live(listening):
    return lambda *arguments, **more: listening(
        sys.executable, ROOT / "tests/sample_program.py", "loudest", "--live", *arguments, **more
    )


def test_rows_come_as_the_sound_does(live):
    program = live("-", *RAW)
    sound = ramp(5)
    for row in range(5):
        program.feed(sound[2 * STEP * row : 2 * STEP * (row + 1)])
        assert program.wait_for(row + 2) == expected(row + 1)
    program.feed(sound[: 2 * STEP // 2])  # the rest of a row comes with the end
    assert program.finish() == (0, expected(5) + "0.250000,0.015625\n", "")


def test_the_header_comes_before_the_first_row(live):
    program = live("-", *RAW)
    program.feed(bytes(12))
    assert program.wait_for(1) == "time,strength\n"


@pytest.mark.parametrize("known", [False, True])
def test_wav_whose_header_may_not_know_its_length(live, known):
    program = live("-")
    program.feed(riff.HeaderWriter(RATE, 1, "PCM_16").bytes(3 * STEP if known else None))
    program.feed(ramp(2))
    assert program.wait_for(3) == expected(2)
    program.feed(ramp(3)[4 * STEP :])
    assert program.finish() == (0, expected(3), "")


def test_a_fifo(live, tmp_path):
    path = tmp_path / "sound.fifo"
    os.mkfifo(path)
    program = live(str(path), *RAW, stdin=subprocess.DEVNULL)
    with open(path, "wb", buffering=0) as fifo:
        fifo.write(ramp(3))
        assert program.wait_for(4) == expected(3)
    assert program.finish() == (0, expected(3), "")


def test_a_wav_that_breaks_off_keeps_its_rows(live):
    program = live("-")
    program.feed(riff.HeaderWriter(RATE, 1, "PCM_16").bytes(100 * STEP) + ramp(3))
    code, out, err = program.finish()
    assert (code, out) == (65, expected(3))
    assert "truncated" in err
    assert err.count("\n") == 1


def test_an_interrupt_keeps_the_rows(live, tmp_path):
    for target in (None, tmp_path / "rows.csv"):
        program = live("-", *RAW, *([] if target is None else ["-o", str(target)]))
        program.feed(ramp(3))
        if target is None:
            program.wait_for(4)
        else:
            end = time.monotonic() + 20
            while not any(path.stat().st_size >= len(expected(3)) for path in tmp_path.iterdir()):
                assert time.monotonic() < end
                time.sleep(0.02)
        begin = time.monotonic()
        program.process.send_signal(signal.SIGINT)
        program.process.wait(timeout=20)
        assert time.monotonic() - begin < 2
        code, out, err = program.finish()
        assert (code, err) == (130, "mirtool sample-commands loudest: interrupted\n")
        assert (out if target is None else target.read_text()) == expected(3)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_reader_that_has_gone_ends_it_silently(live):
    read, write = os.pipe()
    program = live("-", *RAW, stdout=write)
    os.close(write)
    program.feed(ramp(1))
    os.read(read, 5)
    os.close(read)
    program.feed(ramp(64))
    _, err = program.process.communicate(timeout=20)
    assert (program.process.returncode, err) == (-signal.SIGPIPE, b"")


def test_memory_does_not_grow(live):
    """Far more sound than a spool would keep in memory, of which the last is answered before the stream ends."""
    program = live("-", *RAW, "--every", "10")
    block, minutes = bytes(2 * RATE * 60), (5, 60)
    peaks = []
    for first, last in zip((0, *minutes), minutes, strict=False):
        for _ in range(first, last):
            program.feed(block)
        program.wait_for(6 * last)
        peaks.append(program.peak())
    assert peaks[1] - peaks[0] < 2048  # of 53 MB (in kB)
    assert program.finish()[0] == 0


@pytest.mark.parametrize("format", ["tsv", "json", "beats", "mireval", "audacity"])
def test_other_formats_are_written_row_by_row(live, format):
    program = live("-", *RAW, "--format", format)
    program.feed(ramp(2))
    text = program.wait_for(3 if format == "tsv" else 2)
    if format == "tsv":
        assert text == expected(2).replace(",", "\t")
    elif format == "json":
        assert [json.loads(line)["time"] for line in text.splitlines()] == [0, 0.05]
    else:
        assert [float(line.split()[0]) for line in text.splitlines()] == [0, 0.05]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (
            "take.wav --format midi",
            2,
            "--live writes row by row (csv, tsv, json, lab, beats, mireval, audacity), not midi",
        ),
        ("take.wav -o x.jams", 2, "row by row"),
        ("take.wav take.wav", 2, "--live takes one input"),
        ("take.wav -H", 2, "no --with-filename"),
        (". --format csv", 2, "--live takes one input"),
        ("take.wav --delay -1", 2, "--delay: must be at least 0"),
        ("take.wav --plot x.png", 2, "--live: not together with --plot"),
        ("take.wav --copy x.wav", 2, "--live: not together with --copy"),
        ("take.wav -o x.csv --skip-existing", 2, "--live: not together with --skip-existing"),
        ("empty", 65, "empty"),
        ("none.wav", 66, "none.wav"),
    ],
)
def test_refusals(run, tmp_path, monkeypatch, line, code, says):
    monkeypatch.chdir(tmp_path)
    soundfile.write("take.wav", np.frombuffer(ramp(2), "<i2"), RATE)
    (tmp_path / "empty").write_bytes(b"")
    result = run("loudest", "--live", *line.split())
    assert (result.code, result.text) == (code, "")
    assert says in result.err
    assert result.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "take.wav"]


def test_a_delay_is_for_live_sound(run):
    result = run("loudest", "take.wav", "--delay", "1")
    assert (result.code, result.err) == (2, "mirtool sample-commands loudest: --delay needs --live\n")


def test_what_is_no_wav_cannot_be_read_live_from_a_pipe(live):
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(1000), RATE, format="FLAC")
    program = live("-")
    program.feed(stream.getvalue())
    code, out, err = program.finish()
    assert (code, out) == (65, "")
    assert "-: live sound is WAV of plain samples, or --raw; this is neither (first bytes: 66 4c 61 43)" in err


def test_a_file_of_any_kind_can_be_read_as_if_it_were_live(run, tmp_path):
    soundfile.write(tmp_path / "take.flac", np.frombuffer(ramp(3), "<i2"), RATE)
    assert run("loudest", "--live", tmp_path / "take.flac").text == expected(3)
    excerpt = run("loudest", "--live", tmp_path / "take.flac", "--start", "0.05", "--duration", "0.05").text
    assert excerpt == "time,strength\n0.050000,0.03125\n"
