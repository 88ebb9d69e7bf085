import naive_rhythm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tempogram import clicks

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm.parameters import TempoCurveParameters, TempogramParameters, TempoParameters
from mirtool.rhythm.tempo import accent_curves, estimate
from mirtool.rhythm.tempo_curve import (
    curve,
    curve_of_beats,
    curve_of_events,
    curve_of_path,
    curve_of_score,
    curve_of_tempogram,
    follow,
    has_tempo,
)
from mirtool.rhythm.tempogram import tempogram
from mirtool.tempo_map import TempoMap
from mirtool.types import Events, Features, Score, WarpingPath

FOLLOWING = TempoCurveParameters()


def ramp(first, last, seconds=60.0):
    """Return clicks whose tempo changes evenly, and their times."""
    times = [0.2]
    while times[-1] < seconds - 1:
        times.append(times[-1] + 60 / (first + (last - first) * times[-1] / seconds))
    data = np.zeros(round(seconds * 100), np.float32)
    data[np.round(np.array(times) * 100).astype(int)] = 1
    return Features(data, 100.0, "novelty"), np.array(times)


def followed(source, following=FOLLOWING, **changes):
    heard, parameters = accent_curves(source), TempoParameters(**changes)
    return curve(heard, parameters, following, estimate(heard, parameters).best)


@pytest.mark.parametrize(("first", "last"), [(90, 90), (80, 130), (150, 105)])
def test_follows_a_ramp(first, last):
    found = followed(ramp(first, last)[0])
    time, bpm = found.events["time"], found.events["bpm"]
    assert time.tolist() == (np.arange(120) / 2).tolist()
    inner = (time > 4) & (time < 55)
    np.testing.assert_allclose(bpm[inner], first + (last - first) * time[inner] / 60, rtol=0.035)
    assert found.events["strength"].min() >= 0
    assert found.tempogram.data.shape[1] == 120
    moved = found.moved(5.0)
    assert (moved.events["time"][0], moved.tempogram.start) == (5, 5)


def test_keeps_the_start_of_features_and_its_level():
    data = clicks(100, 40).data[0].copy()
    data[2000:] += 0.7 * np.roll(clicks(100, 40).data[0], 30)[2000:]  # quavers join the beats: still the same tempo
    found = followed(Features(data, 100.0, "novelty", start=7.0), hint=100.0)
    assert found.events["time"][0] == 7
    np.testing.assert_allclose(found.events["bpm"], 100, rtol=0.03)


def test_a_steadier_curve_is_smoother():
    rng = np.random.default_rng(1)
    data = rng.random(4000, dtype=np.float32) ** 4
    curves = [
        followed(Features(data, 100.0), TempoCurveParameters(steadiness=s)).events["bpm"] for s in (0.0, 1.0, 20.0)
    ]
    walks = [np.abs(np.diff(np.log2(bpm))).sum() for bpm in curves]
    assert walks[0] > walks[1] >= walks[2]


def test_silence_has_no_curve():
    assert len(followed(Features(np.zeros(500), 100.0)).events) == 0
    assert followed(Features(np.zeros(500), 100.0)).moved(3).tempogram is None
    assert len(followed(Features(np.zeros((1, 0)), 100.0)).events) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.floats(0, 30), st.integers(0, 10**6))
def test_the_path_is_the_best_of_all(N, K, steadiness, seed):
    rng = np.random.default_rng(seed)
    salience = rng.random((N, K), dtype=np.float32)
    tempi = 60 * 2 ** np.sort(rng.random(K))
    path = follow(salience, tempi, 2.0, steadiness, 80.0)
    best, value = naive.best_tempo_path(salience, tempi, 2.0, steadiness, 80.0)
    assert value(path) == pytest.approx(best, abs=1e-9)


def test_through_a_tempogram():
    source = tempogram(ramp(80, 120)[0], TempogramParameters(tempo_low=60, tempo_high=180, method="autocorrelation"))
    found = curve_of_tempogram(source, FOLLOWING, 95.0)
    time = found.events["time"]
    inner = (time > 5) & (time < 54)
    np.testing.assert_allclose(found.events["bpm"][inner], 80 + 40 * time[inner] / 60, rtol=0.04)
    assert len(curve_of_tempogram(source, FOLLOWING, None).events) == 0


