"""Tracking beats of synthesised music: where they are, bars, ends, guidance, levels, confidence."""

import numpy as np
import pytest
from performances import compiled

from mirtool.errors import ParameterError
from mirtool.rhythm.beats import Guidance, beats
from mirtool.rhythm.evidence import evidence
from mirtool.rhythm.parameters import TRACKERS, AccentParameters, BeatParameters
from mirtool.types import Audio, Features, Notes

pytestmark = compiled
RATE = 22050


def strokes(times, length, heights=None, seed=0):
    """Short bursts of noise with a thump, 60 dB above the room."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(0.15 * RATE)) / RATE
    stroke = (0.5 * np.sin(2 * np.pi * 80 * t) + 0.2 * rng.standard_normal(t.size)) * np.exp(-t / 0.03)
    samples = 5e-4 * rng.standard_normal(int(length * RATE) + t.size)
    for time, height in zip(times, heights if heights is not None else np.ones(len(times)), strict=True):
        place = round(time * RATE)
        samples[place : place + t.size] += height * stroke
    return Audio(samples[: int(length * RATE)].astype(np.float32), RATE)


def curve(times, length, rate=100.0, height=0.8):
    """An activation with a triangle at each time, its top between frames."""
    n = np.arange(round(length * rate))
    return np.clip(1 - np.abs(n[:, None] / rate - np.asarray(times)) * rate / 3, 0, 1).max(axis=1) * height


def activation(*curves, rate=100.0, kind="activation"):
    return Features(np.stack(curves), rate, kind)


def tracked(source, method="hmm", guidance=None, **parameters):
    heard = evidence(source, AccentParameters())
    return beats(heard, BeatParameters(method=method, **parameters), guidance)


STEADY = np.arange(0.3, 20, 0.51)


@pytest.mark.parametrize("method", TRACKERS)
def test_steady_strokes_are_the_beats_from_the_first_to_the_last(method):
    found = tracked(strokes(STEADY, 20), method)
    assert len(found) == len(STEADY)
    errors = found["time"] - STEADY
    assert np.abs(errors).max() < 0.008
    assert np.abs(np.median(errors)) < 0.005
    assert found["confidence"].min() > 0.6


@pytest.mark.parametrize("method", ["hmm", "dp"])
def test_an_accelerando_is_followed(method):
    times = np.cumsum(np.geomspace(0.7, 0.4, 50))
    found = tracked(strokes(times, times[-1] + 0.3), method)["time"]
    distance = np.abs(found[:, None] - times).min(axis=1)
    assert abs(len(found) - len(times)) <= 1
    assert np.quantile(distance, 0.9) < 0.025


def test_a_sudden_change_of_tempo_is_followed():
    times = np.concatenate((np.arange(0.2, 12, 0.6), np.arange(12.2, 24, 0.45)))
    found = tracked(strokes(times, 24))["time"]
    distance = np.abs(times[:, None] - found).min(axis=1)
    assert np.mean(distance < 0.025) > 0.9


@pytest.mark.parametrize("method", TRACKERS)
def test_beats_are_found_between_frames(method):
    times = np.arange(0.2034, 15, 0.5017)
    found = tracked(activation(curve(times, 15)), method)["time"]
    assert np.abs(found - times).max() < 0.003


@pytest.mark.parametrize("method", TRACKERS)
def test_silence_at_the_ends_has_no_beats_but_held_sounds_do(method):
    times = np.arange(2, 12, 0.5)
    sound = strokes(times, 20).samples[:, 0].copy()
    sound[: 2 * RATE] = sound[14 * RATE :] = 0
    t = np.arange(int(2 * RATE)) / RATE
    sound[12 * RATE : 14 * RATE] += 0.3 * np.sin(2 * np.pi * 220 * t)
    found = tracked(Audio(sound, RATE), method)["time"]
    assert found[0] == pytest.approx(2, abs=0.025)
    assert found[-1] == pytest.approx(13.5, abs=0.1)
    assert np.diff(found) == pytest.approx(np.full(len(found) - 1, 0.5), abs=0.06)


def test_missing_strokes_are_filled_in():
    kept = np.delete(STEADY, [5, 6, 17, 30])
    found = tracked(strokes(kept, 20))["time"]
    assert len(found) == len(STEADY)
    assert np.abs(found - STEADY).max() < 0.06


@pytest.mark.parametrize(("tempo", "interval"), [(60, 1.0), (120, 0.5), (240, 0.25)])
def test_a_hint_chooses_the_level(tempo, interval):
    times = np.arange(0.25, 20, 0.25)
    heights = np.resize([1.0, 0.3, 0.6, 0.3], len(times))
    for method in TRACKERS:
        found = tracked(strokes(times, 20, heights), method, Guidance(tempo=tempo))
        assert np.median(np.diff(found["time"])) == pytest.approx(interval, abs=0.01), method


def test_bars_of_a_joint_activation():
    times = np.arange(0.5, 30, 0.5)
    first = curve(times[2::3], 30)
    found = tracked(activation(np.where(first > 0, 0, curve(times, 30)), first), beats_per_bar=(3, 4))
    assert found["time"] == pytest.approx(times, abs=0.004)
    assert found["beat"].tolist() == [(k - 2) % 3 + 1 for k in range(len(times))]


def test_bars_of_notes():
    """A chord and a bass note on each downbeat, three beats apart."""
    rows = []
    for bar in range(12):
        root = (48, 53, 55, 50)[bar % 4]
        for beat in range(3):
            onset = 0.5 + 0.6 * (3 * bar + beat)
            chord = (root - 12, root + 12, root + 16, root + 19) if beat == 0 else (root + 12, root + 16, root + 19)
            rows += [(onset, onset + 0.6, pitch, 80) for pitch in chord]
    columns = dict(zip(Notes.REQUIRED, np.array(rows).T, strict=True))
    found = tracked(Notes(columns))
    assert found["time"] == pytest.approx(0.5 + 0.6 * np.arange(36), abs=0.006)
    assert found["beat"].tolist() == [1, 2, 3] * 12


def test_without_harmony_the_bars_are_known_only_by_guidance():
    source = activation(curve(STEADY, 20))
    assert set(tracked(source)["beat"]) == {0}
    led = tracked(source, guidance=Guidance(first_downbeat=STEADY[2] + 0.1), beats_per_bar=(4,))
    assert led["beat"].tolist() == [(k - 2) % 4 + 1 for k in range(len(led))]


def test_the_first_downbeat_moves_the_bars():
    found = tracked(strokes(STEADY, 20), guidance=Guidance(first_downbeat=float(STEADY[1])), beats_per_bar=(3,))
    assert found["beat"].tolist() == [(k - 1) % 3 + 1 for k in range(len(found))]


@pytest.mark.parametrize("method", ["hmm", "dp"])
def test_fixed_beats_stay_where_they_are(method):
    fixed = {5.123: 0, 5.623: 2}
    found = tracked(
        strokes(STEADY, 20), method, Guidance(fixed=fixed), beats_per_bar=(3,), steadiness=20.0, tightness=20.0
    )
    assert set(fixed) <= set(found["time"].tolist())
    assert found["beat"][found["time"] == 5.623] == [2]
    assert (np.diff(found["time"]) > 0.2).all()
    assert np.abs(found["time"][-5:] - STEADY[-5:]).max() < 0.025


def test_fixed_beats_that_cannot_be():
    source = strokes(STEADY, 20)
    with pytest.raises(ParameterError, match="no path"):
        tracked(source, guidance=Guidance(fixed={5.0: 0, 5.05: 0}))
    with pytest.raises(ParameterError, match="outside of the recording"):
        tracked(source, guidance=Guidance(fixed={25.0: 0}))
    with pytest.raises(ParameterError, match="pulse"):
        tracked(source, "plp", Guidance(fixed={5.0: 0}))


def test_confidence_is_lower_where_nothing_keeps_time():
    rng = np.random.default_rng(1)
    times = np.concatenate((STEADY, np.sort(rng.uniform(20.5, 40, 40))))
    found = tracked(strokes(times, 40))
    steady = found["time"] < 19
    assert found["confidence"][steady].mean() > found["confidence"][found["time"] > 22].mean() + 0.2
    assert found["confidence"].min() >= 0
    assert found["confidence"].max() <= 1


@pytest.mark.parametrize("method", TRACKERS)
def test_short_sounds(method):
    for length in (0.01, 0.3, 1.0, 2.5):
        found = tracked(strokes([0.005], length), method)
        assert (np.diff(found["time"]) > 0).all()
        assert len(found) <= 10


def test_novelty_curves_need_no_scale():
    found = tracked(activation(50 * curve(STEADY, 20), kind="novelty"))
    assert found["time"] == pytest.approx(STEADY, abs=0.003)
