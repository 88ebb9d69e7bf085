"""`mirtool onsets`."""

from typing import Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.parameters import PeakParameters


@command(
    many(
        "X", "audio, a novelty curve or an activation, MIDI, MusicXML or notes", "audio", "features", "score", "notes"
    ),
    writes="events",
    plots=True,
)
def onsets(
    job: Job,
    parameters: NoveltyParameters,
    picking: PeakParameters,
    activation: Annotated[
        str | None,
        Option("Take this curve, made elsewhere, instead of the novelty of the sound.", metavar="FILE", files=True),
    ] = None,
) -> None:
    """Find where notes begin.

    Columns: time,strength

    Where the novelty of the sound has a peak, something begins. By default it is SuperFlux, measured against the level
    of the recording and laid to where in each frame the new sound is, so that times are not late or early by the
    length of a window. A novelty (`mirtool features novelty`) or the activation of a network, one row of values over
    time, is taken as it is. Of MIDI, scores and notes, those that begin within the smallest gap are one onset.

    For example:
        mirtool onsets take.wav -o take.csv --plot take.png
        mirtool features novelty take.wav --method complex | mirtool onsets - --threshold 0.5

    Paper: Böck, Widmer (2013), Maximum filter vibrato suppression for onset detection.
    """
    from mirtool.rhythm.onsets import onsets as find

    source, start = job.read_from_zero()
    found = find(source if activation is None else job.read_file(activation, "features"), parameters, picking)
    job.write(found.events.replace(time=found.events["time"] + start))
    job.plot(found.events)
