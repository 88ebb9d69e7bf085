import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.blocks import reblocked
from mirtool.errors import ParameterError
from mirtool.signal.resampling import mono, resampled
from mirtool.types import Audio, AudioSource


def whole(source: AudioSource, size: int = 65536) -> np.ndarray:
    return np.concatenate(list(source.blocks(size)))


def noise(frames: int, channels: int = 1, rate: int = 44100) -> Audio:
    rng = np.random.default_rng(frames)
    return Audio(rng.uniform(-0.5, 0.5, (frames, channels)).astype(np.float32), rate)


@given(st.integers(1, 300), st.integers(1, 40), st.data())
@settings(deadline=None)
def test_blocks_of_any_chunks_are_those_of_the_whole(frames, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    audio = noise(frames, 2)
    cuts = sorted(data.draw(st.lists(st.integers(0, frames), max_size=8)))
    chunks = np.split(audio.samples, cuts)
    got, expected = list(reblocked(chunks, size, overlap)), list(audio.blocks(size, overlap))
    assert [len(block) for block in got] == [len(block) for block in expected]
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def test_an_empty_stream_is_one_empty_block():
    assert [block.shape for block in reblocked([], 4, 0, 3)] == [(0, 3)]


def test_overlap_must_be_smaller_than_the_block():
    with pytest.raises(ParameterError, match="4 samples cannot overlap by 4"):
        list(reblocked([], 4, 4))
    with pytest.raises(ParameterError, match="cannot overlap"):
        mono(noise(10, 2)).blocks(4, 7)


@pytest.mark.parametrize("channels", [2, 3, 8])
def test_mono_is_the_mean_of_the_channels(channels):
    audio = noise(1000, channels)
    source = mono(audio)
    assert (source.channels, source.frames, source.sample_rate) == (1, 1000, 44100)
    np.testing.assert_allclose(whole(source), audio.samples.mean(axis=1, keepdims=True), atol=1e-7)


def test_one_channel_is_left_alone():
    audio = noise(10)
    assert mono(audio) is audio
    assert resampled(audio, 44100) is audio


@pytest.mark.parametrize(
    ("old", "new"), [(44100, 22050), (22050, 44100), (48000, 44100), (8000, 192000), (96000, 11025)]
)
@pytest.mark.parametrize("frames", [1, 7, 1000, 65536, 100_001])
def test_length_is_exact(old, new, frames):
    source = resampled(noise(frames, rate=old), new)
    expected = int(np.floor(frames * new / old + 0.5))
    assert source.frames == expected
    assert len(whole(source)) == expected


@pytest.mark.parametrize(("old", "new"), [(44100, 22050), (22050, 44100), (48000, 44100)])
def test_no_delay_and_no_change_of_level(old, new):
    def tone(rate: int) -> np.ndarray:
        time = np.arange(2 * rate) / rate
        return (0.5 * np.sin(2 * np.pi * 1000 * time) * np.sin(np.pi * time / 2) ** 2).astype(np.float32)

    got = whole(resampled(Audio(tone(old), old), new))[:, 0]
    np.testing.assert_allclose(got, tone(new), atol=2e-5)


def test_aliases_are_suppressed():
    time = np.arange(44100) / 44100
    ultrasonic = Audio((0.5 * np.sin(2 * np.pi * 14000 * time)).astype(np.float32), 44100)
    assert np.abs(whole(resampled(ultrasonic, 22050))[2000:-2000]).max() < 1e-5


def test_result_does_not_depend_on_the_size_of_the_blocks():
    source = resampled(mono(noise(200_000, 2)), 22050)
    expected = whole(source)
    for size in (1000, 4096, 99_999):
        assert np.array_equal(whole(source, size), expected)
    overlapping = list(source.blocks(1024, 512))
    assert np.array_equal(np.concatenate([overlapping[0], *(block[512:] for block in overlapping[1:])]), expected)


def test_rate_must_be_positive():
    with pytest.raises(ParameterError, match="must be positive, not 0"):
        resampled(noise(10), 0)