def test_of_beats():
    beats = Events({"time": [0, 0.5, 1.0, 1.0, 2.0], "confidence": [1, 0.5, 0.8, 0.8, 0.9]})
    found = curve_of_beats(beats)
    assert found["time"].tolist() == [0.25, 0.75, 1.5]
    assert found["bpm"].tolist() == [120, 120, 60]
    assert found["strength"].tolist() == [0.5, 0.5, 0.8]
    assert curve_of_beats(Events({"time": [1.0]})).columns["bpm"].tolist() == []
    assert curve_of_beats(Events({"time": [0.0, 1.0]}))["strength"].tolist() == [1]
    with pytest.raises(DataError, match="not finite"):
        curve_of_beats(Events({"time": [0.0, np.nan]}))


def test_what_events_are():
    times = {"time": np.arange(4.0)}
    assert curve_of_events(Events({**times, "bpm": [50, 60, 60, 70.0]}))["bpm"].tolist() == [50, 60, 60, 70]
    assert curve_of_events(Events({**times, "strength": np.ones(4)})) is None
    for more in ({}, {"beat": np.ones(4)}, {"strength": np.ones(4), "beat": np.ones(4)}, {"confidence": np.ones(4)}):
        assert curve_of_events(Events({**times, **more}))["bpm"].tolist() == [60, 60, 60]


def score(ticks, changes=((0, 500_000),)):
    return Score.from_rows([(tick, tick + 100, 60, 80, 0, 0, 0) for tick in ticks], TempoMap(480, changes))


def test_of_a_score():
    played = score(range(0, 4800, 240), ((0, 500_000), (960, 500_000), (1920, 600_000), (90_000, 100_000)))
    found = curve_of_score(played)
    assert found["time"].tolist() == [0, 2]
    assert found["bpm"].tolist() == [120, 100]
    assert has_tempo(played)
    assert has_tempo(score(range(0, 4800, 160)))
    assert not has_tempo(score(np.cumsum(np.random.default_rng(0).integers(100, 900, 60)).tolist()))
    assert not has_tempo(score([]))
    assert len(curve_of_score(score([]))) == 0


def test_of_a_path():
    # The second version takes twice as long as the first one, then as long.
    path = WarpingPath.from_times([(0, 0), (10, 20), (30, 40)])
    found = curve_of_path(path, 100.0, TempoCurveParameters(curve_rate=1.0, curve_window=4.0))
    assert found["time"].tolist() == list(range(41))
    np.testing.assert_allclose(found["bpm"][:19], 50)
    np.testing.assert_allclose(found["bpm"][22:], 100)
    assert found["strength"].tolist() == [1] * 41
    with pytest.raises(DataError, match="fewer than two"):
        curve_of_path(WarpingPath.from_times([(0, 0)]), 100.0, FOLLOWING)
    for following in (TempoCurveParameters(curve_rate=0.0), TempoCurveParameters(curve_window=-1.0)):
        with pytest.raises(ParameterError, match=r"rows per second|longer than 0 s"):
            curve_of_path(WarpingPath.from_times([(0, 0), (1, 1)]), 100.0, following)
    with pytest.raises(ParameterError, match="positive"):
        curve_of_path(WarpingPath.from_times([(0, 0), (1, 1)]), -5.0, FOLLOWING)


def test_a_curve_of_tempi_that_are_none():
    with pytest.raises(DataError, match="positive"):
        curve_of_events(Events({"time": np.arange(2), "bpm": np.array([100.0, 0.0])}))


@pytest.mark.parametrize(
    ("following", "message"),
    [
        (TempoCurveParameters(curve_rate=0.0), "rows per second"),
        (TempoCurveParameters(curve_rate=1000.0), "at most 100 rows"),
        (TempoCurveParameters(curve_window=0.0), "longer than 0 s"),
        (TempoCurveParameters(steadiness=-1.0), "steadiness"),
    ],
)
def test_bad_parameters(following, message):
    with pytest.raises(ParameterError, match=message):
        followed(clicks(100), following)
