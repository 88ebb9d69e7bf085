import numpy as np
import pytest
from performances import compiled

from mirtool.decomposition.factorization.grid import Grid
from mirtool.decomposition.factorization.resynthesis import resynthesis
from mirtool.types import Audio, Factorization

RATE = 8000


def spectra(samples, grid):
    return np.concatenate([grid.matrix(X) for X in grid.spectra(Audio(samples, RATE))])


def sound(stream, place=0):
    return np.concatenate([block[place][:, 0] for block in stream.blocks()])


@pytest.mark.parametrize("power", [False, True])
@pytest.mark.parametrize("length", [None, 3])
def test_a_tone_comes_back(power, length):
    # Tuned 20 cents up, of three partials, fading in and out.
    grid = Grid(RATE, 512, 128, power)
    t = np.arange(2 * RATE) / RATE
    envelope = np.sin(np.pi * t / 2)
    frequency = 261.63 * 2 ** (20 / 1200)
    tone = 0.3 * envelope * sum(np.sin(2 * np.pi * h * frequency * t) / h for h in (1, 2, 3))
    V = spectra(tone, grid)
    W, H = V[62], np.interp(np.arange(len(V)) * 128 / RATE, t, envelope ** (2 if power else 1))
    if length:  # a template that is one after the other the same
        W, H = np.repeat(W[:, None], length, axis=1) / length, np.append(H[1:], 0)
    model = Factorization(W[:, None], H[None], grid.feature_rate, labels=("C4",))
    again = sound(resynthesis(model, np.array([60.0]), grid, len(tone), 0))
    assert len(again) == len(tone)
    middle = slice(RATE // 2, RATE * 3 // 2)
    assert 10 * np.log10(np.square(again[middle]).sum() / np.square(tone[middle]).sum()) == pytest.approx(0, abs=0.5)
    found = spectra(again, grid)
    np.testing.assert_allclose(found[40:90], V[40:90], atol=0.08 * V.max())


def test_noise_has_the_level_of_its_template():
    grid = Grid(RATE, 512, 128)
    noise = np.random.default_rng(0).standard_normal(4 * RATE) * 0.1
    noise = np.convolve(noise, [0.5, 0.5], "same")  # less of the high frequencies
    V = spectra(noise, grid)
    model = Factorization(V.mean(axis=0)[:, None], np.ones((1, len(V))), grid.feature_rate, labels=("hiss",))
    again = sound(resynthesis(model, np.array([np.nan]), grid, len(noise), 0))
    assert 10 * np.log10(np.square(again).sum() / np.square(noise).sum()) == pytest.approx(0, abs=0.5)
    np.testing.assert_allclose(spectra(again, grid).mean(axis=0)[5:200], V.mean(axis=0)[5:200], rtol=0.3)


def test_labels_seeds_and_silence():
    grid = Grid(RATE, 512, 128)
    rng = np.random.default_rng(0)
    model = Factorization(rng.random((257, 3)), rng.random((3, 20)), grid.feature_rate, labels=("a", "b", "a"))
    streams = [resynthesis(model, np.array([60, np.nan, 72.0]), grid, 2000, seed) for seed in (1, 1, 2)]
    assert streams[0].names == ("a", "b")
    assert streams[0].channels == 1
    first, again, other = (sound(stream, 1) for stream in streams)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    silent = Factorization(np.ones((257, 1)), np.zeros((1, 20)), grid.feature_rate)
    assert not sound(resynthesis(silent, np.array([60.0]), grid, 2000, 0)).any()


@pytest.mark.parametrize("pitch", [60.0, 125.0])
def test_a_pitch_without_partials_is_noise(pitch):
    grid = Grid(RATE, 512, 128)
    W = np.zeros((257, 1))
    W[5] = 1e-6 if pitch > 100 else 0  # beside all partials, or nothing
    model = Factorization(W, np.ones((1, 20)), grid.feature_rate, labels=("a",))
    assert len(sound(resynthesis(model, np.array([pitch]), grid, 2000, 0))) == 2000


@compiled
def test_the_command(call, here):
    assert call("nmf-decompose", "eight.wav", "--rank", "2", "--resynthesize", "-o", "out/").code == 0
    assert (here / "out" / "02.wav").exists()
    assert call("nmf-decompose", "take.wav", "--mask", "binary", "--resynthesize", "-o", "out/").code == 2
    assert call("nmf-decompose", "chroma.npy", "--resynthesize", "-o", "out/").code == 2
