"""`mirtool beats`."""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import FormatError, UsageProblem
from mirtool.rhythm.parameters import LEVELS, AccentParameters, BeatParameters

if TYPE_CHECKING:
    from mirtool.rhythm.evidence import Evidence
    from mirtool.types import Events


@command(
    many(
        "X", "audio, MIDI, MusicXML or notes; an activation or a novelty curve", "audio", "score", "notes", "features"
    ),
    writes="events",
    plots=True,
    live=True,
)
def beats(
    job: Job,
    parameters: BeatParameters,
    accents: AccentParameters,
    hint: Annotated[
        float | None, Option("About how fast the beats are; goes before --range.", metavar="BPM", unit="BPM", above=0)
    ] = None,
    first_downbeat: Annotated[
        float | None, Option("About when the first bar begins.", metavar="S", unit="seconds", offline=True)
    ] = None,
    correct: Annotated[
        str | None,
        Option(
            "Beats that are right: a table with time and perhaps beat. The others are found anew.",
            metavar="FILE",
            files=True,
            offline=True,
        ),
    ] = None,
    activation: Annotated[
        str | None,
        Option("Decode this activation (NPY) instead of listening to X.", metavar="FILE", files=True, offline=True),
    ] = None,
    level: Annotated[
        str | None, Option("Write every second beat, or a beat between every two, too.", choices=LEVELS, offline=True)
    ] = None,
    subdivide: Annotated[
        int | None,
        Option("Divide every beat into N equal parts; beat counts 1, 1.5, 2 …", metavar="N", least=1, offline=True),
    ] = None,
    click: Annotated[
        str | None,
        Option(
            "Write the sound with clicks on the beats, higher ones on downbeats.", metavar="FILE|DIR/", output=".wav"
        ),
    ] = None,
) -> None:
    """Find beats and bars.

    Columns: time,beat,confidence

    beat is the position in the bar: 1 for a downbeat, 0 where bars are not known. confidence, from 0 to 1, says how
    strongly something begins there and how far three trackers agree. Tempo and metre may change. As MIDI (--format
    midi, -o map.mid) the beats are a tempo map. Beats in the table of --correct, such as a corrected output, stay where
    they are.

    With --live sound comes from a pipe or a file that need not end, as WAV or --raw, and each beat is written at most
    --delay after it sounds: beats are told by the bar pointer, given what was heard until then, or with --method plp by
    the pulse. The default is about as good as any longer delay; with 0, beats are foretold. beat is 0, and confidence
    the probability of a beat, or the height of the pulse.

    For example:
        mirtool beats take.wav -o take.csv --plot take.png --click take_clicks.wav
        mirtool beats take.wav --beats-per-bar 3 --hint 130 --format midi -o map.mid
        arecord -t raw -f S16_LE -r 44100 | mirtool beats - --live --raw s16le --sample-rate 44100

    Paper: Krebs, Böck, Widmer (2015), An efficient state-space model for joint tempo and meter tracking; Ellis (2007),
    Beat tracking by dynamic programming; Grosche, Müller (2011), Extracting predominant local pulse information.
    """
    if job.is_live:
        _live(job, parameters, accents, hint)
        return
    from mirtool.io import formats
    from mirtool.rhythm import levels
    from mirtool.rhythm.beats import Guidance, beats
    from mirtool.rhythm.evidence import evidence
    from mirtool.types import AudioSource, Features

    row = formats.FORMATS[job.plan.format] if job.plan.format else formats.by_extension(job.plan.output)
    if subdivide is not None and row is not None and row.name == "midi":
        raise UsageProblem("--subdivide means nothing in a tempo map")
    source, start = job.read_from_zero()
    if click and not isinstance(source, AudioSource):
        raise UsageProblem(f"--click plays clicks over sound, and {job.inputs[0]} is none (see mirtool sonify)")
    if activation is not None or isinstance(source, Features):
        job.refuse_idle("the accents of sound and notes", AccentParameters)
    heard = evidence(source if activation is None else job.read_file(activation, "features"), accents)
    if not isinstance(source, Features) and activation is None:
        heard = heard.moved(start)
    fixed = {} if correct is None else _fixed(job, correct)
    found = beats(heard, parameters, Guidance(hint, fixed, first_downbeat))
    if level is not None:
        found = levels.at_level(found, level, heard)
    if subdivide is not None:
        found = levels.subdivided(found, subdivide)
    job.write(found)
    if click:
        from mirtool.synthesis.clicks import clicks_over

        job.write_as(clicks_over(source, found, start=start), click)
    job.plot(lambda: _figure(heard, found))


def _live(job: Job, parameters: BeatParameters, accents: AccentParameters, hint: float | None) -> None:
    from mirtool.rhythm.beats import Guidance, led
    from mirtool.rhythm.live_beats import live_beats

    if parameters.beats_per_bar != BeatParameters().beats_per_bar:
        raise UsageProblem("--live tells beats only, no bars: not together with --beats-per-bar")
    source, start = job.read_from_zero()
    found = live_beats(source, led(parameters, Guidance(hint)), accents, job.delay)
    with job.rows("time", "beat", "confidence") as write:
        for events in found:
            write(events.replace(time=events["time"] + start))


def _fixed(job: Job, name: str) -> dict[float, int]:
    """Return the times that a table fixes, and their positions in the bar (0: not known)."""
    import numpy as np

    table = job.read_file(name, "events")
    positions = np.nan_to_num(table["beat"], nan=0.0) if "beat" in table else np.zeros(len(table))
    for position in positions:
        if position < 0 or not position.is_integer():
            raise FormatError(f"a beat has the position {position:g} in its bar", name)
    return dict(zip(table["time"].tolist(), positions.astype(int).tolist(), strict=True))


def _figure(heard: "Evidence", found: "Events") -> Any:
    """Draw the activation with the beats, and the local tempo."""
    from mirtool.plots.beats import beats_figure
    from mirtool.types import Features

    return beats_figure(Features(heard.beat[None, :], heard.feature_rate, "activation", start=heard.start), found)
