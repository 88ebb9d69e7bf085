import dataclasses

import naive
import numpy as np
import pytest

from mirtool.errors import DataError, ParameterError
from mirtool.features.chroma import CHROMA_NAMES, ChromaState, chroma
from mirtool.features.frames import compress, gathered, normalize
from mirtool.features.parameters import ChromaParameters
from mirtool.features.pitch import note_energies
from mirtool.features.tuning import estimate_tuning
from mirtool.pitch import pitch_frequency
from mirtool.signal.stft import hann
from mirtool.types import Audio, Notes

RATE = 22050
CHORDS = ((48, 64, 67), (57, 60, 64), (53, 69, 72), (55, 59, 62))


def notes(*rows):
    columns = np.array(rows, dtype=float).reshape(-1, 4).T
    return Notes(dict(zip(("onset", "offset", "pitch", "velocity"), columns, strict=True)))


def chord_notes(seconds=1.0, transposition=0):
    rows = [(i * seconds, (i + 1) * seconds, p + transposition, 100) for i, chord in enumerate(CHORDS) for p in chord]
    return notes(*rows)


def sound(score, cents=0.0, partials=1, rate=RATE):
    """Sines: a note of velocity v has amplitude v / 127, as in `note_energies`."""
    samples = np.zeros(round(score["offset"].max() * rate))
    for onset, offset, pitch, velocity in zip(*(score[name] for name in score.REQUIRED), strict=True):
        begin, end = round(onset * rate), round(offset * rate)
        for partial in range(1, partials + 1):
            frequency = partial * pitch_frequency(pitch, cents)
            samples[begin:end] += (
                velocity / 127 / partial * np.sin(2 * np.pi * frequency * np.arange(end - begin) / rate)
            )
    return Audio(samples.astype(np.float32), rate)


def parameters(**changes):
    return ChromaParameters(
        **{"tuning": 0.0, "bank": "semitone", "pitch_low": 24, "partials": 1, "decay": 0.0, **changes}
    )


def test_agrees_with_the_definition():
    samples = np.random.default_rng(1).standard_normal(3000).astype(np.float32) * 0.1
    found = chroma(Audio(samples, 4000), parameters(analysis_rate=4000, window_length=512, compression=10.0))
    X = naive.stft(samples, hann(512) * (2 / hann(512).sum()), 80)
    pitches = range(24, 109)
    expected = naive.log_frequency(X, 4000, 512, pitches)
    expected = naive.chroma(np.log(1 + 10 * expected), pitches)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(found.data.T, expected, atol=1e-4)


def test_container():
    found = chroma(sound(chord_notes()), parameters())
    assert found.data.shape == (12, 201)
    assert found.data.dtype == np.float32
    assert found.data.flags.f_contiguous
    assert (found.kind, found.dims, found.axis) == ("chroma", ("chroma", "time"), CHROMA_NAMES)
    assert (found.feature_rate, found.start, found.unit) == (50.0, 0.0, "")
    assert found.provenance["parameters"] == dataclasses.asdict(parameters())


@pytest.mark.parametrize("bank", ["semitone", "gaussian"])
@pytest.mark.parametrize("pitch", [48, 57, 69, 88])
def test_sine_lands_in_its_chroma(bank, pitch):
    found = chroma(sound(notes((0, 1, pitch, 100))), parameters(bank=bank, compression=0.0))
    assert (found.data[:, 5:-5].argmax(axis=0) == pitch % 12).all()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_any_rate_and_channels(rate, channels):
    mono = sound(chord_notes(), rate=rate)
    found = chroma(Audio(np.repeat(mono.samples, channels, axis=1), rate), parameters(pitch_high=84))
    expected = chroma(sound(chord_notes()), parameters(pitch_high=84))
    assert abs(found.frames - expected.frames) <= 1
    similarity = (found.data[:, :200] * expected.data[:, :200]).sum(axis=0)
    assert similarity.mean() > 0.99


