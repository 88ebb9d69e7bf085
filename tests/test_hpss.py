import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool.decomposition.hpss import hpss, nearest_odd, resolution_of
from mirtool.decomposition.masks import masks, remaining
from mirtool.decomposition.parameters import HpssParameters, MaskParameters
from mirtool.errors import ParameterError
from mirtool.signal.hps import Resolution
from mirtool.types import Audio, Stems

RATE = 8000
T = np.arange(3 * RATE) / RATE
TONES = sum(0.2 * np.sin(2 * np.pi * f * T) for f in (220, 440, 660, 1230)).astype(np.float32)
CLICKS = np.where(np.arange(len(T)) % (RATE // 2) == 1000, 0.9, 0).astype(np.float32)


def separated(samples, **changes):
    stems = hpss(Audio(samples, RATE), HpssParameters(**changes))
    assert isinstance(stems, Stems)
    parts = zip(*stems.blocks(), strict=True)
    return dict(zip(stems.names, (np.concatenate(part) for part in parts), strict=True))


def decibels(signal, noise):
    return 10 * np.log10(np.sum(np.square(signal, dtype=float)) / np.sum(np.square(noise, dtype=float)))


# ------------------------------------------------------------------------------------------------------------- masks


def test_masks_of_the_book():
    # FMP, Section 8.1.1.3: Y_h = 3 and Y_p = 1 give 1 or 0, or 3/4 and 1/4.
    energies = [np.full((1, 1), value, np.float32) for value in (3, 1)]
    for kind, expected in (("binary", [1, 0]), ("wiener", [0.75, 0.25])):
        found = [float(mask[0, 0]) for mask in masks(energies, MaskParameters(kind))]
        assert found == pytest.approx(expected)
    found = [float(mask[0, 0]) for mask in masks(energies, MaskParameters("soft", 4.0))]
    assert found == pytest.approx([0.9, 0.1])


ENERGIES = st.lists(st.lists(st.sampled_from([0, 1e-20, 1e-6, 0.3, 1, 7, 1e8]), min_size=6, max_size=6), min_size=2)


@settings(max_examples=100, deadline=None)
@given(ENERGIES, st.sampled_from(["soft", "wiener", "binary"]), st.floats(0.1, 20))
def test_masks_share_everything_alike_or_by_size(rows, kind, power):
    energies = [np.array(row, np.float32).reshape(2, 3) for row in rows]
    found = np.array(masks(energies, MaskParameters(kind, power)))
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    order = np.argsort(energies, axis=0)
    assert (np.diff(np.take_along_axis(found, order, axis=0), axis=0) >= -1e-5).all() or kind == "binary"


@settings(max_examples=100, deadline=None)
@given(ENERGIES, st.sampled_from(["soft", "wiener", "binary"]), st.floats(0.1, 20), st.floats(1.01, 10))
def test_a_margin_leaves_something_over(rows, kind, power, margin):
    energies = [np.array(row, np.float32).reshape(2, 3) for row in rows]
    strict = np.array(masks(energies, MaskParameters(kind, power), margin))
    assert (strict >= 0).all()
    assert (strict.sum(axis=0) <= 1 + 1e-5).all()
    assert (strict <= np.array(masks(energies, MaskParameters(kind, power))) + 1e-5).all()


@pytest.mark.parametrize("margin", [1.00001, 1000.0])
def test_masks_of_extreme_parameters_are_shares(margin):
    energies = [np.random.default_rng(n).random((50, 50), np.float32) * (n + 1) for n in range(2)]
    energies[0][:5], energies[1][3:9] = 0, 0
    for power in (0.1, 2.0, 100.0):
        found = masks(energies, MaskParameters("soft", power), margin)
        for mask in (*found, remaining(found)):
            assert 0 <= mask.min() <= mask.max() <= 1


def test_binary_masks_with_a_margin_are_those_of_the_paper():
    # Driedger, Müller, Disch, Equations 5 and 6, β = 2 on magnitudes.
    over_time, over_frequency = (np.square([[4, 2, 1, 1, 0]]).astype(np.float32), np.square([[1, 1, 1, 3, 0]]))
    harmonic, percussive = masks([over_time, over_frequency.astype(np.float32)], MaskParameters("binary"), 2.0)
    assert harmonic.tolist() == [[1, 0, 0, 0, 0]]
    assert percussive.tolist() == [[0, 0, 0, 1, 0]]


# ------------------------------------------------------------------------------------------------------- separation


@compiled
@pytest.mark.parametrize("mask", ["soft", "wiener", "binary"])
def test_tones_and_clicks_come_apart(mask):
    parts = separated(TONES + CLICKS, mask=mask)
    assert decibels(TONES, parts["harmonic"][:, 0] - TONES) > 15
    assert decibels(CLICKS, parts["percussive"][:, 0] - CLICKS) > 3


@compiled
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 20000), st.integers(1, 3), st.sampled_from([1.0, 2.0]), st.sampled_from(["soft", "binary"]))
def test_parts_sum_to_the_mixture(length, channels, margin, mask):
    samples = np.random.default_rng(length).standard_normal((length, channels)).astype(np.float32)
    parts = separated(samples, margin=margin, mask=mask)
    assert list(parts) == ["harmonic", "percussive", "residual"][: 2 if margin == 1 else 3]
    assert all(part.shape == samples.shape for part in parts.values())
    assert decibels(samples, sum(parts.values()) - samples + 1e-30) > 100


