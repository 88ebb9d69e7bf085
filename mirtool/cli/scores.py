"""Reading the scores of the instruments in a recording."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import FormatError

if TYPE_CHECKING:
    from mirtool.decomposition.parameters import ScoreParameters
    from mirtool.decomposition.scores.constraints import ScorePart
    from mirtool.types import AudioSource, Notes, Score

SCORES = Option(
    "Score of one instrument (MIDI, MusicXML or a table of notes); a single one: each of its tracks.",
    metavar="FILE",
    repeat=True,
    files=True,
)


def fitted_parts(
    job: Job, source: "AudioSource", files: Sequence[str], start: float, parameters: "ScoreParameters"
) -> "list[ScorePart]":
    """Read scores as `read_parts` does, align them with the sound where that is better, and find the drums."""
    from mirtool.decomposition.scores.alignment import aligned
    from mirtool.decomposition.scores.drums import with_drums

    given = read_parts(job, files, start)
    moved = aligned(source, given, parameters)
    if any(new is not old for new, old in zip(moved, given, strict=True)):
        job.log("the scores are aligned with the sound")
    parts = with_drums(source, moved)
    for new, old in zip(parts, moved, strict=True):
        if new is not old:
            job.log(f"{new.name}: sounds like drums")
    return parts


def read_parts(job: Job, files: Sequence[str], start: float = 0.0) -> "list[ScorePart]":
    """Read scores: of several files each is a part, called as the file; of one alone each track is.

    Parameters
    ----------
    job : Job
    files : sequence of str
        MIDI, MusicXML or tables of notes.
    start : float
        Where the sound begins in the time of the scores (s).

    Raises
    ------
    FormatError
        There is no note.
    """
    from mirtool.decomposition.scores.constraints import ScorePart
    from mirtool.types import Score

    parts: list[ScorePart] = []
    for file in files:
        content = job.read_file(file, "score", "notes")
        notes: Notes = content.notes if isinstance(content, Score) else content
        if not len(notes):
            raise FormatError("no notes", file)
        stem = os.path.splitext(os.path.basename(file))[0] if file != "-" else "score"
        if len(files) == 1 and isinstance(content, Score) and "track" in notes:
            parts.extend(ScorePart(name, of_track) for name, of_track in _tracks(content, stem))
        else:
            parts.append(ScorePart(stem, notes))
    return [
        ScorePart(part.name, part.notes.replace(onset=part.notes["onset"] - start, offset=part.notes["offset"] - start))
        for part in parts
    ]


def _tracks(score: "Score", stem: str) -> "list[tuple[str, Notes]]":
    """Return names and notes of the tracks that have any; a single one is called as the file."""
    import numpy as np

    track = score.notes["track"].astype(np.int64)
    numbers = np.unique(track).tolist()
    if len(numbers) == 1:
        return [(stem, score.notes)]
    names: list[str] = []
    for place, number in enumerate(numbers, 1):
        name = _name(score, number) or f"track-{place}"
        names.append(f"{name}-{place}" if name in names else name)
    chosen = [track == number for number in numbers]
    return [(name, score.notes.take(kept)) for name, kept in zip(names, chosen, strict=True)]


def _name(score: "Score", track: int) -> str:
    """Return the name of a track, fit for a file; empty if it has none."""
    messages = score.messages[track] if track < len(score.messages) else ()
    raw = next((data[2:] for _, data in messages if data[:2] == b"\xff\x03"), b"")
    text = raw.decode("utf-8", "replace").strip().strip("\0.")
    return "".join(letter if letter.isprintable() and letter not in '/\\:*?"<>|' else "_" for letter in text)
