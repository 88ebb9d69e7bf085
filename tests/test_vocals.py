"""Voice and accompaniment: a synthesised song comes apart."""

import numpy as np
import pytest
from performances import compiled
from singing import RATE, song

from mirtool.decomposition import vocals as module
from mirtool.decomposition.parameters import VocalsParameters
from mirtool.decomposition.vocals import comb, sung_pitch, vocals, voice_pitch
from mirtool.errors import DataError, ParameterError
from mirtool.types import Audio, Events, Stems


def table(times, f0):
    return Events({"time": np.asarray(times, float), "f0_hz": np.asarray(f0, float)})


def truth(piece):
    times = np.arange(0, len(piece.f0), 320) / RATE
    return table(times, piece.truth(times))


def separated(audio, f0, **changes):
    stems = vocals(audio, VocalsParameters(**changes), f0)
    assert isinstance(stems, Stems)
    assert stems.names == ("vocals", "accompaniment")
    return [np.concatenate(part) for part in zip(*stems.blocks(), strict=True)]


def si_sdr(reference, estimate):
    reference, estimate = (np.asarray(x, np.float64) for x in (reference, estimate))
    target = (estimate @ reference) / (reference @ reference) * reference
    return 10 * np.log10((target @ target) / np.sum((estimate - target) ** 2))


def gains(piece, parts):
    mixture = piece.mixture.samples[:, 0]
    pairs = zip((piece.voice, piece.accompaniment), parts, strict=True)
    return [si_sdr(true, part[:, 0]) - si_sdr(true, mixture) for true, part in pairs]


@compiled
def test_a_song_comes_apart():
    piece = song(6.0)
    parts = separated(piece.mixture, voice_pitch(piece.mixture, VocalsParameters()))
    assert min(gains(piece, parts)) > 10
    np.testing.assert_allclose(sum(parts), piece.mixture.samples, atol=1e-6)


def test_with_the_true_pitch():
    piece = song(4.0)
    assert min(gains(piece, separated(piece.mixture, truth(piece)))) > 10


@pytest.mark.parametrize("mask", ["soft", "binary"])
def test_other_masks(mask):
    piece = song(3.0)
    assert min(gains(piece, separated(piece.mixture, truth(piece), mask=mask))) > 5


def test_the_stereo_image_stays():
    piece = song(2.0)
    pair = np.stack((piece.mixture.samples[:, 0], 0.25 * piece.mixture.samples[:, 0]), axis=1)
    for part in separated(Audio(pair, RATE), truth(piece)):
        np.testing.assert_allclose(part[:, 1], 0.25 * part[:, 0], atol=1e-6)


def test_level_makes_no_difference():
    piece = song(2.0)
    loud, quiet = (separated(Audio(piece.mixture.samples * gain, RATE), truth(piece)) for gain in (1, 2**-14))
    np.testing.assert_allclose(loud[0], quiet[0] * 2**14, atol=1e-3 * np.abs(loud[0]).max())


def test_sections_join(monkeypatch):
    piece = song(6.0)
    monkeypatch.setattr(module, "_SECTION", 2.0)
    monkeypatch.setattr(module, "_FADE", 0.5)
    parts = separated(piece.mixture, truth(piece))
    np.testing.assert_allclose(sum(parts), piece.mixture.samples, atol=1e-6)
    assert min(gains(piece, parts)) > 7


@pytest.mark.parametrize("frames", [0, 1, 255, 256, 257, 1000, 4096])
def test_any_length(frames):
    piece = song(1.0)
    parts = separated(Audio(piece.mixture.samples[:frames], RATE), truth(piece))
    assert [len(part) for part in parts] == [frames, frames]
    np.testing.assert_allclose(sum(parts), piece.mixture.samples[:frames], atol=1e-6)


def test_silence_stays_silent():
    f0 = table([0, 1], [200, 200])
    parts = separated(Audio(np.zeros((RATE, 2), np.float32), RATE), f0)
    assert not any(part.any() for part in parts)
    voice, rest = separated(Audio(np.full((RATE, 1), 1e-30, np.float32), RATE), f0)  # whose energy is 0
    np.testing.assert_allclose(voice + rest, 1e-30, rtol=1e-6)


def test_without_a_voice_all_is_accompaniment():
    piece = song(1.0)
    for f0 in (table([], []), table([0, 1], [0, 0]), table([50, 51], [200, 200])):
        voice, accompaniment = separated(piece.mixture, f0)
        assert not voice.any()
        np.testing.assert_allclose(accompaniment, piece.mixture.samples, atol=1e-7)


def test_pitch_between_rows():
    f0 = table([1, 2, 3, 4], [100, 200, 0, 300])
    times = np.array([-1, 0.5, 1, 1.5, 2.4, 2.6, 3, 3.6, 4, 4.9, 5.1])
    assert sung_pitch(f0, times).tolist() == [0, 100, 100, 150, 200, 0, 0, 300, 300, 300, 0]


def test_a_comb_has_its_teeth_at_multiples():
    bins = np.arange(513) * 15.625
    found = comb(bins, np.array([0.0, 250.0]))
    assert not found[0].any()
    assert np.flatnonzero(found[1] == 1).tolist() == list(range(16, 513, 16))
    assert found[1, :12].max() < 1e-3  # no tooth at 0 Hz


@pytest.mark.parametrize(
    "changes",
    [
        {"vocals_window": 0.001},
        {"vocals_window": float("nan")},
        {"accompaniment_rank": 0},
        {"accompaniment_rank": 10**6},
        {"model_updates": 0},
        {"mask": "none"},
    ],
)
def test_parameters_out_of_bounds(changes):
    with pytest.raises(ParameterError):
        vocals(song(0.5).mixture, VocalsParameters(**changes), table([], []))


@pytest.mark.parametrize(
    ("f0", "message"),
    [
        (Events({"time": np.zeros(1)}), "columns"),
        (table([0, 1], [-100, 100]), "frequencies"),
        (table([0, 1], [np.inf, 100]), "frequencies"),
        (table([1, 1], [100, 100]), "rise"),
    ],
)
def test_tables_that_are_no_melody(f0, message):
    with pytest.raises(DataError, match=message):
        vocals(song(0.5).mixture, VocalsParameters(), f0)


def test_sound_that_is_not_finite():
    with pytest.raises(DataError, match="finite"):
        separated(Audio(np.full(RATE, np.nan, np.float32), RATE), table([0, 1], [200, 200]))
