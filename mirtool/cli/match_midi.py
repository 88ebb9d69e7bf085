"""`mirtool match-midi`."""

import os
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, search_in
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.symbolic.parameters import GradedParameters, MatchParameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirtool.cli.corpus import Found
    from mirtool.symbolic.points import PointSet
    from mirtool.symbolic.searching import Occurrence
    from mirtool.types import Table

READS = ("score", "notes")


@command(
    search_in(
        Argument("QUERY", "MIDI, MusicXML or a table of notes", READS),
        Argument("CORPUS", "where to look: files of the same kinds, and folders of them", READS),
        instead=("notes",),
    ),
    writes="table",
    plots=True,
)
def match_midi(
    job: Job,
    parameters: MatchParameters,
    grading: GradedParameters,
    notes: Annotated[
        str | None,
        Option("Search for these notes instead of QUERY: 'C5 D5 E5:2 - G4+E4', with durations in beats, - a rest."),
    ] = None,
    track: Annotated[
        int | None, Option("Take this track of QUERY alone, counted from 1.", metavar="N", least=1)
    ] = None,
    channel: Annotated[int | None, Option("Take this channel of QUERY alone, 1 to 16.", metavar="N", least=1)] = None,
    count: Annotated[bool, Option("Write how many hits each file has, and the score of the best.")] = False,
    extract: Annotated[
        str | None,
        Option(
            "Write the notes of each hit, and what else sounds, as DIR/001.mid, 002.mid and so on, best first.",
            metavar="DIR",
            folder=True,
        ),
    ] = None,
) -> None:
    """Find where notes occur in MIDI files and scores.

    Columns: file,start,end,score,transposition,tempo_ratio,notes,bar,beat,form

    The query, a melody or several voices, is laid on the piano roll of each file wherever enough notes agree, in any
    key, at half to double the tempo. The score is the mean worth of its notes: 1 for a note in place, less for one that
    is early, late, off by some semitones, or of another length than the rest suggests, and where further notes of the
    same voice come between; 0 for one that is missing. Without --min-score, hits count that score 0.75 of the best or
    more, and 0.5 at least. Hits share no notes. notes: how many of the query were found. bar and beat, from 1, where
    the file has time signatures.

    The methods of the literature compare onsets exactly, in musical time if query and file have it: P1 finds all
    notes, P2 and SIAM as many as possible, P3 the longest common time, S1 and S2 at any tempo, W1 and W2 with each
    spacing longer or shorter.

    With --index FILE a corpus is kept ready for many searches: those files are searched that share most with the query,
    three notes at a time, 300 at most. Drums, P3 and queries of two notes are sought in all files.

    For example:
        mirtool match-midi subject.mid fugues/ --top 10
        mirtool match-midi --notes 'G4:1/2 G4:1/2 G4:1/2 Eb4:2' symphony.mid --plot hits.png
        mirtool match-midi song.mid songs/ --track 2 --start 12 --duration 8 --count

    Paper: Ukkonen, Lemström, Mäkinen (2003), Geometric algorithms for transposition invariant content-based music
    retrieval; Lemström (2010), Towards more robust geometric content-based music retrieval.
    """
    from mirtool.cli.corpus import search
    from mirtool.symbolic.matching import check
    from mirtool.symbolic.note_index import LAYOUT
    from mirtool.symbolic.parameters import NoteIndexParameters
    from mirtool.symbolic.searching import in_index, in_pieces

    check(parameters, grading)
    with search(job, LAYOUT, NoteIndexParameters()) as found:
        queries = _queries(found, notes, track, channel, drums=parameters.drums)
        if extract is not None and len(queries) != 1:
            raise UsageProblem("--extract writes the hits of one query")
        least = job.plan.search.min_score if job.plan.search is not None else None
        if found.index is not None:
            hits = [in_index(query, found.index, parameters, grading, least) for query in queries]
        else:
            hits = in_pieces(queries, found.entries(), parameters, grading, least)
        found.write([(_counts if count else _table)(of_query) for of_query in hits])
        if extract is not None:
            _write_hits(job, hits[0], extract)
        if hits:
            job.plot(lambda: _figure(job, queries[0], hits[0]))


def _queries(
    found: "Found[Any]", typed: str | None, track: int | None, channel: int | None, *, drums: bool
) -> "list[PointSet]":
    from mirtool.symbolic.points import points_of
    from mirtool.symbolic.searching import selected
    from mirtool.symbolic.typed import parse

    def prepared(container: Any) -> "PointSet":
        return selected(points_of(container), drums=drums, track=track, channel=channel)

    return [query.container for query in found.queries(prepared)] if typed is None else [prepared(parse(typed))]


def _table(hits: "Sequence[Occurrence]") -> "Table":
    import numpy as np

    from mirtool.cli.job import readable
    from mirtool.types import Table

    def column(name: str) -> Any:
        return np.array([float(getattr(found.hit, name)) for found in hits])

    return Table(
        {
            "file": np.array([readable(found.file) for found in hits], object),
            **{name: column(name) for name in ("start", "end", "score", "transposition", "tempo_ratio")},
            "notes": np.array([float((found.hit.partners >= 0).sum()) for found in hits]),
            "bar": np.array([found.bar for found in hits], np.float64),
            "beat": np.array([found.beat for found in hits], np.float64),
            "form": np.array([found.hit.form for found in hits], object),
        }
    )


def _counts(hits: "Sequence[Occurrence]") -> "Table":
    import numpy as np

    from mirtool.cli.job import readable
    from mirtool.types import Table

    best: dict[str, float] = {}
    number: dict[str, float] = {}
    for found in hits:
        best.setdefault(found.file, found.hit.score)
        number[found.file] = number.get(found.file, 0.0) + 1
    return Table(
        {
            "file": np.array([readable(name) for name in best], object),
            "score": np.array(list(best.values()), np.float64),
            "count": np.array([number[name] for name in best], np.float64),
        }
    )


def _notes_of(job: Job, name: str) -> Any:
    """Read the notes of a piece."""
    from mirtool.types import Score

    container = job.read_file(name, *READS)
    return container.notes if isinstance(container, Score) else container


def _write_hits(job: Job, hits: "Sequence[Occurrence]", folder: str) -> None:
    """Write what sounds while each hit does, each file whole or not at all."""
    import functools

    from mirtool.io.excerpts import excerpt, from_zero

    top = job.plan.search.top if job.plan.search is not None else None
    read = functools.lru_cache(maxsize=8)(functools.partial(_notes_of, job))
    for number, found in enumerate(hits[:top], 1):
        start, length = found.hit.start, found.hit.end - found.hit.start
        passage = from_zero(excerpt(read(found.file), start - 1e-6, length), start, length)
        job.write_as(passage, os.path.join(folder, f"{number:03d}.mid"), format="midi")


def _figure(job: Job, query: "PointSet", hits: "Sequence[Occurrence]") -> Any:
    """Draw the query, and the file of the best hit with its hits."""
    import numpy as np

    from mirtool.plots.matches import Box, matches_figure
    from mirtool.types import Notes

    asked = Notes({**query.arrays(), "velocity": np.full(len(query), 100)}).without("track", "channel", "beat")
    if not hits:
        return matches_figure(asked, None, [], "")
    name = hits[0].file
    boxes = [
        Box(each.hit.start, each.hit.end, each.lowest, each.highest, each.hit.score)
        for each in hits
        if each.file == name
    ]
    return matches_figure(asked, _notes_of(job, name), boxes, name)
