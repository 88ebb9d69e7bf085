from functools import cache

import numpy as np
import pytest
from performances import compiled

from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import Constraints, ScorePart
from mirtool.decomposition.scores.note_editing import edited, edited_notes, layers
from mirtool.decomposition.scores.note_edits import Edits, Treatment, plan, unchanged
from mirtool.decomposition.scores.note_selection import choose, parse, table_of
from mirtool.errors import ParameterError
from mirtool.signal.pitch_shift import shift_pitch
from mirtool.synthesis.render import render
from mirtool.types import Audio, AudioSource, Notes

RATE = 22050
SECONDS = 6.0
QUICK = ScoreParameters(rounds=15)
# A melody above broken chords: onset, duration, pitch, hand.
ROWS = [(0.5 + 0.5 * n, 0.45, pitch, 0) for n, pitch in enumerate((72, 74, 76, 77, 79, 77, 74, 72))]
ROWS += [(0.5 + 0.25 * n, 0.4, pitch, 1) for n, pitch in enumerate((48, 55, 60, 64) * 2 + (43, 55, 59, 62) * 2)]


def notes_of(rows):
    onset, duration, pitch, _ = np.array(rows).reshape(-1, 4).T
    return Notes({"onset": onset, "offset": onset + duration, "pitch": pitch, "velocity": np.full(len(pitch), 80.0)})


PARTS = [ScorePart(name, notes_of([row for row in ROWS if row[3] == hand])) for hand, name in enumerate("rl")]
TABLE = table_of(PARTS)


@cache
def sound(*chosen):
    """Return the sound of the notes of these places."""
    if not chosen:
        return np.zeros((int(RATE * SECONDS), 1), np.float32)
    return render(notes_of([ROWS[place] for place in chosen]), RATE, "piano", SECONDS).samples


EVERY = tuple(range(len(ROWS)))


def edit(source=None, rounds=QUICK, **operations):
    source = Audio(sound(*EVERY), RATE) if source is None else source
    return collected(edited(source, PARTS, plan(TABLE, edits(**operations)), rounds))


def edits(**operations):
    return Edits(**{name: read(value) for name, value in operations.items()})


def read(value):
    return [parse(value)] if isinstance(value, str) else [(parse(value[0]), value[1])]


def collected(result):
    assert isinstance(result, AudioSource)
    return np.concatenate(list(result.blocks(50_000)))


def sdr(truth, found):
    return 10 * np.log10(np.sum(truth**2) / np.sum((truth - found) ** 2))


def split(text):
    """Return the sound of what a selection leaves, and of what it means."""
    chosen = choose(parse(text), TABLE)
    return sound(*np.flatnonzero(~chosen).tolist()), sound(*np.flatnonzero(chosen).tolist())


@compiled
@pytest.mark.parametrize("text", ["pitch=D5", "track=2", "time=2..3", "voice=top", "track=2,pitch=C4..,time=1..2"])
def test_muted_and_soloed_notes(text):
    rest, part = split(text)
    mixture = sound(*EVERY)
    muted = edit(mute=text)
    assert sdr(rest, muted) > max(12, sdr(rest, mixture) + 6)
    assert sdr(part, edit(solo=text)) > 10
    np.testing.assert_allclose(edit(solo=text) + muted, mixture, atol=1e-6)


@compiled
def test_gain_shift_and_move():
    rest, part = split("pitch=D5")
    assert sdr(rest + part * 10 ** (-9 / 20), edit(gain=("pitch=D5", -9.0))) > 20
    late = np.concatenate((np.zeros((5512, 1), np.float32), part[:-5512]))
    assert sdr(rest + late, edit(move=("pitch=D5", 0.25))) > 18
    early = np.concatenate((part[5512:], np.zeros((5512, 1), np.float32)))
    assert sdr(rest + early, edit(move=("pitch=D5", -0.25))) > 18
    shifted = rest.copy()
    for place in (1, 6):
        shifted += shift_pitch(sound(place), RATE, 2, round(ROWS[place][0] * RATE))
    assert sdr(shifted, edit(shift_pitch=("pitch=D5", 2.0))) > 12


@compiled
def test_what_is_not_edited_stays_bit_for_bit():
    mixture, muted = sound(*EVERY), edit(mute="time=2..2.4")
    for operation in ({"mute": "time=2..2.4"}, {"shift_pitch": ("time=2..2.4", 1.0)}, {"move": ("time=2..2.4", 0.1)}):
        result = edit(**operation)
        assert result.shape == mixture.shape
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result[: int(1.8 * RATE)], mixture[: int(1.8 * RATE)])
        np.testing.assert_array_equal(result[int(3.2 * RATE) :], mixture[int(3.2 * RATE) :])
    assert np.abs(muted - mixture).max() > 0.01


