import numpy as np
import pytest
from performances import RATE, piece

from mirtool.errors import DataError, ParameterError
from mirtool.features.parameters import SyncFeatureParameters
from mirtool.features.sync import KIND, PITCHES, onset_peaks, registers, sync_features
from mirtool.synthesis.render import render
from mirtool.types import Audio, Notes

P = len(PITCHES)
TUNED = SyncFeatureParameters(tuning=0.0)


def rows(features):
    """Levels and onsets, each 85 × N."""
    return features.data[:P], features.data[P:]


def one_note(pitch, onset=1.0, offset=2.0):
    return Notes({"onset": [onset], "offset": [offset], "pitch": [pitch], "velocity": [100]})


@pytest.mark.parametrize("feature_rate", [50.0, 100.0])
def test_a_click_stands_at_its_time_in_all_registers(feature_rate):
    samples = np.zeros(3 * RATE, np.float32)
    samples[round(1.3 * RATE)] = 1
    levels, onsets = rows(sync_features(Audio(samples, RATE), SyncFeatureParameters(feature_rate, tuning=0.0)))
    for pitches, _, _ in registers():
        row = np.array(pitches) - PITCHES[0]
        np.testing.assert_allclose(levels[row].argmax(axis=1), 1.3 * feature_rate, atol=1)
        assert np.ptp(onsets[row].argmax(axis=1)) <= 1  # the rise of all pitches of a register peaks together


@pytest.mark.parametrize("pitch", [36, 55, 62, 74, 80, 100])
def test_a_note_sounds_and_begins_where_it_does(pitch):
    levels, onsets = rows(sync_features(render(one_note(pitch), RATE, duration=3), TUNED))
    row = pitch - PITCHES[0]
    assert levels[row, 100:150].min() > levels[row, :80].max() + 1
    assert levels[row, 105:150].mean() > np.delete(levels, row, axis=0)[:, 105:150].mean(axis=1).max()
    window = next(window / rate for pitches, rate, window in registers() if pitch in pitches)
    assert onsets[row].argmax() / 100 == pytest.approx(1, abs=window / 2)


@pytest.mark.parametrize("pitch", [40, 64, 81])
def test_a_note_and_its_sound_give_similar_rows(pitch):
    heard = rows(sync_features(render(one_note(pitch), RATE, duration=3), TUNED))
    read = rows(sync_features(one_note(pitch), TUNED))
    row = pitch - PITCHES[0]
    n = min(heard[0].shape[1], read[0].shape[1])
    for sound, note in zip(heard, read, strict=True):
        assert abs(int(sound[row].argmax()) - int(note[row].argmax())) <= 2
    both = np.corrcoef(heard[0][row, :n], read[0][row, :n])
    assert both[0, 1] > 0.9
    cosine = np.sum(heard[0][:, 120:180] * read[0][:, 120:180])
    assert cosine > 0.75 * np.linalg.norm(heard[0][:, 120:180]) * np.linalg.norm(read[0][:, 120:180])


class Pieces:
    """A recording that comes in blocks of its own choice, of which it does not say the length."""

    channels, frames = 1, None

    def __init__(self, audio, sizes):
        self.sample_rate, self._samples, self._sizes = audio.sample_rate, audio.samples, sizes

    def blocks(self, size, overlap=0):
        begin, turn = 0, 0
        while begin < len(self._samples):
            step = self._sizes[turn % len(self._sizes)]
            yield self._samples[begin : begin + step]
            begin, turn = begin + step, turn + 1


@pytest.fixture(scope="module")
def music():
    return render(piece(2).notes, RATE)


@pytest.mark.parametrize("sizes", [(1000,), (7, 4096, 33), (200_000,)])
def test_the_size_of_blocks_does_not_matter(music, sizes):
    whole = sync_features(music, SyncFeatureParameters())
    pieces = sync_features(Pieces(music, sizes), SyncFeatureParameters())
    assert pieces.frames == whole.frames
    np.testing.assert_allclose(pieces.data, whole.data, atol=2e-3)
    assert pieces.provenance == whole.provenance