def test_sound_and_notes_agree():
    score = chord_notes()
    by_sound, by_notes = (chroma(source, parameters(compression=1.0)) for source in (sound(score), score))
    assert by_notes.data.shape == by_sound.data.shape
    similarity = (by_notes.data * by_sound.data).sum(axis=0)
    assert similarity.min() > 0.94
    assert np.median(similarity) > 0.999


def test_notes_have_the_level_of_their_sound():
    # In the middle of a note its pitch has the energy (velocity / 127)²; a window half of which is filled a quarter.
    energies = note_energies(notes((0, 1, 60, 127), (0, 1, 72, 64)), parameters(compression=0.0))
    assert energies.shape == (51, 85)
    np.testing.assert_allclose(energies[10:40, 36], 1, rtol=1e-6)
    np.testing.assert_allclose(energies[10:40, 48], (64 / 127) ** 2, rtol=1e-6)
    np.testing.assert_allclose(energies[[0, 50], 36], 0.25, rtol=1e-6)
    assert np.count_nonzero(energies.sum(axis=0)) == 2


def test_partials_and_decay_of_notes():
    energies = note_energies(notes((0, 2, 60, 127)), parameters(compression=0.0, partials=3, decay=20.0))
    assert np.flatnonzero(energies.sum(axis=0)).tolist() == [36, 48, 55]  # C4, C5, G5
    np.testing.assert_allclose(energies[50, [36, 48, 55]], np.array([1, 1 / 4, 1 / 9]) / 100, rtol=1e-5)


def test_transposition_rolls():
    original, moved = chroma(chord_notes(), parameters()), chroma(chord_notes(transposition=1), parameters())
    np.testing.assert_allclose(moved.data, np.roll(original.data, 1, axis=0), rtol=1e-5)
    original = chroma(sound(chord_notes(transposition=12)), parameters())
    moved = chroma(sound(chord_notes(transposition=15)), parameters())
    similarity = (moved.data * np.roll(original.data, 3, axis=0)).sum(axis=0)
    assert similarity.mean() > 0.98


@pytest.mark.parametrize("size", [1000, 4096, 100000])
def test_the_same_bits_whatever_the_blocks(size):
    audio, state = sound(chord_notes()), ChromaState(parameters(), 0.0)
    whole = chroma(audio, parameters(norm="none"))
    frames = [frames for block in audio.blocks(size) for frames in state.push(block[:, 0])]
    assert np.concatenate([*frames, *state.flush()]).T.tobytes() == whole.data.tobytes()


@pytest.mark.parametrize("partials", [1, 6])
@pytest.mark.parametrize("cents", [-45.0, -20.5, 0.0, 13.0, 40.0])
def test_tuning_within_two_cents(cents, partials):
    assert estimate_tuning(sound(chord_notes(), cents, partials)) == pytest.approx(cents, abs=2)


def test_tuning_is_corrected():
    expected = chroma(sound(chord_notes(transposition=12)), ChromaParameters())
    found = chroma(sound(chord_notes(transposition=12), 38.0), ChromaParameters())
    assert found.provenance["parameters"]["tuning"] == pytest.approx(38, abs=1)
    assert (found.data * expected.data).sum(axis=0).mean() > 0.99


def test_tuning_of_silence_and_of_the_beginning():
    assert estimate_tuning(Audio(np.zeros(30000), RATE)) == 0
    assert estimate_tuning(Audio(np.zeros(0), RATE)) == 0
    both = np.concatenate((sound(chord_notes(), 30.0).samples, sound(chord_notes(3), -30.0).samples))
    assert estimate_tuning(Audio(both, RATE), duration=3) == pytest.approx(30, abs=2)


