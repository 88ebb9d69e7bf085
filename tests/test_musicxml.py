import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mirtool.errors import DataError, FormatError, MissingPart
from mirtool.io import musicxml
from mirtool.io.options import ReadOptions
from mirtool.types import Score

pytest.importorskip("partitura", reason="the extra 'score' is not installed")

ATTRIBUTES = (
    "<attributes><divisions>2</divisions><key><fifths>-1</fifths></key>"
    "<time><beats>2</beats><beat-type>4</beat-type></time>{more}</attributes>"
)


def note(step: str, duration: int = 2, octave: int = 4, more: str = "", before: str = "") -> str:
    alter = f"<alter>{1 if step[1] == '#' else -1}</alter>" if len(step) > 1 else ""
    pitch = f"<pitch><step>{step[0]}</step>{alter}<octave>{octave}</octave></pitch>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{before}{pitch}{length}{more}<voice>1</voice></note>"


def part(measures: list[str], identifier: str = "P1", more: str = "") -> str:
    first = ATTRIBUTES.format(more=more)
    body = "".join(
        f'<measure number="{number + 1}">{first if number == 0 else ""}{measure}</measure>'
        for number, measure in enumerate(measures)
    )
    return f'<part id="{identifier}">{body}</part>'


def document(*parts: str, root: str = "score-partwise") -> bytes:
    names = "".join(
        f'<score-part id="P{k + 1}"><part-name>Part {k + 1}</part-name><score-instrument id="I{k}">'
        f'<instrument-name>x</instrument-name></score-instrument><midi-instrument id="I{k}">'
        f"<midi-program>{k + 41}</midi-program></midi-instrument></score-part>"
        for k in range(len(parts))
    )
    head = f'<?xml version="1.0" encoding="UTF-8"?><{root} version="3.1"><part-list>{names}</part-list>'
    return f"{head}{''.join(parts)}</{root}>".encode()


def opened(data: bytes) -> Score:
    return musicxml.read(io.BytesIO(data), "piece.musicxml", ReadOptions())


def table(score: Score) -> list[tuple[float, float, int]]:
    """Return onset and offset in quarter notes and the pitch of each note."""
    places = score.ticks / score.ticks_per_beat
    return [(onset, offset, int(pitch)) for (onset, offset), pitch in zip(places, score.notes["pitch"], strict=True)]


def melody(score: Score) -> list[int]:
    return [int(pitch) for pitch in score.notes["pitch"]]


FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'


def ending(number: int, back: bool) -> tuple[str, str]:
    repeat = '<repeat direction="backward"/>' if back else ""
    return (
        f'<barline location="left"><ending number="{number}" type="start"/></barline>',
        f'<barline location="right"><ending number="{number}" type="stop"/>{repeat}</barline>',
    )


def test_notes_chords_ties_and_default_tempo():
    tied = note("G", 2, more='<tie type="start"/>') + note("E", before="<chord/>")
    score = opened(document(part([note("C") + tied, note("G", 1, more='<tie type="stop"/>') + note("Bb", 3)])))
    assert table(score) == [(0, 1, 60), (1, 2, 64), (1, 2.5, 67), (2.5, 4, 70)]
    np.testing.assert_allclose(score.notes["offset"], [0.5, 1, 1.25, 2])
    assert score.time_signatures == [(0, 2, 4)]
    assert score.notes["velocity"].tolist() == [80] * 4
    assert score.messages[0][:2] == ((0, b"\xff\x03Part 1"), (0, b"\xc0\x28"))
    assert (0, b"\xff\x59\xff\x00") in score.messages[0]


def test_tempo_of_sound_and_of_metronome_mark():
    sound = '<direction><direction-type><words>Allegro</words></direction-type><sound tempo="90"/></direction>'
    mark = (
        "<direction><direction-type><metronome><beat-unit>half</beat-unit><beat-unit-dot/>"
        "<per-minute>40</per-minute></metronome></direction-type></direction>"
    )
    score = opened(document(part([sound + note("C", 4), mark + note("D", 4)])))
    assert score.tempo_map.changes == ((0, 666_667), (2 * score.ticks_per_beat, 500_000))


