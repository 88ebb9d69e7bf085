"""`mirtool sync`."""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import group
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import FormatError, UsageProblem
from mirtool.features.parameters import SyncFeatureParameters
from mirtool.sync.parameters import SyncParameters

if TYPE_CHECKING:
    from mirtool.sync.align import Alignment
    from mirtool.types import Features, WarpingPath

READS = ("audio", "score", "notes", "features")


@command(group("VERSION", "audio, MIDI, MusicXML, notes or features, in any mix", *READS), writes="path", plots=True)
def sync(
    job: Job,
    parameters: SyncParameters,
    features: SyncFeatureParameters,
    anchors: Annotated[
        str | None,
        Option(
            "Times that the path must pass through: a table with a column for each version.", metavar="FILE", files=True
        ),
    ] = None,
    joint: Annotated[bool, Option("Align more than two versions jointly.")] = False,
    grid: Annotated[
        float | None, Option("Write the path at this many points per second of the first version.", unit="Hz", above=0)
    ] = None,
    at: Annotated[
        str | None, Option("Write the path at these events of the first version.", metavar="FILE", files=True)
    ] = None,
    confidence: Annotated[bool, Option("Append a column that is low where the match is bad.")] = False,
    cost_matrix: Annotated[str | None, Option("Write the cost matrix.", metavar="FILE", output=".npy")] = None,
    cost_rate: Annotated[
        float | None,
        Option(
            "Frames per second of the cost matrix; by default those of the coarsest level.",
            unit="Hz",
            above=0,
            of=("cost_matrix",),
        ),
    ] = None,
) -> None:
    """Find which moment of one version of a piece is which moment of another.

    Columns: time_a,time_b[,confidence] (more than two versions: time_1,time_2,…)

    Harmony and the beginnings of notes are compared; keys, tunings, instruments and tempi may differ. The path is
    strictly increasing, from the beginning to the end of both versions; silence and applause at the ends are passed
    over at the local tempo. More than two versions are all aligned with the first. In a job table (--files-from) the
    versions stand in the columns a, b, …

    For example:
        mirtool sync a.flac b.flac -o path.csv --plot path.png
        mirtool sync score.mid recording.flac | mirtool warp - score.mid -o performed.mid

    Paper: Ewert, Müller, Grosche (2009), High resolution audio synchronization using chroma onset features; Prätzlich,
    Driedger, Müller (2016), Memory-restricted multiscale dynamic time warping.
    """
    from mirtool.sync.align import check
    from mirtool.sync.sources import Source, comparable
    from mirtool.sync.versions import align_each, align_jointly, joined

    if anchors and joint:
        raise UsageProblem("--anchors and --joint cannot be had together")
    if grid and at:
        raise UsageProblem("--grid and --at cannot be had together")
    if cost_matrix and len(job.inputs) > 2:
        raise UsageProblem("--cost-matrix is for two versions")
    check(parameters)
    pairs = None if anchors is None else _anchors(job, anchors)
    sources = [Source(name, *job.read_from_zero(index)) for index, name in enumerate(job.inputs)]
    with job.progress(2 * len(sources) - 1) as advance:
        versions = comparable(sources, features, advance)
        alignments = align_jointly(versions, parameters) if joint else align_each(versions, parameters, pairs)
        advance(len(alignments))
    for name, alignment in zip(job.inputs[1:], alignments, strict=True):
        if alignment.transposition:
            job.log(f"{name} lies {alignment.transposition:+d} semitones from {job.inputs[0]}")
    path = _sampled(joined(alignments), grid, None if at is None else job.read_file(at, "events"))
    # before anything is written: its rate may be bad
    cost = _cost(alignments[0], cost_rate, versions) if cost_matrix else None
    job.write(path if confidence else path.without("confidence"))
    if cost_matrix:
        job.write_as(cost, cost_matrix)
    if job.plan.plot is not None:
        _draw(job, path, alignments, versions, pairs)


def _anchors(job: Job, name: str) -> Any:
    """Return the times that must be met, a column a version."""
    times = job.read_file(name, "path").times
    if times.shape[1] != len(job.inputs):
        raise FormatError(f"anchors in {times.shape[1]} versions, but {len(job.inputs)} are aligned", name)
    return times


def _sampled(path: "WarpingPath", grid: float | None, at: Any) -> "WarpingPath":
    import numpy as np

    from mirtool.sync import paths

    if grid is not None:
        return paths.grid(path, grid)
    return path if at is None else paths.sample(path, np.unique(at["time"]))


def _cost(alignment: "Alignment", rate: float | None, versions: "list[Features]") -> "Features":
    from mirtool.sync.align import coarse_cost
    from mirtool.types import Features

    C, rate = coarse_cost(alignment.pair, rate)
    rows = tuple(round(versions[0].start + n / rate, 6) for n in range(len(C)))
    return Features(C, rate, kind="cost", dims=("time_a", "time_b"), axis=rows, start=versions[1].start)


def _draw(
    job: Job, path: "WarpingPath", alignments: "list[Alignment]", versions: "list[Features]", anchors: Any
) -> None:
    from mirtool.plots.sync import sync_figure
    from mirtool.sync.align import harmony_cost

    if len(alignments) > 1:
        job.plot(lambda: sync_figure(path))
        return
    C, rate = harmony_cost(alignments[0].pair)
    a, b = (version.start for version in versions[:2])
    extent = (a, a + C.shape[0] / rate, b, b + C.shape[1] / rate)
    job.plot(lambda: sync_figure(path, C, extent, anchors))
