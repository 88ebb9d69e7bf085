import contextlib
import io
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirtool.errors import DataError, FormatError, ParameterError
from mirtool.io import audio, formats, ogg
from mirtool.io.options import ReadOptions


def signal(frames: int = 3000, channels: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None]
    tone = 0.4 * np.sin(time * 0.05 * (1 + np.arange(channels)))
    return (tone + rng.uniform(-0.01, 0.01, (frames, channels))).astype(np.float32)


def encoded(data: np.ndarray, rate: int = 44100, format: str = "WAV", subtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", rate, data.shape[1], subtype, format=format) as file:
        for begin in range(0, len(data), 4096):
            file.write(data[begin : begin + 4096])
    return stream.getvalue()


def opened(data: bytes, **options: float) -> audio.Recording:
    return audio.read(io.BytesIO(data), "take.wav", ReadOptions(**options))


def whole(source: audio.Recording, size: int = 1024) -> np.ndarray:
    return np.concatenate(list(source.blocks(size)))


def counting_more(ogg_file: bytes, samples: int) -> bytes:
    """Let the last page of an Ogg file count more samples than there are."""
    last = ogg_file.rindex(b"OggS")
    page = bytearray(ogg_file[last:])
    (count,) = struct.unpack_from("<q", page, 6)
    struct.pack_into("<q", page, 6, count + samples)
    struct.pack_into("<I", page, 22, 0)
    struct.pack_into("<I", page, 22, ogg.checksum(bytes(page)))
    return ogg_file[:last] + bytes(page)


class Pipe(io.RawIOBase):
    """What a pipe is to its reader: no seeking, and bytes that come in odd pieces."""

    def __init__(self, data: bytes, piece: int = 1001) -> None:
        self.data, self.piece, self.position = data, piece, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.piece, len(self.data) - self.position)
        buffer[:count] = self.data[self.position : self.position + count]
        self.position += count
        return count


def piped(data: bytes, **options: float) -> audio.Recording:
    return audio.read(io.BufferedReader(Pipe(data)), "-", ReadOptions(**options))


WIDTHS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24, "FLOAT": 0.0, "DOUBLE": 0.0}


@pytest.mark.parametrize("subtype", WIDTHS)
@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_every_width_in_every_container(format, subtype, channels):
    if not soundfile.check_format(format, subtype):
        pytest.skip("libsndfile does not write it")
    data = signal(1500, channels)
    bytes_ = encoded(data, 48000, format, subtype)
    source = opened(bytes_)
    assert (source.sample_rate, source.channels, source.frames) == (48000, channels, 1500)
    np.testing.assert_allclose(whole(source), data, atol=WIDTHS[subtype])
    reference = soundfile.read(io.BytesIO(bytes_), dtype="float32", always_2d=True)[0]
    assert np.array_equal(whole(source), reference)
    assert np.array_equal(whole(piped(bytes_)), reference)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000, 192000])
def test_every_rate(rate):
    assert opened(encoded(signal(), rate)).sample_rate == rate


@pytest.mark.parametrize(
    ("format", "subtype", "rate"),
    [
        ("OGG", "VORBIS", 44100),
        ("OGG", "OPUS", 48000),
        ("MP3", None, 44100),
        ("FLAC", "PCM_16", 44100),
        ("FLAC", "PCM_24", 96000),
    ],
)
def test_compressed_formats(format, subtype, rate):
    data = signal(rate, 2)
    source = opened(encoded(data, rate, format, subtype))
    got = whole(source)
    assert source.sample_rate == rate
    assert abs(len(got) - rate) <= 2 * 1152
    part = slice(5000, 20000)
    assert np.corrcoef(got[part, 0], data[part, 0])[0, 1] > 0.99
    assert np.array_equal(whole(piped(encoded(data, rate, format, subtype))), got)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_start_and_duration_cut_to_the_sample(format):
    data = encoded(signal(88200), 44100, format)
    full = whole(opened(data))
    for source in (opened(data, start=0.5, duration=0.25), piped(data, start=0.5, duration=0.25)):
        np.testing.assert_allclose(whole(source), full[22050 : 22050 + 11025], atol=1e-6)
    assert len(whole(opened(data, start=1.0))) == len(full) - 44100
    assert len(whole(opened(data, duration=9))) == len(full)


@pytest.mark.parametrize("read", [opened, piped])
@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3"])
def test_start_beyond_the_end(read, format):
    with pytest.raises(DataError, match=r"start 3 s lies beyond the end"):
        whole(read(encoded(signal(44100), 44100, format), start=3))


