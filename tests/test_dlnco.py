import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chroma import CHORDS, RATE, chord_notes, notes, sound

from mirtool.errors import ParameterError
from mirtool.features.dlnco import (
    OnsetState,
    chroma_onsets,
    decaying,
    dlnco,
    dlnco_frames,
    locally_normalized,
    note_onsets,
    sliding_maximum,
)
from mirtool.features.parameters import DlncoParameters
from mirtool.types import Audio


def parameters(**changes):
    return DlncoParameters(**{"tuning": 0.0, **changes})


def played(score):
    """The notes as tones that decay, as those of a piano do."""
    samples = np.zeros(round(score["offset"].max() * RATE))
    for onset, offset, pitch in zip(score["onset"], score["offset"], score["pitch"], strict=True):
        single = sound(notes((0, offset - onset, pitch, 60)), partials=3).samples[:, 0]
        t = np.arange(len(single)) / RATE
        begin = round(onset * RATE)
        samples[begin:][: len(single)] += (single * np.exp(-3 * t) * np.minimum(t / 0.005, 1))[: len(samples) - begin]
    return Audio(samples, RATE)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20))
def test_sliding_maximum(N, length):
    values = np.random.default_rng(N).standard_normal((N + length, 3)).astype(np.float32)
    expected = np.stack([values[n : n + length].max(axis=0) for n in range(N + 1)])
    np.testing.assert_array_equal(sliding_maximum(values, length), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 80), st.integers(1, 12), st.floats(0, 1.5), st.integers(0, 5))
def test_agrees_with_the_definition(N, decay, seconds, seed):
    rng = np.random.default_rng(seed)
    onsets = (rng.exponential(size=(N, 12)) * (rng.random((N, 12)) < 0.1)).astype(np.float32)
    found = dlnco_frames(onsets, parameters(local_norm=seconds, decay_frames=decay))
    expected = naive.dlnco(onsets, int(seconds * 50) // 2, 0.1, decay)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_decay():
    # Ewert et al. (2009), Section 2: an onset decays over ten frames with the weights √1, √(1/2), …, √(1/10).
    onsets = np.zeros((15, 12), np.float32)
    onsets[2, 4] = 1
    np.testing.assert_allclose(decaying(onsets, 10)[2:12, 4], np.sqrt(1 / np.arange(1, 11)), rtol=1e-6)
    assert not decaying(onsets, 10)[[0, 1, 12, 13, 14]].any()


def test_local_norm():
    onsets = np.zeros((200, 12), np.float32)
    onsets[50, 0], onsets[60, 3], onsets[150, 5] = 4, 1, 0.01
    found = locally_normalized(onsets, 20, 0.1)
    assert found[50, 0] == 1  # the loudest of its neighbourhood
    assert found[60, 3] == 0.25  # soft beside it
    assert found[150, 5] == pytest.approx(0.1)  # noise stays small


def test_onsets_of_notes():
    onsets = note_onsets(
        notes((0.5, 1, 60, 127), (0.509, 1, 72, 127), (0.7, 1, 64, 64), (0.9, 1, 10, 90)), parameters()
    )
    assert onsets.shape == (51, 12)
    assert list(zip(*np.nonzero(onsets), strict=True)) == [(25, 0), (35, 4)]
    gamma = parameters().onset_compression
    assert onsets[25, 0] == pytest.approx(2 * np.log(1 + gamma), rel=1e-6)
    assert onsets[35, 4] == pytest.approx(np.log(1 + gamma * (64 / 127) ** 2), rel=1e-6)


@pytest.mark.parametrize("pitch", [38, 50, 62, 74, 86, 98])
def test_onset_of_a_tone(pitch):
    # One pitch in each register: the largest onset of its chroma lies at its frame, the slow low ones one off at most.
    found = chroma_onsets(played(notes((1.0, 2.0, pitch, 100))), parameters(), 0.0)
    frame, chroma = np.unravel_index(found.argmax(), found.shape)
    assert chroma == pitch % 12
    assert abs(frame - 50) <= 1
    assert found[:45].max(initial=0) < 0.1 * found.max()


def test_sound_and_notes_agree():
    score = notes(*((0.5 * i, 0.5 * i + 0.5, pitch, 90) for i, pitch in enumerate((60, 64, 67, 72, 71, 65, 62, 59))))
    by_sound, by_notes = dlnco(played(score), parameters()), dlnco(score, parameters())
    assert by_sound.data.shape == by_notes.data.shape == (12, 201)
    near = sum((np.roll(by_sound.data, shift, axis=1) * by_notes.data).sum() for shift in (-1, 0, 1))
    far = sum((np.roll(by_sound.data, shift, axis=1) * by_notes.data).sum() for shift in (11, 12, 13))
    assert near > 4 * far


@pytest.mark.parametrize("size", [1000, 50000])
def test_the_same_bits_whatever_the_blocks(size):
    audio, state = played(chord_notes()), OnsetState(parameters(), 0.0)
    for block in audio.blocks(size):
        state.push(block[:, 0])
    assert state.flush().tobytes() == chroma_onsets(audio, parameters(), 0.0).tobytes()


def test_long_sounds_grow():
    found = dlnco(Audio(np.zeros(30 * RATE), RATE), parameters())
    assert found.data.shape == (12, 1501)
    late = notes((25, 26, 69, 100))
    assert dlnco(played(late), parameters()).data[9].argmax() in (1249, 1250, 1251)


def test_transposition_rolls():
    original, moved = dlnco(chord_notes(), parameters()), dlnco(chord_notes(transposition=2), parameters())
    np.testing.assert_allclose(moved.data, np.roll(original.data, 2, axis=0), rtol=1e-6)
    assert sorted(np.flatnonzero(original.data[:, 0])) == sorted({pitch % 12 for pitch in CHORDS[0]})


def test_container():
    found = dlnco(chord_notes(), DlncoParameters(pitch_low=40))
    assert (found.kind, found.dims, found.feature_rate, found.start) == ("dlnco", ("chroma", "time"), 50.0, 0.0)
    assert found.provenance["parameters"]["pitch_low"] == 40


def test_silence_and_nothing():
    assert not dlnco(Audio(np.zeros(RATE), RATE), DlncoParameters()).data.any()
    for samples, N in ((0, 0), (1, 1)):
        assert dlnco(Audio(np.ones(samples), RATE), DlncoParameters()).data.shape == (12, N)
    assert dlnco(notes(), DlncoParameters()).data.shape == (12, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"local_norm": -1.0}, "length of the local norm"),
        ({"local_threshold": 0.0}, "threshold of the local norm"),
        ({"decay_frames": 0}, "at least one frame"),
        ({"onset_compression": -1.0}, "compression"),
        ({"feature_rate": 0.0}, "feature rate"),
        ({"pitch_low": 100, "pitch_high": 60}, "pitches must lie"),
    ],
)
@pytest.mark.parametrize("source", [chord_notes(), Audio(np.ones(2000), RATE)])
def test_bad_parameters(source, changes, message):
    with pytest.raises(ParameterError, match=message):
        dlnco(source, parameters(**changes))
