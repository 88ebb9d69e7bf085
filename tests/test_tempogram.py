import naive_rhythm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chroma import notes

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm.parameters import TEMPOGRAMS, TempogramParameters
from mirtool.rhythm.tempogram import FourierState, tempogram
from mirtool.types import Audio, Features


def clicks(bpm, seconds=20.0, rate=100.0, offset=0.0):
    """Return a novelty curve with an impulse a beat."""
    curve = np.zeros(int(seconds * rate), np.float32)
    curve[np.round(np.arange(offset, seconds - 0.01, 60 / bpm) * rate).astype(int)] = 1
    return Features(curve, rate, "novelty")


def strongest(features, frame, count=1):
    order = np.argsort(features.data[:, frame])[::-1][:count]
    return sorted(features.axis[k] for k in order)


def test_fourier_shows_harmonics_and_autocorrelation_subharmonics():
    # FMP, Figure 6.15 and Section 6.2.3: a click track of 170 BPM that becomes slower, here one of 120 BPM.
    waves = tempogram(clicks(120), TempogramParameters())
    lags = tempogram(clicks(120), TempogramParameters(method="autocorrelation"))
    assert waves.data.shape == lags.data.shape == (571, 201)
    assert (waves.feature_rate, waves.start, waves.axis[0], waves.axis[-1]) == (10.0, 0.0, 30.0, 600.0)
    middle = waves.data[:, 100]
    for multiple in (120, 240, 360, 480, 600):
        assert middle[multiple - 30] == pytest.approx(middle[90], rel=0.02)
    for fraction in (60, 40, 180):
        assert middle[fraction - 30] < 0.05 * middle[90]
    middle = lags.data[:, 100]
    for fraction in (120, 60, 40, 30):
        assert middle[fraction - 30] == pytest.approx(middle[90], rel=0.05)
    for multiple in (240, 360, 90):
        assert middle[multiple - 30] < 0.05 * middle[90]


def test_a_change_of_tempo_is_seen_where_it_is():
    curve = np.concatenate((clicks(100, 15).data[0], clicks(150, 15).data[0]))
    for method in ("fourier", "autocorrelation"):
        found = tempogram(Features(curve, 100.0), TempogramParameters(method=method, tempo_low=80, tempo_high=190))
        assert strongest(found, 70) == pytest.approx([100], abs=1)
        assert strongest(found, 230) == pytest.approx([150], abs=1)


def test_cyclic_tempogram_identifies_octaves():
    low = tempogram(clicks(72), TempogramParameters(method="cyclic"))
    high = tempogram(clicks(144), TempogramParameters(method="cyclic"))
    assert low.data.shape == (30, 201)
    assert (low.axis[0], low.kind) == (1.0, "cyclic_tempogram")
    assert np.all(np.diff(low.axis) > 0)
    assert low.axis[-1] < 2
    assert strongest(low, 100) == strongest(high, 100) == pytest.approx([1.2], abs=0.03)
    # Tempi an octave apart are added up: the rows of a plain tempogram with the same tempi.
    plain = tempogram(clicks(72), TempogramParameters(tempo_low=30, tempo_high=480, tempo_step=30))
    rows = [plain.axis.index(tempo) for tempo in (30.0, 60.0, 120.0, 240.0)]
    np.testing.assert_allclose(low.data[0], plain.data[rows].sum(axis=0), rtol=1e-3, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.floats(0, 4, width=32), min_size=1, max_size=70),
    feature_rate=st.floats(1, 10),
    window=st.floats(2.5, 5),
    method=st.sampled_from(["fourier", "autocorrelation"]),
)
def test_agrees_with_the_definition(values, feature_rate, window, method):
    parameters = TempogramParameters(window, 30.0, 120.0, 9.5, feature_rate=feature_rate, method=method)
    found = tempogram(Features(np.array(values, np.float32), 10.0), parameters)
    length = round(window * 10)
    slow = naive.fourier_tempogram if method == "fourier" else naive.autocorrelation_tempogram
    expected = slow(values, 10.0, length, 10.0 / feature_rate, found.axis)
    assert found.data.shape == expected.shape
    np.testing.assert_allclose(found.data, expected, atol=1e-4, rtol=1e-3)


