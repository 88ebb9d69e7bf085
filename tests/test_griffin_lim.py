"""Phases from magnitudes: an invariant (the error never rises), a fixed point, and sounds that come back."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.signal.griffin_lim import griffin_lim, phases, projected
from mirtool.signal.stft import STFT, hann

WINDOW, HOP = hann(64), 16


def spectra(samples):
    state = STFT(WINDOW, HOP)
    return np.concatenate([*state.push(samples.astype(np.float32)), *state.flush()])


def random(seed, *shape):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def scrambled(X, seed=0):
    """Return spectra with random phases."""
    return (np.abs(X) * np.exp(2j * np.pi * random(seed, *X.shape))).astype(np.complex64)


def error(X):
    """Return how far spectra are from those of a sound, in their magnitudes."""
    return np.linalg.norm(np.abs(projected(X, WINDOW, HOP)) - np.abs(X)) / np.linalg.norm(X)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_error_never_rises_without_momentum(seed, frames):
    X = scrambled(random(seed, frames, 33), seed)
    errors = [error(griffin_lim(X, WINDOW, HOP, count, momentum=0)) for count in range(8)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(errors))


def test_spectra_of_a_sound_stay():
    X = spectra(random(1, 400) - 0.5)
    assert np.allclose(griffin_lim(X, WINDOW, HOP, 5), X, atol=1e-4)
    assert np.allclose(projected(X, WINDOW, HOP), X, atol=1e-4)


def test_only_phases_change():
    X = scrambled(spectra(random(1, 400) - 0.5))
    Y = griffin_lim(X, WINDOW, HOP, 5)
    assert np.allclose(np.abs(Y), np.abs(X), atol=1e-5)
    assert not np.allclose(Y, X, atol=0.1)


def test_magnitudes_of_a_sound_come_back_and_sooner_with_momentum():
    t = np.arange(2000)
    X = scrambled(spectra(np.sin(0.2 * t) + np.sin(0.5 * t) * (t > 900)))
    slow, fast = (error(griffin_lim(X, WINDOW, HOP, 40, momentum)) for momentum in (0, 0.99))
    assert error(X) > 0.3
    assert slow < 0.5 * error(X)
    assert fast < 0.9 * slow


def test_frames_far_apart_do_not_touch_each_other():
    X = scrambled(random(1, 60, 33))
    reach = 3 * 64 // 16
    part = griffin_lim(X[10:50], WINDOW, HOP, 3)
    assert np.allclose(part[reach:-reach], griffin_lim(X, WINDOW, HOP, 3)[10:50][reach:-reach], atol=1e-4)


def test_frames_one_sample_apart():
    X = scrambled(random(2, 50, 33))
    assert griffin_lim(X, WINDOW, 1, 2).shape == X.shape


def test_nothing_and_silence():
    assert griffin_lim(np.zeros((0, 33), np.complex64), WINDOW, HOP).shape == (0, 33)
    assert not griffin_lim(np.zeros((5, 33), np.complex64), WINDOW, HOP).any()
    assert phases(np.array([0, 3j, -2], np.complex64)).tolist() == pytest.approx([0, 1j, -1])


@pytest.mark.parametrize("wrong", [{"iterations": -1}, {"momentum": 1.5}, {"momentum": np.nan}])
def test_parameters_that_cannot_be(wrong):
    with pytest.raises(ParameterError, match="Griffin-Lim with"):
        griffin_lim(np.ones((3, 33), np.complex64), WINDOW, HOP, **wrong)
