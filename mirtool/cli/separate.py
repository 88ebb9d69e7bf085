"""`mirtool separate`."""

import glob
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import INPUT_RATE, Option
from mirtool.cli.scores import SCORES
from mirtool.decomposition.parameters import HpssParameters, RepetParameters, ScoreParameters, VocalsParameters
from mirtool.errors import FormatError, MissingInput, UsageProblem

if TYPE_CHECKING:
    from mirtool.decomposition.masks import Masked
    from mirtool.types import AudioSource

METHODS = ("hpss", "score", "vocals", "repet", "repet-sim")
RESIDUAL = "residual"


@command(many("X", "audio", "audio"), writes="audio", parts=True, plots=True)
def separate(
    job: Job,
    hpss: HpssParameters,
    repet: RepetParameters,
    score_informed: ScoreParameters,
    vocals: VocalsParameters,
    method: Annotated[
        str,
        Option(
            "What is told apart: tones from strokes (hpss), instruments by their scores (score), a voice from the rest "
            "(vocals), or from what repeats (repet, repet-sim).",
            choices=METHODS,
        ),
    ] = "hpss",
    score: Annotated[tuple[str, ...], replace(SCORES, of=("method", "score"))] = (),
    f0: Annotated[
        str | None,
        Option(
            "Take the pitch of the voice from this table: time,f0_hz, 0 where nobody sings.",
            metavar="FILE",
            files=True,
            of=("method", "vocals"),
        ),
    ] = None,
    write_f0: Annotated[
        str | None,
        Option("Write the pitch of the voice.", metavar="FILE", output=".csv", of=("method", "vocals")),
    ] = None,
    masks: Annotated[
        str | None,
        Option(
            "Use the masks in this folder instead, one NPY a source, made elsewhere.",
            metavar="DIR",
            folder=True,
            is_input=True,
        ),
    ] = None,
    normalize: Annotated[bool, Option("Divide the masks by their sum.", of=("masks",))] = False,
    residual: Annotated[bool, Option("Write what the masks or scores leave as a further source.")] = False,
    input_feature_rate: Annotated[
        float | None, Option(INPUT_RATE.help, metavar="HZ", unit="Hz", above=0, of=("masks",))
    ] = None,
    write_masks: Annotated[
        str | None, Option("Write the masks as DIR/SOURCE.npy, which --masks reads.", metavar="DIR", folder=True)
    ] = None,
) -> None:
    """Separate sound into its sources.

    Writes a file a source into a folder (-o DIR/), or one of them (--only NAME) to a file or a pipe. The sources sum to
    the mixture; channels, level and sample rate stay as they are. Hours of sound take no more memory than minutes.

    hpss: harmonic (what sounds) and percussive (what is struck). A median over time keeps the horizontal lines of the
    spectrogram, one over frequency the vertical ones. With --margin above 1, what is neither goes to residual.

    score: the instruments whose scores are given; each source is called as its file. The scores share one time; all
    together they are aligned with the sound if they then fit better. Harmonic templates of the pitches of each are
    learned where the score lets them sound. What no score explains is shared out, unless --residual writes it. Notes of
    channel 10 are drums, and so are those of a score whose pitches are not heard.

    vocals: vocals (the voice that stands out) and accompaniment. The pitch that is sung is looked for first, or taken
    from --f0 FILE, a table as --write-f0 gives: correct it where it went wrong, and separate again. A model of a voice
    at that pitch, and of spectra that come again and again, tells what of its harmonics is the voice.

    repet, repet-sim: vocals and accompaniment, where the accompaniment repeats and the voice does not. repet looks for
    the period of the accompaniment, repet-sim for frames that are like each other, which needs no steady tempo.

    A mask is a matrix of shares, 0 to 1: K rows over frequency, a column a frame. With --masks, whoever made them, the
    sources are called as their files; Hann windows have 2 (K - 1) samples, their distance follows from the frames per
    second, and the first is centred at the first sample. Masks are taken as they are: what they do not take of the
    sound is left out, unless --residual writes it or --normalize shares it out.

    For example:
        mirtool separate take.wav -o parts/
        mirtool separate trio.wav --method score --score violin.mid --score cello.mid --score piano.mid -o stems/
        mirtool separate take.wav --only percussive -o - | mirtool onsets -
        mirtool separate song.wav --method vocals -o parts/ --write-f0 melody.csv

    Paper: Fitzgerald (2010), Harmonic/percussive separation using median filtering; Ewert, Müller (2012), Using
    score-informed constraints for NMF-based source separation; Durrieu, David, Richard (2011), A musically motivated
    mid-level representation for pitch estimation and musical audio source separation; Driedger, Müller (2015),
    Extracting singing voice from music recordings by cascading audio decomposition techniques; Rafii, Pardo (2013),
    REpeating Pattern Extraction Technique; Rafii, Pardo (2012), Music/voice separation using the similarity matrix.
    """
    if residual and masks is None and method != "score":
        raise UsageProblem("--residual is for --masks or --method score")
    source, start = job.read_from_zero()
    rest = RESIDUAL if residual else None
    if masks is not None:
        given = (method, hpss, repet, score_informed, vocals)
        if given != ("hpss", HpssParameters(), RepetParameters(), ScoreParameters(), VocalsParameters()):
            raise UsageProblem("--masks are made already: methods and their parameters mean nothing beside them")
        separated = _through(job, source, start, masks, normalize, input_feature_rate, rest)
    elif method == "score":
        separated = _score(job, source, start, score_informed, score, rest)
    elif method == "vocals":
        separated = _vocals(job, source, start, vocals, f0, write_f0)
    elif method == "hpss":
        separated = _hpss(source, hpss)
    else:
        separated = _repet(source, repet, method)
    job.write_stems(separated, plot=True)
    if write_masks is not None:
        _write_masks(separated, write_masks, start)