def test_start_must_not_be_negative():
    with pytest.raises(ParameterError, match="must not be negative"):
        opened(encoded(signal()), start=-1)


@pytest.mark.parametrize("read", [opened, piped])
def test_blocks_begin_again_and_overlap(read):
    data = signal(5000)
    source = read(encoded(data, subtype="FLOAT"))
    first = next(source.blocks(100))
    assert np.array_equal(first, data[:100])
    assert np.array_equal(whole(source), data)
    blocks = list(source.blocks(1000, 250))
    assert [len(block) for block in blocks] == [1000] * 6 + [500]
    assert np.array_equal(blocks[1], data[750:1750])
    with pytest.raises(ParameterError, match="cannot overlap"):
        source.blocks(10, 10)


def test_two_readers_of_one_recording_do_not_disturb_each_other():
    source = opened(encoded(signal(200_000), format="FLAC"))
    for a, b in zip(source.blocks(70_000), source.blocks(70_000), strict=True):
        assert np.array_equal(a, b)


def with_lengths(data: bytes, riff: int, length: int) -> bytes:
    """Return a WAV file with other lengths in its header."""
    at = data.index(b"data") + 4
    return data[:4] + struct.pack("<I", riff) + data[8:at] + struct.pack("<I", length) + data[at + 4 :]


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0xFFFFFFFF - 44, 0x7FFFF000, 0x7FFFFFFF, 0x80000000])
@pytest.mark.parametrize("read", [opened, piped])
def test_wav_whose_header_does_not_know_its_length_is_read_to_the_end(read, length):
    data = signal(3000)
    written = with_lengths(encoded(data, subtype="PCM_16"), 0 if length == 0 else 0xFFFFFFFF, length)
    assert np.array_equal(whole(read(written + b"\x01")), whole(opened(encoded(data, subtype="PCM_16"))))


def test_an_interrupted_recording_with_an_empty_header_is_read():
    assert len(whole(opened(with_lengths(encoded(signal(70), subtype="PCM_16"), 36, 0)))) == 70


