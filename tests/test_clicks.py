"""Click tracks and mixing: on the sample, nothing scaled, in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.synthesis.clicks import SOFTEST, click_track, clicks_over
from mirtool.synthesis.mix import amplified, over
from mirtool.types import Audio, AudioSource, Events

RATE = 8000


def whole(source, size=5000):
    return np.concatenate(list(source.blocks(size)))


def clicks(times, duration=None, start=0.0, **columns):
    return whole(click_track(Events({"time": times, **columns}), RATE, duration, start))[:, 0]


def strongest_frequency(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * len(samples)))
    return np.argmax(spectrum) * RATE / (16 * len(samples))


def noise(seconds, channels=2, rate=RATE, level=0.1):
    random = np.random.default_rng(int(10 * seconds))
    return Audio(level * random.uniform(-1, 1, (round(seconds * rate), channels)), rate)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=12))
@settings(deadline=None, max_examples=30)
def test_each_click_begins_on_the_sample_of_its_event(times):
    sound = clicks(np.array(times))
    expected = np.zeros(len(sound))
    one = clicks([0.0])
    for time in times:  # the oracle: one after the other into one array
        begin = int(np.round(time * RATE))
        expected[begin : begin + len(one)] += one
    np.testing.assert_allclose(sound, expected, atol=1e-6)
    assert np.argmax(np.abs(one)) == 0


def test_downbeats_have_a_timbre_of_their_own():
    sound = clicks([0.0, 0.5, 1.0], duration=2.0, beat=[1, 2, 1])
    assert len(sound) == 2 * RATE
    first, second, third = (sound[at : at + 400] for at in (0, RATE // 2, RATE))
    np.testing.assert_array_equal(first, third)
    assert strongest_frequency(first) > 1.3 * strongest_frequency(second)
    assert np.abs(sound).max() < 0.5


def test_strength_is_loudness():
    sound = clicks([0.0, 0.5, 1.0, 1.5, 2.0], strength=[4.0, 2.0, 0.0, np.nan, -1.0])
    peaks = sound[np.arange(5) * RATE // 2] / sound[0]
    np.testing.assert_allclose(peaks, [1, SOFTEST + (1 - SOFTEST) / 2, SOFTEST, 1, SOFTEST], rtol=1e-5)
    equal = clicks([0.0, 0.5], strength=[0.0, 0.0])
    assert equal[0] == equal[RATE // 2] > 0.3


def test_events_of_an_excerpt(caplog):
    sound = clicks([9.0, 10.0, 10.5], start=10.0)
    np.testing.assert_array_equal(sound, clicks([0.0, 0.5]))
    assert "events before 10 s are not heard: 1" in caplog.text


def test_no_events_no_sound():
    assert len(clicks([])) == 0
    assert not clicks([], duration=0.5).any()


@given(st.integers(1, 30000), st.floats(0, 0.9), st.booleans())
@settings(deadline=None, max_examples=30)
def test_blocks_do_not_matter(size, share, stereo):
    source = clicks_over(noise(3.0), Events({"time": [0.1, 2.99]}), -6, stereo)
    assert isinstance(source, AudioSource)
    overlap = int(share * size)
    blocks = list(source.blocks(size, overlap))
    joined = np.concatenate([blocks[0], *(block[overlap:] for block in blocks[1:])])
    np.testing.assert_array_equal(joined, whole(source))
    assert joined.shape == (source.frames, 2)


def test_over_adds_to_every_channel():
    recording = noise(2.0)
    mixed = whole(clicks_over(recording, Events({"time": [1.0]}), gain=-20))
    difference = mixed - recording.samples
    assert not difference[:RATE].any()
    np.testing.assert_allclose(difference[RATE : RATE + 300, 0], 0.1 * clicks([0.0])[:300], atol=1e-7)
    np.testing.assert_allclose(difference[:, 0], difference[:, 1], atol=1e-7)


def test_stereo_puts_them_side_by_side():
    recording = noise(1.0, channels=3)
    mixed = whole(clicks_over(recording, Events({"time": [0.5, 1.5]}), stereo=True))
    assert len(mixed) == 1.5 * RATE + len(clicks([0.0]))  # as long as the longer
    np.testing.assert_allclose(mixed[:RATE, 0], recording.samples.mean(axis=1), atol=1e-7)
    assert not mixed[RATE:, 0].any()
    np.testing.assert_array_equal(mixed[:, 1], clicks([0.5, 1.5]))


def test_beyond_full_scale_is_kept_and_told(caplog):
    loud = whole(over(noise(0.5, 1, level=0.9), noise(0.5, 1, level=0.9)))
    np.testing.assert_array_equal(loud, 2 * noise(0.5, 1, level=0.9).samples)
    assert "the sound goes up to 1.800 (full scale is 1)" in caplog.text
    caplog.clear()
    assert np.abs(whole(amplified(noise(0.5), 6))).max() == pytest.approx(0.1 * 10**0.3, rel=1e-3)
    assert caplog.text == ""


def test_a_length_that_is_not_known_stays_so():
    class Endless(Audio):
        @property
        def frames(self):
            return None

        def blocks(self, size, overlap=0):
            yield from (np.zeros((3, 1), np.float32), np.zeros((7, 1), np.float32))

    source = over(Endless(np.zeros((10, 1)), RATE), noise(0.1))
    assert source.frames is None
    assert len(whole(source)) == 0.1 * RATE


def test_an_hour_is_computed_block_by_block():
    source = clicks_over(noise(1.0), Events({"time": np.arange(0, 3600, 0.5)}))
    assert source.frames > 3599 * RATE
    first = next(iter(source.blocks(1000)))
    assert first.shape == (1000, 2)


def test_refusals():
    with pytest.raises(ParameterError, match="8000 and 9000 Hz cannot be mixed"):
        over(noise(1.0), noise(1.0, rate=9000))
    with pytest.raises(ParameterError, match="gain"):
        amplified(noise(1.0), np.nan)
    with pytest.raises(DataError, match="no number"):
        clicks([np.inf])
    with pytest.raises(DataError, match="later than anything"):
        click_track(Events({"time": np.array([1e300])}))
    with pytest.raises(ParameterError, match="sample rate"):
        click_track(Events({"time": [1.0]}), 0)
