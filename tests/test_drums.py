"""Drums: strokes that are synthesised, templates, and the transcription of a loop."""

import loops
import numpy as np
import pytest
from performances import compiled

from mirtool.decomposition.factorization.drum_templates import drum_templates
from mirtool.errors import DataError, ParameterError
from mirtool.io import formats
from mirtool.signal.resampling import resampled
from mirtool.synthesis.strokes import SOUNDS, strokes
from mirtool.transcription.drums import DRUMS, drum_activations, drum_strokes
from mirtool.transcription.parameters import DrumParameters
from mirtool.types import Audio, Features

PARAMETERS = DrumParameters()


def times_of(events, drum):
    return events["time"][events["label"] == drum]


def transcribed(samples, rate=loops.RATE, parameters=PARAMETERS):
    return drum_strokes(drum_activations(Audio(samples, rate), parameters), parameters)


def centroid(samples):
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    return np.average(np.arange(len(spectrum)) * 22050 / len(spectrum), weights=spectrum)


def test_strokes_begin_after_the_lead_and_differ_as_drums_do():
    height = {}
    for drum in SOUNDS:
        sounds = [sound for group in strokes(drum, 44100, 0.25, lead=0.05) for sound in group]
        assert all(len(sound) == 11025 and sound.dtype == np.float32 for sound in sounds)
        assert all(not sound[:2205].any() and np.abs(sound[2205:3000]).max() > 0.1 for sound in sounds)
        assert len({sound.tobytes() for sound in sounds}) == len(sounds)
        height[drum] = np.median([centroid(sound) for sound in sounds])
    assert height["kick"] < height["tom"] < height["snare"] < height["rim"] < height["crash"] < height["hihat"]
    with pytest.raises(ParameterError, match="no drum 'gong'"):
        strokes("gong", 44100, 0.2)


def spectra(samples):
    padded = np.pad(samples, (512, 512))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::512]
    return np.abs(np.fft.rfft(frames * np.hanning(1024))).astype(np.float32)


def test_templates_begin_with_the_stroke_and_sum_to_one():
    found = drum_templates(("kick", "hihat"), 8, 512, 44100, 1024, spectra)
    assert found.W.shape == (513, 5, 8)
    assert found.drums.tolist() == ["kick"] * 3 + ["hihat"] * 2
    np.testing.assert_allclose(found.W.sum(axis=(0, 2)), 1, rtol=1e-5)
    energy = found.W.sum(axis=0)
    assert (energy[:, 0] > 0.2 * energy.max(axis=1)).all()
    assert (energy[:4, 7] < 0.3 * energy[:4].max(axis=1)).all()  # an open hihat rings on
    joined = drum_templates(("kick", "hihat"), 8, 512, 44100, 1024, spectra, joined=True)
    np.testing.assert_allclose(joined.W[:, 0], found.W[:, :3].mean(axis=1), rtol=1e-5)


@compiled
def test_the_strokes_of_a_loop_are_found():
    samples, begins = loops.loop()
    events = transcribed(samples)
    assert (np.diff(events["time"]) >= 0).all()
    for drum, truth in begins.items():
        found = times_of(events, drum)
        assert len(found) == len(truth), drum
        np.testing.assert_allclose(found, truth, atol=0.012)
    assert np.all(events["strength"] > 0)