@pytest.mark.parametrize("read", [opened, piped])
def test_truncated_wav_is_refused_but_its_part_can_be_read(read):
    data = encoded(signal(44100), subtype="PCM_16")[: 44 + 4 * 22050 + 3]
    with pytest.raises(FormatError, match=r"header promises 1\.000 s, there are 0\.500 s; --duration 0\.500 reads"):
        whole(read(data))
    assert len(whole(read(data, duration=0.5))) == 22050
    with pytest.raises(FormatError, match="promises"):
        whole(read(data, start=0.2))


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("AIFF", "PCM_16"), ("W64", "FLOAT"), ("AU", "PCM_16"), ("FLAC", "PCM_16"), ("WAV", "MS_ADPCM"), ("WAV", "ULAW")],
)
def test_every_format_with_a_length_notices_that_its_end_is_missing(format, subtype):
    data = encoded(signal(88200), 44100, format, subtype)
    with pytest.raises(FormatError, match=r"truncated: the header promises 2\.0\d\d s, there are [01]\.\d+ s"):
        whole(opened(data[: len(data) * 2 // 3]))
    assert len(whole(opened(data[: len(data) * 2 // 3], duration=0.7))) == 30870


def test_aiff_from_a_pipe_is_read_to_the_end():
    data = signal(5000)
    written = bytearray(encoded(data, format="AIFF", subtype="PCM_16"))
    at = written.index(b"SSND") + 4
    for length in (0, 0x7F000008, 0x7FFFFFFF, 0xFFFFFFFF):
        written[at : at + 4] = struct.pack(">I", length)
        assert len(whole(opened(bytes(written)))) == 5000


@pytest.mark.parametrize("read", [opened, piped])
@pytest.mark.parametrize("frames", [4096, 65536, 132_300])
def test_flac_that_does_not_know_its_length_is_read_to_the_end(read, frames):
    written = bytearray(encoded(signal(frames), format="FLAC"))
    expected = whole(opened(bytes(written)))
    written[21] &= 0xF0  # 36 bits of STREAMINFO
    written[22:26] = bytes(4)
    source = read(bytes(written))
    assert source.frames is None
    assert np.array_equal(whole(source), expected)
    assert np.array_equal(whole(read(bytes(written), start=0.05)), expected[2205:])


def test_damage_within_a_flac_is_noticed():
    written = bytearray(encoded(signal(200_000), format="FLAC"))
    middle = len(written) // 2
    written[middle : middle + 3000] = bytes(3000)
    with pytest.raises(FormatError, match=r"damaged|truncated"):
        whole(opened(bytes(written)))


def test_chunks_around_the_samples_are_passed_over():
    data = encoded(signal(100), subtype="PCM_16")
    extra = b"LIST" + struct.pack("<I", 5) + b"hello\0"
    at = data.index(b"data")
    assert np.array_equal(whole(opened(data[:at] + extra + data[at:] + extra)), whole(opened(data)))


@pytest.mark.parametrize("read", [opened, piped])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_nan_and_infinity_are_refused_with_their_time(read, value, subtype):
    data = signal(44100)
    data[11025, 1] = value
    with pytest.raises(DataError, match=r"(nan|inf) at 0\.250000 s \(channel 2\)"):
        whole(read(encoded(data, subtype=subtype)))


def test_huge_but_finite_samples_are_read():
    data = np.full((100, 2), 3e38, np.float32)
    assert np.array_equal(whole(opened(encoded(data, subtype="FLOAT"))), data)


@pytest.mark.parametrize("read", [opened, piped])
@pytest.mark.parametrize("format", ["WAV", "RF64", "AIFF", "W64"])
def test_no_samples(read, format):
    with pytest.raises(DataError, match="no samples"):
        whole(read(encoded(np.zeros((0, 1), np.float32), format=format)))


@pytest.mark.parametrize("read", [opened, piped])
def test_one_sample(read):
    assert whole(read(encoded(np.full((1, 1), 0.5, np.float32)))).tolist() == [[0.5]]


@pytest.mark.parametrize("read", [opened, piped])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"RIFF", "not audio"),
        (b"RIFF\0\0\0\0WAVE", "ends within its header"),
        (encoded(signal())[:30], "ends within its header"),
        (b"<html><body>404</body></html>" * 10, "not audio"),
        (np.random.default_rng(2).bytes(5000), "not audio"),
        (b"fLaC" + np.random.default_rng(1).bytes(500), "cannot be decoded"),
    ],
)
def test_what_is_no_audio(read, data, message, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # without ffmpeg, which has words of its own
    with pytest.raises(FormatError, match=message):
        whole(read(data))


def test_a_stream_comes_out_as_it_comes_in():
    reading, writing = os.pipe()
    data = encoded(signal(44100), subtype="PCM_16")
    written = with_lengths(data, 0, 0)

    def feed() -> None:
        os.write(writing, written[: 44 + 4 * 1000])

    thread = threading.Thread(target=feed)
    thread.start()
    with open(reading, "rb") as stream:
        source = audio.read(stream, "-", ReadOptions())
        block = next(source.blocks(1000))
        assert len(block) == 1000
        thread.join()
        os.close(writing)


def test_a_pipe_that_knows_its_length_says_so():
    data = encoded(signal(3000), subtype="PCM_16")
    assert piped(data).frames == 3000
    assert piped(data, start=0.01, duration=0.02).frames == 882
    assert piped(with_lengths(data, 0, 0)).frames is None


def test_a_regular_file(tmp_path: Path):
    path = tmp_path / "take.flac"
    path.write_bytes(encoded(signal(), format="FLAC"))
    with path.open("rb") as stream:
        assert len(whole(audio.read(stream, str(path), ReadOptions()))) == 3000


def test_wave64_is_recognised_by_its_bytes(tmp_path: Path):
    path = tmp_path / "take.bin"
    path.write_bytes(encoded(signal(), format="W64"))
    assert formats.read(str(path)).frames == 3000


def test_decoders_in_several_threads_leave_stderr_as_it_was():
    before = os.fstat(2)
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        first.enter_context(audio._silence(True))
        second.enter_context(audio._silence(True))
        assert not os.path.samestat(os.fstat(2), before)
        first.close()
        assert not os.path.samestat(os.fstat(2), before)
        second.close()
    assert os.path.samestat(os.fstat(2), before)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_whose_last_page_counts_too_many_samples_is_whole(subtype):
    data = signal(48000)
    plain = encoded(data, 48000, "OGG", subtype)
    found = opened(counting_more(plain, 104))
    assert found.frames == 48104
    samples = whole(found)
    np.testing.assert_array_equal(samples[:48000], whole(opened(plain)))
    assert samples.shape == (48104, 2)
    with pytest.raises(FormatError, match="truncated"):
        whole(opened(counting_more(plain, 20000)))
