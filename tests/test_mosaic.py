"""Audio mosaicing: the constraints by example and against naive ones, the learning, and what is heard."""

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.blocks import sections
from mirtool.decomposition import _mosaic_kernels as kernels
from mirtool.decomposition.mosaic import Mosaic
from mirtool.decomposition.mosaic_activations import activations, learned
from mirtool.decomposition.parameters import MosaicParameters
from mirtool.errors import DataError, ParameterError
from mirtool.types import Audio
from tests.naive_mosaic import (
    continuity_enhanced,
    divergence,
    mosaic_activations,
    polyphony_restricted,
    repetition_restricted,
)
from tests.performances import compiled

few = settings(max_examples=50 if not numba.config.DISABLE_JIT else 8, deadline=None)
FREE = {"repetition": 0, "polyphony": 0, "continuity": 0}


def matrix(*rows):
    return np.array(rows, dtype=np.float32)


def random(seed, *shape):
    """Return positive values; some of them equal, so that ties are met."""
    return np.random.default_rng(seed).integers(1, 9, shape).astype(np.float32) / 8


def repeated(H, reach, damping):
    R = np.empty_like(H)
    kernels.restrict_repetition(H, reach, damping, R)
    return R


def continued(P, reach):
    C = np.empty_like(P)
    kernels.enhance_continuity(P, reach, C)
    return C


# ------------------------------------------------------------------------------------------------------ the constraints


def test_a_template_stays_where_it_is_strongest():
    H = matrix([4, 0], [3, 1], [5, 2], [1, 8], [2, 4])
    assert repeated(H, 1, 0.5).tolist() == [[4, 0], [1.5, 0.5], [5, 1], [0.5, 8], [2, 2]]


def test_the_strongest_templates_stay():
    P = matrix([4, 1, 3, 2], [1, 1, 1, 1], [0, 0, 5, 0])
    kernels.restrict_polyphony(P, 2, 0.5)
    assert P.tolist() == [[4, 0.5, 3, 1], [1, 1, 0.5, 0.5], [0, 0, 5, 0]]


def test_an_activation_spreads_along_its_diagonal():
    P = np.zeros((5, 5), np.float32)
    P[2, 3] = 1
    assert np.argwhere(continued(P, 1)).tolist() == [[1, 2], [2, 3], [3, 4]]


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_constraints_are_those_of_the_paper(seed, N, K, size):
    H = random(seed, N, K)
    assert np.allclose(repeated(H, size, 0.25), repetition_restricted(H, size, 0.25))
    assert np.allclose(continued(H, size), continuity_enhanced(H, size))
    P = H.copy()
    kernels.restrict_polyphony(P, size, 0.25)
    assert np.allclose(P, polyphony_restricted(H, size, 0.25))


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_grains_are_added_up(seed, hop):
    rng = np.random.default_rng(seed)
    H, samples = rng.random((3, 4), dtype=np.float32), rng.random((2, 3 * hop + 5), dtype=np.float32)
    frames = np.empty((3, 2, 5), np.float32)
    kernels.add_grains(H, samples, hop, 0.0, frames)
    grains = np.stack([samples[:, k * hop : k * hop + 5] for k in range(4)])
    assert np.allclose(frames, np.einsum("nk,kct->nct", H, grains), atol=1e-5)


# --------------------------------------------------------------------------------------------------------- the learning


@few
@given(st.integers(0, 2**32 - 1))
def test_activations_are_those_of_the_paper(seed):
    V, W = random(seed, 9, 5), random(seed + 1, 6, 5)
    parameters = MosaicParameters(iterations=4, repetition=2, polyphony=2, continuity=1, seed=seed)
    start = np.stack([np.random.default_rng((seed, n)).random(6, dtype=np.float32) for n in range(9)])
    expected = mosaic_activations(V, W, start.astype(np.float64), 4, 2, 2, 1)
    assert np.allclose(activations(V, W, parameters), expected, rtol=1e-3, atol=1e-5)


def test_the_divergence_does_not_rise_without_constraints():
    V, W = random(1, 12, 8), random(2, 20, 8)
    costs = [
        divergence(V, activations(V, W, MosaicParameters(iterations=count, **FREE)) @ W) for count in (1, 2, 4, 8, 16)
    ]
    assert all(later <= earlier for earlier, later in pairwise(costs))


