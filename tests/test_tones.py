"""Tones that follow curves: the right frequency, no clicks, as loud as told, in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.synthesis.tones import LEVEL, PARTIALS, PitchCurve, ToneBank, pitch_tones, shepard_tones
from mirtool.types import AudioSource, Events, Features

RATE = 8000


def whole(source, size=5000):
    return np.concatenate(list(source.blocks(size)))[:, 0]


def curve(f0, step=0.01, **columns):
    return Events({"time": step * np.arange(len(f0)), "f0_hz": np.asarray(f0, dtype=float), **columns})


def chroma(data, rate=10.0, start=0.0):
    return Features(np.asarray(data, np.float32), rate, "chroma", ("chroma", "time"), start=start)


def frequencies(samples):
    """Return the frequencies (Hz) of the peaks above a hundredth of the largest one."""
    spectrum = np.abs(np.fft.rfft(samples * np.blackman(len(samples)), 4 * len(samples)))
    inner = spectrum[1:-1]
    peaks = 1 + np.flatnonzero((inner > spectrum[:-2]) & (inner > spectrum[2:]) & (inner > 0.02 * spectrum.max()))
    return peaks * RATE / (4 * len(samples))


# ------------------------------------------------------------------------------------------------------------------ f0


def test_a_steady_curve_is_a_harmonic_tone():
    samples = whole(PitchCurve(curve(np.full(200, 330.0)), RATE))
    assert len(samples) == round(1.995 * RATE)
    found = frequencies(samples[1000:-1000])
    for k in range(1, len(PARTIALS) + 1):
        assert np.abs(found - 330 * k).min() < 1
    assert 0.5 * LEVEL < np.abs(samples).max() <= LEVEL


def test_the_phase_is_the_integral_of_the_frequency():
    f0 = 200 + 150 * np.sin(np.arange(300) / 20)
    samples = whole(PitchCurve(curve(f0), RATE))
    fine = np.interp(np.arange(len(samples) * 50) / (50 * RATE), 0.01 * np.arange(300), f0)
    phase = 2 * np.pi * (np.cumsum(fine) / (50 * RATE))[::50]  # the oracle: many small steps
    kept = [a for k, a in enumerate(PARTIALS, 1) if k * f0.max() < 0.45 * RATE]
    expected = LEVEL * sum(a * np.sin(k * phase) for k, a in enumerate(kept, 1)) / sum(kept)
    inner = slice(200, len(samples) - 200)
    assert np.abs(samples[inner] - expected[inner]).max() < 0.02 * LEVEL


def test_unvoiced_is_silent_and_comes_and_goes_without_clicks():
    f0 = np.concatenate((np.zeros(50), np.full(50, 440.0), np.zeros(50), np.full(50, -440.0), np.full(50, 441.0)))
    samples = whole(PitchCurve(curve(f0), RATE))
    for begin, end in ((0, 0.49), (1.0, 1.99)):
        assert not samples[round(begin * RATE) : round(end * RATE)].any()
    for begin, end in ((0.51, 0.98), (2.01, 2.48)):
        assert np.std(samples[round(begin * RATE) : round(end * RATE)]) > 0.1 * LEVEL
    steepest = LEVEL * 2 * np.pi * 441 * sum(a * k for k, a in enumerate(PARTIALS, 1)) / sum(PARTIALS) / RATE
    assert np.abs(np.diff(samples)).max() < 1.1 * steepest


def test_rows_that_are_left_out_are_unvoiced():
    table = Events({"time": [0.0, 0.01, 0.02, 0.5, 0.51, 0.52], "f0_hz": np.full(6, 300.0)})
    samples = whole(PitchCurve(table, RATE))
    assert not samples[round(0.03 * RATE) : round(0.49 * RATE)].any()
    assert samples[: round(0.02 * RATE)].any()


def test_confidence_is_the_amplitude():
    confidence = np.repeat([1.0, 0.25, np.nan], 100)
    samples = whole(PitchCurve(curve(np.full(300, 300.0), confidence=confidence), RATE))
    loud, soft, unknown = (np.std(samples[round(t * RATE) : round((t + 0.8) * RATE)]) for t in (0.1, 1.1, 2.1))
    assert soft == pytest.approx(0.25 * loud, rel=0.02)
    assert unknown == pytest.approx(loud, rel=0.02)


def test_frequencies_beyond_the_sample_rate_are_left_out(caplog):
    samples = whole(PitchCurve(curve([3000.0] * 50 + [5000.0] * 50), RATE))
    assert not samples[round(0.51 * RATE) :].any()
    assert "8000 Hz cannot hold are left out: 50" in caplog.text
    assert frequencies(samples[200 : RATE // 2 - 200]) == pytest.approx([3000], abs=5)  # without its partials


@pytest.mark.parametrize("f0", [[], [0.0, 0.0], [5.0]])
def test_hardly_a_curve(f0):
    source = PitchCurve(curve(f0), RATE)
    assert len(whole(source)) == source.frames


def test_curves_that_are_none():
    with pytest.raises(DataError, match="up to 1e"):
        PitchCurve(Events({"time": [1.0, 1e9], "f0_hz": [1.0, 2.0]}), RATE)
    with pytest.raises(DataError, match="increase"):
        PitchCurve(Events({"time": [1.0, 1.0], "f0_hz": [1.0, 2.0]}), RATE)
    with pytest.raises(DataError, match="no numbers"):
        PitchCurve(curve([np.nan]), RATE)
    with pytest.raises(ParameterError, match="sample rate"):
        PitchCurve(curve([100.0]), 0)


# -------------------------------------------------------------------------------------------------------------- chroma


def test_a_shepard_tone_has_its_chroma_in_every_octave():
    for row in (0, 4, 9):
        data = np.zeros((12, 20))
        data[row] = 1
        found = frequencies(whole(shepard_tones(chroma(data), RATE))[1000:-1000])
        assert len(found) >= 6
        chromas = 12 * np.log2(found / 440) + 9 - row
        np.testing.assert_allclose(chromas / 12, np.rint(chromas / 12), atol=0.01)


def test_a_shepard_tone_is_in_tune_with_the_recording():
    data = np.zeros((12, 40))
    data[9] = 1
    found = frequencies(whole(shepard_tones(chroma(data), RATE, tuning=30))[1000:-1000])
    near = found[np.argmin(np.abs(found - 440))]
    assert 1200 * np.log2(near / 440) == pytest.approx(30, abs=5)


def test_amplitudes_glide_from_frame_to_frame():
    data = np.zeros((12, 5))
    data[0] = (0, 0.5, 1, 0, 0)
    tones = ToneBank(chroma(data, rate=2.0), np.full(12, 1000.0), np.ones(1 << 17, np.float32), RATE)
    samples = whole(tones)  # a wave that is 1 throughout shows the amplitude
    assert len(samples) == 2.25 * RATE
    at = (np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0]) * RATE).astype(int)
    np.testing.assert_allclose(samples[at] / LEVEL, [0.25, 0.5, 0.75, 1, 0.5, 0, 0], atol=1e-4)


@given(st.integers(0, 1000), st.floats(0.5, 50), st.floats(-1, 3))
@settings(deadline=None, max_examples=20)
def test_any_chroma_stays_below_its_level(seed, rate, start):
    data = np.random.default_rng(seed).uniform(-0.2, 7, (12, 9))
    source = shepard_tones(chroma(data, rate, start), RATE)
    assert isinstance(source, AudioSource)
    samples = whole(source, 777)
    np.testing.assert_array_equal(samples, whole(source))
    assert len(samples) == source.frames
    assert np.abs(samples).max(initial=0) <= LEVEL
    if start > 0.5 / rate + 0.01:
        assert not samples[: int((start - 0.5 / rate) * RATE) - 1].any()


def test_energies_over_pitch_are_sines():
    data = np.zeros((88, 30), np.float32)
    data[48] = 1  # A4 = 69 is the 48th above A0 = 21
    features = Features(data, 10.0, "spectrogram", ("pitch", "time"), tuple(float(p) for p in range(21, 109)))
    found = frequencies(whole(pitch_tones(features, RATE))[1000:-1000])
    assert found == pytest.approx([440], abs=0.5)


def test_no_frames_and_no_numbers():
    assert len(whole(shepard_tones(chroma(np.zeros((12, 0))), RATE))) == 0
    assert not whole(shepard_tones(chroma(np.zeros((12, 3))), RATE)).any()
    with pytest.raises(DataError, match="no numbers"):
        shepard_tones(chroma(np.full((12, 3), np.nan)), RATE)
