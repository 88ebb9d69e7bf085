"""REPET and REPET-SIM: periods, similar frames and medians against naive ones, and voices above what repeats."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.decomposition import _repeating_kernels as kernels
from mirtool.decomposition.parameters import RepetParameters
from mirtool.decomposition.period import beat_spectrum, repeating_period
from mirtool.decomposition.repet import repeated, repet, similar
from mirtool.errors import DataError, ParameterError
from mirtool.types import Audio, Stems
from tests import naive_repet
from tests.performances import compiled

few = settings(max_examples=40 if not numba.config.DISABLE_JIT else 6, deadline=None)
RATE = 8000


# ----------------------------------------------------------------------------------------------------------- the period


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4))
def test_the_beat_spectrum_is_that_of_the_paper(seed, frames, bins):
    V = np.random.default_rng(seed).random((frames, bins), dtype=np.float32)
    assert np.allclose(beat_spectrum(V), naive_repet.beat_spectrum(V), atol=1e-4)


def test_the_beat_spectrum_of_silence_and_of_nothing():
    assert beat_spectrum(np.zeros((4, 3), np.float32)).tolist() == [0, 0, 0, 0]
    assert beat_spectrum(np.zeros((0, 3), np.float32)).tolist() == []


@pytest.mark.parametrize("period", [7, 20, 33])
def test_a_pattern_is_found_at_its_period(period):
    rng = np.random.default_rng(period)
    V = np.tile(rng.random((period, 16)) ** 4, (12, 1)) + 0.1 * rng.random((12 * period, 16))
    assert repeating_period(beat_spectrum(V.astype(np.float32)), 5, 60) == period


def test_a_period_that_fits_less_than_three_times_is_not_looked_for():
    assert repeating_period(np.ones(12, np.float32), 5, 60) == 5
    assert repeating_period(np.zeros(0, np.float32), 0, 60) == 1


def test_frames_a_period_apart():
    V = np.tile(np.eye(6, dtype=np.float32), (8, 1))
    chosen, counts = repeated(V, slice(10, 15), RepetParameters(period=(0.5, 2.0)), 10.0)
    for n, (row, count) in enumerate(zip(chosen, counts, strict=True), 10):
        assert row[:count].tolist() == naive_repet.frames_a_period_apart(48, n, 6)


# --------------------------------------------------------------------------------------------------------- the likeness


@few
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 6), st.integers(1, 25), st.sampled_from([0.0, 0.5])
)
def test_similar_frames_are_chosen_best_first(seed, columns, distance, most, least):
    S = np.random.default_rng(seed).random((3, columns), dtype=np.float32)
    chosen, counts = np.zeros((3, most), np.int64), np.zeros(3, np.int64)
    kernels.choose_similar(S.copy(), distance, least, chosen, counts)
    for likeness, row, count in zip(S, chosen, counts, strict=True):
        assert row[:count].tolist() == naive_repet.similar_frames(likeness, distance, least, most)


def test_frames_like_a_frame():
    """Of three frames that come again and again in any order, each is compared with its own kind."""
    kinds = np.random.default_rng(0).integers(0, 3, 60)
    V = np.eye(3, dtype=np.float32)[kinds] + np.float32(0.01)
    parameters = RepetParameters(similar=5, similar_distance=0.2, similarity=0.5)
    chosen, counts = similar(V, slice(20, 40), parameters, 10.0)
    for n, row, count in zip(range(20, 40), chosen, counts, strict=True):
        assert count > 1
        assert set(kinds[row[:count]]) == {kinds[n]}
        assert (np.diff(np.sort(row[:count])) >= 2).all()


def test_silence_is_like_nothing_but_itself():
    chosen, counts = similar(np.zeros((9, 4), np.float32), slice(2, 5), RepetParameters(similarity=0.5), 10.0)
    assert chosen[:, 0].tolist() == [2, 3, 4]
    assert counts.tolist() == [1, 1, 1]


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 70))
def test_medians_of_frames(seed, most, bins):
    rng = np.random.default_rng(seed)
    V = rng.integers(0, 5, (8, bins)).astype(np.float32)
    chosen, counts = rng.integers(0, 8, (4, most)), rng.integers(1, most + 1, 4)
    medians = np.empty((4, bins), np.float32)
    kernels.frame_medians(V, chosen, counts, medians)
    for row, count, found in zip(chosen, counts, medians, strict=True):
        assert found.tolist() == np.median(V[row[:count]], axis=0).tolist()


# ------------------------------------------------------------------------------------------------------------ the sound


def chord(pitches, seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t) for pitch in pitches]
    return 0.1 * sum(tones) * np.exp(-3 * t)


def loop(times):
    """A second of four chords, again and again."""
    bar = np.concatenate([chord(pitches, 0.25) for pitches in ((48, 55), (60, 64), (53, 57), (60, 65))])
    return np.tile(bar, times)


def voice(seconds, seed=0):
    """A glide that does not repeat."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 74 + 4 * np.sin(2 * np.pi * 0.13 * t) + 2 * np.sin(2 * np.pi * 0.31 * t + seed)
    phase = np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / RATE
    return 0.1 * (np.sin(2 * np.pi * phase) + 0.5 * np.sin(4 * np.pi * phase))


