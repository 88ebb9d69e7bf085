import numpy as np
import pytest
from performances import compiled
from test_chroma import notes

from mirtool.errors import DataError, ParameterError
from mirtool.features.novelty import novelty
from mirtool.features.parameters import NOVELTY_METHODS, NoveltyParameters
from mirtool.rhythm.onsets import OnsetState, note_onsets, onsets
from mirtool.rhythm.parameters import PeakParameters
from mirtool.synthesis.render import render
from mirtool.types import Audio, Features, Notes

TIMES = np.arange(0.5, 3.7, 0.33) + np.random.default_rng(0).uniform(-0.05, 0.05, 10)


def clicks(rate, noise=0.0, shape="impulse", seconds=4.2):
    samples = np.random.default_rng(1).standard_normal(int(seconds * rate)) * noise
    length = int(0.2 * rate)
    t = np.arange(length) / rate
    sound = {
        "impulse": (t == 0) * 0.8,
        "beep": 0.5 * np.exp(-t / 0.03) * np.sin(2 * np.pi * 1000 * t),
        "burst": 0.5 * np.exp(-t / 0.01) * np.random.default_rng(2).standard_normal(length),
    }[shape]
    for time in TIMES:
        begin = round(time * rate)
        samples[begin : begin + length] += sound
    return Audio(samples, rate)


def find(source, method="superflux", **changes):
    return onsets(source, NoveltyParameters(method=method), PeakParameters(**changes)).events


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("shape", ["impulse", "beep", "burst"])
def test_clicks_have_no_bias(rate, shape):
    found = find(clicks(rate, shape=shape))["time"]
    assert len(found) == len(TIMES)
    errors = found - TIMES
    assert abs(np.median(errors)) < 0.005
    assert np.abs(errors).max() < 0.007


@pytest.mark.parametrize(
    ("method", "bias"), [("complexflux", 0.005), ("energy", 0.013), ("spectral", 0.01), ("complex", 0.01)]
)
def test_other_methods_have_little_bias(method, bias):
    for shape in ("impulse", "beep", "burst"):
        found = find(clicks(16000, 1e-3, shape), method)["time"]
        nearest = found[np.abs(found[:, None] - TIMES).argmin(axis=0)]
        assert abs(np.median(nearest - TIMES)) < bias


@pytest.mark.parametrize("noise", [1e-4, 1e-3])
def test_noise_between_clicks_does_not_move_them(noise):
    found = find(clicks(22050, noise))["time"]
    found = found[found > 0.1]  # noise may begin, too
    assert len(found) == len(TIMES)
    assert abs(np.median(found - TIMES)) < 0.005


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
@pytest.mark.parametrize("instrument", ["piano", "organ"])
def test_notes_are_found(instrument, rate):
    score = Notes({"onset": TIMES, "offset": TIMES + 0.3, "pitch": 48 + 5 * np.arange(10) % 36, "velocity": [90] * 10})
    # Where the last organ pipe closes without a room around it, there is a weak onset, too.
    found = find(render(score, rate, instrument), threshold=1.0)["time"]
    nearest = found[np.abs(found[:, None] - TIMES).argmin(axis=0)] - TIMES
    assert len(found) == len(TIMES)
    assert np.abs(nearest).max() < 0.03
    assert abs(np.median(nearest)) < 0.01


@compiled
@pytest.mark.parametrize("method", NOVELTY_METHODS)
def test_streaming_is_offline(method):
    audio = clicks(16000, 1e-3, "beep")
    parameters, picking = NoveltyParameters(method=method, lookahead=0.2), PeakParameters(threshold=0.2)
    state = OnsetState(parameters, picking)
    events = [*(state.push(block[:, 0]) for block in audio.blocks(777)), state.flush()]
    expected = onsets(audio, parameters, picking).events
    for name in ("time", "strength"):
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in events]), expected[name])


@pytest.mark.parametrize("method", ["superflux", "complexflux", "spectral"])
def test_an_onset_is_told_within_the_latency(method):
    state = OnsetState(NoveltyParameters(method=method, lookahead=0.0), PeakParameters(), 1)
    samples = clicks(16000).samples[:, 0]
    told = []
    for begin in range(0, len(samples), 160):
        told += [(begin + 160) / 16000 - time for time in state.push(samples[begin : begin + 160])["time"]]
    assert len(told) >= 8
    assert np.median(told) > 0
    assert max(told) < state.latency + 0.03


@compiled
def test_the_same_through_the_curve():
    audio, parameters, picking = clicks(16000, 1e-3), NoveltyParameters(), PeakParameters()
    direct, through = onsets(audio, parameters, picking), onsets(novelty(audio, parameters), parameters, picking)
    for name in ("time", "strength"):
        np.testing.assert_array_equal(direct.events[name], through.events[name])


def test_an_activation_made_elsewhere():
    curve = np.zeros(100, np.float32)
    curve[[20, 60]] = 0.9, 0.4
    found = onsets(Features(curve, 50.0, start=1.0), NoveltyParameters(), PeakParameters(threshold=0.5)).events
    assert found["time"].tolist() == [1.4]
    assert found["strength"] == pytest.approx([0.9])


@compiled
def test_a_loud_clap_does_not_hide_soft_notes():
    samples = clicks(16000, shape="beep").samples[:, 0] * 0.05
    with_clap = samples.copy()
    with_clap[100:2000] = np.random.default_rng(0).standard_normal(1900) * 0.3
    found = find(Audio(with_clap, 16000))["time"]
    late = TIMES[TIMES > 2]
    assert np.abs(found[:, None] - late).min(axis=0).max() < 0.01


def test_chords_of_notes_begin_once():
    score = notes((0.5, 1, 60, 127), (0.51, 1, 64, 127), (0.535, 1, 67, 127), (1.0, 1.2, 60, 64))
    found = note_onsets(score, 0.03)
    np.testing.assert_allclose(found["time"], [0.5, 0.535, 1.0])
    np.testing.assert_allclose(found["strength"], [2, 1, 64 / 127])
    assert len(note_onsets(notes(), 0.03)) == 0
    with pytest.raises(ParameterError, match="gap between onsets"):
        onsets(score, NoveltyParameters(), PeakParameters(min_gap=-1.0))


def test_silence_and_nothing():
    for samples in (np.zeros(0), np.zeros(1), np.zeros(16000)):
        assert len(find(Audio(samples, 16000))) == 0


def test_what_is_no_curve():
    for data in (np.ones((2, 10)), np.full((1, 10), np.nan)):
        with pytest.raises(DataError, match=r"no novelty curve|not finite"):
            find(Features(data, 10.0))
    with pytest.raises(ParameterError, match="only at its end"):
        OnsetState(NoveltyParameters(norm="max"), PeakParameters())
