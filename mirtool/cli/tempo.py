"""`mirtool tempo`."""

from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.rhythm.parameters import TempoCurveParameters, TempoParameters

if TYPE_CHECKING:
    from mirtool.rhythm.tempo import Estimate
    from mirtool.types import Events, Features, Table

COUNT = 2


@command(
    many(
        "X",
        "audio; accents, novelty curve, activation, tempogram; MIDI, MusicXML or notes; onsets; beats; a warping path",
        *("audio", "features", "score", "notes", "events", "path"),
    ),
    writes="table",
    plots=True,
)
def tempo(
    job: Job,
    parameters: TempoParameters,
    following: TempoCurveParameters,
    count: Annotated[
        int | None, Option("How many tempi to write, best first; 2 by default.", short="-k", metavar="N", least=1)
    ] = None,
    curve: Annotated[bool, Option("Write the local tempo over time.")] = False,
    activation: Annotated[
        str | None,
        Option("Take this curve, made elsewhere, instead of the accents of X.", metavar="FILE", files=True),
    ] = None,
) -> None:
    """Find the tempo, or follow it.

    Columns: bpm,strength,stability; with --curve time,bpm,strength

    Of sound, the peaks of its periodicities are ranked by what speaks for each as the tempo of the beat: how regular it
    is, how it is divided, and what recurs in the bass. strength: how likely it is, 1 in all; stability: the share of
    the recording whose local tempo is within 4 % of it. So is it with novelty curves and onsets (time,strength), which
    know no bass, however, and may tell another tempo than the sound that they are of. Beats, MIDI and scores with a
    tempo map that their notes keep to, and paths from a version of steady tempo (--hint), tell theirs exactly.

    For example:
        mirtool tempo take.wav
        mirtool features novelty take.wav | mirtool tempo - -k 3
        mirtool tempo take.wav --curve -o curve.csv --plot curve.png

    Paper: Peeters (2007), Template-based estimation of time-varying tempo.
    """
    from mirtool.rhythm.tempo import accent_curves, estimate, estimate_in, is_tempogram, steady
    from mirtool.rhythm.tempo_curve import curve as follow
    from mirtool.rhythm.tempo_curve import curve_of_tempogram
    from mirtool.types import Events, Features, Score, WarpingPath

    if curve and count is not None:
        raise UsageProblem("--count means nothing with --curve")
    x = job.read() if activation is None else job.read_file(activation, "features")
    known = _known(job, x, parameters, following)
    if known is not None:
        if not isinstance(x, WarpingPath):
            job.refuse_idle("what does not tell its tempo itself", TempoParameters, TempoCurveParameters)
        result = known if curve else steady(known)
        job.write(result)
        job.plot(result if len(result) == 0 or not curve else lambda: _curve(known, None, isinstance(x, Score)))
        return
    source, start = (x, 0.0) if isinstance(x, Events | Features) else job.from_zero(x)
    if is_tempogram(source):
        found = estimate_in(source, parameters)
        followed = curve_of_tempogram(source, following, found.best) if curve else None
    else:
        heard = accent_curves(source)
        found = estimate(heard, parameters)
        followed = follow(heard, parameters, following, found.best) if curve else None
    if followed is None:
        table = found.table(COUNT if count is None else count)
        job.write(table)
        job.plot(lambda: _ranking(found, table))
        return
    followed = followed.moved(start)
    job.write(followed.events)
    job.plot(lambda: _curve(followed.events, followed.tempogram))


def _known(job: Job, x: Any, parameters: TempoParameters, following: TempoCurveParameters) -> "Events | None":
    """Return the tempo over time where X tells it: beats, scores that keep to their tempo map, paths."""
    from mirtool.rhythm import tempo_curve
    from mirtool.types import Events, Score, WarpingPath

    if isinstance(x, Events):
        return tempo_curve.curve_of_events(x)
    if isinstance(x, WarpingPath):
        if parameters.hint is None:
            raise UsageProblem("a path gives ratios of tempi: --hint BPM tells the tempo of its first version")
        return tempo_curve.curve_of_path(x, parameters.hint, following)
    if isinstance(x, Score):
        if tempo_curve.has_tempo(x):
            return tempo_curve.curve_of_score(x)
        job.log("the notes do not keep to the tempo map: the tempo is found from the notes")
    return None


def _ranking(found: "Estimate", table: "Table") -> Any:
    from mirtool.plots.tempo import ranking_figure

    return ranking_figure(found.tempi, found.salience, table)


def _curve(events: "Events", tempogram: "Features | None", steps: bool = False) -> Any:
    from mirtool.plots.tempo import curve_figure

    return curve_figure(events, tempogram, steps)
