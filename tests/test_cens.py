import naive
import numpy as np
import pytest
from test_chroma import RATE, chord_notes, notes, sound

from mirtool.errors import ParameterError
from mirtool.features.cens import cens, cens_frames, quantize, smooth_downsample
from mirtool.features.parameters import CensParameters
from mirtool.types import Audio


def test_quantisation_of_the_book():
    # FMP, Section 7.2.1, and the paper.
    shares = np.zeros((1, 12), np.float32)
    shares[0, :5] = 0.02, 0.5, 0.3, 0.07, 0.11
    assert quantize(shares)[0].tolist() == [0, 4, 3, 1, 2, 0, 0, 0, 0, 0, 0, 0]


def test_quantisation_at_the_thresholds():
    below = np.nextafter(np.array([[0.05, 0.1, 0.2, 0.4]], np.float32), np.float32(0))
    assert quantize(below)[0].tolist() == [0, 1, 2, 3]
    assert quantize(np.array([[0, 0.05, 0.1, 0.2, 0.4, 1]], np.float32))[0].tolist() == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(("length", "factor", "N"), [(41, 10, 103), (4, 3, 10), (1, 1, 5), (9, 20, 4)])
def test_agrees_with_the_definition(length, factor, N):
    frames = np.random.default_rng(0).exponential(size=(N, 12)).astype(np.float32)
    window = np.hanning(length + 2)[1:-1]
    expected = naive.cens(frames / frames.sum(axis=1, keepdims=True), window, factor)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = cens_frames(frames, CensParameters(smoothing=length, downsampling=factor))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_smoothing_is_centred():
    frames = np.zeros((101, 1), np.float32)
    frames[50] = 1
    smoothed = smooth_downsample(frames, 41, 1)[:, 0]
    np.testing.assert_allclose(smoothed, smoothed[::-1], atol=1e-7)
    assert smoothed.argmax() == 50
    assert np.count_nonzero(smoothed) == 41
    assert smoothed.sum() == pytest.approx(1, abs=1e-6)


def test_rate_and_kind():
    found = cens(sound(chord_notes()), CensParameters())
    assert (found.kind, found.feature_rate, found.data.shape) == ("cens", 1.0, (12, 5))
    np.testing.assert_allclose(np.linalg.norm(found.data, axis=0), 1, rtol=1e-6)


def test_sound_and_notes_agree():
    score, parameters = chord_notes(3.0), CensParameters(smoothing=21, downsampling=5)
    similarity = (cens(sound(score), parameters).data * cens(score, parameters).data).sum(axis=0)
    assert similarity.min() > 0.97


def test_loudness_does_not_matter():
    audio = sound(chord_notes())
    soft = Audio(audio.samples * 0.01, RATE)
    parameters = CensParameters(tuning=0.0)
    np.testing.assert_allclose(cens(soft, parameters).data, cens(audio, parameters).data, atol=0.01)


def test_silence_and_nothing():
    np.testing.assert_allclose(cens(Audio(np.zeros(3 * RATE), RATE), CensParameters()).data, 12**-0.5, rtol=1e-6)
    assert cens(Audio(np.zeros(0), RATE), CensParameters()).data.shape == (12, 0)
    assert cens(notes(), CensParameters()).data.shape == (12, 0)


@pytest.mark.parametrize(("name", "message"), [("smoothing", "smoothing window"), ("downsampling", "downsampling")])
def test_bad_parameters(name, message):
    with pytest.raises(ParameterError, match=message):
        cens(chord_notes(), CensParameters(**{name: 0}))