@compiled
def test_noise_goes_to_the_residual():
    noise = np.random.default_rng(0).standard_normal(len(T)).astype(np.float32)
    parts = separated(noise, margin=3, mask="binary")
    assert decibels(parts["residual"], noise) > -3


@compiled
def test_silence_in_silence_out():
    assert not any(part.any() for part in separated(np.zeros((RATE, 2)), margin=2).values())


@compiled
@pytest.mark.parametrize("factor", [1e-6, 1e4])
def test_level_does_not_matter(factor):
    mixture = TONES + CLICKS
    for name, part in separated(factor * mixture).items():
        np.testing.assert_allclose(part / factor, separated(mixture)[name], atol=1e-3)


@compiled
@pytest.mark.parametrize("margin", [1.0, 2.0])
def test_masks_stand_on_the_frames_of_the_transform(margin):
    stems = hpss(Audio(TONES + CLICKS, RATE), HpssParameters(margin=margin))
    found = [np.concatenate(mask) for mask in zip(*stems.masks.make(), strict=True)]
    assert len(found) == len(stems.names)
    assert {mask.shape for mask in found} == {(len(TONES) // stems.masks.hop + 1, stems.masks.size // 2 + 1)}
    np.testing.assert_allclose(sum(found), 1, atol=1e-5)
    tone = round(440 * stems.masks.size / RATE)
    assert found[0][:, tone].min() > 0.8


def test_sizes_follow_the_rate():
    assert resolution_of(HpssParameters(), 44100) == Resolution(4096, 1024, 17, 47, 14, 7)
    assert resolution_of(HpssParameters(), 48000).size in (4500, 4608, 4320)
    assert resolution_of(HpssParameters(window=0.064, hop=0.008), 8000) == Resolution(512, 64, 51, 33, 10, 5)
    assert [nearest_odd(number) for number in (0.1, 1.9, 2.1, 17.2, 18.1)] == [1, 1, 3, 17, 19]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask": "fuzzy"}, "no mask fuzzy"),
        ({"power": 0.0}, "power"),
        ({"margin": 0.5}, "margin"),
        ({"margin": np.nan}, "margin"),
        ({"window": 0.0001}, "window"),
        ({"window": np.inf}, "window"),
        ({"hop": 0.05}, "a quarter of the window"),
        ({"hop": 0.0}, "hop"),
        ({"hop": np.nan}, "hop"),
        ({"time_median": 1000.0}, "median over time"),
        ({"frequency_median": 9000.0}, "median over frequency"),
        ({"bass_median": 0.0}, "median over frequency"),
        ({"bass_edge": -1.0}, "the bass ends"),
    ],
)
def test_parameters_outside_their_domain(changes, words):
    with pytest.raises(ParameterError, match=words):
        hpss(Audio(TONES, RATE), HpssParameters(**changes))