def test_a_cosine_of_amplitude_a_has_magnitude_a():
    n = np.arange(3000)
    curve = (1 + 0.3 * np.cos(2 * np.pi * 1.5 * n / 100 + 0.7)).astype(np.float32)
    found = tempogram(Features(curve, 100.0), TempogramParameters())
    assert found.data[60, 150] == pytest.approx(0.3, rel=1e-3)
    state = FourierState(np.array([90.0]), 100.0, 600, 10.0)
    frame = np.concatenate([*state.push(curve), *state.flush()])[150, 0]
    assert np.angle(frame) == pytest.approx(np.angle(np.exp(1j * (2 * np.pi * 1.5 * 15 + 0.7))), abs=1e-3)


def test_the_same_bits_whatever_the_blocks():
    curve = np.random.default_rng(0).random(9000, dtype=np.float32)
    whole = tempogram(Features(curve, 100.0), TempogramParameters()).data
    state = FourierState(30.0 + np.arange(571), 100.0, 600, 10.0)
    frames = [frame for begin in range(0, 9000, 77) for frame in state.push(curve[begin : begin + 77])]
    assert np.abs(np.concatenate([*frames, *state.flush()])).T.tobytes() == np.ascontiguousarray(whole).tobytes()


def test_scales_with_the_novelty_and_moves_with_it():
    curve = np.random.default_rng(1).random(3000, dtype=np.float32)
    for method in TEMPOGRAMS:
        parameters = TempogramParameters(method=method)
        plain = tempogram(Features(curve, 100.0), parameters)
        double = tempogram(Features(2 * curve, 100.0), parameters)
        factor = 4 if "autocorrelation" in method else 2
        np.testing.assert_allclose(double.data, factor * plain.data, rtol=1e-4)
        later = tempogram(Features(np.pad(curve, (500, 0)), 100.0, start=2.5), parameters)
        np.testing.assert_allclose(later.data[:, 100:250], plain.data[:, 50:200], rtol=1e-3, atol=1e-4)
        assert later.start == 2.5


def test_sound_and_notes():
    rate, beat = 22050, 0.5
    samples = np.zeros(12 * rate, np.float32)
    burst = np.random.default_rng(0).standard_normal(400).astype(np.float32) * np.linspace(1, 0, 400, dtype=np.float32)
    for k in range(23):
        samples[int(k * beat * rate) :][:400] += burst
    sound = tempogram(Audio(samples, rate), TempogramParameters(tempo_low=70, tempo_high=200))
    score = notes(*((k * beat, k * beat + 0.2, 60, 90) for k in range(23)))
    silent = tempogram(score, TempogramParameters(tempo_low=70, tempo_high=200))
    assert strongest(sound, 60) == strongest(silent, 60) == [120.0]


@pytest.mark.parametrize("method", TEMPOGRAMS)
def test_silence_and_nothing(method):
    parameters = TempogramParameters(method=method)
    assert not tempogram(Features(np.zeros(500), 100.0), parameters).data.any()
    assert tempogram(Features(np.zeros((1, 0)), 100.0), parameters).frames == 0
    assert tempogram(Features(np.ones(1), 100.0), parameters).frames == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "x"}, "tempogram method x"),
        ({"tempo_window": 0.0}, "longer than 0 s"),
        ({"tempo_window": 1e9}, "up to 600 s"),
        ({"tempo_window": 0.004}, "less than two values"),
        ({"tempo_low": 0.0}, "must be positive and rise"),
        ({"tempo_low": 700.0}, "must be positive and rise"),
        ({"tempo_step": 0.0}, "step of the tempi"),
        ({"tempo_step": 1e-9}, "choose a larger step"),
        ({"tempo_high": 1e308, "tempo_step": 1e-3}, "choose a larger step"),
        ({"feature_rate": 0.0}, "feature rate must be positive"),
        ({"feature_rate": 200.0}, "200 frames per second of a novelty that has 100"),
        ({"method": "autocorrelation", "tempo_window": 1.0}, "too short for the period of 30 BPM"),
        ({"method": "cyclic", "tempo_low": 400.0}, "over an octave at least"),
        ({"method": "cyclic", "octave_bins": 0}, "one bin"),
        ({"method": "cyclic", "octave_bins": 10**9}, "4 octaves of 1000000000 bins"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        tempogram(clicks(120), TempogramParameters(**changes))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (Features(np.zeros((12, 5)), 10.0), "a matrix of 12 × 5 values"),
        (Features(np.zeros(5), None), "without frames per second"),
        (Features(np.array([1.0, np.nan]), 10.0), "not finite"),
    ],
)
def test_what_is_no_curve(features, message):
    with pytest.raises(DataError, match=message):
        tempogram(features, TempogramParameters())
