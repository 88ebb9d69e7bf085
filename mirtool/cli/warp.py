"""`mirtool warp`."""

from typing import Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, fixed
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.signal.parameters import TimeScaleParameters

READS = ("events", "segments", "notes", "score", "audio", "features", "path")


@command(
    fixed(
        Argument("PATH", "warping path, as sync writes it", ("path",)),
        Argument("X", "what to move: beats or other events, segments, notes, MIDI, MusicXML, audio, features", READS),
    ),
    writes="",
)
def warp(
    job: Job,
    parameters: TimeScaleParameters,
    source: Annotated[str, Option("The version that X belongs to: a column of PATH, by letter or number.")] = "1",
    target: Annotated[str, Option("The version to move it to.")] = "2",
    inverse: Annotated[bool, Option("Move it from the target to the source.")] = False,
    compose: Annotated[bool, Option("Chain two paths: PATH leads from A to B, X from B to C; write A to C.")] = False,
) -> None:
    """Move events, notes, curves or sound to another recording's time line.

    Columns: those of X; with --compose time_a,time_b[,confidence]

    The output is what X is (MusicXML becomes MIDI): tables keep their other columns, a score keeps its musical time and
    gets a new tempo map, features are resampled at their rate, and sound is stretched without a change of pitch. Beyond
    the ends of the path, time goes on with the tempo ratio found there; tables may then hold negative times, while
    features and sound begin at 0.

    For example:
        mirtool sync a.wav b.wav | mirtool warp - beats_in_a.csv -o beats_in_b.csv
        mirtool warp path.csv a.wav -o a_in_b.wav

    Paper: Driedger, Müller, Ewert (2014), Improving time-scale modification of music signals using harmonic-percussive
    separation.
    """
    from mirtool.sync import paths
    from mirtool.sync.warp import warp as warped
    from mirtool.types import WarpingPath

    path = job.read(0)
    i, j = paths.version(path, source), paths.version(path, target)
    if inverse:
        i, j = j, i
    x = job.read(1)
    if isinstance(x, WarpingPath) != compose:
        raise UsageProblem("--compose needs two warping paths" if compose else "X is a warping path: --compose?")
    job.write(paths.compose(paths.select(path, i, j), x) if compose else warped(x, path, i, j, parameters))
