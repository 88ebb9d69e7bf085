"""`mirtool convert`."""

from typing import Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem

READS = ("audio", "features", "score", "events", "segments", "notes", "path", "table")


@command(many("X", "audio, features, a score or a table", *READS), writes="")
def convert(
    job: Job,
    sample_rate: Annotated[
        int | None,
        Option(
            "Resample audio to this rate; with --raw: the rate it has; for a Sonic Visualiser layer: the recording's.",
            unit="Hz",
            least=1,
        ),
    ] = None,
) -> None:
    """Convert between formats: tables, scores, features and audio.

    Columns: those of X, as far as the format has a place for them

    The extension of -o decides, or --format. Tables go to csv, tsv, json, lab, beats, mireval, sv, audacity, jams, fmp
    and midi; a score (MIDI, MusicXML) to MIDI or, as notes, to a table, as beats to a format that holds no notes;
    features to NPY or a table with a column of times, and such a table to NPY; audio to audio. Beats (time,beat) become
    a MIDI tempo map with bar lines on the downbeats, which is read as beats again. Text of any name is read with
    --from; --start and --duration keep what begins there.

    For example:
        mirtool convert beats.csv -o beats.svl --sample-rate 48000
        mirtool convert beats.csv -o tempo_map.mid
        mirtool convert score.mid --format csv | head
        mirtool convert novelty.csv -o novelty.npy
        mirtool convert take.flac -o take.wav --subtype PCM_16 --sample-rate 22050
        arecord -t raw -f S16_LE -r 44100 -d 10 | mirtool convert - --raw s16le --sample-rate 44100 -o take.wav
    """
    from mirtool.io import formats

    plan = job.plan
    container = job.read(0)
    is_audio = formats.container_name(container) == "audio"
    row = formats.FORMATS[plan.format] if plan.format else formats.by_extension(plan.output)
    if plan.subtype is not None and not is_audio:
        raise UsageProblem("--subtype is for audio")
    if row is not None and row.containers == ("features",):
        container = _frames(container, plan.reading.feature_rate)
    if sample_rate is None or plan.reading.raw is not None:
        job.write(container)
        return
    if is_audio:
        from mirtool.signal.resampling import resampled

        job.write(resampled(container, sample_rate))
    elif row is not None and row.name == "sv":
        formats.write(container, plan.output, format=plan.format, sample_rate=sample_rate)
    else:
        raise UsageProblem("--sample-rate is for audio and Sonic Visualiser layers")


def _frames(container: Any, feature_rate: float | None) -> Any:
    """Make a matrix of a table with a regular column of times."""
    from mirtool.io import feature_tables
    from mirtool.types import Events

    return feature_tables.features_of(container, feature_rate) if isinstance(container, Events) else container
