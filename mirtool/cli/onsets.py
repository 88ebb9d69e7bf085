"""`mirtool onsets`."""

import glob
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.features.parameters import NoveltyParameters
from mirtool.rhythm.parameters import PeakParameters

if TYPE_CHECKING:
    from mirtool.types import Features

log = logging.getLogger("mirtool")


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
        Option(
            "Take this curve, made elsewhere, instead of the novelty of the sound.",
            metavar="FILE",
            files=True,
            offline=True,
        ),
    ] = None,
    snap: Annotated[
        str | None,
        Option(
            "Write these events, each moved to the onset nearest to it.", metavar="EVENTS", files=True, offline=True
        ),
    ] = None,
    tolerance: Annotated[float, Option("How far it may move an event.", unit="s", least=0, of=("snap",))] = 0.05,
    slice: Annotated[
        str | None,
        Option(
            "Write the sound from each onset to the next as DIR/001.wav, 002.wav and so on.", metavar="DIR", folder=True
        ),
    ] = None,
) -> None:
    """Find where notes begin.

    Columns: time,strength (with --snap those of EVENTS)

    Where the novelty of the sound has a peak, something begins. By default it is SuperFlux, measured against the level
    of the recording and laid to where in each frame the new sound is, so that times are not late or early by the
    length of a window. A novelty (`mirtool features novelty`) or the activation of a network, one row of values over
    time, is taken as it is. Of MIDI, scores and notes, those that begin within the smallest gap are one onset. --plot
    draws the curve with its threshold. With --snap an onset takes the event nearest to it; events without an onset
    stay. With --slice what comes before the first onset is left out; of several inputs, each gets a folder of its own.

    With --live sound comes from a pipe or a file that need not end, as WAV or --raw, and each onset is written at most
    --delay after it sounds, which takes 0.28 s at least at 44.1 kHz; the more is heard of what follows, the better.

    For example:
        mirtool onsets take.wav -o take.csv --plot take.png
        mirtool features novelty take.wav --method complex | mirtool onsets - --threshold 0.5
        arecord -t raw -f S16_LE -r 44100 | mirtool onsets - --live --raw s16le --sample-rate 44100

    Paper: Böck, Widmer (2013), Maximum filter vibrato suppression for onset detection.
    """
    if job.is_live:
        _live(job, parameters, picking)
        return
    from mirtool.rhythm.onsets import onsets as find
    from mirtool.types import AudioSource

    source, start = job.read_from_zero()
    if activation is not None or not isinstance(source, AudioSource):
        job.refuse_idle("the novelty of sound", NoveltyParameters)
    found = find(source if activation is None else _curve(job, activation, start), parameters, picking)
    events = found.events.replace(time=found.events["time"] + start)
    if slice is not None:
        _write_slices(job, source, found.events["time"], slice)
    if snap is None:
        job.write(events)
    else:
        from mirtool.rhythm.snapping import snap as snapped

        job.write(snapped(job.read_file(snap, "events"), events, tolerance))
    if found.curve is None:
        job.plot(events)
        return
    curve = replace(found.curve, start=found.curve.start + start)

    def figure() -> Any:
        from mirtool.plots.onsets import onsets_figure

        return onsets_figure(curve, events, picking.threshold)

    job.plot(figure)


def _curve(job: Job, name: str, start: float) -> "Features":
    """Read an activation, whose time line is that of the whole input."""
    curve: Features = job.read_file(name, "features")
    return replace(curve, start=curve.start - start)


def _write_slices(job: Job, source: Any, times: Any, folder: str) -> None:
    """Write the sound from each onset to the next, each file whole or not at all."""
    from mirtool.signal.slices import slices
    from mirtool.types import AudioSource

    if not isinstance(source, AudioSource):
        raise UsageProblem("--slice needs sound")
    begins = sorted({round(time * source.sample_rate) for time in times.tolist()})
    names = [os.path.join(folder, f"{n:0{max(len(str(len(begins))), 3)}d}.wav") for n in range(1, len(begins) + 1)]
    for name in names:
        if any(os.path.exists(name) and os.path.samefile(name, other) for other in job.inputs if other != "-"):
            raise UsageProblem(f"{name}: is an input; nothing is written over an input")
    for name, stretch in zip(names, slices(source, begins), strict=True):
        job.write_as(stretch, name)
    if left := sorted(set(glob.glob(os.path.join(glob.escape(folder), "[0-9]*.wav"))) - set(names)):
        log.warning("%s: of an earlier run, not written by this one (%d files)", left[0], len(left))


def _live(job: Job, parameters: NoveltyParameters, picking: PeakParameters) -> None:
    from mirtool.rhythm.live_onsets import live_onsets

    source, start = job.read_from_zero()
    found = live_onsets(source, parameters, picking, job.delay)
    with job.rows("time", "strength") as write:
        for events in found:
            write(events.replace(time=events["time"] + start))
