import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.errors import DataError, ParameterError
from mirtool.synthesis.instruments import INSTRUMENTS, Struck
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import Rendering, render
from mirtool.types import AudioSource, Notes

RATE = 8000


def notes(*rows):
    columns = np.array(rows, dtype=float).reshape(-1, 4).T
    return Notes(dict(zip(("onset", "offset", "pitch", "velocity"), columns, strict=True)))


CHORDS = notes((0, 0.5, 60, 90), (0, 0.5, 64, 80), (0.3, 0.31, 67.5, 70), (0.9, 2.0, 48, 127), (1.7, 1.7, 72, 20))


def strongest_frequency(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * len(samples)))
    return np.argmax(spectrum) * RATE / (16 * len(samples))


@pytest.mark.parametrize("name", ["piano", "harpsichord", "organ", "strings"])
@pytest.mark.parametrize("pitch", [57, 69, 81.5])
def test_the_pitch_is_right(name, pitch):
    samples = render(notes((0, 1, pitch, 100)), RATE, name).samples[800:7200, 0]
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    ratio = strongest_frequency(samples) / wanted
    assert 1200 * abs(np.log2(ratio / max(round(ratio), 1))) < 6


def test_piano_partials_are_stretched():
    rate, f0 = 44100, 261.63
    samples = Struck(inharmonicity=1e-3).tone(f0, 127, 1.0, rate)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hertz = np.arange(len(spectrum)) * rate / len(samples)
    near = np.abs(hertz - 7 * f0) < 100
    peak = hertz[near][np.argmax(spectrum[near])]
    assert peak == pytest.approx(7 * f0 * np.sqrt(1 + 1e-3 * 49), abs=2)


@pytest.mark.parametrize("name", list(INSTRUMENTS))
def test_onset_level_and_end(name):
    one = notes((0.25, 0.75, 69, 127))
    samples = render(one, RATE, name).samples[:, 0]
    assert not samples[: RATE // 4].any()
    assert np.abs(samples[RATE // 4 : RATE // 4 + 200]).max() > 0.01
    assert np.abs(samples).max() < 0.45
    assert np.abs(samples[-10:]).max() < 2e-3
    softer = render(one.replace(velocity=[40]), RATE, name).samples
    assert np.abs(softer).max() < 0.2 * np.abs(samples).max()


def test_a_struck_string_dies_away_and_a_bowed_one_does_not():
    def ratio(name):
        samples = render(notes((0, 3, 60, 100)), RATE, name).samples[:, 0]
        return np.std(samples[2 * RATE : 3 * RATE]) / np.std(samples[RATE // 5 : RATE])

    assert ratio("piano") < 0.5
    assert ratio("strings") == pytest.approx(1, abs=0.05)


def test_nothing_above_nyquist():
    assert np.abs(render(notes((0, 0.2, 126, 127)), RATE, "piano").samples).max() == 0


def test_the_click_begins_with_its_peak():
    samples = render(notes((0.5, 0.5, 96, 100)), RATE, "click").samples[:, 0]
    assert np.argmax(np.abs(samples)) == RATE // 2


@settings(deadline=None, max_examples=20)
@given(st.integers(50, 30000), st.floats(0, 0.9))
def test_blocks_are_the_whole(size, share):
    source = Rendering(CHORDS, RATE, INSTRUMENTS["piano"])
    assert isinstance(source, AudioSource)
    whole = render(CHORDS, RATE).samples
    overlap = int(share * size)
    blocks = list(source.blocks(size, overlap))
    joined = np.concatenate([blocks[0], *(block[overlap:] for block in blocks[1:])])
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, whole, atol=1e-7)


def test_rendering_is_deterministic_and_independent_of_order():
    backwards = Notes({name: column[::-1] for name, column in CHORDS.columns.items()})
    np.testing.assert_array_equal(render(CHORDS, RATE).samples, render(CHORDS, RATE).samples)
    np.testing.assert_allclose(render(CHORDS, RATE).samples, render(backwards, RATE).samples, atol=1e-7)


@pytest.mark.parametrize("duration", [0.5, 5.0])
def test_duration_cuts_and_pads(duration):
    assert render(CHORDS, RATE, duration=duration).frames == duration * RATE


def test_no_notes_no_sound():
    assert render(notes(), RATE).frames == 0
    assert not render(notes(), RATE, duration=0.1).samples.any()


def test_tuning():
    low, high = (render(notes((0, 1, 69, 100)), RATE, "organ", tuning=t).samples[800:7200, 0] for t in (-100, 0))
    assert strongest_frequency(high) - strongest_frequency(low) == pytest.approx(440 - 415.3, abs=0.5)


def test_what_cannot_be_played():
    with pytest.raises(DataError, match="onset before 0"):
        render(notes((-1, 0, 60, 64)), RATE)
    with pytest.raises(ParameterError, match="no instrument 'kazoo'"):
        render(CHORDS, RATE, "kazoo")
    with pytest.raises(ParameterError, match="sample rate"):
        render(CHORDS, 0)


def test_the_prelude_is_the_prelude():
    score = prelude(bpm=60)
    onsets, pitches = score.notes["onset"], score.notes["pitch"].astype(int)
    first_bar = [60, 64, 67, 72, 76, 67, 72, 76]
    assert pitches[onsets < 2].tolist() == first_bar
    np.testing.assert_allclose(onsets[:16], np.arange(16) / 4)
    assert len(pitches) == 32 * 16 + 2 * 16 + 5
    assert score.notes["offset"].max() == 35 * 4
    assert score.time_signatures == [(0, 4, 4)]
    # the fifth bar before the end of the broken chords stands over the dominant, the last over the tonic
    assert pitches[onsets == 27 * 4].tolist() == [43]
    assert sorted(pitches[onsets == 34 * 4]) == [36, 48, 64, 67, 72]
    assert sorted(set(pitches[(onsets >= 32 * 4) & (onsets < 33 * 4)])) == [36, 48, 50, 53, 57, 60, 65]


def test_a_performance_knows_its_times():
    score = prelude()
    player = Performance(bpm=90, lead=2.0, ritardando=2.0, seed=3, spread=0.004)
    played = perform(score, player)
    beats = score.ticks[:, 0] / score.ticks_per_beat
    error = played["onset"] - player.times(beats, 140)
    assert 0.002 < np.std(error) < 0.006
    assert np.abs(error).max() < 0.00801
    assert np.all(np.diff(player.times(np.arange(141), 140)) > 0)
    assert player.times(0, 140) == 2.0
    assert np.all(played["offset"] > played["onset"])
    assert np.ptp(played["velocity"]) > 20
    np.testing.assert_array_equal(played["onset"], perform(score, player)["onset"])


def test_tempo_of_a_performance():
    steady = Performance(bpm=120, lead=0, rubato=0, ritardando=1, drift=0)
    np.testing.assert_allclose(steady.times([0, 1, 4.5], 10), [0, 0.5, 2.25])
    slower = Performance(bpm=120, lead=0, rubato=0, ritardando=3, ritardando_beats=4, drift=0)
    ends = slower.times([0, 1, 9.999, 10], 10)
    assert ends[1] == pytest.approx(0.5)
    assert (ends[3] - ends[2]) / 0.001 == pytest.approx(1.5, rel=0.05)
    with pytest.raises(ParameterError, match="tempo above 0"):
        Performance(bpm=0).times(1, 2)