def parts(source, by_likeness=False, **parameters):
    found = repet(source, RepetParameters(**parameters), by_likeness)
    assert isinstance(found, Stems)
    blocks = list(found.blocks())
    return [np.concatenate([block[place] for block in blocks]) for place in range(2)]


def gain(truth, found, mixture):
    def ratio(estimate):
        scaled = truth * (estimate @ truth) / (truth @ truth)
        return 10 * np.log10((scaled @ scaled) / ((estimate - scaled) @ (estimate - scaled)))

    return ratio(found) - ratio(mixture)


@compiled
@pytest.mark.parametrize("by_likeness", [False, True])
def test_a_voice_above_a_loop(by_likeness):
    accompaniment, sung = loop(12), voice(12)
    mixture = Audio((accompaniment + sung).astype(np.float32), RATE)
    found = parts(mixture, by_likeness, period=(0.4, 3.0), similar=12)
    assert gain(sung, found[0][:, 0], mixture.samples[:, 0]) > 8
    assert gain(accompaniment, found[1][:, 0], mixture.samples[:, 0]) > 8


@compiled
@pytest.mark.parametrize("by_likeness", [False, True])
def test_parts_sum_to_the_mixture_and_do_not_depend_on_sections(by_likeness, monkeypatch):
    samples = np.stack([loop(4) + voice(4), 0.5 * loop(4) - voice(4, 1)], axis=1).astype(np.float32)
    found = parts(Audio(samples, RATE), by_likeness)
    assert [part.shape for part in found] == [samples.shape] * 2
    assert np.abs(sum(found) - samples).max() < 1e-6
    monkeypatch.setattr("mirtool.decomposition.repet._SECTION", 0.7)
    for one, other in zip(found, parts(Audio(samples, RATE), by_likeness), strict=True):
        assert np.abs(one - other).max() < 1e-4


@compiled
def test_channels_share_one_mask():
    mixture = loop(4) + voice(4)
    samples = np.stack([mixture, -0.5 * mixture], axis=1).astype(np.float32)
    for part in parts(Audio(samples, RATE)):
        assert np.allclose(part[:, 1], -0.5 * part[:, 0], atol=1e-6)


def test_below_the_cutoff_all_is_accompaniment():
    t = np.arange(2 * RATE) / RATE
    low = Audio((0.3 * np.sin(2 * np.pi * 50 * t) * (t > 1)).astype(np.float32), RATE)
    level = [np.abs(parts(low, cutoff=cutoff)[0][10000:-1000]).max() for cutoff in (100.0, 0.0)]
    assert level[0] < 0.01
    assert level[1] > 0.05


@pytest.mark.parametrize("by_likeness", [False, True])
@pytest.mark.parametrize("samples", [1, 500, 3001])
def test_short_sounds_and_silence(by_likeness, samples):
    for sound in (np.zeros((samples, 2)), np.random.default_rng(0).standard_normal((samples, 2))):
        found = repet(Audio(sound.astype(np.float32), RATE), RepetParameters(), by_likeness)
        blocks = [np.concatenate(block, axis=1) for block in found.blocks()]
        total = np.concatenate(blocks)
        assert len(total) == samples
        assert np.allclose(total[:, :2] + total[:, 2:], sound, atol=1e-6)
        assert total.any() == sound.any()


def test_masks_make_the_parts():
    source = Audio((loop(2) + voice(2)).astype(np.float32), RATE)
    stream = repet(source, RepetParameters(), True).masks
    vocals, accompaniment = (np.concatenate(masks) for masks in zip(*stream.make(), strict=True))
    assert vocals.shape == (len(source.samples) // stream.hop + 1, stream.size // 2 + 1)
    assert np.allclose(vocals + accompaniment, 1)
    assert 0 <= vocals.min() <= vocals.max() <= 1
    assert not vocals[:, :2].any()


def test_samples_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="not finite"):
        list(repet(Audio(np.array([0.0, np.inf]), RATE), RepetParameters()).blocks())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"period": (2.0, 1.0)}, "a period lies between"),
        ({"period": (1.0, 1e300)}, "a period lies between"),
        ({"similar": 0}, "at least one similar frame"),
        ({"similar_distance": 1e300}, "at least one similar frame"),
        ({"similarity": 1.5}, "a likeness lies between 0 and 1"),
        ({"neighbourhood": 0.0}, "a neighbourhood reaches"),
        ({"cutoff": np.nan}, "a frequency is not negative"),
        ({"hop": 0.08}, "at most half of the window"),
        ({"mask": "hard"}, "no mask hard"),
    ],
)
def test_parameters_that_cannot_be(wrong, message):
    with pytest.raises(ParameterError, match=message):
        repet(Audio(np.zeros(8), RATE), RepetParameters(**wrong))
