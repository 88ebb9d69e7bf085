"""`mirtool similar`."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, search_in
from mirtool.cli.job import Job, readable
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.retrieval.parameters import ASPECTS, CharacterParameters, SimilarityParameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mirtool.types import Features, Table

MAPPED = 30  # neighbours that are shown on the map


@command(
    search_in(Argument("X", "audio", ("audio",)), Argument("CORPUS", "audio, folders", ("audio",))),
    writes="table",
    plots=True,
)
def similar(
    job: Job,
    kept: CharacterParameters,
    parameters: SimilarityParameters,
    aspect: Annotated[str | None, Option("Compare by this alone.", choices=ASPECTS)] = None,
    matrix: Annotated[
        str | None,
        Option("Write how alike all pairs of recordings are, X included, as a matrix.", metavar="FILE", output=".npy"),
    ] = None,
) -> None:
    """Find music of the same kind.

    Columns: file,score

    Pieces are compared by timbre (mean and covariance of the cepstra of log-mel spectra), rhythm (how strongly bands of
    frequency pulsate at each tempo) and harmony (which intervals sound together and follow each other, in any key and
    tuning). Distances are counted in standard deviations from what is usual for either piece, so that pieces that are
    near to everything are not found everywhere. score: how likely it is that a piece of CORPUS is farther away, seen
    from both; 1 for the same sound. It holds within a corpus; with --proximity none it depends on the two alone.

    X itself is left out where CORPUS holds it. --plot draws the scores, and a map on which pieces that are alike lie
    side by side; where there is a --matrix, it draws that.

    For example:
        mirtool similar song.wav music/ --top 10 --plot nearest.png
        mirtool similar --index music.mirdb music/
        mirtool similar --index music.mirdb song.wav --aspect rhythm
        mirtool similar song.wav music/ --matrix all.csv --plot map.png

    Paper: Pohle, Schnitzer, Schedl, Knees, Widmer (2009), On rhythm and general music similarity.
    """
    import numpy as np

    from mirtool.cli import corpus
    from mirtool.retrieval.similarity.character import LAYOUT, Characters, character
    from mirtool.retrieval.similarity.proximity import Neighbourhood, reference_places, weights_of
    from mirtool.types import pair_matrix

    search = job.plan.search
    assert search is not None
    if aspect is not None:
        parameters = _by(job, parameters, aspect)
    weights_of(parameters)
    with corpus.search(job, LAYOUT, kept) as found:
        read = list(found.queries(lambda source: character(source, found.parameters)))
        asked = [query.name for query in read]
        files, arrays = found.together()
        queries, pieces = Characters.joined([query.container for query in read]), Characters.of(arrays)
        order = np.array(sorted(range(len(files)), key=files.__getitem__), np.intp)
        near = Neighbourhood(pieces[order[reference_places(len(files))]], parameters)
        tables = [_hits(name, files, row) for name, row in zip(asked, near.scores(queries, pieces), strict=True)]
        found.write(tables)

        def pairs(places: Iterable[int]) -> "Features":
            """Compare the queries and the pieces at these places."""
            chosen = np.array(list(places), np.intp)
            every = Characters.joined([queries, pieces[chosen]])
            return pair_matrix(
                near.scores(every, every), [readable(name) for name in (*asked, *map(files.__getitem__, chosen))]
            )

        if matrix is not None:
            whole = pairs(place for place in order if files[place] not in asked)
            job.write_as(whole, matrix)
            job.plot(lambda: _map(whole))
        elif len(asked) == 1:
            hits = corpus.best(tables[0], min(search.top or MAPPED, MAPPED), search.min_score)
            shown = set(hits["file"].tolist())
            job.plot(lambda: _neighbours(hits, pairs(n for n, name in enumerate(files) if readable(name) in shown)))


def _by(job: Job, parameters: SimilarityParameters, aspect: str) -> SimilarityParameters:
    """Let one aspect alone count."""
    if "weights" in job.plan.given:
        raise UsageProblem("--aspect: not together with --weights")
    return replace(parameters, weights=tuple(float(name == aspect) for name in ASPECTS))


def _hits(query: str, files: Sequence[str], scores: "NDArray[np.float64]") -> "Table":
    """Return all pieces with their scores, but for the query itself."""
    import numpy as np

    from mirtool.types import Table

    last, own = os.path.basename(query), os.path.realpath(query)
    kept = np.array([os.path.basename(file) != last or os.path.realpath(file) != own for file in files], bool)
    return Table({"file": np.array([readable(file) for file in files], object)[kept], "score": scores[kept]})


def _map(pairs: "Features") -> Any:
    from mirtool.plots.similar import pairs_figure
    from mirtool.retrieval.similarity.maps import scaled

    return pairs_figure(pairs, scaled(1 - pairs.data.astype(float)))


def _neighbours(hits: "Table", pairs: "Features") -> Any:
    """Draw the hits, and a map of the query, which is the first of all, and them."""
    from mirtool.plots.similar import neighbours_figure
    from mirtool.retrieval.similarity.maps import scaled

    return neighbours_figure(hits, pairs, scaled(1 - pairs.data.astype(float)))
