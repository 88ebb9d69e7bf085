import io
import logging
import struct

import numpy as np
import pytest
import soundfile

from mirtool.errors import FormatError
from mirtool.io import audio, mpeg
from mirtool.io.options import ReadOptions


def encoded(seconds: float = 2, rate: int = 44100, channels: int = 2, seed: int = 0) -> bytes:
    """Return an MP3 file of a tone that changes its loudness, so that frames differ in length."""
    clock = np.arange(round(seconds * rate))[:, None] / rate
    rng = np.random.default_rng(seed)
    data = 0.4 * np.sin(2 * np.pi * 440 * clock) * np.sin(3 * clock) ** 2
    data = data + 0.1 * (clock > seconds / 2) * rng.uniform(-1, 1, (len(clock), channels))
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", rate, channels, format="MP3", bitrate_mode="VARIABLE") as file:
        for begin in range(0, len(data), 2048):
            file.write(data[begin : begin + 2048])
    return stream.getvalue()


def decoded(data: bytes, **options: float) -> np.ndarray:
    source = audio.read(io.BytesIO(data), "take.mp3", ReadOptions(**options))
    assert source.frames is None
    return np.concatenate(list(source.blocks(10_000)))


def frames_of(data: bytes) -> mpeg.Frames:
    found = mpeg.count_frames(io.BytesIO(data))
    assert found is not None
    return found


def without_header(data: bytes) -> bytes:
    """Return a file as an encoder leaves it that cannot go back: without the frame that holds the length."""
    return data[mpeg.frame_bytes(int.from_bytes(data[:4], "big")) :]


def with_stated(data: bytes, frames: int) -> bytes:
    at = max(data[:200].find(b"Xing"), data[:200].find(b"Info")) + 8
    return data[:at] + struct.pack(">I", frames) + data[at + 4 :]


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1), (32000, 2), (22050, 1), (16000, 2), (11025, 1)])
def test_counts_what_the_encoder_states(rate, channels):
    data = encoded(2, rate, channels)
    found = frames_of(data)
    assert found.promised == found.count
    assert found.end == len(data)
    assert abs(found.count * found.seconds - 2) < 3 * found.seconds
    reference = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0]
    assert len(reference) == 2 * rate  # without the delay of the encoder
    np.testing.assert_allclose(decoded(data), reference, atol=1e-6)


def test_a_header_that_states_too_little_hides_nothing():
    data = encoded()
    assert np.array_equal(decoded(with_stated(data, 3)), decoded(data))


def test_a_header_that_states_too_much_is_reported(caplog):
    data = encoded()
    with caplog.at_level(logging.WARNING):
        assert abs(len(decoded(data[: len(data) * 2 // 3])) - 88200) > 10_000
    assert "take.mp3: the header promises 2." in caplog.text


def test_a_file_without_a_header_is_read_to_the_end():
    data = encoded(4)
    assert abs(len(decoded(without_header(data))) - 4 * 44100) < 3 * 1152


def test_joined_files_are_read_to_the_end():
    one, other = encoded(1, seed=1), encoded(2, seed=2)
    assert abs(len(decoded(one + other)) - 3 * 44100) < 4 * 1152
    assert abs(len(decoded(one + b"rubbish" * 100 + other)) - 3 * 44100) < 5 * 1152


def test_tags_and_rubbish_around_the_sound():
    data = encoded(1)
    tag = b"ID3\x04\0\0" + bytes((0, 0, 2, 1)) + b"\xff" * 257
    assert np.array_equal(decoded(tag + data + b"TAG" + bytes(125)), decoded(data))
    assert np.array_equal(decoded(tag + tag + data), decoded(data))


def test_a_pipe_gives_the_same():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    data = with_stated(encoded(1), 7)
    source = audio.read(Pipe(data), "-", ReadOptions())
    assert np.array_equal(np.concatenate(list(source.blocks(999))), decoded(data))


def test_start_is_exact():
    data = encoded()
    assert np.array_equal(decoded(data, start=1.0, duration=0.5), decoded(data)[44100 : 44100 + 22050])


@pytest.mark.parametrize("data", [b"\xff\xfb\x90\x44", b"\xff\xfb\x90\x44" + bytes(5000), b"ID3\x04\0\0\0\0\0\0"])
def test_what_only_looks_like_mpeg(data, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # without ffmpeg, which has words of its own
    with pytest.raises(FormatError, match="cannot be decoded"):
        decoded(data)
    assert capfd.readouterr().err == ""


def test_random_bytes_are_no_mpeg():
    rng = np.random.default_rng(0)
    assert all(mpeg.count_frames(io.BytesIO(b"\xff\xfb" + rng.bytes(3000))) is None for _ in range(50))


def test_samples_do_not_depend_on_the_size_of_the_blocks():
    source = audio.read(io.BytesIO(encoded(3, 22050, 1)), "take.mp3", ReadOptions())
    whole = np.concatenate(list(source.blocks(1 << 20)))
    for size in (777, 4096, 66_000):
        assert np.array_equal(np.concatenate(list(source.blocks(size))), whole)
