from dataclasses import replace

import numpy as np
import pytest
from performances import compiled

from mirtool.errors import ParameterError
from mirtool.rhythm.accents import accent_state, accents, activation, blur, strong
from mirtool.rhythm.parameters import AccentParameters
from mirtool.types import Audio

RATE = 22050
PARAMETERS = AccentParameters()
BEATS = np.arange(0.5, 9.5, 0.5)


def struck(frequency, times, seconds=10.0, amplitude=0.3):
    """Decaying tones, on top of soft noise."""
    samples = 1e-4 * np.random.default_rng(0).standard_normal(int(seconds * RATE))
    for time in times:
        t = np.arange(len(samples) - round(time * RATE)) / RATE
        samples[-len(t) :] += amplitude * np.exp(-t / 0.08) * np.sin(2 * np.pi * frequency * t)
    return samples


@compiled
def test_a_register_hears_its_own():
    data = accents(Audio(struck(80, BEATS[::2]) + struck(5000, BEATS[1::2]), RATE), PARAMETERS).data
    frames = np.round(BEATS * 100).astype(int)
    peaks = np.stack([data[:, n - 8 : n + 8].max(axis=1) for n in frames], axis=1)
    assert peaks[0, ::2].min() > 3 * peaks[0, 1::2].max()
    assert peaks[3, 1::2].min() > 3 * peaks[3, ::2].max()


def test_activation_is_high_at_beats_only_and_bass_counts_more():
    sound = struck(80, BEATS[::2]) + struck(5000, BEATS[1::2])
    curve = activation(accents(Audio(sound, RATE), PARAMETERS), PARAMETERS).data[0]
    assert curve.min() >= 0
    assert curve.max() <= 1
    at = np.array([curve[n - 8 : n + 8].max() for n in np.round(BEATS * 100).astype(int)])
    distance = np.abs(np.arange(len(curve))[:, None] / 100 - BEATS).min(axis=1)
    assert at[::2].min() > at[1::2].max() > 5 * curve[distance > 0.1].max()


@compiled
def test_loudness_hardly_matters():
    sound = struck(200, BEATS)
    loud, soft = (activation(accents(Audio(sound * gain, RATE), PARAMETERS), PARAMETERS).data[0] for gain in (1.0, 0.1))
    assert np.corrcoef(loud, soft)[0, 1] > 0.95


@pytest.mark.parametrize("rate", [50.0, 100.0, 110.0, 1000.0])
def test_a_blur_lasts_as_long_at_any_rate_and_moves_nothing(rate):
    curves = np.zeros((1, 200), np.float32)
    curves[0, 100] = 1
    blur(curves, rate)
    n = np.arange(200)
    assert curves[0] @ n == pytest.approx(100)
    assert np.sqrt(curves[0] @ (n - 100) ** 2) / rate == pytest.approx(0.0145, abs=0.0015)
    short = np.ones((1, 2), np.float32)
    blur(short, rate)
    assert short[0, 0] == pytest.approx(short[0, 1])


def test_a_quiet_part_is_judged_by_itself():
    rate = 1.0  # Hz: the levels are taken over minutes
    curves = np.ones((1, 600), np.float32)
    curves[:, 400:] = 100
    level = strong(curves, rate)
    assert level[0, 100] == 1
    assert level[0, 500] == 100
    np.testing.assert_array_equal(strong(np.zeros((2, 5), np.float32), 100.0), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"registers": (600.0, 150.0)}, "increasing"),
        ({"registers": (0.0, 150.0, 600.0)}, "increasing"),
        ({"registers": (float("nan"), 150.0, 600.0)}, "increasing"),
        ({"register_weights": (1.0, 1.0)}, "4 registers"),
        ({"register_weights": (1e308, 1e308, 1.0, 1.0)}, "none above"),
        ({"register_weights": (0.0, 0.0, 0.0, 0.0)}, "not all 0"),
        ({"register_weights": (1.0, -1.0, 1.0, 1.0)}, "not negative"),
    ],
)
def test_registers_that_are_none(changes, message):
    with pytest.raises(ParameterError, match=message):
        accent_state(replace(PARAMETERS, **changes))


def test_silence_and_nothing():
    for samples in (np.zeros(RATE), np.zeros(0)):
        curve = activation(accents(Audio(samples, RATE), PARAMETERS), PARAMETERS).data
        assert curve.max(initial=0) == 0
