"""Beats in activations of few frames, which need no compiled loops: trackers, guidance, bars, levels, bad input."""

import numpy as np
import pytest

from mirtool.errors import DataError, ParameterError
from mirtool.rhythm.beats import Guidance, beats
from mirtool.rhythm.evidence import Evidence, evidence, log_likelihoods
from mirtool.rhythm.levels import at_level, subdivided
from mirtool.rhythm.parameters import TRACKERS, AccentParameters, BeatParameters
from mirtool.types import Audio, Events, Features, Notes

RATE = 20.0
PULSE = np.arange(0.5, 12, 0.6)


def curve(times, length, rate=RATE, height=0.8):
    """An activation with a triangle at each time, three frames from its foot to its top."""
    n = np.arange(round(length * rate))
    return np.clip(1 - np.abs(n[:, None] / rate - np.asarray(times)) * rate / 3, 0, 1).max(axis=1) * height


def tracked(*curves, guidance=None, **parameters):
    heard = evidence(Features(np.stack(curves), RATE, "activation"), AccentParameters())
    return beats(heard, BeatParameters(**{"range": (60, 150), **parameters}), guidance)


@pytest.mark.parametrize("method", TRACKERS)
def test_a_pulse_is_found(method):
    found = tracked(curve(PULSE, 12), method=method)
    assert found["time"] == pytest.approx(PULSE, abs=0.02)
    assert set(found["beat"]) == {0}
    assert found["confidence"].min() > 0.5


def test_guidance():
    fixed = {float(PULSE[3]): 0, float(PULSE[5]) + 0.05: 2}
    found = tracked(curve(PULSE, 12), beats_per_bar=(3,), steadiness=10.0, guidance=Guidance(fixed=fixed))
    assert set(fixed) <= set(found["time"].tolist())
    assert found["beat"].tolist() == [(k - 4) % 3 + 1 for k in range(len(found))]
    led = tracked(curve(PULSE, 12), beats_per_bar=(4,), guidance=Guidance(tempo=100.0, first_downbeat=1.2))
    assert led["beat"].tolist() == [(k - 1) % 4 + 1 for k in range(len(led))]


def test_downbeats_of_an_activation():
    first = curve(PULSE[1::3], 12)
    found = tracked(np.where(first > 0, 0, curve(PULSE, 12)), first)
    assert found["time"] == pytest.approx(PULSE, abs=0.02)
    assert found["beat"].tolist() == [(k - 1) % 3 + 1 for k in range(len(PULSE))]


def test_bars_of_few_notes():
    rows = [(0.5 + 0.5 * k, 1 + 0.5 * k, pitch, 80) for k in range(12) for pitch in ((36, 72) if k % 3 == 0 else (72,))]
    notes = Notes(dict(zip(Notes.REQUIRED, np.array(rows).T, strict=True)))
    heard = evidence(notes, AccentParameters(feature_rate=RATE))
    found = beats(heard, BeatParameters(range=(90, 150), beats_per_bar=(3,)))
    assert found["time"] == pytest.approx(0.5 + 0.5 * np.arange(12), abs=0.03)
    assert found["beat"].tolist() == [1, 2, 3] * 4


def test_what_is_heard_of_sound():
    sound = np.zeros(22050, np.float32)
    sound[6000:12000] = 0.3 * np.random.default_rng(0).standard_normal(6000)
    heard = evidence(Audio(sound, 22050), AccentParameters(feature_rate=25.0))
    assert heard.sounding == pytest.approx((6000 / 22050, 12000 / 22050), abs=0.02)
    assert heard.beat.size == 26
    assert heard.times[heard.beat.argmax()] == pytest.approx(6000 / 22050, abs=0.05)
    later = heard.moved(10.0)
    assert later.times[0] == 10
    assert later.sounding[0] == pytest.approx(10 + heard.sounding[0])


@pytest.mark.parametrize("method", TRACKERS)
@pytest.mark.parametrize("values", [[], [0.0] * 40, [0.5], [0.0, 0.9, 0.0, 0.0]])
def test_nothing_to_hear(values, method):
    found = tracked(np.array(values), method=method)
    assert len(found) <= 1
    assert tuple(found.columns) == ("time", "beat", "confidence")