@compiled
def test_what_no_note_explains_stays_where_no_note_is():
    noise = np.random.default_rng(0).normal(0, 0.01, (int(RATE * SECONDS), 1)).astype(np.float32)
    with_noise = Audio(sound(*EVERY) + noise, RATE)
    muted = edit(with_noise, mute="track=1")
    np.testing.assert_allclose(muted[: RATE // 4], with_noise.samples[: RATE // 4], atol=1e-4)
    soloed = edit(with_noise, solo="track=1")
    assert np.abs(soloed[: RATE // 4]).max() < 1e-4


@compiled
def test_channels_keep_their_balance_and_blocks_do_not_matter():
    stereo = Audio(sound(*EVERY) * np.array([1.0, 0.5], np.float32), RATE)
    result = edited(stereo, PARTS, plan(TABLE, edits(shift_pitch=("track=1", -1.0))), QUICK)
    whole = collected(result)
    np.testing.assert_allclose(whole[:, 1], 0.5 * whole[:, 0], atol=1e-5)
    assert (result.sample_rate, result.channels, result.frames) == (RATE, 2, stereo.frames)
    np.testing.assert_array_equal(np.concatenate(list(result.blocks(777))), whole)


@compiled
def test_silence_stays_silence():
    silence = Audio(np.zeros((RATE, 1)), RATE)
    for operation in ({"mute": "pitch=D5"}, {"shift_pitch": ("pitch=D5", 1.0)}):
        assert not edit(silence, **operation).any()


def test_a_plan_adds_up_what_options_say():
    found = plan(
        TABLE,
        Edits(
            mute=[parse("pitch=C5")],
            gain=[(parse("track=1"), 6.0), (parse("pitch=D5"), -6.0)],
            shift_pitch=[(parse("pitch=D5"), 1.0), (parse("track=1"), 1.0)],
            move=[(parse("time=4..,track=1"), 0.5)],
        ),
    )
    treatments = [found.treatments[group] for group in found.group]
    assert found.treatments[0] == Treatment()
    assert treatments[0] == treatments[7] == Treatment(gain=0.0)  # whatever else was said of C5
    assert treatments[1] == Treatment(1.0, 2.0)
    assert treatments[2] == Treatment(10 ** (6 / 20), 1.0)
    assert treatments[8:] == [Treatment()] * 16
    assert found.edited.tolist() == [True] * 8 + [False] * 16
    assert unchanged(found).edited.tolist() == [False] * 24


def test_a_solo_silences_what_no_note_explains_too():
    found = plan(TABLE, Edits(solo=[parse("track=1"), parse("pitch=C3")], mute=[parse("pitch=D5")]))
    assert found.treatments[0] == Treatment(gain=0.0)
    gains = [found.treatments[group].gain for group in found.group]
    assert gains[:8] == [1, 0, 1, 1, 1, 1, 0, 1]
    assert [gain for gain, row in zip(gains[8:], ROWS[8:], strict=True) if row[2] == 48] == [1, 1]
    assert sum(gains[8:]) == 2


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ({"mute": "pitch=C8"}, "--mute: no note of the score meets 'pitch=C8'"),
        ({"gain": ("track=1", 61.0)}, "--gain: 61 dB are more than 60"),
        ({"shift_pitch": ("track=1", -40.0)}, "--shift-pitch: 40 semitones are more than 36"),
        ({"move": ("track=1", -1.0)}, "--move: the note at 0.500 s would begin before 0 s"),
    ],
)
def test_what_cannot_be_done_is_told(operations, message):
    with pytest.raises(ParameterError, match=message):
        plan(TABLE, edits(**operations))


def test_notes_that_sound_at_once_are_shifted_apart():
    constraints = Constraints(PARTS, QUICK)
    found, place = layers(constraints, plan(TABLE, edits(shift_pitch=("track=2", 1.0))), QUICK)
    assert [layer.treatment.shift for layer in found] == [0] + [1] * (len(found) - 1)
    assert len(found) > 2
    for number, layer in enumerate(found[1:], 1):
        assert len(layer.spans) == np.sum(place == number)
        assert np.all(layer.spans[1:, 1] >= layer.spans[:-1, 2])
        np.testing.assert_array_equal(layer.spans[:, 0], constraints.onset[place == number])


def test_the_notes_after_an_edit():
    found = plan(
        TABLE,
        Edits(
            mute=[parse("track=2")],
            gain=[(parse("pitch=E5"), -40 * np.log10(2))],
            shift_pitch=[(parse("pitch=C5"), 0.5)],
            move=[(parse("pitch=C5"), 0.25)],
        ),
    )
    notes, changed = edited_notes(PARTS, found)
    assert notes["pitch"].tolist() == [72.5, 74, 76, 77, 79, 77, 74, 72.5]
    assert notes["onset"].tolist() == [0.75, *(row[0] for row in ROWS[1:7]), 4.25]
    assert notes["velocity"].round(6).tolist() == [80, 80, 40, 80, 80, 80, 80, 80]
    assert changed.tolist() == [True, False, True, False, False, False, False, True]