def _hpss(source: "AudioSource", parameters: HpssParameters) -> "Masked":
    from mirtool.decomposition.hpss import hpss

    return hpss(source, parameters)


def _repet(source: "AudioSource", parameters: RepetParameters, method: str) -> "Masked":
    from mirtool.decomposition.repet import repet

    return repet(source, parameters, by_likeness=method == "repet-sim")


def _score(
    job: Job,
    source: "AudioSource",
    start: float,
    parameters: ScoreParameters,
    scores: tuple[str, ...],
    rest: str | None,
) -> "Masked":
    """Separate instruments by their scores."""
    from mirtool.cli.scores import fitted_parts
    from mirtool.decomposition.scores.separation import separate

    if not scores:
        raise UsageProblem("--method score needs --score FILE for each instrument")
    return separate(source, fitted_parts(job, source, scores, start, parameters), parameters, residual=rest)


def _vocals(
    job: Job, source: "AudioSource", start: float, parameters: VocalsParameters, f0: str | None, target: str | None
) -> "Masked":
    """Separate a voice whose pitch is read from a table, or looked for."""
    from mirtool.decomposition.vocals import checked, vocals, voice_pitch
    from mirtool.errors import DataError

    if f0 is None:
        pitch = voice_pitch(source, parameters)
    elif (parameters.f0_range, parameters.voicing) != (VocalsParameters.f0_range, VocalsParameters.voicing):
        raise UsageProblem("--f0-range and --voicing look for the pitch, which --f0 gives already")
    else:
        table = job.read_file(f0, "events")
        try:
            pitch = checked(table).replace(time=table["time"] - start)
        except DataError as error:
            raise FormatError(str(error), f0) from error
    if target is not None:
        job.write_as(pitch.replace(time=pitch["time"] + start), target)
    return vocals(source, parameters, pitch)


def _through(
    job: Job, source: "AudioSource", start: float, folder: str, normalize: bool, rate: float | None, rest: str | None
) -> "Masked":
    """Read masks and return what they take."""
    from mirtool.decomposition.masked import stems_of
    from mirtool.errors import DataError

    if not os.path.isdir(folder):
        raise MissingInput(f"{folder}: no folder of masks")
    files = sorted(glob.glob(os.path.join(glob.escape(folder), "*.npy")))
    names = [os.path.splitext(os.path.basename(file))[0] for file in files]
    read = {name: job.read_file(file, "features", feature_rate=rate) for name, file in zip(names, files, strict=True)}
    try:
        return stems_of(source, read, start=start, normalize=normalize, rest=rest)
    except DataError as error:
        raise FormatError(str(error), folder) from error


def _write_masks(separated: "Masked", folder: str, start: float) -> None:
    """Write the masks of a separation in a pass of their own."""
    from mirtool.decomposition.masked import descriptions
    from mirtool.io import arrays

    described = descriptions(separated.names, separated.masks, separated.sample_rate, start)
    targets = {os.path.join(folder, f"{name}.npy"): mask for name, mask in described.items()}
    arrays.write_together(targets, separated.masks.make())
