import naive_matching
import numpy as np
import pytest
from recordings import music
from test_chroma import sound

from mirtool.errors import DataError, ParameterError
from mirtool.features.tuning import estimate_tuning, tuned
from mirtool.retrieval.matching.features import centred, kept, matching_frames, smoothed
from mirtool.retrieval.parameters import MatchingFeatureParameters
from mirtool.types import Audio

USUAL = MatchingFeatureParameters()


def likeness(a, b):
    count = min(len(a), len(b))
    return float((smoothed(a[:count], 5, 1) * smoothed(b[:count], 5, 1)).sum(axis=1).mean())


def test_a_product_of_frames_is_their_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.exponential(size=(2, 20, 12)).astype(np.float32)
    y[3] = 0.25
    expected = [naive_matching.correlation(a, b) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose((centred(x) * centred(y)).sum(axis=1), expected, atol=1e-5)


def test_bytes_keep_what_matters():
    chroma = np.random.default_rng(1).exponential(size=(50, 12)).astype(np.float32)
    stored = kept(chroma, "log")
    assert stored.dtype == np.int8
    np.testing.assert_allclose(smoothed(stored, 1, 1), centred(chroma), atol=0.01)


def test_quantised_shares():
    # FMP, Section 7.2.1: the points of the shares 0.02, 0.5, 0.3, 0.07, 0.11
    chroma = np.zeros((1, 12), np.float32)
    chroma[0, :5] = 2, 50, 30, 7, 11
    points = np.array([[0, 4, 3, 1, 2, *[0] * 7]], np.float32)
    assert kept(chroma, "quantized").tolist() == np.round(127 * centred(points)).tolist()


def test_sound_and_notes_agree():
    notes = music(1, 8)
    assert likeness(matching_frames(sound(notes, partials=4), USUAL), matching_frames(notes, USUAL)) > 0.85


def test_loudness_tuning_and_rate_do_not_matter():
    notes = music(2, 6)
    plain = matching_frames(sound(notes), USUAL)
    assert likeness(plain, matching_frames(Audio(sound(notes).samples * 0.01, 22050), USUAL)) > 0.995
    assert likeness(plain, matching_frames(sound(notes, cents=40), USUAL)) > 0.97
    assert likeness(plain, matching_frames(sound(notes, rate=32000), USUAL)) > 0.995


def test_a_key_is_a_rotation():
    found, moved = (matching_frames(music(3, 6, semitones), USUAL) for semitones in (0, 3))
    assert likeness(np.roll(found, 3, axis=1), moved) > 0.999


def test_silence_is_zero():
    stored = matching_frames(Audio(np.zeros(2 * 22050), 22050), USUAL)
    assert stored.shape == (21, 12)
    assert not stored.any()
    assert not smoothed(stored, 11, 5).any()


def test_frames_stand_where_they_sound():
    samples = np.zeros(4 * 22050, np.float32)
    samples[2 * 22050 :] = np.sin(2 * np.pi * 440 * np.arange(2 * 22050) / 22050)
    heard = np.flatnonzero(matching_frames(Audio(samples, 22050), USUAL).any(axis=1))
    assert heard[0] in (19, 20)


def test_tuning_of_a_sound_that_is_read_once():
    audio = sound(music(4, 3), cents=-20)
    blocks = [audio.samples[begin : begin + 10000, 0] for begin in range(0, audio.frames, 10000)]
    cents, again = tuned(iter(blocks), 22050, None)
    assert cents == pytest.approx(estimate_tuning(audio), abs=0.01)
    assert cents == pytest.approx(-20, abs=2)
    assert np.array_equal(np.concatenate(list(again)), audio.samples[:, 0])
    assert tuned(iter(blocks), 22050, 7.0)[0] == 7


def test_nothing_to_hear():
    notes = music(1, 1)
    with pytest.raises(DataError, match="nothing to hear"):
        matching_frames(notes.take(slice(0, 0)), USUAL)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("statistics", "median", "no statistics median"), ("feature_rate", 0.0, "feature rate")],
)
def test_bad_parameters(name, value, message):
    with pytest.raises(ParameterError, match=message):
        matching_frames(music(1, 1), MatchingFeatureParameters(**{name: value}))
