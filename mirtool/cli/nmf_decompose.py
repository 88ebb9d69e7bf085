"""`mirtool nmf-decompose`."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.cli.scores import SCORES
from mirtool.decomposition.parameters import (
    FACTORIZATIONS,
    ComponentParameters,
    DrumTemplateParameters,
    FactorizationParameters,
    MaskParameters,
    PitchTemplateParameters,
    ScoreBeginningParameters,
    ScoreParameters,
)
from mirtool.errors import UsageProblem

if TYPE_CHECKING:
    from mirtool.decomposition.factorization.beginnings import Beginning, Setting
    from mirtool.decomposition.factorization.components import Decomposition
    from mirtool.decomposition.factorization.grid import Grid
    from mirtool.types import AudioSource, Events, Stems

INITS = ("random", "pitch", "score", "drums")


@command(many("X", "audio, or a nonnegative matrix", "audio", "features"), writes="audio", parts=True, plots=True)
def nmf_decompose(
    job: Job,
    parameters: FactorizationParameters,
    shape: ComponentParameters,
    masking: MaskParameters,
    pitches: PitchTemplateParameters,
    constraints: ScoreBeginningParameters,
    kit: DrumTemplateParameters,
    init: Annotated[
        str | None,
        Option(
            "Where templates begin: anywhere, with a harmonic template a pitch, or a pitch of a score "
            "(with --score the default), or with the sound of each drum.",
            none="random",
            choices=INITS,
            of=FACTORIZATIONS,
        ),
    ] = None,
    score: Annotated[tuple[str, ...], replace(SCORES, of=FACTORIZATIONS)] = (),
    strokes: Annotated[
        str | None,
        Option(
            "When each drum is struck (time,label, or MIDI): it is active nowhere else.",
            metavar="FILE",
            files=True,
            of=("init", "drums"),
        ),
    ] = None,
    init_W: Annotated[
        str | None,
        Option("Begin with these templates, K × R or K × R × T.", metavar="NPY", files=True, of=FACTORIZATIONS),
    ] = None,
    init_H: Annotated[
        str | None, Option("Begin with these activations, R × N.", metavar="NPY", files=True, of=FACTORIZATIONS)
    ] = None,
    fix_W: Annotated[bool, Option("Keep the templates as they begin.", of=FACTORIZATIONS)] = False,
    fix_H: Annotated[bool, Option("Keep the activations as they begin.", of=FACTORIZATIONS)] = False,
    resynthesize: Annotated[
        bool, Option("Make the sounds of templates and activations alone, of sines and noise, instead of masking.")
    ] = False,
    restore_transients: Annotated[
        bool,
        Option(
            "Take away the pre-echo that masks leave in the window before an attack; there, the sounds no longer sum "
            "to the mixture."
        ),
    ] = False,
    trace: Annotated[str | None, Option("Write the cost after each iteration.", output=".csv")] = None,
) -> None:
    """Take sound apart into components by nonnegative matrix factorisation.

    Writes into a folder (-o DIR/), or one of these (--only NAME) to a file or a pipe: templates (W), activations (H),
    components (component,label,pitch,energy,onsets) and, of sound, each component, pitch or drum. The sounds sum to the
    mixture; channels, level and sample rate stay as they are.

    The spectrogram is a sum of components: what each sounds like (its template) times how strong it is (its
    activation). Components are numbered, the strongest first. With --init pitch each has the partials of one pitch.
    With --score they are the pitches of scores, each with the attacks of its notes, and sound near the notes only;
    scores are aligned with the sound if they then fit better. With --init drums templates begin as synthesised strokes
    of the drums, and become those of the recording; --strokes tells when each is struck.

    With --model nmfd a template lasts several frames: a stroke as a whole. With --model autoencoder activations are
    computed from the spectra by a layer of weights that is learned, too. With --resynthesize nothing of the mixture is
    left in the sounds: what lies on the partials of a component's pitch is made of sines, the rest of noise, in one
    channel. With --restore-transients what a mask lets through in the window before an attack is lowered to the level
    of what still rings there; where attacks follow each other within one and a half windows, nothing is done. --plot
    draws templates and activations, learned and (where it is given) as they begin, beside the matrix and their product.

    Templates are learned from at most --learning seconds: of longer sound, from sections spread over it. So hours take
    little more memory than five minutes (0.4 GB at 44.1 kHz), and time in proportion.

    For example:
        mirtool nmf-decompose take.wav --rank 4 -o parts/
        mirtool nmf-decompose take.wav --init pitch --only C4 -o c4.wav
        mirtool nmf-decompose prelude.wav --score prelude.mid --sounds pitch -o pitches/
        mirtool nmf-decompose loop.wav --model nmfd --init drums -o drums/
        mirtool features spectrogram take.wav | mirtool nmf-decompose - --cost euclidean --trace cost.csv -o parts/

    Paper: Févotte, Idier (2011), Algorithms for nonnegative matrix factorization with the β-divergence.
    """
    from mirtool.decomposition.factorization.beginnings import Beginning, Setting, completed, pitch, random
    from mirtool.decomposition.factorization.components import decompose, decompose_matrix, overview, stems
    from mirtool.decomposition.factorization.descent import Start, check
    from mirtool.decomposition.factorization.description import sound_onsets
    from mirtool.decomposition.factorization.drum_templates import drums
    from mirtool.decomposition.factorization.grid import grid_of
    from mirtool.decomposition.factorization.transient_restoration import restored
    from mirtool.decomposition.masks import check as check_mask
    from mirtool.types import Features

    source, offset = job.read_from_zero()
    chosen = _chosen(init, score)
    W, H = (None if name is None else job.read_file(name, "features").data for name in (init_W, init_H))
    _refuse_idle(parameters, chosen, W is not None, H is not None)
    struck = None if strokes is None else _strokes(job, strokes, offset)

    beginnings: dict[str, Callable[[Setting], Beginning]] = {
        "random": random,
        "pitch": lambda setting: pitch(setting, pitches),
        "score": lambda setting: _of_scores(job, setting, score, constraints),
        "drums": lambda setting: drums(setting, kit, struck),
    }

    def begin(setting: Setting) -> Beginning:
        return completed(beginnings[chosen](setting), W, H, fix_W, fix_H)

    grid = None if isinstance(source, Features) else grid_of(shape, check(parameters), source.sample_rate)
    if grid is None:
        _refuse_sound_options(job, chosen, resynthesize, restore_transients)
    if resynthesize and restore_transients:
        raise UsageProblem("--restore-transients is for masked sounds, not --resynthesize")
    if resynthesize and masking != MaskParameters():
        raise UsageProblem("--resynthesize takes no mask")
    check_mask(masking)
    with job.progress(parameters.restarts * parameters.iterations) as advance:
        if grid is None:
            start = completed(Beginning(Start()), W, H, fix_W, fix_H).start
            found = decompose_matrix(source, shape, parameters, start, advance)
        else:
            found = decompose(source, grid, shape, parameters, begin, advance)
            if resynthesize:
                job.write_stems(_resynthesized(found, source, grid, parameters.seed))
            else:
                sounds = stems(source, found.model, grid, masking, job.wants)
                job.write_stems(
                    restored(sounds, sound_onsets(found.model), grid.size) if restore_transients else sounds
                )
    found = found.moved(offset)
    _write(job, found, trace)

    def figure() -> Any:
        from mirtool.plots.factorization import factorization_figure

        matrix = source if grid is None else overview(source, grid)
        return factorization_figure(found.model, replace(matrix, start=matrix.start + offset), found.initial)

    job.plot(figure)


def _chosen(init: str | None, scores: tuple[str, ...]) -> str:
    """Return where templates begin."""
    chosen = init or ("score" if scores else "random")
    if chosen == "score" and not scores:
        raise UsageProblem("--init score needs --score FILE")
    if scores and chosen != "score":
        raise UsageProblem(f"--score is for --init score, not {chosen}")
    return chosen


def _resynthesized(found: "Decomposition", source: "AudioSource", grid: "Grid", seed: int) -> "Stems":
    """Make the sounds of components without the mixture."""
    from mirtool.decomposition.factorization.components import length_of
    from mirtool.decomposition.factorization.description import components
    from mirtool.decomposition.factorization.resynthesis import resynthesis

    pitches = components(found.model, found.pitches)["pitch"]
    return resynthesis(found.model, pitches, grid, length_of(source), seed)


def _refuse_idle(parameters: FactorizationParameters, init: str, templates: bool, activations: bool) -> None:
    """Raise `UsageProblem` for a rank that something else tells, or restarts where nothing is random."""
    if parameters.rank != FactorizationParameters().rank:
        if init != "random":
            raise UsageProblem(f"--rank is for --init random, not {init}")
        if templates or activations:
            raise UsageProblem(f"--rank is what --init-{'W' if templates else 'H'} says")
    known = init in ("score", "drums") or (activations and (templates or init == "pitch"))
    if parameters.restarts > 1 and known:
        raise UsageProblem("--restarts is for random beginnings; here nothing is random")


def _refuse_sound_options(job: Job, init: str, resynthesize: bool, restore: bool) -> None:
    """Raise `UsageProblem` where options were given that mean nothing for a matrix."""
    if init != "random":
        raise UsageProblem(f"--init {init} needs sound")
    if resynthesize:
        raise UsageProblem("--resynthesize needs sound")
    if restore:
        raise UsageProblem("--restore-transients needs sound")
    job.refuse_idle("sound, no matrix", "window", "hop", "spectrum", "learning", MaskParameters)


def _strokes(job: Job, name: str, offset: float) -> "Events":
    """Read strokes, whose time line is that of the whole input."""
    from mirtool.percussion import strokes_of

    found = strokes_of(job.read_file(name, "events", "notes", "score"))
    return found.replace(time=found["time"] - offset)


def _of_scores(
    job: Job, setting: "Setting", files: tuple[str, ...], constraints: ScoreBeginningParameters
) -> "Beginning":
    """Read scores, fit them to the sound, and begin with what they say."""
    from mirtool.cli.scores import fitted_parts
    from mirtool.decomposition.scores.beginning import score

    parameters = ScoreParameters(early=constraints.early, late=constraints.late, align=constraints.align)
    parts = fitted_parts(job, setting.source, files, job.plan.reading.start or 0.0, parameters)
    return score(setting, parts, parameters, constraints.sounds == "pitch")


def _write(job: Job, found: "Decomposition", trace: str | None) -> None:
    """Write all that is no sound."""
    import numpy as np

    from mirtool.decomposition.factorization.description import components
    from mirtool.types import Table

    job.write_part("templates", found.model.template_features())
    job.write_part("activations", found.model.activation_features())
    job.write_part("components", components(found.model, found.pitches))
    if trace is not None:
        job.write_as(Table({"iteration": np.arange(len(found.cost)), "cost": found.cost}), trace)