def test_each_frame_gets_the_magnitude_of_the_target():
    """The update keeps the sum of each frame, with constraints or without."""
    V, W = random(1, 30, 8), random(2, 20, 8)
    for more in ({}, FREE):
        H = activations(V, W, MosaicParameters(**more))
        assert np.allclose((H @ W).sum(axis=1), V.sum(axis=1), rtol=1e-4)


def test_in_the_end_the_constraints_are_strict():
    V, W = random(1, 40, 8), random(2, 30, 8)
    H = activations(V, W, MosaicParameters(repetition=3, polyphony=4, continuity=0))
    assert (np.count_nonzero(H, axis=1) <= 4).all()
    assert H.any(axis=1).all()
    for k in range(30):
        assert (np.diff(np.flatnonzero(H[:, k])) > 3).all()


def test_continuity_makes_diagonals():
    V, W = random(1, 40, 8), random(2, 30, 8)
    H = activations(V, W, MosaicParameters(polyphony=2, continuity=2))
    assert (np.count_nonzero(H, axis=1) <= 2 * 5).all()
    inner = np.argwhere(H[2:-2, 2:-2]) + 2
    on_diagonal = [H[n + 1, k + 1] > 0 or H[n - 1, k - 1] > 0 for n, k in inner]
    assert all(on_diagonal)


def test_silence_is_silence_on_either_side():
    W = random(2, 6, 5)
    assert not activations(np.zeros((9, 5), np.float32), W, MosaicParameters()).any()
    assert not activations(random(1, 9, 5), np.zeros_like(W), MosaicParameters()).any()


# --------------------------------------------------------------------------------------------------------- the sections


@pytest.mark.parametrize("frames", [0, 1, 4, 5, 7, 9, 10, 12, 14, 15, 23])
def test_sections_cover_all_frames_once(frames):
    numbers = np.arange(frames)
    for batches in (1, 3, 7):
        found = list(sections(np.array_split(numbers, batches), 5, 2))
        inner = [number for section in found for number in section.frames[section.inner].tolist()]
        assert inner == numbers.tolist()
        for section in found:
            begin, end = section.frames[section.inner][[0, -1]]
            expected = numbers[max(begin - 2, 0) : end + 3].tolist()
            assert section.frames.tolist() == expected
            assert section.first == expected[0]


def test_activations_do_not_depend_on_sections(monkeypatch):
    V, W = random(1, 90, 8), random(2, 12, 8)
    parameters = MosaicParameters(iterations=5, repetition=2, polyphony=3, continuity=1)
    monkeypatch.setattr("mirtool.decomposition.mosaic_activations._FEWEST", 10)
    monkeypatch.setattr("mirtool.decomposition.mosaic_activations._CELLS", 1)
    parts = [H for _, H in learned(iter(np.array_split(V, 7)), W, parameters)]
    assert len(parts) > 5
    assert np.allclose(np.concatenate(parts), activations(V, W, parameters), rtol=1e-3, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------ the sound

RATE = 8000
PITCHES = (262, 294, 330, 349, 392, 440)


def tone(hertz, seconds, channels=1):
    t = np.arange(int(seconds * RATE)) / RATE
    samples = sum(np.sin(2 * np.pi * k * hertz * t) / k for k in range(1, 5)) * 0.2
    return np.repeat(samples[:, None], channels, axis=1).astype(np.float32)


def sine(hertz, seconds):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)[:, None] * 0.2


@pytest.fixture(scope="module")
def scale():
    """A source that plays a scale, half a second a tone, in two channels."""
    return Audio(np.concatenate([tone(hertz, 0.5, 2) for hertz in PITCHES]), RATE)


def heard(source):
    return np.concatenate(list(source.blocks(4096)))


