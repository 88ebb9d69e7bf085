import numpy as np
import pytest
from performances import compiled

from mirtool.signal.pitch_shift import shift_pitch
from mirtool.synthesis.render import render
from mirtool.types import Notes

RATE = 22050
ONSET = 4410

pytestmark = compiled


def tone(frequency, seconds=1.0, channels=1):
    t = np.arange(int(RATE * seconds)) / RATE
    envelope = np.minimum(1, t * 100) * np.exp(-t)
    sound = np.concatenate((np.zeros(ONSET), envelope * np.sin(2 * np.pi * frequency * t), np.zeros(RATE // 4)))
    return np.repeat(sound.astype(np.float32)[:, None], channels, axis=1)


@pytest.mark.parametrize("semitones", [-7, -0.5, 1, 2, 12])
def test_a_tone_goes_to_its_pitch_and_keeps_onset_level_and_duration(semitones):
    ratio = 2 ** (semitones / 12)
    sound = shift_pitch(tone(440), RATE, semitones, ONSET)
    expected = tone(440 * ratio)
    assert sound.shape == expected.shape
    assert sound.dtype == np.float32
    steady = slice(ONSET + RATE // 10, ONSET + RATE * 8 // 10)
    spectrum = np.abs(np.fft.rfft(sound[steady, 0], 8 * RATE))
    assert np.argmax(spectrum) / 8 == pytest.approx(440 * ratio, rel=2e-3)
    for part in (slice(ONSET, ONSET + RATE // 10), steady):
        assert np.sum(sound[part] ** 2) == pytest.approx(np.sum(expected[part] ** 2), rel=0.2)
    assert np.sum(sound[: ONSET - RATE // 100] ** 2) < 1e-3 * np.sum(sound**2)


def test_the_attack_keeps_its_phases():
    # around the onset the note is played faster, as a sampler would
    attack = slice(ONSET, ONSET + 400)
    sound = shift_pitch(tone(300), RATE, 4, ONSET)[attack, 0]
    expected = tone(300 * 2 ** (4 / 12))[attack, 0]
    assert np.dot(sound, expected) > 0.98 * np.linalg.norm(sound) * np.linalg.norm(expected)


def test_channels_keep_their_balance():
    stereo = tone(440, channels=2) * np.array([1.0, -0.5], np.float32)
    sound = shift_pitch(stereo, RATE, 3, ONSET)
    np.testing.assert_allclose(sound[:, 1], -0.5 * sound[:, 0], atol=1e-5)


def test_what_is_not_shifted_or_silent_stays():
    sound = tone(440)
    assert shift_pitch(sound, RATE, 0.0, ONSET) is sound
    silence = np.zeros_like(sound)
    assert not shift_pitch(silence, RATE, 2.0, ONSET).any()


def test_a_piano_note_has_the_spectrum_of_its_new_pitch():
    def note(pitch):
        columns = {"onset": [0.2], "offset": [1.0], "pitch": [pitch], "velocity": [80]}
        return render(Notes(columns), RATE, "piano", 1.5).samples

    def spectrum(sound):
        return np.abs(np.fft.rfft(sound[: RATE + ONSET, 0] * np.hanning(RATE + ONSET)))

    wanted, found, before = (spectrum(sound) for sound in (note(66), shift_pitch(note(64), RATE, 2, ONSET), note(64)))
    assert np.sum((wanted - found) ** 2) < 0.1 * np.sum((wanted - before) ** 2)
