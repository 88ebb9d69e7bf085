from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import compiled

from mirtool.decomposition.hpss import hpss
from mirtool.decomposition.masked import descriptions, stems_of
from mirtool.decomposition.parameters import HpssParameters
from mirtool.errors import DataError
from mirtool.signal.stft import frame_count
from mirtool.types import Audio, Features, Stems

RATE = 8000


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def collected(stems):
    assert isinstance(stems, Stems)
    parts = zip(*stems.blocks(), strict=True)
    return dict(zip(stems.names, (np.concatenate(part) for part in parts), strict=True))


def flat(length, *values, size=64, hop=16):
    """Return masks that are the same everywhere."""
    shape = (size // 2 + 1, frame_count(length, hop))
    return {f"part{n}": Features(np.full(shape, value), RATE / hop, "mask") for n, value in enumerate(values)}


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(1, 3000),
    channels=st.integers(1, 3),
    hop=st.sampled_from([8, 16, 13, 32]),
    fewer=st.integers(-1, 1),
)
def test_flat_masks_scale_the_sound_up_to_its_ends(length, channels, hop, fewer):
    samples = noise(length, channels)
    masks = flat(length, 0.25, 0.5, hop=hop)
    if masks["part0"].frames + fewer < 1:
        fewer = 0
    masks = {name: replace(mask, data=np.resize(mask.data, (33, mask.frames + fewer))) for name, mask in masks.items()}
    parts = collected(stems_of(Audio(samples, RATE), masks, rest="rest"))
    for name, share in {"part0": 0.25, "part1": 0.5, "rest": 0.25}.items():
        np.testing.assert_allclose(parts[name], share * samples, atol=1e-4)


def test_a_mask_of_one_bin_keeps_its_frequency():
    t = np.arange(RATE) / RATE
    low, high = (np.sin(2 * np.pi * f * t).astype(np.float32) for f in (500, 2000))
    data = np.zeros((129, RATE // 64 + 1))
    data[12:21] = 1  # 500 Hz is bin 16
    stems = stems_of(Audio(low + high, RATE), {"low": Features(data, RATE / 64)}, rest="residual")
    parts = collected(stems)
    np.testing.assert_allclose(parts["low"][300:-300, 0], low[300:-300], atol=0.01)
    np.testing.assert_allclose(parts["residual"][300:-300, 0], high[300:-300], atol=0.01)


def test_masks_that_sum_to_one():
    samples = noise(2000, 1)
    parts = collected(stems_of(Audio(samples, RATE), flat(2000, 0.5, 1.5, 0), normalize=True))
    for part, share in zip(parts.values(), (0.25, 0.75, 0), strict=True):
        np.testing.assert_allclose(part, share * samples, atol=1e-5)
    parts = collected(stems_of(Audio(samples, RATE), flat(2000, 0, 0), normalize=True))
    np.testing.assert_allclose(parts["part0"], samples / 2, atol=1e-5)


@compiled
@pytest.mark.parametrize("margin", [1.0, 2.0])
@pytest.mark.parametrize("length", [1, 500, 20000])
def test_masks_written_and_read_give_the_same_parts(margin, length):
    source = Audio(noise(length, 2), RATE)
    stems = hpss(source, HpssParameters(margin=margin))
    masks = [np.concatenate(mask).T for mask in zip(*stems.masks.make(), strict=True)]
    told = descriptions(stems.names, stems.masks, RATE, 0.0)
    read = {name: replace(mask, data=data) for (name, mask), data in zip(told.items(), masks, strict=True)}
    again = collected(stems_of(source, read))
    for name, part in collected(stems).items():
        np.testing.assert_allclose(again[name], part, atol=1e-5)


def test_the_rest_has_a_mask_too():
    stems = stems_of(Audio(noise(500), RATE), flat(500, 0.25, 0.9), rest="rest")
    masks = [np.concatenate(mask) for mask in zip(*stems.masks.make(), strict=True)]
    assert [float(mask.mean()) for mask in masks] == pytest.approx([0.25, 0.9, 0])


def changed(**changes):
    return {name: replace(mask, **changes) for name, mask in flat(2000, 0.5).items()}


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ({}, "no masks"),
        ({**flat(2000, 0.5), "rest": flat(2000, 0.5)["part0"]}, "called rest"),
        ({**flat(2000, 0.5), "b": flat(2000, 0.5, size=32)["part0"]}, "17 × 126 values at 500 Hz, part0 33 ×"),
        (changed(kind="chroma"), "holds chroma"),
        (changed(feature_rate=None), "no mask"),
        (changed(data=np.ones((33, 126), complex)), "no mask"),
        (changed(data=np.full((33, 126), -0.1)), "holds -0.1"),
        (changed(feature_rate=600.0), "13.3333 samples"),
        (changed(feature_rate=200.0), "do not overlap"),
        (changed(axis=tuple(float(k) for k in range(33))), "up to 32 Hz, the sound to 4000 Hz"),
        (changed(start=1.0), "begin at 1.000 s"),
        (flat(4000, 0.5), "last 0.502 s, the sound 0.250 s"),
    ],
)
def test_masks_that_do_not_fit(masks, words):
    with pytest.raises(DataError, match=words):
        stems_of(Audio(noise(2000), RATE), masks, rest="rest")


def test_masks_that_end_before_a_sound_of_unknown_length():
    class Unknown:
        sample_rate, channels, frames = RATE, 1, None
        blocks = Audio(noise(2000), RATE).blocks

    with pytest.raises(DataError, match="masks end at"):
        collected(stems_of(Unknown(), flat(1000, 0.5)))
