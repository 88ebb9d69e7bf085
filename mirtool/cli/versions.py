"""`mirtool versions`."""

from typing import Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, fixed
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.retrieval.parameters import HarmonyParameters, RecurrenceParameters

READS = ("audio", "score", "notes", "features")


@command(
    fixed(
        Argument("X", "audio, MIDI, MusicXML, notes or chroma", READS),
        Argument("CORPUS", "where to look: files and folders of the same kinds", READS, repeat=True),
        named_by="X",
    ),
    writes="table",
    plots=True,
)
def versions(
    job: Job,
    features: HarmonyParameters,
    parameters: RecurrenceParameters,
    top: Annotated[int | None, Option("Write this many hits.", metavar="N", least=1)] = None,
    min_score: Annotated[float, Option("Write hits of this score or more.", least=0)] = 0.0,
) -> None:
    """Find versions of a piece: other performances, arrangements and covers.

    Columns: file,score,transposition

    For example:
        mirtool versions song.wav covers/ --top 5
    """
    import numpy as np

    from mirtool.retrieval.covers import matches
    from mirtool.retrieval.harmony_features import harmony_features
    from mirtool.types import Table

    pieces = [harmony_features(job.read_from_zero(k)[0], features) for k in range(len(job.inputs))]
    frames = [np.ascontiguousarray(piece.data.T) for piece in pieces]
    found = list(matches(frames[0], frames[1:], parameters))
    rows = sorted(zip(found, job.inputs[1:]), key=lambda row: (-row[0].score, row[1]))
    rows = [row for row in rows if row[0].score >= min_score][:top]
    job.write(
        Table(
            {
                "file": np.array([name for _, name in rows], dtype=object),
                "score": np.array([m.score for m, _ in rows]),
                "transposition": np.array([float(m.transposition) for m, _ in rows]),
            }
        )
    )
