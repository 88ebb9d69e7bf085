import numpy as np
import pytest
from performances import RATE, compiled, manner, noise, piece, version

from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import KIND, sync_features
from mirtool.sync.transposition import find_transposition
from mirtool.synthesis.performance import perform
from mirtool.types import Audio, Features

pytestmark = compiled


def notes(transposed, bpm=80):
    return sync_features(perform(piece(4, transposed), manner(bpm, 2)), SyncFeatureParameters(feature_rate=20.0))


@pytest.fixture(scope="module")
def reference():
    return sync_features(perform(piece(4), manner(110)), SyncFeatureParameters(feature_rate=20.0))


@pytest.mark.parametrize("semitones", range(-6, 12))
def test_each_transposition_is_found(reference, semitones):
    assert find_transposition(reference, notes(semitones)) == semitones


def test_there_and_back(reference):
    assert find_transposition(notes(4), reference) == -4
    assert find_transposition(notes(8), reference) == -8
    assert find_transposition(notes(2), notes(5)) == 3


def test_in_sound():
    quick = version("quick").features
    assert find_transposition(quick, version("high").features) == 3
    assert find_transposition(version("high").features, quick) == -3
    for name in ("slow", "organ", "half", "wrong"):
        assert find_transposition(quick, version(name).features) == 0


def test_long_versions_are_thinned_out(reference):
    longer = Features(np.tile(reference.data, 40), 20.0, KIND)
    higher = Features(np.tile(notes(2).data, 40), 20.0, KIND)
    assert find_transposition(longer, higher) == 2


def test_chroma_has_no_octaves():
    data = np.random.default_rng(0).random((12, 80), dtype=np.float32) ** 4
    a = Features(data, 10.0, "chroma", ("chroma", "time"))
    for semitones in range(-6, 6):
        b = Features(np.roll(data, semitones, axis=0), 10.0, "chroma", ("chroma", "time"))
        assert find_transposition(a, b) == semitones


def test_other_features_have_no_key():
    data = np.random.default_rng(0).random((12, 80), dtype=np.float32)
    assert find_transposition(Features(data, 10.0, "mfcc"), Features(np.roll(data, 3, axis=0), 10.0, "mfcc")) == 0


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_and_silent_versions(frames):
    silent = Features(np.zeros((170, frames), np.float32), 10.0, KIND)
    assert find_transposition(silent, silent) == 0
    one = Features(np.ones((12, frames), np.float32), 10.0, "chroma", ("chroma", "time"))
    assert find_transposition(one, one) == 0


def test_noise_has_no_key():
    a, b = (sync_features(Audio(noise(2, seed), RATE), SyncFeatureParameters()) for seed in (0, 1))
    assert -6 <= find_transposition(a, b) <= 11
