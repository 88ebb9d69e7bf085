import numpy as np
import pytest
from test_chroma import RATE, chord_notes, notes, sound

from mirtool.errors import DataError, ParameterError
from mirtool.features.parameters import SpectrogramParameters
from mirtool.features.spectrogram import spectrogram
from mirtool.types import Audio


def parameters(**changes):
    return SpectrogramParameters(**{"tuning": 0.0, "pitch_low": 24, **changes})


def test_a_sine_has_its_amplitude():
    frequency = 40 * RATE / 2048
    audio = Audio(0.5 * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE), RATE)
    found = spectrogram(audio, parameters())
    assert found.data.shape == (1025, 51)
    assert (found.kind, found.dims, found.unit) == ("spectrogram", ("frequency", "time"), "amplitude")
    np.testing.assert_allclose(found.data[:, 10:40].max(axis=0), 0.5, rtol=1e-4)
    assert found.axis[found.data[:, 25].argmax()] == pytest.approx(frequency)
    squared = spectrogram(audio, parameters(power=True))
    np.testing.assert_allclose(squared.data, found.data**2, rtol=1e-4, atol=1e-9)
    assert squared.unit == "power"


def test_compression():
    audio = sound(chord_notes())
    plain, compressed = spectrogram(audio, parameters()), spectrogram(audio, parameters(compression=10.0))
    np.testing.assert_allclose(compressed.data, np.log(1 + 10 * plain.data), atol=1e-5)
    assert compressed.unit == ""


def test_over_pitch():
    score = chord_notes()
    by_sound, by_notes = (
        spectrogram(source, parameters(scale="pitch", window_length=8192)) for source in (sound(score), score)
    )
    assert by_sound.axis == tuple(float(pitch) for pitch in range(24, 109))
    assert (by_sound.dims, by_sound.unit) == (("pitch", "time"), "power")
    assert by_sound.data.shape == by_notes.data.shape == (85, 201)
    loud = {int(row) + 24 for row in np.argsort(by_sound.data[:, 25])[-3:]}
    assert loud == {int(row) + 24 for row in np.flatnonzero(by_notes.data[:, 25] > 0.1)} == {48, 64, 67}


def test_a_stream_of_unknown_length():
    audio = sound(chord_notes())

    class Stream:
        sample_rate, channels, frames, blocks = RATE, 1, None, staticmethod(audio.blocks)

    found = spectrogram(Stream(), parameters())
    assert found.data.tobytes() == spectrogram(audio, parameters()).data.tobytes()


def test_bad_input():
    with pytest.raises(DataError, match="over pitch only"):
        spectrogram(notes((0, 1, 60, 100)), parameters())
    with pytest.raises(ParameterError, match="no scale mel"):
        spectrogram(Audio(np.zeros(10), RATE), parameters(scale="mel"))
    assert spectrogram(Audio(np.zeros(0), RATE), parameters()).data.shape == (1025, 0)
    assert not spectrogram(Audio(np.zeros(100), RATE), parameters()).data.any()
