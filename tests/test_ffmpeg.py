import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mirtool.errors import DataError, FormatError, MissingPart
from mirtool.io import audio, audio_output, ffmpeg
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Audio

MP4 = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42isom" + bytes(100)

# What stands in for ffmpeg: writes the file that FAKE_SOUND names to stdout, then ends as the rest says.
FAKE = f"""#!{sys.executable}
import os, sys, time
with open(os.environ["FAKE_LOG"], "a") as log:
    print(*sys.argv[1:], sep="\\n", file=log)
with open(os.environ["FAKE_SOUND"], "rb") as sound:
    sys.stdout.buffer.write(sound.read())
sys.stdout.flush()
print(os.environ.get("FAKE_MESSAGE", ""), file=sys.stderr)
time.sleep(float(os.environ.get("FAKE_SLEEP", 0)))
sys.exit(int(os.environ.get("FAKE_CODE", 0)))
"""


@pytest.fixture
def sound() -> Audio:
    rng = np.random.default_rng(3)
    return Audio(rng.uniform(-1, 1, (100_000, 2)).astype(np.float32), 44100)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound: Audio) -> Path:
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    stream = Pipe()
    audio_output.write(sound, stream, WriteOptions("wav"))
    data = bytearray(stream.getvalue())
    data[4:8] = b"\xff" * 4
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff" * 4  # as ffmpeg writes to a pipe
    (tmp_path / "sound.wav").write_bytes(data)
    monkeypatch.setenv("FAKE_SOUND", str(tmp_path / "sound.wav"))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path


def opened(data: bytes = MP4, **options: float) -> audio.Recording:
    return audio.read(io.BytesIO(data), "take.m4a", ReadOptions(**options))


def whole(source) -> np.ndarray:
    return np.concatenate(list(source.blocks(4096)))


def test_absent_ffmpeg_names_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPart, match=r"take\.m4a: MPEG-4 .* not installed: \w+ install ffmpeg") as caught:
        opened()
    assert caught.value.exit_code == 69


@pytest.mark.parametrize("head", [b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"wvpk", b"MAC ", b"\xff\xf1\x50\x80"])
def test_everything_that_needs_ffmpeg_says_so(tmp_path, monkeypatch, head):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPart, match="is decoded by ffmpeg"):
        opened(head + bytes(100))


def test_a_chain_of_ogg_streams_is_not_cut_after_the_first(tmp_path, monkeypatch, sound):
    monkeypatch.setenv("PATH", str(tmp_path))
    streams = [io.BytesIO(), io.BytesIO()]
    for k, stream in enumerate(streams):
        audio_output.write(Audio(0.3 * sound.samples[k:20_000], 44100), stream, WriteOptions("ogg"))
    assert abs(len(whole(opened(streams[0].getvalue()))) - 20_000) < 1024
    with pytest.raises(MissingPart, match="a chain of Ogg streams is decoded by ffmpeg"):
        opened(streams[0].getvalue() + streams[1].getvalue())


def test_no_ffmpeg_is_started_for_what_is_no_audio(fake):
    with pytest.raises(FormatError, match="HTML page"):
        opened(b"<!doctype html><html>404</html>")
    assert not (fake / "log").exists()


def test_decodes_and_begins_again(fake, sound):
    source = opened()
    assert (source.sample_rate, source.channels, source.frames) == (44100, 2, None)
    assert np.array_equal(whole(source), sound.samples)
    assert np.array_equal(whole(source), sound.samples)
    assert (fake / "log").read_text().count("pcm_f32le") == 2


def test_start_and_duration(fake, sound):
    assert np.array_equal(whole(opened(start=0.1, duration=0.5)), sound.samples[4410 : 4410 + 22050])
    with pytest.raises(DataError, match="beyond the end"):
        whole(opened(start=100))


def test_a_file_on_disk_is_given_by_its_path(fake):
    path = fake / "-i take.m4a"
    path.write_bytes(MP4)
    with path.open("rb") as stream:
        audio.read(stream, str(path), ReadOptions())
    assert f"file:{path}" in (fake / "log").read_text().splitlines()


def test_failure_is_reported_with_the_last_line(fake, monkeypatch):
    monkeypatch.setenv("FAKE_CODE", "1")
    monkeypatch.setenv("FAKE_MESSAGE", "something\nmoov atom not found")
    with pytest.raises(FormatError, match=r"take\.m4a: ffmpeg: moov atom not found"):
        whole(opened())
    (fake / "sound.wav").write_bytes(b"")
    with pytest.raises(FormatError, match="moov atom not found"):
        opened()


def test_success_without_sound(fake):
    (fake / "sound.wav").write_bytes(b"")
    with pytest.raises(FormatError, match="finds no sound"):
        opened()


def test_complaints_of_a_success_are_warnings(fake, monkeypatch, caplog, sound):
    monkeypatch.setenv("FAKE_MESSAGE", "invalid frame")
    assert len(whole(opened())) == sound.frames
    assert "take.m4a: ffmpeg: invalid frame" in caplog.text


def test_a_silent_ffmpeg_is_given_up(fake, monkeypatch):
    monkeypatch.setattr(ffmpeg, "STALL", 0.2)
    monkeypatch.setenv("FAKE_SLEEP", "30")
    begin = time.monotonic()
    with pytest.raises(FormatError, match=r"ffmpeg did not (answer|end)"):
        whole(opened())
    assert time.monotonic() - begin < 5


def test_leaving_early_ends_ffmpeg(fake, monkeypatch):
    monkeypatch.setenv("FAKE_SLEEP", "30")
    start, started = subprocess.Popen, []

    def remembered(*words, **options):
        process = start(*words, **options)
        started.append(process.pid)
        return process

    monkeypatch.setattr("mirtool.io.ffmpeg.subprocess.Popen", remembered)
    blocks = opened().blocks(100)
    next(blocks)
    begin = time.monotonic()
    del blocks
    source = opened()
    del source
    assert time.monotonic() - begin < 5
    assert started
    for process in started:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_the_real_program_decodes_and_complains(tmp_path, sound):
    with (tmp_path / "take.wav").open("wb") as stream:
        audio_output.write(sound, stream, WriteOptions("wav"))
    encode = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", "take.wav", "-c:a", "alac", "take.m4a"]
    subprocess.run(encode, cwd=tmp_path, check=True)
    data = (tmp_path / "take.m4a").read_bytes()
    np.testing.assert_allclose(whole(opened(data)), sound.samples, atol=2e-4)  # 16 bits
    with pytest.raises(FormatError, match=r"take\.m4a: ffmpeg: \w") as caught:
        whole(opened(data[:2000]))
    assert "/" not in str(caught.value)
