import math

import naive_rhythm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled
from test_chroma import notes
from test_tempogram import clicks

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm.metrical_levels import evidence
from mirtool.rhythm.parameters import TempogramParameters, TempoParameters
from mirtool.rhythm.periodicity import AXIS, Periodicity, periodicities, sharpened, windows
from mirtool.rhythm.tempo import accent_curves, estimate, estimate_in, peaks, steady
from mirtool.rhythm.tempogram import tempogram
from mirtool.types import Audio, Events, Features

RATE = 22050
T = np.arange(int(0.15 * RATE)) / RATE
NOISE = np.random.default_rng(0).standard_normal(len(T) + 4) * np.exp(-np.pad(T, (4, 0)) / 0.03)
KICK = 0.9 * np.sin(2 * np.pi * 60 * T) * np.exp(-T / 0.04)
SNARE = 0.4 * NOISE[4:] + 0.4 * np.sin(2 * np.pi * 200 * T) * np.exp(-T / 0.04)
HAT = 0.02 * np.diff(NOISE, 4)  # high frequencies only
GROOVE = ((0.0, KICK), (0.0, HAT), (0.5, HAT), (1.0, SNARE), (1.0, HAT), (1.5, HAT))  # beat, stroke: half a bar


def groove(bpm, seconds=24.0, pattern=GROOVE):
    """Bass drum on the first beat, a snare on the second, a hi-hat on every quaver."""
    samples = 1e-4 * np.random.default_rng(1).standard_normal(int((seconds + 1) * RATE))
    for half in range(int(seconds * bpm / 120)):
        for place, stroke in pattern:
            samples[round((2 * half + place) * 60 / bpm * RATE) :][: len(stroke)] += stroke
    return Audio(samples.astype(np.float32), RATE)


def found(source, **changes):
    return estimate(accent_curves(source), TempoParameters(**changes))


@compiled
@pytest.mark.parametrize("bpm", [72, 84, 93.5, 112, 128.3, 150])
def test_the_tempo_of_a_groove(bpm):
    tempi = found(groove(bpm))
    assert tempi.best == pytest.approx(bpm, rel=0.01)
    assert tempi.stability[0] == 1
    assert tempi.strength.sum() == pytest.approx(1)
    assert np.all(np.diff(tempi.strength) <= 0)
    assert tempi.table(2)["bpm"].tolist() == tempi.bpm[:2].tolist()


@pytest.mark.parametrize("bpm", [50, 60, 90, 120, 180, 220])
def test_bare_clicks_have_one_tempo(bpm):
    # Nothing but the clicks: no division, no bar; so the octave is not drawn to the middle of the range.
    assert found(clicks(bpm, 30)).best == pytest.approx(bpm, rel=0.005)


def test_range_hint_and_prior():
    sound = accent_curves(groove(100))
    for parameters, expected in (
        (TempoParameters(range=(150.0, 240.0)), 200),
        (TempoParameters(range=(40.0, 70.0)), 50),
        (TempoParameters(hint=52.0), 50),
        (TempoParameters(hint=190.0, range=(40.0, 100.0)), 200),
        (TempoParameters(prior=(200.0, 0.1)), 200),
        (TempoParameters(prior=(100.0,)), 100),
    ):
        tempi = estimate(sound, parameters)
        assert tempi.best == pytest.approx(expected, rel=0.01)
    low, high = 60.0, 130.0
    assert all(low <= tempo <= high for tempo in estimate(sound, TempoParameters(range=(low, high))).bpm)


def test_stability_is_the_share_of_the_recording():
    curve = np.concatenate((clicks(100, 60).data[0], clicks(110, 30).data[0]))
    tempi = found(Features(curve, 100.0, "novelty"))
    assert tempi.best == pytest.approx(100, rel=0.01)
    assert tempi.stability[0] == pytest.approx(2 / 3, abs=0.1)


