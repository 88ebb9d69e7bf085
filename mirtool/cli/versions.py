"""`mirtool versions`."""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, search_in
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.retrieval.parameters import HarmonyParameters, RecurrenceParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirtool.retrieval.versions.cross_recurrence import Match
    from mirtool.retrieval.versions.entries import Entry
    from mirtool.types import Features, Table

READS = ("audio", "score", "notes", "features")


@command(
    search_in(
        Argument("X", "audio, MIDI, MusicXML, notes or chroma", READS),
        Argument("CORPUS", "files and folders of the same kinds", READS),
    ),
    writes="table",
    plots=True,
)
def versions(
    job: Job,
    features: HarmonyParameters,
    parameters: RecurrenceParameters,
    matrix: Annotated[
        str | None,
        Option("Write how alike all pairs of recordings are, X included, as a matrix.", metavar="FILE", output=".npy"),
    ] = None,
    diffuse: Annotated[
        int | None,
        Option(
            "Let likeness in the matrix spread over the N recordings that are most like each: versions of versions are "
            "versions.",
            metavar="N",
            least=1,
            of=("matrix",),
        ),
    ] = None,
) -> None:
    """Find versions of a piece: other performances, arrangements and covers.

    Columns: file,score,transposition

    All moments of X are compared with all moments of a recording by their harmony, over some seconds each; where both
    go through the same music, traces run through the plot of what is alike. The score is the length of the longest
    trace, less what its gaps cost, as a share of the lengths of both; 1 for a recording and itself, where nothing
    in it is silent. Unrelated music has 0.1 to 0.3, versions have more. Keys, instruments and tempi may differ, and
    parts may be missing. transposition: the semitones by which X must be moved.

    With --index FILE what is known of the corpus is kept, so that the next search takes milliseconds a recording.
    --plot draws what is alike in X and the best hit, with the trace. With --matrix all recordings are compared with
    each other, and --plot draws that; --diffuse 3 makes sets of versions stand out in it.

    For example:
        mirtool versions song.wav covers/ --top 5 --plot best.png
        mirtool versions --index covers.mirdb covers/
        mirtool versions --index covers.mirdb song.wav
        mirtool versions song.wav covers/ --matrix covers.npy --diffuse 3

    Paper: Serrà, Serra, Andrzejak (2009), Cross recurrence quantification for cover song identification.
    """
    from mirtool.cli.corpus import search
    from mirtool.retrieval.versions.covers import ranking
    from mirtool.retrieval.versions.cross_recurrence import checked
    from mirtool.retrieval.versions.entries import LAYOUT, entry_of

    checked(parameters)
    with search(job, LAYOUT, features) as found:
        asked = found.queries(lambda container: entry_of(container, found.parameters))
        queries = [(query.name, query.container) for query in asked]
        corpus = list(found.entries())
        pieces = [entry for _, entry in corpus]
        rankings = []
        for _, query in queries:
            with job.progress(len(pieces)) as advance:
                rankings.append(ranking(query, pieces, parameters, advance))
        found.write([_table(corpus, hits) for hits in rankings])
        if matrix is not None:
            pairs = _matrix(job, dict(corpus + queries), parameters, diffuse)
            job.write_as(pairs, matrix)
            job.plot(pairs)
        elif len(rankings) == 1 and (hits := rankings[0]):
            best = max(hits, key=lambda place: hits[place].score)
            rate = found.parameters.feature_rate
            job.plot(lambda: _figure(queries[0], corpus[best], hits[best], rate, parameters))


def _table(corpus: "Sequence[tuple[str, Entry]]", hits: "Mapping[int, Match]") -> "Table":
    import numpy as np

    from mirtool.cli.job import readable
    from mirtool.types import Table

    return Table(
        {
            "file": np.array([readable(corpus[place][0]) for place in hits], object),
            "score": np.array([hit.score for hit in hits.values()], np.float64),
            "transposition": np.array([hit.transposition for hit in hits.values()], np.float64),
        }
    )


def _matrix(job: Job, pieces: "dict[str, Entry]", parameters: RecurrenceParameters, diffuse: int | None) -> "Features":
    from mirtool.cli.job import readable
    from mirtool.retrieval.versions.covers import all_pairs
    from mirtool.retrieval.versions.diffusion import diffused
    from mirtool.types import pair_matrix

    with job.progress(len(pieces) * (len(pieces) - 1) // 2) as advance:
        scores = all_pairs(list(pieces.values()), parameters, advance)
    if diffuse is not None:
        scores = diffused(scores, diffuse)
    return pair_matrix(scores, [readable(name) for name in pieces])


def _figure(
    query: "tuple[str, Entry]",
    hit: "tuple[str, Entry]",
    found: "Match",
    feature_rate: float,
    parameters: RecurrenceParameters,
) -> Any:
    """Draw what is alike in a query and a hit."""
    from mirtool.plots.recurrence import recurrence_figure
    from mirtool.retrieval.versions.covers import comparison

    alike = comparison(query[1], hit[1], found, feature_rate, parameters)
    title = f"Score {found.score:.2f}, transposition {found.transposition:+d}"
    return recurrence_figure(alike.plot, alike.borders, alike.trace, (query[0], hit[0]), title)
