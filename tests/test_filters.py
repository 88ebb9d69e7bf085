import numpy as np
import pytest

from mirtool.errors import ParameterError
from mirtool.pitch import frequency_pitch, pitch_frequency
from mirtool.signal import filters


def test_pitch_frequencies():
    # FMP, Section 3.1.1: concert pitch, middle C, one semitone is the twelfth root of two.
    assert pitch_frequency(69) == 440
    assert pitch_frequency(60) == pytest.approx(261.6256, abs=1e-4)
    assert pitch_frequency(57) == 220
    assert pitch_frequency(61) / pitch_frequency(60) == pytest.approx(2 ** (1 / 12))
    assert pitch_frequency(69, 100) == pytest.approx(pitch_frequency(70))
    np.testing.assert_allclose(frequency_pitch(pitch_frequency(np.arange(128))), np.arange(128))
    assert frequency_pitch(0) == -np.inf


@pytest.mark.parametrize(
    ("pitch", "bins"),
    [
        # 22050 Hz, N = 4096: the sets around A4 …
        (68, [75, 76, 77, 78, 79]),
        (69, [80, 81, 82, 83, 84]),
        (70, [85, 86, 87, 88, 89]),
        # … and of low pitches, where bins are farther apart than semitones.
        (48, [24, 25]),
        (44, [19]),
        (41, [16]),
        (39, []),
    ],
)
def test_pooling_sets(pitch, bins):
    bank = filters.semitone_bank(22050, 4096, [pitch])
    assert np.flatnonzero(bank[0]).tolist() == bins


def test_pooling_sets_part_the_bins():
    bank = filters.semitone_bank(44100, 4096, np.arange(128))
    frequency = filters.bin_frequencies(44100, 4096)
    inside = (frequency >= pitch_frequency(-0.5)) & (frequency < pitch_frequency(127.5))
    np.testing.assert_array_equal(bank.sum(axis=0), inside)


def test_tuning_moves_the_sets():
    plain = filters.semitone_bank(22050, 8192, [70, 71])
    np.testing.assert_array_equal(filters.semitone_bank(22050, 8192, [69, 70], tuning=100), plain)


def test_gaussian_bank():
    pitches = np.arange(21, 109)
    bank = filters.gaussian_bank(22050, 4096, pitches)
    frequency = filters.bin_frequencies(22050, 4096)
    assert (bank.sum(axis=1) >= 0.999).all()  # no pitch is empty
    loudest = frequency[bank.argmax(axis=1)]
    assert (np.abs(loudest - pitch_frequency(pitches)) <= 22050 / 4096 / 2 + 1e-6).all()
    # As many bins as the semitone holds.
    semitone = filters.semitone_bank(22050, 4096, pitches).sum(axis=1)
    np.testing.assert_allclose(bank.sum(axis=1)[70:], semitone[70:], rtol=0.05)
    assert not filters.gaussian_bank(2000, 256, [100]).any()
    with pytest.raises(ParameterError, match="positive"):
        filters.gaussian_bank(22050, 4096, pitches, width=0)


def test_chroma_bank():
    folding = filters.chroma_bank(np.arange(128))
    # FMP, Section 3.1.2: chroma 0 (C) gathers the pitches 0, 12, 24, …, 120.
    assert np.flatnonzero(folding[0]).tolist() == list(range(0, 128, 12))
    np.testing.assert_array_equal(folding.sum(axis=0), 1)
