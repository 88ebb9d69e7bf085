"""Salience and melody: examples by hand, oracles, a voice over chords and drums."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_melody import best_score, path_score
from naive_melody import salience as naive_salience
from performances import compiled
from singing import RATE, song

from mirtool.errors import DataError, ParameterError
from mirtool.features import melody as module
from mirtool.features._melody_kernels import follow, trace
from mirtool.features.melody import melody
from mirtool.features.parameters import MelodyParameters, SalienceParameters
from mirtool.features.salience import SalienceState, _comb, pitch_axis, salience
from mirtool.types import Audio

COMPILED = not numba.config.DISABLE_JIT
few = settings(max_examples=50 if COMPILED else 8, deadline=None)


def best_path(likelihood, moves, jump):
    likelihood = np.ascontiguousarray(likelihood, np.float32)
    sources, path = np.empty(likelihood.shape, np.int16), np.empty(len(likelihood), np.int64)
    scores = np.zeros(likelihood.shape[1])
    follow(likelihood, moves, jump, scores, sources)
    trace(sources, int(scores.argmax()), path)
    return path


def test_the_path_does_not_follow_one_frame_that_is_off():
    likelihood = np.zeros((5, 6))
    likelihood[[0, 1, 3, 4], [1, 1, 2, 2]] = 3
    likelihood[2, 5] = 3
    moves = np.log([0.25, 0.5, 0.25])
    path = best_path(likelihood, moves, -4.0)
    assert path[2] in (1, 2)
    assert best_path(likelihood, moves, -0.1).tolist() == [1, 1, 5, 2, 2]


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_no_path_is_better(seed, frames, pitches):
    rng = np.random.default_rng(seed)
    likelihood = rng.normal(size=(frames, pitches)).astype(np.float32)
    moves, jump = np.log(rng.random(3)), float(np.log(rng.random() / 4))
    path = best_path(likelihood, moves, jump)
    assert path_score(likelihood, moves, jump, path) == pytest.approx(best_score(likelihood, moves, jump), abs=1e-5)


def test_paths_go_on_where_they_were_left():
    rng = np.random.default_rng(0)
    likelihood, moves = rng.normal(size=(60, 12)).astype(np.float32), np.log([0.2, 0.6, 0.2])
    whole, parts = np.empty((60, 12), np.int16), np.empty((60, 12), np.int16)
    scores, carried = np.zeros(12), np.zeros(12)
    follow(likelihood, moves, -6.0, scores, whole)
    for begin in range(0, 60, 7):
        follow(likelihood[begin : begin + 7], moves, -6.0, carried, parts[begin : begin + 7])
    assert (whole == parts).all()
    assert (scores == carried).all()


def test_salience_sums_harmonics():
    parameters = SalienceParameters(window_length=256, partials=3, partial_decay=0.5, f0_range=(300.0, 900.0))
    bins, pitches = np.arange(129) * 62.5, pitch_axis(parameters)
    magnitudes = np.random.default_rng(0).random((4, 129))
    expected = naive_salience(magnitudes, bins, pitches, 3, 0.5, 62.5, 0.01, 5000, 0.2)
    np.testing.assert_allclose(magnitudes @ _comb(bins, pitches, parameters), expected, rtol=1e-4, atol=1e-5)


@compiled
def test_a_tone_with_vibrato_stands_out_at_its_pitch():
    t = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * (330 * t + 6 * np.sin(2 * np.pi * 5 * t) / (2 * np.pi * 5) * 2)
    x = sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32)
    found = salience(Audio(x, RATE), SalienceParameters())
    assert found.kind == "salience"
    assert found.data.shape == (len(found.axis), 101)
    top = np.array(found.axis)[found.data[:, 10:-10].argmax(axis=0)]
    assert np.abs(1200 * np.log2(top / 330)).max() < 120
    assert np.abs(1200 * np.log2(top / 330)).mean() < 60
    assert np.abs(1200 * np.log2(top / 330).mean()) < 10


@compiled
def test_frames_do_not_depend_on_the_blocks():
    x = song(4.0).mixture.samples[:, 0]
    parameters = SalienceParameters()

    def frames(sizes):
        state, found, begin = SalienceState(parameters), [], 0
        while begin < len(x):
            size = next(sizes)
            found += [item.values for item in state.push(x[begin : begin + size])]
            begin += size
        return np.concatenate([*found, *(item.values for item in state.flush())])

    whole = frames(iter([len(x)]))
    assert whole.tobytes() == frames(iter([1, 7, 20000, 333, 100000])).tobytes()
    assert len(whole) == 201


@compiled
@pytest.mark.parametrize("frames", [0, 1, 2, 400, 8000])
def test_any_length(frames):
    found = melody(Audio(song(1.0).mixture.samples[:frames], RATE), MelodyParameters())
    assert len(found) == (0 if frames == 0 else frames // 320 + 1)


@compiled
def test_the_voice_is_followed_over_chords_and_drums():
    piece = song(12.0)
    found = melody(piece.mixture, MelodyParameters())
    truth = piece.truth(found["time"])
    sung = truth > 0
    cents = 1200 * np.abs(np.log2(np.maximum(found["f0_hz"], 1)[sung] / truth[sung]))
    assert (cents < 50).mean() > 0.8
    assert list(found.columns) == ["time", "f0_hz"]


@compiled
def test_alone_the_voice_is_followed_closely():
    piece = song(5.0)
    found = melody(Audio(piece.voice, RATE), MelodyParameters())
    truth = piece.truth(found["time"])
    both = (truth > 0) & (found["f0_hz"] > 0)
    assert both.sum() > 0.9 * (truth > 0).sum()
    cents = 1200 * np.abs(np.log2(found["f0_hz"][both] / truth[both]))
    assert np.median(cents) < 8  # finer than the steps of 20 cents
    pause = np.convolve(truth > 0, np.ones(15), mode="same") == 0
    assert (found["f0_hz"][pause] == 0).all()


@compiled
def test_a_path_is_known_after_some_seconds(monkeypatch):
    piece = song(8.0)
    whole = melody(piece.mixture, MelodyParameters())
    monkeypatch.setattr(module, "_BLOCK", 120)
    monkeypatch.setattr(module, "_LATER", 100)
    early = melody(piece.mixture, MelodyParameters())
    assert (whole["f0_hz"] == early["f0_hz"]).mean() > 0.85  # the mean pitch is known less well


@compiled
def test_silence_has_no_melody():
    assert not melody(Audio(np.zeros(RATE, np.float32), RATE), MelodyParameters())["f0_hz"].any()


@pytest.mark.parametrize(
    "changes",
    [
        {"f0_range": (10.0, 500.0)},
        {"f0_range": (500.0, 400.0)},
        {"f0_range": (100.0, 9000.0)},
        {"pitch_step": 0.0},
        {"partials": 0},
        {"partial_decay": -0.1},
        {"partial_decay": float("nan")},
        {"steadiness": -1.0},
        {"flattening": 0.0},
        {"voicing": -1.0},
        {"register_width": 0.0},
        {"window_length": 1},
        {"feature_rate": 0.0},
    ],
)
def test_parameters_out_of_bounds(changes):
    with pytest.raises(ParameterError):
        melody(Audio(np.zeros(100, np.float32), RATE), MelodyParameters(**changes))


def test_sound_that_is_not_finite():
    with pytest.raises(DataError, match="finite"):
        melody(Audio(np.full(100, np.nan, np.float32), RATE), MelodyParameters())
