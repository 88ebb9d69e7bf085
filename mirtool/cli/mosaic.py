"""`mirtool mosaic`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, fixed
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.decomposition.parameters import MosaicParameters

if TYPE_CHECKING:
    from mirtool.decomposition.mosaic import Mosaic
    from mirtool.types import Features


@command(
    fixed(
        Argument("TARGET", "the recording to rebuild", ("audio",)),
        Argument("SOURCE", "the recording whose grains it is rebuilt from", ("audio",)),
        named_by="TARGET",
    ),
    writes="audio",
    plots=True,
)
def mosaic(
    job: Job,
    parameters: MosaicParameters,
    write_activations: Annotated[
        str | None,
        Option("Write how strong each grain (row) is in each frame (column).", metavar="FILE", output=".npy"),
    ] = None,
) -> None:
    """Rebuild a recording from the grains of another: bees that sing.

    The result lasts as long as TARGET and is as loud, moment by moment; it has the sample rate of TARGET and the
    channels of SOURCE. A pitch of TARGET is heard if SOURCE has it somewhere: one whose pitches glide or change has
    more to give. Fewer grains at a time (--polyphony) and longer stretches of SOURCE (--continuity) sound more like
    SOURCE and less like TARGET. SOURCE is held in memory (30 MB a minute of stereo); TARGET may be of any length,
    unless its activations are written or drawn; --plot draws them beside those learned without constraints.

    For example:
        mirtool mosaic letitbe.wav bees.wav -o letitbee.wav
        mirtool mosaic song.wav rain.wav --continuity 5 --phase griffin-lim -o raining.wav

    Paper: Driedger, Prätzlich, Müller (2015), Let it Bee: towards NMF-inspired audio mosaicing.
    """
    from mirtool.decomposition.mosaic import Mosaic

    (target, start), source = job.read_from_zero(0), job.read(1)
    kept: list[Any] = []
    is_wanted = write_activations is not None or job.plan.plot is not None
    rebuilt = Mosaic(target, source, parameters, kept.append if is_wanted else None)
    job.write(rebuilt)
    if write_activations is not None:
        job.write_as(_activations(rebuilt, kept, start), write_activations)

    def figure() -> Any:
        from mirtool.plots.mosaic import mosaic_figure

        free = _activations(rebuilt, rebuilt.unconstrained(), start)
        return mosaic_figure(free, _activations(rebuilt, kept, start))

    job.plot(figure)


def _activations(rebuilt: "Mosaic", blocks: Iterable[Any], start: float) -> "Features":
    """Return activations with the times of the grains as their rows."""
    import numpy as np

    from mirtool.types import Features

    times = tuple(round(k / rebuilt.feature_rate, 6) for k in range(rebuilt.grains))
    H = np.concatenate([np.zeros((0, rebuilt.grains), np.float32), *blocks]).T
    return Features(H, rebuilt.feature_rate, "activations", ("source_time", "time"), times, start, "amplitude")