def test_compression():
    # FMP, Section 3.1.2.1: Γ_γ(v) = log(1 + γ v).
    values = np.array([[0, 1, 0.5]], np.float32)
    np.testing.assert_allclose(compress(values, 1), [[0, np.log(2), np.log(1.5)]], rtol=1e-6)
    np.testing.assert_allclose(compress(values, 1000), [[0, np.log(1001), np.log(501)]], rtol=1e-6)
    assert compress(values, 0) is values
    with pytest.raises(ParameterError, match="must not be negative"):
        compress(values, -1)


def test_normalization():
    frames = np.zeros((3, 12), np.float32)
    frames[0, :2] = 3, 4
    frames[1, 0] = 1e-3
    for norm, first, flat in (("l1", (3 / 7, 4 / 7), 1 / 12), ("l2", (0.6, 0.8), 12**-0.5), ("max", (0.75, 1), 1)):
        found = normalize(frames, norm, 1e-2)
        np.testing.assert_allclose(found[0, :2], first, rtol=1e-6)
        np.testing.assert_allclose(found[1:], flat, rtol=1e-6)
        np.testing.assert_allclose(normalize(frames, norm, 0)[1], np.eye(12)[0], rtol=1e-6)
    assert normalize(frames, "none", 1e-2) is frames
    with pytest.raises(ParameterError, match="no norm l3"):
        normalize(frames, "l3", 0)
    with pytest.raises(ParameterError, match="threshold"):
        normalize(frames, "l2", -1)


def test_gathering_grows():
    batches = [np.full((n, 2), n, np.float32) for n in (0, 3, 40, 1)]
    for expected in (None, 10, 44, 100):
        np.testing.assert_array_equal(gathered(batches, 2, expected), np.concatenate(batches).T)


def test_silence_is_flat():
    for source in (Audio(np.zeros(5000), RATE), notes((0, 0.2, 60, 0))):
        np.testing.assert_allclose(chroma(source, ChromaParameters()).data, 12**-0.5, rtol=1e-6)


def test_nothing():
    assert chroma(Audio(np.zeros(0), RATE), ChromaParameters()).data.shape == (12, 0)
    assert chroma(Audio(np.zeros(1), RATE), ChromaParameters()).data.shape == (12, 1)
    assert chroma(notes(), ChromaParameters()).data.shape == (12, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_rate": 0.0}, "feature rate must be positive"),
        ({"feature_rate": np.nan}, "feature rate must be positive"),
        ({"feature_rate": 1e-300}, "a feature rate lies in 1e-06 … 1e.06 Hz, not 1e-300"),
        ({"feature_rate": 1e300}, "a feature rate lies in"),
        ({"tuning": np.nan}, "a tuning lies within 1200 cents of A4 = 440 Hz, not nan"),
        ({"tuning": -1201.0}, "a tuning lies within"),
        ({"compression": 1e31}, "compression must not be above 1e.30: not 1e.31"),
        ({"feature_rate": 1e6}, "at least one sample"),
        ({"analysis_rate": 0}, "analysis rate must be positive"),
        ({"window_length": 1}, "at least two samples"),
        ({"pitch_low": 80, "pitch_high": 70}, "pitches must lie"),
        ({"bank": "mel"}, "no filter bank mel"),
        ({"norm": "l3"}, "no norm l3"),
        ({"compression": -1.0}, "must not be negative"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ParameterError, match=message):
        chroma(Audio(np.ones(1000), RATE), parameters(**changes))


def test_bad_notes():
    with pytest.raises(ParameterError, match="at least one partial"):
        chroma(chord_notes(), parameters(partials=0))
    with pytest.raises(DataError, match="before 0 s"):
        chroma(notes((-1, 1, 60, 100)), parameters())
    with pytest.raises(DataError, match="not finite"):
        chroma(notes((0, np.inf, 60, 100)), parameters())


def test_nan_in_the_sound():
    with pytest.raises(DataError, match="not finite"):
        chroma(Audio(np.array([0, np.nan, 0] * 1000), RATE), ChromaParameters())
