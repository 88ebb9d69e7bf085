"""`mirtool edit`."""

from typing import TYPE_CHECKING, Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.errors import ParameterError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirtool.decomposition.scores.constraints import ScorePart
    from mirtool.decomposition.scores.note_editing import Edited
    from mirtool.decomposition.scores.note_edits import Amount, Plan
    from mirtool.decomposition.scores.note_selection import Selection
    from mirtool.types import AudioSource, Notes


@command(many("X", "audio", "audio"), writes="audio", plots=True)
def edit(
    job: Job,
    parameters: ScoreParameters,
    score: Annotated[
        tuple[str, ...],
        Option(
            "Score of the recording (MIDI, MusicXML or a table of notes); of several, each is a track.",
            metavar="FILE",
            repeat=True,
            files=True,
        ),
    ] = (),
    solo: Annotated[tuple[str, ...], Option("Silence all but these notes.", metavar="SELECTION", repeat=True)] = (),
    mute: Annotated[tuple[str, ...], Option("Silence these notes.", metavar="SELECTION", repeat=True)] = (),
    gain: Annotated[
        tuple[str, ...],
        Option("Make these notes louder, or softer.", metavar="SELECTION:DB", unit="dB", repeat=True),
    ] = (),
    shift_pitch: Annotated[
        tuple[str, ...],
        Option("Change the pitch of these notes.", metavar="SELECTION:N", unit="semitones", repeat=True),
    ] = (),
    move: Annotated[
        tuple[str, ...],
        Option("Move these notes in time.", metavar="SELECTION:S", unit="seconds", repeat=True),
    ] = (),
    write_score: Annotated[str | None, Option("Write the notes as they are after the edit.", output=".mid")] = None,
) -> None:
    """Edit single notes of a recording whose score is known.

    A selection is one or more of these conditions, with commas in between, all of which must hold:
    track=2 or track=NAME, counted from 1 or called as the score calls it;
    channel=3 of MIDI, 1 to 16;
    pitch=C5 or pitch=C4..G5 or pitch=60, where C4 is 60 (F#3, Bb5);
    time=10..12.5, notes that begin there, in seconds of the recording, the end not included;
    voice=top or voice=bottom, the highest or lowest notes, of the track if one is named.
    A range may lack an end: time=60.. is from there on. An amount follows behind a colon: pitch=C5:+2.

    Options may be given several times: selections of --solo and --mute add up, and so do amounts. Whatever the order on
    the command line, they hold in this one: solo, mute, gain, shift, move; and all speak of the notes of the score.

    The score is aligned with the recording first if it then fits better. Each note is given its share of the
    spectrogram; what no edit selects stays as it is, bit for bit. Channels, level, length and sample rate stay, too. A
    shift keeps the duration of notes, not their formants: voices change their character beyond a few semitones.

    For example:
        mirtool edit prelude.wav --score prelude.mid --shift-pitch 'pitch=C5:+2' -o edited.wav
        mirtool edit trio.wav --score violin.mid --score piano.mid --mute track=violin -o - | mirtool onsets -
        mirtool edit take.wav --score take.mid --solo 'voice=top,time=10..20' --gain 'pitch=C4..:-6' -o melody.wav

    Paper: Driedger, Grohganz, Prätzlich, Ewert, Müller (2013), Score-informed audio decomposition and applications.
    """
    from mirtool.cli.scores import fitted_parts
    from mirtool.decomposition.scores.note_editing import edited, edited_notes
    from mirtool.decomposition.scores.note_edits import Edits, plan
    from mirtool.decomposition.scores.note_selection import table_of

    wanted = Edits(
        _selections("--solo", solo),
        _selections("--mute", mute),
        _amounts("--gain", gain),
        _amounts("--shift-pitch", shift_pitch),
        _amounts("--move", move),
    )
    if not wanted:
        raise UsageProblem("nothing to do: give --solo, --mute, --gain, --shift-pitch or --move")
    if not score:
        raise UsageProblem("notes are known from a score: give --score FILE")
    source, start = job.read_from_zero()
    parts = fitted_parts(job, source, score, start, parameters)
    notes = table_of(parts, start)
    planned = plan(notes, wanted)
    job.log(f"{int(planned.edited.sum())} of {len(notes)} notes are edited")
    result = edited(source, parts, planned, parameters)
    if job.plan.plot is None:
        job.write(result)
    else:
        _write_and_draw(job, source, result, parts, planned, start)
    if write_score is not None:
        job.write_as(_from(edited_notes(parts, planned)[0], start), write_score)


def _from(notes: "Notes", start: float) -> "Notes":
    """Return notes of an excerpt with the times of the whole."""
    return notes.replace(onset=notes["onset"] + start, offset=notes["offset"] + start)


def _write_and_draw(
    job: Job, source: "AudioSource", result: "Edited", parts: "list[ScorePart]", planned: "Plan", start: float
) -> None:
    from mirtool.blocks import CHUNK
    from mirtool.decomposition.scores.note_editing import edited_notes
    from mirtool.decomposition.scores.note_edits import unchanged
    from mirtool.plots.editing import editing_figure
    from mirtool.signal.overview import Watched

    before, after = Watched(source), Watched(result)
    job.write(after)
    for _ in before.blocks(CHUNK):
        pass
    (notes, _), (notes_after, changed) = edited_notes(parts, unchanged(planned)), edited_notes(parts, planned)
    tables = (_from(notes, start), _from(notes_after, start))
    marks = (planned.edited, changed)
    sounds = (before.spectrogram(), after.spectrogram())
    job.plot(lambda: editing_figure(sounds, tables, marks, start))


def _selections(flag: str, texts: "Sequence[str]") -> "tuple[Selection, ...]":
    from mirtool.decomposition.scores.note_selection import parse

    try:
        return tuple(parse(text) for text in texts)
    except ParameterError as error:
        raise UsageProblem(f"{flag}: {error}") from None


def _amounts(flag: str, texts: "Sequence[str]") -> "tuple[Amount, ...]":
    from mirtool.decomposition.scores.note_selection import parse_amount

    try:
        return tuple(parse_amount(text) for text in texts)
    except ParameterError as error:
        raise UsageProblem(f"{flag}: {error}") from None