@compiled
def test_does_not_depend_on_level_register_or_offset():
    sound = groove(96)
    plain = found(sound)
    quiet = found(Audio(0.01 * sound.samples, RATE))
    assert quiet.best == pytest.approx(plain.best, rel=1e-3)
    later = found(Audio(np.pad(sound.samples, ((7777, 0), (0, 0))), RATE))
    assert later.best == pytest.approx(plain.best, rel=3e-3)
    curve = clicks(96, 30)
    scaled = found(Features(curve.data * 1000, 100.0))
    np.testing.assert_allclose(scaled.bpm, found(curve).bpm, rtol=1e-4)


def test_notes_have_a_tempo():
    rows = [(k / 2, k / 2 + 0.2, 72, 80) for k in range(60)] + [(k * 1.0, k + 0.4, 40, 100) for k in range(30)]
    score = notes(*sorted(rows))
    assert found(score).best in (pytest.approx(60, rel=0.01), pytest.approx(120, rel=0.01))


def test_a_tempogram_has_a_tempo():
    both = tempogram(clicks(90, 40), TempogramParameters(method="autocorrelation", tempo_low=40, tempo_high=240))
    tempi = estimate_in(both, TempoParameters(range=(60.0, 200.0)))
    assert tempi.best == pytest.approx(90, rel=0.01)
    assert tempi.stability[0] > 0.9
    whole = Features(both.data, both.feature_rate, "tempogram", both.dims, tuple(int(tempo) for tempo in both.axis))
    assert estimate_in(whole, TempoParameters(range=(60.0, 200.0))).best == tempi.best


def test_what_is_steady():
    table = steady(Events({"time": np.arange(5.0), "bpm": [100, 101, 99, 130, 100.0]}))
    assert {name: values.tolist() for name, values in table.columns.items()} == {
        "bpm": [100], "strength": [1], "stability": [0.8],
    }  # fmt: skip
    assert len(steady(Events({"time": np.zeros(0), "bpm": np.zeros(0)}))) == 0


def test_silence_and_nothing_have_none():
    for source in (
        Audio(np.zeros(RATE), RATE),
        Audio(np.zeros(0), RATE),
        Audio(np.ones(1), RATE),
        Features(np.zeros((1, 0)), 100.0),
        Features(np.zeros(1), 100.0),
        notes(),
    ):
        tempi = found(source)
        assert tempi.best is None
        assert len(tempi.table(3)) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=30, max_size=60), st.integers(16, 40))
def test_periodicity_agrees_with_the_definition(values, length):
    curves = np.array([values], np.float32) + np.random.default_rng(0).random((1, len(values)), dtype=np.float32)
    length = min(length, curves.shape[1])
    [one] = periodicities(curves, 10.0, length, [3])
    piece = curves[0, 3 : 3 + length].astype(float)
    piece = np.pad(piece - piece.mean(), (0, length - len(piece)))
    bpm = np.array([60.0, 100.0, 150.0])
    np.testing.assert_allclose(one.recurrence(bpm)[0, 0], naive.recurrence(piece, 600 / bpm), atol=1e-4)
    # Between the bins of the transform the magnitude is interpolated.
    np.testing.assert_allclose(one.wave(bpm)[0, 0], naive.wave(piece, bpm / 600), atol=0.02)
    assert one.wave(np.array([960.0]))[0, 0] == 0  # beyond half the rate


def test_a_lone_sinusoid_has_a_wave_of_one():
    n = np.arange(1200)
    [one] = periodicities(np.cos(2 * np.pi * n / 50)[None].astype(np.float32), 100.0, 1200, [0])
    assert one.wave(np.array([120.0]))[0, 0] == pytest.approx(1, abs=0.02)
    assert one.waves.max() <= 1.01
    assert one.lags.max() == pytest.approx(1)


def test_windows_cover_everything():
    assert windows(100, 40, 20) == [0, 20, 40, 60]
    assert windows(105, 40, 20) == [0, 20, 40, 60, 65]
    assert windows(30, 40, 20) == [0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 9, width=32), min_size=1, max_size=300))
