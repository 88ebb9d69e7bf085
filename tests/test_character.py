"""What kind of music a piece is: timbre, rhythm and harmony, each against a slow oracle or a worked example."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mirtool.errors import DataError, ParameterError
from mirtool.retrieval.parameters import ASPECTS, CharacterParameters
from mirtool.retrieval.similarity.character import Characters, character
from mirtool.retrieval.similarity.distances import distances
from mirtool.retrieval.similarity.harmonic_motion import motion, pitch_class_spectra
from mirtool.retrieval.similarity.levels import FLOOR, SILENCE, relative
from mirtool.retrieval.similarity.onset_patterns import FLOOR as RHYTHM_FLOOR
from mirtool.retrieval.similarity.onset_patterns import PulsationState, onset_coefficients, rises, tempi
from mirtool.retrieval.similarity.timbre import SPREAD, TimbreState, cosine_basis
from mirtool.signal.filters import bin_frequencies, mel_bank
from mirtool.signal.stft import hann
from mirtool.types import Audio

RATE = 22050
DEFAULTS = CharacterParameters()


def tune(chords, seconds=0.5, partials=6, decay=3.0, shift=0.0, gain=1.0):
    """Return chords of decaying tones, one after the other; few partials sound dull, much decay plucked."""
    t = np.arange(round(seconds * RATE)) / RATE
    parts = []
    for chord in chords:
        tone = np.zeros_like(t)
        for pitch in chord:
            f = 440 * 2 ** ((pitch + shift - 69) / 12)
            tone += sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, partials + 1))
        parts.append(tone * np.exp(-decay * t) * np.minimum(1, t * 100))
    samples = np.concatenate(parts)
    return Audio((gain * 0.3 * samples / np.abs(samples).max()).astype(np.float32), RATE)


CADENCE = [(48, 64, 67, 72), (53, 65, 69, 72), (43, 62, 67, 71), (48, 64, 67, 72)] * 4
MINOR = [(45, 60, 64, 69), (50, 62, 65, 69), (52, 59, 64, 68), (45, 60, 64, 69)] * 4


def apart(a, b, aspect):
    return float(distances(a, b, aspect)[0, 0])


# ------------------------------------------------------------------------------------------------------------ the parts


def test_mel_bands_overlap_by_half_and_are_equally_far_apart_in_mel():
    bank = mel_bank(RATE, 2048, 40, 20, 11025)
    assert bank.shape == (1025, 40)
    f = bin_frequencies(RATE, 2048)
    edges = 700 * np.expm1(np.linspace(*(1127 * np.log1p(np.array([20, 11025]) / 700)), 42) / 1127)
    inside = (f >= edges[1]) & (f <= edges[-2])
    assert_allclose(bank[inside].sum(axis=1), 1, rtol=1e-5)
    assert_allclose(f[bank.argmax(axis=0)], edges[1:-1], atol=f[1])
    assert bank[(f < 20) | (f > 11025)].max() == 0


@pytest.mark.parametrize(("bands", "low", "high"), [(0, 20, 8000), (40, 8000, 20), (40, -1, 8000), (40, 20, 12000)])
def test_mel_bands_that_there_are_not(bands, low, high):
    with pytest.raises(ParameterError, match="bands lie between"):
        mel_bank(RATE, 2048, bands, low, high)


def test_mel_bands_narrower_than_bins():
    with pytest.raises(ParameterError, match="too narrow"):
        mel_bank(RATE, 256, 200, 20, 11025)


def test_cosines_are_orthonormal():
    basis = cosine_basis(40, 40)
    assert_allclose(basis.T @ basis, np.eye(40), atol=1e-5)
    assert_allclose(basis[:, 0], np.full(40, 40**-0.5), rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=6), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_levels_are_the_largest_sums_nearby(sizes, reach, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.choice([0, 1e-12, 1e-5, 1.0, 100.0], (size, 3)).astype(np.float32) for size in sizes]
    frames = np.concatenate(batches)
    found = list(relative(iter(batches), reach))
    shares = np.concatenate([frames[:0], *(part for part, _ in found)])
    heard = np.concatenate([np.zeros(0, bool), *(part for _, part in found)])
    assert len(shares) == len(frames)
    for n, frame in enumerate(frames):
        level = max(other.sum() for other in frames[max(n - reach, 0) : n + reach + 1])
        assert_allclose(shares[n], frame / max(level, SILENCE), rtol=1e-5)
        assert heard[n] == (level > SILENCE and frame.sum() > FLOOR * level)


def test_timbre_is_the_mean_and_covariance_of_cepstra():
    frames = np.random.default_rng(0).random((50, 40), dtype=np.float32)
    state = TimbreState(40, 5)
    for part in np.split(frames, [7, 7, 30]):
        state.push(part)
    mean, covariance = state.statistics()
    cepstra = (np.log(frames.astype(float) + 1e-6) @ cosine_basis(6, 40))[:, 1:]
    assert_allclose(mean, cepstra.mean(axis=0), rtol=1e-4, atol=1e-5)
    assert_allclose(covariance, np.cov(cepstra.T, bias=True) + SPREAD**2 * np.eye(5), rtol=1e-3, atol=1e-5)


def test_nothing_heard_has_no_timbre():
    with pytest.raises(DataError, match="silence"):
        TimbreState(40, 5).statistics()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_rises_lie_above_the_local_average(sizes, reach, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.random((size, 4), dtype=np.float32) for size in sizes]
    levels = np.log(np.concatenate(batches).astype(float) + RHYTHM_FLOOR)
    found = np.concatenate([np.zeros((0, 2)), *rises(iter(batches), reach)])
    assert len(found) == len(levels)
    for n in range(len(levels)):
        above = np.maximum(levels[n] - levels[max(n - reach, 0) : n + reach + 1].mean(axis=0), 0)
        assert_allclose(found[n], [(above[0] + above[1]) / 2, (above[2] + above[3]) / 2], atol=1e-5)


@pytest.mark.parametrize("bpm", [60, 120, 240])
def test_a_pulse_is_strongest_at_its_tempo(bpm):
    rate, n = 45.0, np.arange(45 * 20)
    curve = 1 + np.cos(2 * np.pi * bpm / 60 * n / rate)
    state = PulsationState(2, rate)
    for part in np.split(np.stack([curve, 0 * curve], axis=1).astype(np.float32), [100, 500]):
        state.push(part)
    strengths = state.strengths()
    assert tempi()[strengths[:, 0].argmax()] == pytest.approx(bpm, rel=0.08)
    assert strengths[:, 1].max() == 0
    assert np.count_nonzero(strengths[:, 0] > 0.1 * strengths.max()) <= 7  # no harmonics, at most its neighbours


def test_pulsations_do_not_depend_on_how_they_come():
    curves = np.random.default_rng(0).random((1000, 3), dtype=np.float32)
    whole, parts = PulsationState(3, 45.0), PulsationState(3, 45.0)
    whole.push(curves)
    for part in np.split(curves, [1, 359, 360, 361, 800]):
        parts.push(part)
    assert_array_equal(whole.strengths(), parts.strengths())


def test_a_pattern_shorter_than_a_window():
    state = PulsationState(1, 45.0)
    state.push(np.ones((10, 1), np.float32))
    assert np.isfinite(state.strengths()).all()


def test_all_onset_coefficients_keep_distances():
    one, two = np.random.default_rng(0).random((2, 26, 20))
    full = [onset_coefficients(strengths, (26, 20)) for strengths in (one, two)]
    expected = np.linalg.norm(np.log(one + 1e-2) - np.log(two + 1e-2))
    assert np.linalg.norm(full[0] - full[1]) == pytest.approx(expected, rel=1e-5)
    assert onset_coefficients(one, (99, 3)).shape == (78,)


@pytest.mark.parametrize("pitch", [57.0, 60.0, 64.3])
def test_a_sine_has_the_pitch_class_of_its_frequency(pitch):
    t = np.arange(8192) / RATE
    window = hann(8192)
    spectra = np.fft.rfft(np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t) * window * (2 / window.sum()))
    F = pitch_class_spectra(spectra[None].astype(np.complex64), RATE / 8192)
    assert_allclose(F[0], np.exp(-2j * np.pi * np.arange(1, 7) * pitch / 12), atol=0.02)


def test_no_peaks_no_pitch_classes():
    assert_array_equal(pitch_class_spectra(np.zeros((2, 4097), np.complex64), RATE / 8192), 0)
    assert pitch_class_spectra(np.zeros((0, 4097), np.complex64), RATE / 8192).shape == (0, 6)


def chord(*pitches):
    return np.exp(-2j * np.pi / 12 * np.outer(pitches, np.arange(1, 7))).mean(axis=0)


def test_motion_of_a_chord_that_stays_and_of_one_that_moves_by_fifths():
    stays = motion(np.tile(chord(0, 4, 7), (8, 1)), (1, 2))
    m = np.abs(chord(0, 4, 7)) ** 2
    assert_allclose(stays[:6], 0.2 * np.log(np.maximum(m, 1e-6)), rtol=1e-4)
    assert_allclose(stays[6:], [1] * 6 + [0] * 6 + [1] * 6 + [0] * 6, atol=1e-5)
    fifths = motion(np.stack([chord(7 * n, 7 * n + 4, 7 * n + 7) for n in range(9)]), (1,))
    turn = np.exp(2j * np.pi / 12 * 7 * np.arange(1, 7))
    assert_allclose(fifths[6:], [*turn.real, *turn.imag], atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(-6, 6), st.integers(0, 2**32 - 1))
def test_motion_knows_no_key(shift, seed):
    pitches = np.random.default_rng(seed).integers(0, 12, (10, 3))
    one = motion(np.stack([chord(*row) for row in pitches]), (1, 3))
    other = motion(np.stack([chord(*(row + shift)) for row in pitches]), (1, 3))
    assert_allclose(one, other, atol=1e-4)


def test_motion_over_more_than_there_is():
    assert_array_equal(motion(np.ones((2, 6), np.complex64), (5,))[6:], 0)


# -------------------------------------------------------------------------------------------------------- the character


@pytest.fixture(scope="module")
def cadence():
    return character(tune(CADENCE), DEFAULTS)


def test_shapes(cadence):
    assert len(cadence) == 1
    shapes = {name: array.shape for name, array in cadence.arrays.items()}
    assert shapes == {"mean": (1, 20), "covariance": (1, 20, 20), "rhythm": (1, 160), "harmony": (1, 66)}
    assert len(Characters.joined([cadence] * 3)[1:]) == 2


def test_it_does_not_depend_on_loudness_channels_or_blocks(cadence):
    class Pieces:
        sample_rate, channels, frames = RATE, 1, None

        def blocks(self, size, overlap=0):
            yield from tune(CADENCE).blocks(777)

    quiet = character(tune(CADENCE, gain=0.05), DEFAULTS)
    stereo = character(Audio(np.repeat(tune(CADENCE).samples, 2, axis=1), RATE), DEFAULTS)
    for aspect in ASPECTS:
        assert apart(cadence, quiet, aspect) < 0.05
        assert apart(cadence, stereo, aspect) < 0.01
    pieces = character(Pieces(), DEFAULTS)
    for name, array in cadence.arrays.items():
        assert_array_equal(pieces.arrays[name], array)


def test_each_aspect_hears_what_it_is_about(cadence):
    changes = {
        "timbre": character(tune(CADENCE, partials=1), DEFAULTS),
        "harmony": character(tune(MINOR), DEFAULTS),
        "rhythm": character(tune([c for c in CADENCE for _ in range(3)], seconds=0.5 / 3, decay=9), DEFAULTS),
    }
    transposed = character(tune(CADENCE, shift=0.6), DEFAULTS)
    for aspect, changed in changes.items():
        assert apart(cadence, changed, aspect) > 1.3 * apart(cadence, transposed, aspect)
    assert apart(cadence, changes["timbre"], "harmony") < apart(cadence, changes["harmony"], "harmony")
    assert apart(cadence, changes["harmony"], "timbre") < apart(cadence, changes["timbre"], "timbre")
    assert apart(cadence, changes["harmony"], "rhythm") < apart(cadence, changes["rhythm"], "rhythm")


def test_a_moment_and_silence():
    short = character(tune(CADENCE[:1], seconds=0.05), DEFAULTS)
    assert all(np.isfinite(array).all() for array in short.arrays.values())
    for samples in (np.zeros(RATE), np.zeros(0)):
        with pytest.raises(DataError, match="silence"):
            character(Audio(samples, RATE), DEFAULTS)
    with pytest.raises(DataError, match="finite"):
        character(Audio(np.full(RATE, np.nan), RATE), DEFAULTS)


@pytest.mark.parametrize(
    "parameters",
    [
        CharacterParameters(cepstra=0),
        CharacterParameters(cepstra=40),
        CharacterParameters(rhythm_coefficients=(0, 4)),
        CharacterParameters(rhythm_coefficients=(27, 4)),
        CharacterParameters(rhythm_coefficients=(4, 21)),
        CharacterParameters(lags=()),
        CharacterParameters(lags=(-1.0,)),
        CharacterParameters(lags=(1.0, 0.4)),
    ],
)
def test_parameters_outside_their_domain(parameters):
    with pytest.raises(ParameterError):
        character(tune(CADENCE[:1]), parameters)
