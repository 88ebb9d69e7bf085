import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirtool.errors import ParameterError
from mirtool.symbolic.typed import parse


def table(text: str) -> list[tuple[float, float, float]]:
    notes = parse(text)
    return list(zip(*(notes[name].tolist() for name in ("onset", "offset", "pitch")), strict=True))


def test_names_numbers_durations_and_rests():
    assert table("C5 c#5:2 - Bb3:1/2 60:.5") == [
        (0, 0.5, 72), (0.5, 1.5, 73), (2, 2.25, 58), (2.25, 2.5, 60)
    ]  # fmt: skip


def test_chords_sound_together_and_a_pitch_once():
    assert table("C4+E4+G4:2 G♭4+F#4") == [(0, 1, 60), (0, 1, 64), (0, 1, 67), (1, 1.5, 66)]


def test_bar_lines_and_commas_are_for_the_eye():
    assert table("C4, D4 | E4,F4|") == table("C4 D4 E4 F4")


def test_thirds_do_not_accumulate():
    notes = parse(" ".join(["A4:1/3"] * 300 + ["B4"]))
    assert notes["onset"][-1] == 50.0


def test_a_note_that_begins_below_octave_zero():
    assert table("C-1:4") == [(0, 2, 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C5 H5 E5", "'H5' is no pitch such as C4"),
        ("C5 D5:x", r"'D5:x': 'x' is no duration such as 2, 0.5 or 1/3"),
        ("C5:", "'C5:': '' is no duration"),
        ("C5:1/0", "'C5:1/0': '1/0' is no duration"),
        ("C5:0", "'C5:0': 0 beats last too short"),
        ("C5:1001", "'C5:1001': 1001 beats last too long"),
        ("C4+", r"'C4\+': '' is no pitch"),
        ("G#9", "'G#9': G#9 lies outside of the pitches 0 to 127"),
        ("-:2 -", "no note in '-:2 -'"),
        ("", "no note in ''"),
        ("C5 -:1:2", "'-:1:2': '1:2' is no duration"),
        ("C٣", "'C٣' is no pitch"),
    ],
)
def test_errors_name_the_token(text, message):
    with pytest.raises(ParameterError, match=f"^typed notes: {message}"):
        parse(text)


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(1, 8)), min_size=1, max_size=20))
def test_what_is_typed_is_what_sounds(rows):
    notes = parse(" ".join(f"{pitch}:{quarters}/4" for pitch, quarters in rows))
    assert notes["pitch"].tolist() == [pitch for pitch, _ in rows]
    lengths = np.array([quarters for _, quarters in rows]) / 8
    np.testing.assert_allclose(notes["offset"], np.cumsum(lengths))
    np.testing.assert_allclose(notes["onset"], np.cumsum(lengths) - lengths)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused_in_words(text):
    with contextlib.suppress(ParameterError):
        assert len(parse(text))
