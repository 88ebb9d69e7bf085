"""`mirtool match-audio`."""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, search_in
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.retrieval.parameters import MatchingFeatureParameters, MatchingParameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirtool.retrieval.matching.matches import Hit, Recordings
    from mirtool.types import Table

READS = ("audio", "score", "notes")


@command(
    search_in(
        Argument("QUERY", "an excerpt: audio, MIDI, MusicXML or notes", READS),
        Argument("CORPUS", "where to look: recordings, or files of the same kinds, and folders of them", READS),
    ),
    writes="table",
    plots=True,
)
def match_audio(
    job: Job,
    features: MatchingFeatureParameters,
    parameters: MatchingParameters,
    top: Annotated[int, Option("Write this many hits of each query.", metavar="N", least=1)] = 10,
) -> None:
    """Find where in recordings another performance of an excerpt stands.

    Columns: file,start,end,score,transposition,tempo_ratio

    Harmony is compared, whatever the key, the tempo, the instruments and the tuning: 10 s and more of music find other
    performances of it; less may find its like anywhere. The query may be a theme in MIDI. First all places are compared
    (by --method), then the best ones closely. A score of 1 is for the same harmony all along, 0 for what chance gives.
    Hits in a file share no more than --max-overlap. With --index the features of a corpus are kept, 0.4 MB an hour.

    For example:
        mirtool match-audio theme.wav recordings/ --top 5
        mirtool match-audio take.wav recordings/ --start 60 --duration 20 --plot hits.png
        mirtool match-audio --index library.mirdb music/
        mirtool match-audio --index library.mirdb theme.mid

    Paper: Müller, Kurth, Clausen (2005), Audio matching via chroma-based statistical features; Kurth, Müller (2008),
    Efficient index-based audio matching.
    """
    from mirtool.cli.corpus import search
    from mirtool.retrieval.matching.features import matching_frames
    from mirtool.retrieval.matching.matches import LAYOUT, Recordings, check, matches

    check(parameters)
    with search(job, LAYOUT, features) as found:
        read = found.queries(lambda container: matching_frames(_from_zero(job, container), found.parameters))
        queries = [query.container for query in read]
        entries = [(name, entry["frames"]) for name, entry in found.entries()]
        names = [name for name, _ in entries]
        recordings = Recordings.of([frames for _, frames in entries], parameters)
        hits = [matches(query, recordings, parameters, top) for query in queries]
        rate = found.parameters.feature_rate
        found.write([_table(of_query, names, rate) for of_query in hits])
        if queries and job.plan.plot is not None:
            least = job.plan.search.min_score if job.plan.search is not None else None
            told = [hit for hit in hits[0] if least is None or hit.score >= least]
            job.plot(lambda: _figure(queries[0], recordings, names, parameters, told, rate))


def _from_zero(job: Job, container: Any) -> Any:
    """Return sound, or the notes of a passage with its beginning at 0."""
    from mirtool.io.excerpts import from_zero
    from mirtool.types import Notes, Score

    source = container.notes if isinstance(container, Score) else container
    reading = job.plan.reading
    return from_zero(source, reading.start or 0.0, reading.duration) if isinstance(source, Notes) else source


def _table(hits: "Sequence[Hit]", names: "Sequence[str]", rate: float) -> "Table":
    import numpy as np

    from mirtool.cli.job import readable
    from mirtool.types import Table

    return Table(
        {
            "file": np.array([readable(names[hit.document]) for hit in hits], object),
            "start": np.array([hit.first / rate for hit in hits]),
            "end": np.array([hit.last / rate for hit in hits]),
            "score": np.array([hit.score for hit in hits]),
            "transposition": np.array([float(hit.transposition) for hit in hits]),
            "tempo_ratio": np.array([hit.tempo_ratio for hit in hits]),
        }
    )


def _figure(
    query: Any,
    recordings: "Recordings",
    names: "Sequence[str]",
    parameters: MatchingParameters,
    hits: "Sequence[Hit]",
    rate: float,
) -> Any:
    """Draw the matching function of the files with the best hits, and the harmony of query and best hit."""
    from dataclasses import replace

    from mirtool.plots.matching import MOST, matching_figure
    from mirtool.retrieval.matching.matches import harmonies, matching_function

    shown = list(dict.fromkeys(hit.document for hit in hits))[:MOST] or list(range(min(len(names), 1)))
    curves = [
        replace(matching_function(query, recordings.columns[number], parameters, rate), axis=(names[number],))
        for number in shown
    ]
    marks = [(shown.index(hit.document), hit.first / rate, hit.last / rate) for hit in hits if hit.document in shown]
    pair = harmonies(query, recordings.frames[hits[0].document], hits[0], rate) if hits else ()
    return matching_figure(curves, marks, pair)