def test_the_tuning_is_found_and_made_up_for():
    chord = Notes({"onset": [0.5] * 4, "offset": [3.0] * 4, "pitch": [48, 60, 64, 67], "velocity": [90] * 4})
    pure = sync_features(render(chord, RATE), TUNED).data
    detuned = render(chord, RATE, tuning=40)
    found = sync_features(detuned, SyncFeatureParameters())
    assert found.provenance["parameters"]["tuning"] == pytest.approx(40, abs=5)
    ignored = sync_features(detuned, TUNED).data
    near, far = (np.linalg.norm(data[:P] - pure[:P]) for data in (found.data, ignored))
    assert near < 0.3 * far
    told = sync_features(detuned, SyncFeatureParameters(tuning=40.0)).data
    assert np.linalg.norm(told[:P] - pure[:P]) < 0.3 * far


def test_loudness_and_channels_do_not_matter(music):
    wide = Audio(np.repeat(0.1 * music.samples, 2, axis=1), RATE)
    np.testing.assert_allclose(sync_features(wide, TUNED).data, sync_features(music, TUNED).data, atol=5e-3)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 48000])
def test_other_sample_rates_give_the_same_frames(sample_rate):
    notes = piece(1).notes
    one, other = (sync_features(render(notes, rate, duration=3), TUNED) for rate in (RATE, sample_rate))
    assert one.frames == other.frames
    low = slice(0, 90 - PITCHES[0])
    assert np.corrcoef(one.data[low].ravel(), other.data[low].ravel())[0, 1] > 0.98


def test_silence_is_silent():
    found = sync_features(Audio(np.zeros(RATE), RATE), SyncFeatureParameters())
    assert found.data.shape == (2 * P, 101)
    assert not found.data.any()
    assert found.provenance["parameters"]["tuning"] == 0


@pytest.mark.parametrize("samples", [20, 100, 500])
def test_very_short_sound(samples):
    found = sync_features(Audio(np.ones(samples), RATE), SyncFeatureParameters())
    assert found.frames == samples * 100 // RATE + 1
    assert np.isfinite(found.data).all()


def test_what_cannot_be_heard():
    with pytest.raises(DataError, match="nothing to hear"):
        sync_features(Notes({"onset": [], "offset": [], "pitch": [], "velocity": []}), TUNED)
    with pytest.raises(DataError, match="nothing to hear"):
        sync_features(Audio(np.zeros(0), RATE), TUNED)


@pytest.mark.parametrize("source", [one_note(60), Audio(np.ones(1000), RATE)], ids=["notes", "sound"])
@pytest.mark.parametrize("feature_rate", [0, -5, float("nan")])
def test_rates_that_make_no_sense(source, feature_rate):
    with pytest.raises(ParameterError, match="feature rate must be positive"):
        sync_features(source, SyncFeatureParameters(feature_rate=feature_rate))


def test_compression_must_not_be_negative():
    with pytest.raises(ParameterError, match="must not be negative"):
        sync_features(one_note(60), SyncFeatureParameters(compression=-1))


def test_what_they_say_about_themselves(music):
    found = sync_features(music, SyncFeatureParameters(feature_rate=20.0))
    assert (found.kind, found.dims, found.feature_rate, found.start) == (KIND, ("pitch", "time"), 20.0, 0.0)
    assert (found.axis[0], found.axis[P - 1], found.axis[P]) == ("pitch 24", "pitch 108", "onset 24")
    assert len(found.axis) == 2 * P
    assert found.frames == music.frames * 20 // RATE + 1


def test_onset_peaks_by_hand():
    levels = np.array([[0, 0, 1, 4, 5, 5, 5, 3, 3, 8, 8, 8]], np.float32).T
    # the rise over two frames: 0 1 4 4 1 0 -2 -2 5 5 0 0, of which the first of the largest stay
    np.testing.assert_array_equal(onset_peaks(levels, 2)[:, 0], [0, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0, 0])
    assert not onset_peaks(levels[:2], 2).any()
    assert onset_peaks(levels[:1], 2).shape == (1, 1)
