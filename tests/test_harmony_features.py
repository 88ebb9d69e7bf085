from dataclasses import replace

import numpy as np
import pytest

from mirtool.errors import DataError, ParameterError
from mirtool.retrieval.parameters import HarmonyParameters
from mirtool.retrieval.versions.features import averaged, harmony_features
from mirtool.types import Audio, Features, Notes

DEFAULT = HarmonyParameters()
RATE = 22050
TRIADS = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))


def chords(seconds=2.0, lead=0.0):
    """Return notes: C major, A minor, F major, G major."""
    rows = [(lead + seconds * n, pitch) for n, triad in enumerate(TRIADS) for pitch in triad]
    onset, pitch = np.array(rows).T
    return Notes({"onset": onset, "offset": onset + seconds, "pitch": pitch, "velocity": np.full(len(rows), 80.0)})


def sound(notes, tail=0.0):
    """Return sines."""
    time = np.arange(int((notes["offset"].max() + tail) * RATE)) / RATE
    samples = np.zeros(len(time), np.float32)
    for onset, offset, pitch in zip(notes["onset"], notes["offset"], notes["pitch"], strict=True):
        inside = (time >= onset) & (time < offset)
        samples[inside] += 0.1 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time[inside])
    return Audio(samples, RATE)


def test_frames_show_the_chords():
    found = harmony_features(sound(chords()), DEFAULT)
    assert (found.kind, found.feature_rate, found.data.shape) == ("chroma", 2.0, (12, 17))
    for n, triad in enumerate(TRIADS):
        assert {int(c) for c in np.argsort(found.data[:, 4 * n + 2])[-3:]} == {pitch % 12 for pitch in triad}
    np.testing.assert_allclose(np.linalg.norm(found.data, axis=0), 1, atol=1e-3)


def test_notes_and_sound_give_the_same():
    of_sound = harmony_features(sound(chords()), DEFAULT).data
    of_notes = harmony_features(chords(), DEFAULT).data
    frames = min(of_sound.shape[1], of_notes.shape[1])
    assert (of_sound[:, :frames] * of_notes[:, :frames]).sum(axis=0).min() > 0.85


def test_silence_at_the_ends_is_left_out():
    found = harmony_features(sound(chords(lead=3.0), tail=5.0), DEFAULT)
    assert found.start in (2.5, 3.0)
    assert abs(found.frames - 17) <= 1


def test_loudness_does_not_matter():
    quiet = sound(chords())
    quiet = Audio(quiet.samples / 20, RATE)
    alike = (harmony_features(quiet, DEFAULT).data * harmony_features(sound(chords()), DEFAULT).data).sum(axis=0)
    assert alike.min() > 0.95


def test_silence_is_one_frame_of_zeros():
    found = harmony_features(Audio(np.zeros(3 * RATE, np.float32), RATE), DEFAULT)
    assert found.data.shape == (12, 1)
    assert not found.data.any()


def test_values_survive_half_precision():
    data = harmony_features(chords(), DEFAULT).data
    assert (data == data.astype(np.float16)).all()


def test_chroma_made_elsewhere():
    chroma = Features(np.eye(12)[:, np.repeat([0, 4, 7], 20)], 10.0, "chroma", ("chroma", "time"), start=5.0)
    found = harmony_features(chroma, DEFAULT)
    assert found.data.argmax(axis=0).tolist() == [0] * 4 + [4] * 4 + [7] * 4
    assert found.start == 5.0
    again = harmony_features(found, DEFAULT)
    np.testing.assert_array_equal(again.data, found.data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((13, 4)), "12 rows"),
        (np.full((12, 4), np.nan), "not finite"),
        (-np.ones((12, 4)), "negative"),
        (np.ones((12, 0)), "nothing to hear"),
    ],
)
def test_what_is_no_chroma(data, message):
    with pytest.raises(DataError, match=message):
        harmony_features(Features(data, 2.0, "chroma"), DEFAULT)


def test_rate_must_be_positive():
    with pytest.raises(ParameterError, match="feature rate"):
        harmony_features(chords(), replace(DEFAULT, feature_rate=0.0))


class TestAveraged:
    def test_whole_factor(self):
        frames = np.arange(12, dtype=np.float32)[:, None]
        # frame 1 lies around 2, with halves of 0.5 … 3.5 in: (½·1 + 2 + ½·3) / 2
        np.testing.assert_allclose(averaged(frames, 4.0, 2.0)[:, 0], [1 / 3, 2, 4, 6, 8, 10])

    def test_upwards(self):
        frames = np.array([[0.0], [1.0]], np.float32)
        np.testing.assert_allclose(averaged(frames, 1.0, 2.0)[:, 0], [0, 0.5, 1])

    def test_mean_is_kept(self):
        frames = np.random.default_rng(0).random((500, 3)).astype(np.float32)
        for rate in (1.7, 3.0, 7.1):
            np.testing.assert_allclose(averaged(frames, 10.0, rate).mean(axis=0), frames.mean(axis=0), atol=0.03)
