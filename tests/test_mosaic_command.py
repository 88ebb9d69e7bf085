"""`mirtool mosaic` as it is called."""

import numpy as np
import pytest
import soundfile
from performances import compiled

from mirtool.io import formats


def test_activations_are_written_and_drawn(call, here):
    words = ("mosaic", "take.wav", "slow.wav", "--iterations", "5", "--start", "1")
    result = call(*words, "-o", "out.wav", "--write-activations", "H.npy", "--plot", "H.png")
    assert (result.code, result.err) == (0, "")
    H = formats.read("H.npy")
    assert H.dims == ("source_time", "time")
    assert H.start == 1
    assert len(H.axis) == H.data.shape[0]
    assert H.axis[1] == pytest.approx(1 / H.feature_rate, abs=1e-6)
    sound, rate = soundfile.read("out.wav")
    assert len(sound) == 3 * rate
    assert (here / "H.png").read_bytes().startswith(b"\x89PNG")


@compiled
def test_bees_play_the_tune(call, here):
    """Of a glide over all pitches of the tune, each note takes the moment that has its pitch."""
    rate = 22050
    pitch = 52 + 24 * np.linspace(0, 1, 6 * rate)
    phase = np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / rate
    buzz = 0.3 * (phase % 1 - 0.5) + 0.001 * np.random.default_rng(0).standard_normal(6 * rate)
    soundfile.write("bees.wav", buzz, rate)
    assert call("mosaic", "take.wav", "bees.wav", "-o", "out.wav").code == 0
    target, _ = soundfile.read("take.wav")
    found, _ = soundfile.read("out.wav")
    for note in range(8):
        part = slice(int((0.5 * note + 0.05) * rate), int((0.5 * note + 0.35) * rate))
        spectra = [np.abs(np.fft.rfft(sound[part] * np.hanning(int(0.3 * rate)), rate)) for sound in (target, found)]
        low, high = (spectrum[100:700].argmax() + 100 for spectrum in spectra)
        assert abs(12 * np.log2(high / low)) < 0.6
