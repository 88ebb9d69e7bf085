import io
import logging
import struct
import time

import numpy as np
import pytest
import soundfile

from mirtool.errors import DataError, UsageProblem
from mirtool.io import audio, audio_output, riff
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Audio


class Pipe(io.BytesIO):
    """Takes bytes, but cannot seek."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation("seek")

    def tell(self):
        raise io.UnsupportedOperation("tell")


class Live:
    """A source that does not know its length."""

    def __init__(self, whole: Audio) -> None:
        self.whole = whole
        self.sample_rate, self.channels, self.frames = whole.sample_rate, whole.channels, None

    def blocks(self, size, overlap=0):
        return self.whole.blocks(size, overlap)


def sound(frames: int = 3001, channels: int = 2, rate: int = 44100, gain: float = 0.9) -> Audio:
    rng = np.random.default_rng(frames)
    return Audio((gain * rng.uniform(-1, 1, (frames, channels))).astype(np.float32), rate)


def written(source, format: str = "wav", subtype: str | None = None, pipe: bool = False) -> bytes:
    stream = Pipe() if pipe else io.BytesIO()
    audio_output.write(source, stream, WriteOptions(format, subtype))
    return stream.getvalue()


def back(data: bytes) -> np.ndarray:
    return np.concatenate(list(audio.read(io.BytesIO(data), "x", ReadOptions()).blocks(1000)))


@pytest.mark.parametrize("frames", [1, 3001, 70_000])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("pipe", [False, True])
def test_wav_keeps_every_sample(frames, live, pipe):
    source = sound(frames, gain=3)
    data = written(Live(source) if live else source, pipe=pipe)
    assert np.array_equal(back(data), source.samples)
    if not (live and pipe):
        assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
        assert np.array_equal(soundfile.read(io.BytesIO(data), dtype="float32")[0].reshape(-1, 2), source.samples)
    assert b"PEAK" not in data


STEPS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24, "FLOAT": 0, "DOUBLE": 0}


@pytest.mark.parametrize("subtype", STEPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_subtypes_of_wav(subtype, channels):
    source = sound(1001, channels)
    data = written(source, subtype=subtype.lower())
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.subtype, file.channels, file.samplerate, file.frames) == (subtype, channels, 44100, 1001)
    np.testing.assert_allclose(back(data), source.samples, atol=STEPS[subtype] / 2 + 1e-12)
    assert len(data) % 2 == 0
    assert written(Audio(back(data), 44100), subtype=subtype) == data


@pytest.mark.parametrize("format", ["flac", "aiff", "au", "caf"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_whole_numbers_survive_every_lossless_format(format, subtype):
    numbers = back(written(sound(5000), subtype=subtype))
    assert np.array_equal(back(written(Audio(numbers, 44100), format, subtype)), numbers)
    assert np.array_equal(back(written(Audio(numbers, 44100), format, subtype, pipe=True)), numbers)


@pytest.mark.parametrize("format", ["ogg", "opus", "mp3"])
def test_lossy_formats(format):
    clock = np.arange(48000) / 48000
    tone = Audio((0.5 * np.sin(2 * np.pi * 440 * clock)).astype(np.float32), 48000)
    got = back(written(tone, format, pipe=True))
    assert abs(len(got) - 48000) <= 1152
    assert np.corrcoef(got[4000:40000, 0], tone.samples[4000:40000, 0])[0, 1] > 0.999


def test_same_samples_same_bytes():
    formats = audio_output.CODECS
    source = sound(6000, rate=48000, gain=0.3)
    first = {format: written(source, format) for format in formats}
    time.sleep(1.1)  # a PEAK chunk holds the second, the serial number of Ogg follows the clock
    assert {format for format in formats if written(source, format) != first[format]} == set()


@pytest.mark.parametrize(("format", "subtype"), [("wav", "PCM_16"), ("flac", None), ("wav", "PCM_32")])
def test_clipping_is_reported(format, subtype, caplog):
    samples = np.zeros((100, 1), np.float32)
    samples[:4, 0] = [1.0, -1.0, 1.5, -2.25]
    with caplog.at_level(logging.WARNING):
        got = back(written(Audio(samples, 8000), format, subtype))
    assert "2 samples beyond full scale were clipped" in caplog.text
    assert "2.250" in caplog.text
    np.testing.assert_allclose(got[:4, 0], [1, -1, 1, -1], atol=2**-14)


def test_full_scale_is_not_reported(caplog):
    written(Audio(np.array([[1.0], [-1.0]], np.float32), 8000), "wav", "PCM_16")
    assert caplog.text == ""


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused(value):
    samples = np.zeros((8000, 1), np.float32)
    samples[4000] = value
    with pytest.raises(DataError, match=r"at 0\.500000 s of the output"):
        written(Audio(samples, 8000))


@pytest.mark.parametrize(
    ("source", "format", "subtype", "message"),
    [
        (sound(), "wav", "PCM_12", "wav has no subtype PCM_12 .*PCM_16"),
        (sound(), "flac", "FLOAT", "flac has no subtype FLOAT"),
        (sound(), "opus", None, "cannot hold 2 channels at 44100 Hz .it knows 8, 12"),
        (sound(channels=8), "mp3", None, "cannot hold 8 channels"),
    ],
)
def test_what_a_format_cannot_hold(source, format, subtype, message):
    with pytest.raises(UsageProblem, match=message):
        written(source, format, subtype)


def test_a_full_disk_is_noticed_through_libsndfile():
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 10_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    with pytest.raises(OSError, match="No space left"):
        audio_output.write(sound(200_000), Full(), WriteOptions("flac"))
    with pytest.raises(OSError, match="No space left"):
        audio_output.write(sound(200_000), Full(), WriteOptions("wav"))


def test_a_source_that_ends_early_is_no_silent_wrong_header():
    with (
        pytest.raises(DataError, match="10 samples came where 20 were announced"),
        audio_output.sink(Pipe(), 8000, 1, WriteOptions("wav"), frames=20) as sink,
    ):
        sink.write(np.zeros((10, 1), np.float32))


def test_past_4_gib_the_header_becomes_rf64():
    frames = 1 << 30
    make = riff.HeaderWriter(44100, 2, "FLOAT")
    for roomy in (False, True):
        header = make.bytes(frames, extensible=roomy)
        read = riff.HeaderReader(io.BytesIO(header), "x").header()
        assert header[:4] == b"RF64"
        assert (read.data_bytes, read.data_start) == (frames * 8, len(header))
    assert len(make.bytes(None, extensible=True)) == len(header) == len(make.bytes(5, extensible=True))
    assert struct.unpack("<Q", header[20:28])[0] == len(header) - 8 + frames * 8


def test_sinks_can_be_filled_side_by_side():
    streams = [io.BytesIO(), io.BytesIO()]
    source = sound(5000)
    options = WriteOptions("wav")
    with (
        audio_output.sink(streams[0], 44100, 1, options) as left,
        audio_output.sink(streams[1], 44100, 1, options) as right,
    ):
        for block in source.blocks(512):
            left.write(block[:, :1])
            right.write(block[:, 1:])
    both = [back(stream.getvalue()) for stream in streams]
    assert np.array_equal(np.hstack(both), source.samples)
