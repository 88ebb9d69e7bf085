"""Sound without a header: every encoding, from files and pipes, and the options that describe it."""

import io
import sys

import numpy as np
import pytest
import soundfile

from mirtool.errors import DataError, FormatError
from mirtool.io import audio
from mirtool.io.options import ENCODINGS, RawLayout, ReadOptions

ALIASES = {"u8": "PCM_U8", "s8": "PCM_S8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT"}


def tone(frames=500, channels=2):
    clock = np.arange(frames)[:, None] * (1 + np.arange(channels))
    return (0.7 * np.sin(0.05 * clock)).astype(np.float32)


def raw(data, encoding):
    """Encode with libsndfile."""
    stream = io.BytesIO()
    subtype = ALIASES.get(encoding[:3].rstrip("lb"), "DOUBLE")
    endian = "BIG" if encoding.endswith("be") else "LITTLE"
    soundfile.write(stream, data, 44100, format="RAW", subtype=subtype, endian=endian)
    return stream.getvalue()


class Pipe(io.RawIOBase):
    """A pipe whose bytes come in pieces of odd size."""

    def __init__(self, data, piece=13):
        self.data, self.piece, self.position = data, piece, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.piece, len(self.data) - self.position)
        buffer[:count] = self.data[self.position : self.position + count]
        self.position += count
        return count


def read(data, encoding="s16le", channels=2, pipe=True, **options):
    stream = io.BufferedReader(Pipe(data)) if pipe else io.BytesIO(data)
    layout = RawLayout(encoding, 44100, channels)
    return audio.read(stream, "-", ReadOptions(raw=layout, **options))


def whole(source, size=64):
    return np.concatenate(list(source.blocks(size)))


def test_the_bytes_of_known_numbers():
    expected = {
        "u8": bytes([0, 128, 192]),
        "s8": bytes([0x80, 0, 64]),
        "s16le": bytes.fromhex("008000000040"),
        "s16be": bytes.fromhex("800000004000"),
        "s24be": bytes.fromhex("800000000000400000"),
        "f32be": bytes.fromhex("bf800000000000003f000000"),
    }
    for encoding, data in expected.items():
        np.testing.assert_array_equal(whole(read(data, encoding, 1))[:, 0], [-1, 0, 0.5], encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("pipe", "live"), [(False, False), (True, False), (True, True)])
def test_every_encoding(encoding, pipe, live):
    data = tone()
    got = whole(read(raw(data, encoding), encoding, pipe=pipe, live=live))
    bits = 52 if encoding[0] == "f" else int(encoding[1:].rstrip("lbe"))
    np.testing.assert_allclose(got, data, atol=2.0 ** (1 - min(bits, 24)))


def test_half_a_sample_at_the_end_is_left_out():
    assert len(whole(read(raw(tone(10), "s16le")[:-1], live=True))) == 9


def test_an_excerpt_of_a_live_stream():
    source = read(raw(tone(44100), "f32le"), "f32le", live=True, start=0.25, duration=0.5)
    np.testing.assert_array_equal(whole(source, 441), tone(44100)[11025 : 11025 + 22050])


def test_a_live_stream_is_read_once():
    source = read(raw(tone(), "s16le"), live=True)
    whole(source)
    with pytest.raises(RuntimeError, match="once only"):
        whole(source)


def test_a_live_stream_gives_what_has_come_and_keeps_nothing():
    data = raw(tone(1000), "s16le")
    pipe = Pipe(data, piece=400)
    blocks = audio.read(io.BufferedReader(pipe, 1 << 20), "-", ReadOptions(raw=RawLayout("s16le", 44100, 2), live=True))
    first = next(iter(blocks.blocks(50)))
    assert len(first) == 50
    assert pipe.position == 400


@pytest.mark.parametrize("pipe", [False, True])
def test_a_file_with_a_header_is_no_raw_one(pipe):
    stream = io.BytesIO()
    soundfile.write(stream, tone(), 44100, format="WAV")
    with pytest.raises(FormatError, match="it is wav"):
        read(stream.getvalue(), pipe=pipe)


@pytest.mark.parametrize("live", [False, True])
def test_nothing_at_all(live):
    with pytest.raises(DataError, match="no samples"):
        whole(read(b"", live=live))


def test_bad_numbers_are_refused_with_their_time():
    data = tone(10)
    data[5, 1] = np.nan
    with pytest.raises(DataError, match=r"nan at 0.000113 s \(channel 2\)"):
        whole(read(raw(data, "f32le"), "f32le", live=True))


# ------------------------------------------------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("take.raw --raw s16le", 2, "--raw needs --sample-rate"),
        ("take.raw --raw pcm --sample-rate 8000", 2, "--raw: 'pcm' is none of u8, s8, s16le"),
        ("take.raw --raw s16le --sample-rate 0", 2, "--sample-rate: must be at least 1"),
        ("take.raw --raw s16le --sample-rate 8000 --channels 0", 2, "--channels: must be at least 1"),
        ("take.raw --raw s16le --sample-rate 8000 --from csv", 2, "not together with --from"),
        ("take.raw --sample-rate 8000", 65, "not audio"),
        ("take.raw --channels 2", 2, "--channels needs --raw"),
        ("none.raw --raw s16le --sample-rate 8000", 66, "no such file"),
    ],
)
def test_wrong_options(call, tmp_path, monkeypatch, line, code, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "take.raw").write_bytes(raw(tone(), "s16le"))
    result = call("convert", *line.split(), "-o", "take.wav")
    assert (result.code, result.err.count("\n")) == (code, 1)
    assert says in result.err
    assert not (tmp_path / "take.wav").exists()


def test_raw_sound_is_converted_and_computed_with(call, tmp_path, monkeypatch):
    data = tone(8000, 1)
    (tmp_path / "take.raw").write_bytes(raw(data, "s24be"))
    soundfile.write(tmp_path / "take.wav", data, 8000, subtype="PCM_24")
    description = ["--raw", "s24be", "--sample-rate", "8000"]
    assert call("convert", tmp_path / "take.raw", *description, "-o", tmp_path / "copy.wav").code == 0
    copy, rate = soundfile.read(tmp_path / "copy.wav", dtype="float32")
    assert rate == 8000
    np.testing.assert_allclose(copy, data[:, 0], atol=2.0**-23)
    expected = call("features", "novelty", tmp_path / "take.wav")
    assert call("features", "novelty", tmp_path / "take.raw", *description) == expected
    stdin = type("Stdin", (), {"buffer": io.BytesIO((tmp_path / "take.raw").read_bytes())})
    monkeypatch.setattr(sys, "stdin", stdin)
    assert call("features", "novelty", "-", *description) == expected