def test_bad_parameters():
    led = Guidance(first_downbeat=1.0)
    for change, message in (
        ({"method": "ear"}, "no method ear"),
        ({"beat_share": 1.0}, "share"),
        ({"range": (200, 100)}, "no tempo"),
        ({"tightness": -1.0, "method": "dp"}, "tightness"),
        ({"beats_per_bar": (1,)}, "two beats"),
    ):
        with pytest.raises(ParameterError, match=message):
            tracked(curve(PULSE, 12), guidance=led, **change)
    with pytest.raises(ParameterError, match="tempo must be positive"):
        tracked(curve(PULSE, 12), guidance=Guidance(tempo=0.0))
    with pytest.raises(ParameterError, match="outside of the recording"):
        tracked(curve(PULSE, 12), guidance=Guidance(fixed={12.5: 0}))
    with pytest.raises(ParameterError, match="pulse cannot"):
        tracked(curve(PULSE, 12), guidance=Guidance(fixed={2.5: 0}), method="plp")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (Features(np.zeros((3, 10)), 100.0), "3 × 10"),
        (Features(np.zeros((1, 10)), None), "no activation"),
        (Features(np.full((1, 10), 2.0), 100.0, "activation"), "from 0 to 1"),
        (Features(np.full((2, 10), -1.0), 100.0), "from 0 to 1"),
        (Features(np.full((1, 10), np.nan), 100.0, "activation"), "not finite"),
        (Features(np.zeros((1, 10), np.complex64), 100.0), "no activation"),
    ],
)
def test_features_that_are_no_activation(features, message):
    with pytest.raises(DataError, match=message):
        evidence(features, AccentParameters())


def test_the_likelihood_of_a_beat_is_that_of_boeck():
    heard = Evidence(np.array([0.2, 0.0, 1.0]), 100.0, (0.0, 0.02))
    expected = np.log([[0.2, 0.8 / 15], [0.01, 0.99 / 15], [0.99, 0.01 / 15]])
    np.testing.assert_allclose(log_likelihoods(heard, 1 / 16), expected, rtol=1e-6)


# --------------------------------------------------------------------------------------------------------------- levels


@pytest.mark.parametrize("method", TRACKERS)
@pytest.mark.parametrize("heard", [np.ones(60), np.arange(60) % 3 / 2, np.random.default_rng(0).random(60)])
def test_beats_increase_where_they_are_few_frames_apart(method, heard):
    found = tracked(heard, method=method, range=(300, 1100))
    assert (np.diff(found["time"]) > 0).all()
    assert np.isfinite(found["confidence"]).all()


def test_a_first_downbeat_that_is_none():
    for time in (np.nan, 100.0):
        with pytest.raises(ParameterError, match="behind the recording"):
            tracked(curve(PULSE, 12), guidance=Guidance(first_downbeat=time))
    with pytest.raises(ParameterError, match="where the bars begin"):
        tracked(curve(PULSE, 12), curve(PULSE[::3], 12), guidance=Guidance(first_downbeat=0.5))


def some_beats(positions):
    K = len(positions)
    return Events({"time": np.arange(K) * 0.5 + 0.5, "beat": np.array(positions), "confidence": np.linspace(0.5, 1, K)})


HEARD = Evidence(curve(np.arange(0.5, 5, 1), 5, 100.0) + 0.5 * curve([0.78, 1.26], 5, 100.0), 100.0, (0.0, 5.0))


def test_half_keeps_downbeats():
    halved = at_level(some_beats([2, 3, 4, 1, 2, 3, 4, 1]), "half", HEARD)
    assert halved["time"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert halved["beat"].tolist() == [2, 1, 2, 1]


def test_half_keeps_what_is_stronger_where_bars_are_not_known():
    assert at_level(some_beats([0] * 8), "half", HEARD)["time"].tolist() == [0.5, 1.5, 2.5, 3.5]


def test_half_of_bars_of_three_has_no_bars():
    halved = at_level(some_beats([1, 2, 3, 1, 2, 3, 1, 2]), "half", HEARD)
    assert halved["time"].tolist() == [0.5, 1.5, 2.5, 3.5]
    assert set(halved["beat"]) == {0}


def test_double_puts_beats_between():
    doubled = at_level(some_beats([4, 1, 2]), "double", HEARD)
    assert doubled["time"] == pytest.approx([0.5, 0.78, 1.0, 1.26, 1.5])
    assert doubled["beat"].tolist() == [7, 8, 1, 2, 3]
    assert doubled["confidence"].tolist() == [0.5, 0.5, 0.75, 0.75, 1.0]
    assert set(at_level(some_beats([0, 0]), "double", HEARD)["beat"]) == {0}


def test_subdivisions_are_even():
    parts = subdivided(some_beats([3, 1, 0]), 3)
    assert parts["time"] == pytest.approx(0.5 + np.arange(7) / 6)
    assert parts["beat"] == pytest.approx([3, 10 / 3, 11 / 3, 1, 4 / 3, 5 / 3, 0])
    assert subdivided(some_beats([1, 2]), 1)["time"].tolist() == [0.5, 1.0]


def test_levels_of_few_beats_and_no_such_level():
    for few in (some_beats([]), some_beats([1])):
        assert len(at_level(few, "double", HEARD)) == len(subdivided(few, 4)) == len(few)
    with pytest.raises(ParameterError, match="no level third"):
        at_level(some_beats([1, 2]), "third", HEARD)
    with pytest.raises(ParameterError, match="one part"):
        subdivided(some_beats([1, 2]), 0)
