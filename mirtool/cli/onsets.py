"""`mirtool onsets`."""

from typing import Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.parameters import PeakParameters


@command(
    many(
        "X", "audio, a novelty curve or an activation, MIDI, MusicXML or notes", "audio", "features", "score", "notes"
    ),
    writes="events",
    plots=True,
    live=True,
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

    With --live sound comes from a pipe or a file that need not end, as WAV or --raw, and each onset is written at most
    --delay after it sounds, which takes 0.27 s at least at 44.1 kHz; the more is heard of what follows, the better.

    For example:
        mirtool onsets take.wav -o take.csv --plot take.png
        mirtool features novelty take.wav --method complex | mirtool onsets - --threshold 0.5
        arecord -t raw -f S16_LE -r 44100 | mirtool onsets - --live --raw s16le --sample-rate 44100

    Paper: Böck, Widmer (2013), Maximum filter vibrato suppression for onset detection.
    """
    if job.is_live:
        if activation is not None:
            raise UsageProblem("--live: not together with --activation")
        _live(job, parameters, picking)
        return
    from mirtool.rhythm.onsets import onsets as find

    source, start = job.read_from_zero()
    found = find(source if activation is None else job.read_file(activation, "features"), parameters, picking)
    job.write(found.events.replace(time=found.events["time"] + start))
    job.plot(found.events)


def _live(job: Job, parameters: NoveltyParameters, picking: PeakParameters) -> None:
    from mirtool.rhythm.live import live_onsets

    source, start = job.read_from_zero()
    found = live_onsets(source, parameters, picking, job.delay)
    with job.rows("time", "strength") as write:
        for events in found:
            write(events.replace(time=events["time"] + start))