@compiled
def test_level_and_rate_do_not_matter():
    samples, begins = loops.loop(1)
    events = transcribed(samples)
    quiet = transcribed((0.003 * samples).astype(np.float32))
    np.testing.assert_allclose(quiet["time"], events["time"], atol=1e-3)
    assert quiet["label"].tolist() == events["label"].tolist()
    halved = list(resampled(Audio(samples, loops.RATE), loops.RATE // 2).blocks(1 << 16))
    events = transcribed(np.concatenate(halved)[:, 0], loops.RATE // 2)
    for drum in ("kick", "snare"):
        np.testing.assert_allclose(times_of(events, drum), begins[drum], atol=0.012)


@compiled
def test_what_is_found_does_not_depend_on_the_blocks(monkeypatch):
    samples, _ = loops.loop()
    whole = drum_activations(Audio(samples, loops.RATE), PARAMETERS)
    monkeypatch.setattr("mirtool.decomposition.factorization.known_templates.BLOCK", 150)
    parts = drum_activations(Audio(samples, loops.RATE), PARAMETERS)
    assert parts.data.shape == whole.data.shape
    np.testing.assert_allclose(parts.data, whole.data, atol=0.02 * whole.data.max())


@compiled
def test_activations_are_written_and_taken_from_elsewhere(call, here):
    samples, _ = loops.loop(1)
    formats.write(Audio(samples, loops.RATE), "loop.wav")
    whole = call("transcribe", "loop.wav", "--drums", "--write-activations", "a.npy", "--plot", "a.png")
    again = call("transcribe", "a.npy", "--drums")
    assert (whole.code, again.code) == (0, 0)
    assert whole.out == again.out
    assert whole.out.count(b"kick") == 3
    excerpt = call("transcribe", "loop.wav", "--drums", "--start", "1")
    assert b"1.198" in excerpt.out
    assert (here / "a.png").stat().st_size > 5000


def test_silence_holds_no_strokes():
    for samples in (np.zeros(30000, np.float32), np.zeros(1, np.float32)):
        assert len(transcribed(samples)) == 0


def test_the_threshold_counts_relative_to_strong_strokes():
    curve = np.zeros((2, 200), np.float32)
    curve[0, [20, 60, 100, 140]] = (1.0, 1.0, 0.3, 1.0)
    curve[1, 50] = 0.009
    activations = Features(curve, 100.0, "activation", ("drum", "time"), ("kick", "hihat"), start=2.0)
    found = drum_strokes(activations, PARAMETERS)
    np.testing.assert_allclose(found["time"], [2.2, 2.6, 3.4])
    assert found["label"].tolist() == ["kick"] * 3
    np.testing.assert_allclose(found["strength"], 1)
    assert len(drum_strokes(activations, DrumParameters(threshold=0.5))) == 5
    assert DRUMS["kick"].share > 0.3
    with pytest.raises(DataError, match="a row a drum"):
        drum_strokes(Features(curve, 100.0), PARAMETERS)


def test_peaks_must_stand_out_from_tails_and_from_rivals():
    curve = np.zeros((2, 200), np.float32)
    curve[0, 100:140] = np.exp(-np.arange(40) / 20)
    curve[0, 110] += 0.1  # in the tail
    curve[1, [100, 150]] = 1.0
    curve[0, 150] = 0.25  # not as strong as its rival would let it be
    found = drum_strokes(Features(curve, 100.0, "activation", ("drum", "time"), ("hihat", "ride")), PARAMETERS)
    assert times_of(found, "hihat").round(2).tolist() == [1.0]
    alone = drum_strokes(Features(curve[:1], 100.0, "activation", ("drum", "time"), ("hihat",)), PARAMETERS)
    assert times_of(alone, "hihat").round(2).tolist() == [1.0, 1.5]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (DrumParameters(power=0), "the power must be positive"),
        (DrumParameters(threshold=float("nan")), "the threshold must be positive"),
        (DrumParameters(template=3), "templates last 0 to 2 s"),
        (DrumParameters(min_gap=-1), "must not be negative"),
        (DrumParameters(iterations=-1), "must be at least 0"),
        (DrumParameters(feature_rate=0.001), "10 frames a second or more"),
        (DrumParameters(feature_rate=float("nan")), "the feature rate must be positive"),
        (DrumParameters(analysis_rate=0), "the analysis rate must be positive"),
    ],
)
def test_parameters_outside_their_domain_are_refused(parameters, message):
    with pytest.raises(ParameterError, match=message):
        transcribed(np.ones(3000, np.float32), parameters=parameters)