def strongest(samples):
    """Return the frequency (Hz) that a sound has most of."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * RATE))
    return spectrum.argmax() / 8


@compiled
@pytest.mark.parametrize("phase", ["source", "griffin-lim"])
def test_a_source_of_tones_plays_a_melody_of_sines(scale, phase):
    melody = (392, 330, 262, 440, 294)
    target = Audio(np.concatenate([sine(hertz, 0.4) for hertz in melody]), RATE)
    found = heard(Mosaic(target, scale, MosaicParameters(phase=phase)))
    assert found.shape == (len(target.samples), 2)
    for place, hertz in enumerate(melody):
        middle = slice(int((0.4 * place + 0.1) * RATE), int((0.4 * place + 0.3) * RATE))
        assert strongest(found[middle, 0]) == pytest.approx(hertz, rel=0.01)
        partials = np.abs(np.fft.rfft(found[middle, 0] * np.hanning(len(found[middle]))))
        assert partials[round(2 * hertz * 0.2)] > 0.2 * partials[round(hertz * 0.2)], "the timbre is that of the source"


@compiled
def test_it_is_as_loud_as_the_target(scale):
    swell = np.linspace(0.01, 1, 2 * RATE, dtype=np.float32)[:, None]
    target = Audio(np.concatenate([tone(330, 1), tone(262, 1)]) * swell, RATE)
    found = heard(Mosaic(target, scale))
    level = lambda samples: np.sqrt((samples[:15000, 0].reshape(15, -1) ** 2).mean(axis=1))  # noqa: E731
    assert np.allclose(20 * np.log10(level(found) / level(target.samples)), 0, atol=1.5)


@compiled
def test_a_source_gives_itself_back(scale):
    """With itself as target, each frame takes the grain that lies there, and the sound comes back."""
    parameters = MosaicParameters(polyphony=1, continuity=1, repetition=1)
    chirp = 0.3 * np.sin(2 * np.pi * np.cumsum(np.linspace(100, 3000, 2 * RATE)) / RATE)
    source = Audio(chirp.astype(np.float32), RATE)
    kept = []
    found = heard(Mosaic(source, source, parameters, kept.append))
    assert (np.concatenate(kept).argmax(axis=1) == np.arange(len(np.concatenate(kept)))).mean() > 0.9
    residual = found[2000:-2000, 0] - chirp[2000:-2000]
    assert (residual**2).mean() < 0.05 * (chirp**2).mean()


@pytest.mark.parametrize("phase", ["source", "griffin-lim"])
def test_silence_gives_silence_and_nothing_nothing(phase):
    silence, nothing = Audio(np.zeros((3000, 1), np.float32), RATE), Audio(np.zeros((0, 1), np.float32), RATE)
    few_tones = Audio(tone(262, 0.3), RATE)
    parameters = MosaicParameters(phase=phase, iterations=2, phase_iterations=2)
    assert not heard(Mosaic(silence, few_tones, parameters)).any()
    assert not heard(Mosaic(few_tones, silence, parameters)).any()
    assert heard(Mosaic(nothing, few_tones, parameters)).shape == (0, 1)
    with pytest.raises(DataError, match="no sound to take grains from"):
        Mosaic(few_tones, nothing, parameters)


def test_the_rate_is_that_of_the_target_and_the_channels_of_the_source():
    target = Audio(tone(262, 0.3, 3), RATE)
    source = Audio(tone(262, 0.3, 2), 2 * RATE)
    found = Mosaic(target, source, MosaicParameters(iterations=2))
    assert (found.sample_rate, found.channels, found.frames) == (RATE, 2, 2400)
    assert heard(found).shape == (2400, 2)
    assert found.grains == pytest.approx(0.15 * found.feature_rate, abs=2)


def test_the_samples_of_a_channel_lie_together():
    # as the kernel is compiled for
    source = Audio(tone(440, 0.3, channels=2), RATE)
    assert Mosaic(source, source)._samples.flags.c_contiguous


@pytest.mark.parametrize("samples", [1, 2, 500, 1001])
def test_any_length_is_kept(samples):
    target, source = Audio(tone(262, 0.3)[:samples], RATE), Audio(tone(330, 0.2), RATE)
    assert len(heard(Mosaic(target, source, MosaicParameters(iterations=2)))) == samples
    assert len(heard(Mosaic(source, target, MosaicParameters(iterations=2)))) == len(source.samples)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 0.0}, "a window of 0 s has 0 samples"),
        ({"hop": 0.08}, "at most half of the window"),
        ({"iterations": 0}, "at least one iteration"),
        ({"polyphony": -1}, "polyphony is a number of at least 0"),
        ({"seed": -1}, "seed is a number of at least 0"),
        ({"phase": "none"}, "no phases 'none'"),
    ],
)
def test_parameters_that_cannot_be(scale, wrong, message):
    with pytest.raises(ParameterError, match=message):
        Mosaic(scale, scale, MosaicParameters(**wrong))
