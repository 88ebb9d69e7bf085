"""`mirtool separate`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.decomposition.parameters import HpssParameters

if TYPE_CHECKING:
    from mirtool.types import AudioSource, Stems

METHODS = ("hpss",)


@command(many("X", "audio", "audio"), writes="audio", parts=True)
def separate(
    job: Job,
    parameters: HpssParameters,
    method: Annotated[str, Option("What is told apart: tones from strokes (hpss).", choices=METHODS)] = "hpss",
) -> None:
    """Separate sound into its sources.

    Writes a file a source into a folder (-o DIR/), or one of them (--only NAME) to a file or a pipe. The sources sum to
    the mixture; channels, level and sample rate stay as they are. Hours of sound take no more memory than minutes.

    hpss: harmonic (what sounds) and percussive (what is struck). A median over time keeps the horizontal lines of the
    spectrogram, one over frequency the vertical ones. With --margin above 1, what is neither goes to residual.

    For example:
        mirtool separate take.wav -o parts/
        mirtool separate take.wav --only percussive -o - | mirtool onsets -

    Paper: Fitzgerald (2010), Harmonic/percussive separation using median filtering.
    """
    source = job.read()

    def hpss(source: "AudioSource") -> "Stems":
        from mirtool.decomposition.hpss import hpss

        return hpss(source, parameters)

    made: dict[str, Callable[[AudioSource], Stems]] = {"hpss": hpss}
    job.write_stems(made[method](source))