def test_sharpening(values):
    curve = np.array(values, np.float32)
    np.testing.assert_allclose(sharpened(curve[None], 50.0)[0], naive.sharpened(curve, 25), atol=1e-4)


def test_tempi_lie_within_the_range():
    for low, high in ((100.0, 119.5), (119.0, 120.3), (120.5, 140.0)):
        bpm = found(clicks(120), range=(low, high)).bpm
        assert ((bpm >= low) & (bpm <= high)).all()


def test_peaks_lie_between_the_rows():
    tempi = np.array([90.0, 100.0, 110.0, 120.0, 130.0])
    [top] = peaks(np.array([0, 1, 2, 1.5, 0]), tempi, 40, 240, 5)
    assert 110 < top < 115
    assert len(peaks(np.array([0, 1, 2, 1.5, 0]), tempi, 120, 240, 5)) == 0
    assert AXIS[0] == 15


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"range": (100.0, 50.0)}, "lie between 15 and 960 BPM and rise"),
        ({"range": (1.0, 50.0)}, "lie between"),
        ({"hint": -5.0}, "lie between"),
        ({"prior": (100.0, 0.5, 3.0)}, "CENTRE or CENTRE,WIDTH"),
        ({"prior": (100.0, 0.0)}, "CENTRE or CENTRE,WIDTH"),
        ({"prior": (math.inf,)}, "CENTRE or CENTRE,WIDTH"),
        ({"prior": (100.0, math.nan)}, "CENTRE or CENTRE,WIDTH"),
        ({"window": 0.0}, "longer than 0 s"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        found(clicks(100), **changes)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Features(np.zeros((12, 50)), 10.0, "chroma"), "no curve of accents: chroma of 12 × 50"),
        (Features(np.zeros(5), None), "no curve of accents"),
        (Features(np.array([0, np.inf]), 10.0), "not finite"),
    ],
)
def test_what_is_no_curve(source, message):
    with pytest.raises(DataError, match=message):
        accent_curves(source)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axis": (50.0, 40.0, 60.0)}, "no rising tempi"),
        ({"axis": ("a", "b", "c")}, "no rising tempi"),
        ({"axis": (50.0, 60.0)}, "without a tempo for each row"),
        ({"feature_rate": None}, "without"),
        ({"data": -np.ones((3, 5))}, "negative"),
    ],
)
def test_what_is_no_tempogram(changes, message):
    good = {"data": np.ones((3, 5)), "feature_rate": 10.0, "kind": "tempogram", "axis": (50.0, 60.0, 70.0)}
    with pytest.raises(DataError, match=message):
        estimate_in(Features(**{**good, "dims": ("tempo", "time"), **changes}), TempoParameters())


def test_evidence_agrees_with_the_definition():
    curve = np.random.default_rng(3).random((2, 1500), dtype=np.float32)
    [one] = periodicities(curve, 100.0, 1200, [100])
    for found in (one, Periodicity(one.lags[:, :1], one.waves[:, :1], 100.0)):
        bpm = np.array([61.0, 90.0, 123.0, 200.0])
        np.testing.assert_allclose(evidence(found, bpm), naive.evidence(found, bpm), rtol=1e-5)


def test_what_divides_and_gathers_beats_speaks_for_them():
    # Beats of 100 BPM with quavers and a bass drum every second beat, against the same curve without either.
    def curve(bpm):
        return clicks(bpm, 24).data[0]

    beats, quavers, bass = curve(100), curve(200), curve(50)
    length = len(beats)
    candidates = np.array([50.0, 100.0, 200.0])

    def weighed(everything, low):
        curves = sharpened(np.stack((everything, low)).astype(np.float32), 100.0)
        [found] = periodicities(curves, 100.0, length, [0])
        return evidence(found, candidates)

    rich = weighed(beats + 0.5 * quavers + bass, bass)
    assert rich.argmax() == 1
    bare = weighed(quavers, 0 * bass)
    assert rich[1] - rich[2] > bare[1] - bare[2] + 2
