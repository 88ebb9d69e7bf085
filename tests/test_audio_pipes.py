"""Sound through real pipes, in processes of their own, and the memory that it takes."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirtool.io import riff

# Reads sound from stdin and writes it to stdout, at half the rate and in mono where asked.
COPY = """
import sys
from mirtool.io import formats
from mirtool.signal.resampling import mono, resampled
source = formats.read("-")
if "half" in sys.argv:
    source = resampled(mono(source), source.sample_rate // 2)
formats.write(source, "-", format=sys.argv[1])
"""

# Reads a file, or stdin, to the end and prints the peak of its memory (MB).
PEAK = """
import resource, sys
from mirtool.io import formats, streams
from mirtool.signal.resampling import mono, resampled
streams.SPOOL_SIZE = 1 << 20
frames = sum(len(block) for block in resampled(mono(formats.read(sys.argv[1])), 22050).blocks(4096, 1024))
scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
print(frames > 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale)
"""


def run(code: str, *arguments: str, data: bytes | None = None, stdin: io.BufferedReader | None = None) -> bytes:
    source = {"input": data} if stdin is None else {"stdin": stdin}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=False, env=environment, **source
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout


def tone(frames: int = 30_000) -> np.ndarray:
    clock = np.arange(frames) / 44100
    return (0.5 * np.sin(2 * np.pi * np.array([[440], [660]]) * clock)).T.astype(np.float32)


def encoded(data: np.ndarray, format: str) -> bytes:
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", 44100, data.shape[1], format=format) as file:
        for begin in range(0, len(data), 2048):
            file.write(data[begin : begin + 2048])
    return stream.getvalue()


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3", "OGG"])
def test_from_pipe_to_pipe(format):
    data = encoded(tone(), format)
    if format == "WAV":
        at = data.index(b"data") + 4
        data = data[:4] + b"\xff" * 4 + data[8:at] + b"\xff" * 4 + data[at + 4 :]
    copied = run(COPY, "wav", data=data)
    expected = soundfile.read(io.BytesIO(data), dtype="float32")[0]
    header = riff.HeaderReader(io.BytesIO(copied), "stdout").header()
    got = riff.samples(copied[header.data_start :], header)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_chain_of_pipes_through_flac():
    halved = run(COPY, "wav", "half", data=run(COPY, "flac", data=encoded(tone(), "WAV")))
    header = riff.HeaderReader(io.BytesIO(halved), "stdout").header()
    got = riff.samples(halved[header.data_start :], header)
    assert (header.sample_rate, header.channels, len(got)) == (22050, 1, 15_000)
    clock = np.arange(15_000) / 22050
    expected = 0.25 * (np.sin(2 * np.pi * 440 * clock) + np.sin(2 * np.pi * 660 * clock))
    np.testing.assert_allclose(got[500:-500, 0], expected[500:-500], atol=1e-3)


def silence(path: Path, minutes: int) -> Path:
    """Write a WAV file of silence that takes no room on the disk and does not know its length."""
    header = riff.HeaderWriter(44100, 2, "PCM_16").bytes(None)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + minutes * 60 * 44100 * 4)
    return path


@pytest.mark.parametrize("piped", [False, True])
def test_memory_does_not_grow_with_the_length(tmp_path, piped):
    peaks = []
    for minutes in (2, 12):
        path = silence(tmp_path / f"{minutes}.wav", minutes)
        if piped:
            with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
                output = run(PEAK, "-", stdin=cat.stdout)
        else:
            output = run(PEAK, str(path))
        words = output.split()
        assert words[0] == b"True"
        peaks.append(int(words[1]))
    assert peaks[1] - peaks[0] < 20


def test_header_of_a_pipe_says_that_it_does_not_know():
    header = riff.HeaderWriter(44100, 2, "FLOAT").bytes(None)
    assert struct.unpack("<I", header[4:8])[0] == struct.unpack("<I", header[-4:])[0] == 0xFFFFFFFF
