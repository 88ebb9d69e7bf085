"""`mirtool plot`."""

from typing import Annotated

from mirtool.cli.command import PICTURES, command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option

READS = ("audio", "features", "score", "events", "segments", "notes", "path", "table")


@command(many("X", "audio, features, a score or a table", *READS), writes=PICTURES)
def plot(
    job: Job,
    below: Annotated[
        tuple[str, ...],
        Option("Stack its picture below, on the same time axis.", metavar="FILE", repeat=True, files=True),
    ] = (),
    over: Annotated[
        tuple[str, ...],
        Option("Lay these events, beats or segments over the pictures.", metavar="FILE", repeat=True, files=True),
    ] = (),
    title: Annotated[str | None, Option("Text above the picture.", metavar="TEXT")] = None,
) -> None:
    """Draw audio, features, notes or a table as PNG, SVG or PDF.

    Audio is drawn as its waveform, features as a matrix or a curve, notes and scores as a piano roll, beats as the
    local tempo with downbeats in red, segments as coloured blocks, a warping path with its tempo ratio. To stdout,
    PNG is written unless --format says otherwise. --start and --duration hold for the files of --below, too.

    For example:
        mirtool plot take.wav --over beats.csv -o take.png
        mirtool features chroma take.wav | mirtool plot - --below take.wav -o chroma.pdf
    """
    from mirtool.io import formats
    from mirtool.plots.dispatch import figure_of

    reading, target = job.plan.reading, job.plan.output
    start = reading.start or 0.0
    shown = [job.read(0)]
    shown += [formats.read(name, start=reading.start, duration=reading.duration, pedal=reading.pedal) for name in below]
    overlays = [formats.read(name) for name in over]
    format = job.plan.format or ("png" if target == "-" else None)
    job.draw(lambda: figure_of(shown, overlays, title, start), target, format)