def test_repeats_endings_and_the_tempo_within():
    start, stop = ending(1, back=True)
    second_start, second_stop = ending(2, back=False)
    slow = '<direction><direction-type><words>x</words></direction-type><sound tempo="60"/></direction>'
    measures = [
        note("C", 4),
        FORWARD + note("D", 4),
        start + slow + note("E", 4) + stop,
        second_start + note("F", 4) + second_stop,
    ]
    score = opened(document(part(measures)))
    assert melody(score) == [60, 62, 64, 62, 65]
    np.testing.assert_allclose(score.notes["onset"], [0, 1, 2, 4, 6])


def test_da_capo_al_fine_skips_repeats_and_counts_for_all_parts():
    fine = '<direction><direction-type><words>Fine</words></direction-type><sound fine="yes"/></direction>'
    capo = '<direction><direction-type><words>D.C.</words></direction-type><sound dacapo="yes"/></direction>'
    top = part([note("C", 4) + BACKWARD, note("D", 4) + fine, note("E", 4) + capo])
    below = part([note("C", 4, 3) + BACKWARD, note("D", 4, 3), note("E", 4, 3)], "P2")
    score = opened(document(top, below))
    assert [pitch for pitch in melody(score) if pitch >= 60] == [60, 60, 62, 64, 60, 62]
    assert [pitch + 12 for pitch in melody(score) if pitch < 60] == [60, 60, 62, 64, 60, 62]


def test_grace_notes_sound_before_their_main_note():
    graces = note("D", 0, before="<grace/>") + note("E", 0, before="<grace/>")
    assert table(opened(document(part([note("C") + graces + note("F")])))) == [
        (0, 1, 60),
        (0.75, 0.875, 62),
        (0.875, 1, 64),
        (1, 2, 65),
    ]
    assert table(opened(document(part([graces + note("F", 4)]))))[0] == (0, 0.125, 62)


def test_transposing_instruments_sound():
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    bass = "<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    score = opened(document(part([note("C", 4)], more=clarinet), part([note("C", 4)], "P2", more=bass)))
    assert melody(score) == [48, 58]
    assert score.notes["track"].tolist() == [1, 0]
    assert score.notes["channel"].tolist() == [1, 0]
    assert score.notes["program"].tolist() == [41, 40]


def test_a_transposition_that_changes():
    change = "<attributes><transpose><diatonic>-2</diatonic><chromatic>-3</chromatic></transpose></attributes>"
    first = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    assert melody(opened(document(part([note("C", 4), change + note("C", 4)], more=first)))) == [58, 57]


def test_an_upbeat_begins_at_zero():
    upbeat = note("C") + "</measure><measure number='1'>" + note("D", 4)
    data = document(part([upbeat])).replace(b'<measure number="1">', b'<measure number="0" implicit="yes">')
    assert table(opened(data)) == [(0, 1, 60), (1, 3, 62)]


def test_compressed():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a/score.xml"/></rootfiles></container>',
        )
        archive.writestr("a/score.xml", document(part([note("C")])))
    assert melody(opened(stream.getvalue())) == [60]


def test_timewise():
    first = f'<part id="P1">{ATTRIBUTES.format(more="")}{note("C", 4)}</part>'
    second = f'<part id="P1">{note("D", 4)}</part>'
    measures = f'<measure number="1">{first}</measure><measure number="2">{second}</measure>'
    data = document("", root="score-timewise").replace(b"</score-timewise>", f"{measures}</score-timewise>".encode())
    assert melody(opened(data)) == [60, 62]


def test_nothing_is_printed(capfd):
    slur = '<notations><slur type="stop" number="1"/></notations>'
    opened(document(part([note("C", more=slur)])))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "damaged MusicXML"),
        (document(part([note("C")]))[:300], "damaged MusicXML"),
        (b"<html><body/></html>", "not MusicXML .root element html"),
        (b"PK\x03\x04" + bytes(50), "damaged MusicXML"),
        (document(part([note("C").replace("<step>C", "<step>?")])), "cannot be read as MusicXML"),
    ],
)
def test_what_is_no_musicxml(data, message):
    with pytest.raises(FormatError, match=message):
        opened(data)


def test_no_notes():
    with pytest.raises(DataError, match="no notes"):
        opened(document(part(["<note><rest/><duration>4</duration></note>"])))


def test_missing_partitura_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "partitura", None)
    with pytest.raises(MissingPart, match=r"pip install 'mirtool\[score\]'"):
        opened(document(part([note("C")])))


def test_partitura_is_imported_only_to_read():
    code = "import sys, mirtool.io.musicxml; sys.exit('partitura' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
