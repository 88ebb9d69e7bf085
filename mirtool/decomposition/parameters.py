"""The parameters of decompositions, with their defaults; standard library only."""

from dataclasses import dataclass, field
from typing import Any

from mirtool.features.parameters import MelodyParameters, tuning_field

ALIGNMENTS = ("auto", "always", "never")
MASKS = ("soft", "wiener", "binary")
PHASES = ("source", "griffin-lim")

# Which methods of `separate` know a parameter
GRID = ("method", "hpss", "repet", "repet-sim")
REPEATING = ("method", "repet", "repet-sim")
SIMILAR = ("method", "repet-sim")
COSTS = {"euclidean": 2.0, "kl": 1.0, "is": 0.0}
MODELS = ("nmf", "nmfd", "autoencoder")
FACTORIZATIONS = ("model", "nmf", "nmfd")  # what belongs to these models only
SPECTRA = ("magnitude", "power")


@dataclass(frozen=True)
class FactorizationParameters:
    """Nonnegative factorisation by multiplicative updates (Févotte and Idier, Neural Computation 2011)."""

    rank: int = field(default=16, metadata={"help": "number of components, where nothing else tells it"})
    cost: str | None = field(
        default=None,
        metadata={
            "help": "what is made small: squared error, or the divergence of Kullback-Leibler or Itakura-Saito",
            "choices": tuple(COSTS),
            "none": "kl",
            "of": FACTORIZATIONS,
        },
    )
    beta: float | None = field(
        default=None,
        metadata={
            "help": "exponent β of the β-divergence, instead of --cost",
            "none": "1, the cost kl",
            "of": FACTORIZATIONS,
        },
    )
    iterations: int = field(default=200, metadata={"help": "largest number of iterations"})
    tolerance: float = field(
        default=1e-5, metadata={"help": "stop when an iteration lowers the cost by a smaller part of it"}
    )
    sparsity: float = field(
        default=0.0,
        metadata={"help": "weight of Σ |template|₂ |activations|₁, relative to √K and the level: 0.1 is much"},
    )
    continuity: float = field(
        default=0.0,
        metadata={
            "help": "weight of the squared changes of activations from frame to frame, relative to the level",
            "of": FACTORIZATIONS,
        },
    )
    restarts: int = field(default=1, metadata={"help": "random beginnings, of which the lowest cost is kept"})
    seed: int = field(default=0, metadata={"help": "seed of the random beginnings"})


@dataclass(frozen=True)
class ComponentParameters:
    """How sound becomes the matrix that is factorised, and by which model."""

    model: str = field(
        default="nmf",
        metadata={"help": "templates of one frame, of several (nmfd), or a nonnegative autoencoder", "choices": MODELS},
    )
    window: float | None = field(
        default=None,
        metadata={"help": "length of the Hann window; auto: 0.093, with nmfd 0.046", "unit": "s", "none": "auto"},
    )
    hop: float | None = field(
        default=None,
        metadata={"help": "distance of the frames; auto: a quarter of the window", "unit": "s", "none": "auto"},
    )
    spectrum: str | None = field(
        default=None,
        metadata={"help": "what is factorised; auto: power with the cost is", "choices": SPECTRA, "none": "auto"},
    )
    template_length: float = field(
        default=0.2, metadata={"help": "how long a template lasts", "unit": "s", "of": ("model", "nmfd")}
    )
    learning: float = field(
        default=300.0,
        metadata={
            "help": "how much of a longer sound templates are learned from, in sections spread over it",
            "unit": "s",
        },
    )


@dataclass(frozen=True)
class PitchTemplateParameters:
    """Harmonic templates, one a pitch (FMP, Section 8.3.2.1)."""

    pitch_low: int = field(default=36, metadata={"help": "lowest pitch (MIDI number)", "of": ("init", "pitch")})
    pitch_high: int = field(default=96, metadata={"help": "highest pitch (MIDI number)", "of": ("init", "pitch")})
    tuning: float | None = tuning_field("init", "pitch")
    partials: int = field(
        default=20, metadata={"help": "partials of a template; partial h has amplitude 1/h", "of": ("init", "pitch")}
    )


# What separations and factorisations by scores have in common; the arguments tell the option that it belongs to.
def _early(*of: str) -> Any:
    return field(default=0.05, metadata={"help": "how long before its onset a note may sound", "unit": "s", "of": of})


def _late(*of: str) -> Any:
    return field(default=0.4, metadata={"help": "how long after its offset a note may sound", "unit": "s", "of": of})


def _align(*of: str) -> Any:
    return field(
        default="auto",
        metadata={
            "help": "whether the scores are aligned with the sound first; auto: if they then fit better",
            "choices": ALIGNMENTS,
            "of": of,
        },
    )


@dataclass(frozen=True)
class ScoreBeginningParameters:
    """How a score constrains a factorisation (FMP, Section 8.3.2)."""

    early: float = _early("score")
    late: float = _late("score")
    align: str = _align("score")
    sounds: str = field(
        default="track",
        metadata={
            "help": "what is written as a sound of its own: a score (or its track), or each of its pitches",
            "choices": ("track", "pitch"),
            "of": ("score",),
        },
    )


@dataclass(frozen=True)
class DrumTemplateParameters:
    """Which drums there are (Dittmar and Müller, TASLP 2016)."""

    drums: tuple[str, ...] = field(
        default=("kick", "snare", "hihat"),
        metadata={
            "help": "what is looked for: kick, snare, hihat, tom, crash, ride, rim, and tone for notes beside them",
            "metavar": "DRUM,…",
            "of": ("init", "drums"),
        },
    )


@dataclass(frozen=True)
class MaskParameters:
    """How a mask is made of estimates of the parts."""

    mask: str | None = field(
        default=None,
        metadata={
            "help": "each part gets its share of the magnitudes to a power, of the energies, or all or nothing; "
            "auto: wiener, soft for repet and repet-sim",
            "choices": MASKS,
            "none": "auto",
        },
    )
    power: float = field(default=1.0, metadata={"help": "power of the magnitudes; 2 is wiener", "of": ("mask", "soft")})


@dataclass(frozen=True)
class TransformParameters:
    """The grid of time and frequency on which masks are made."""

    window: float = field(default=0.093, metadata={"help": "length of the Hann window", "unit": "s", "of": GRID})
    hop: float | None = field(
        default=None,
        metadata={
            "help": "distance of the frames; auto: a quarter of the window",
            "unit": "s",
            "none": "auto",
            "of": GRID,
        },
    )


@dataclass(frozen=True)
class HpssParameters(MaskParameters, TransformParameters):
    """Harmonic-percussive separation (Fitzgerald, DAFx 2010; Driedger, Müller and Disch, ISMIR 2014)."""

    time_median: float = field(
        default=0.4,
        metadata={"help": "length of the median over time, which keeps tones", "unit": "s", "of": ("method", "hpss")},
    )
    frequency_median: float = field(
        default=500.0,
        metadata={
            "help": "width of the median over frequency, which keeps strokes",
            "unit": "Hz",
            "of": ("method", "hpss"),
        },
    )
    # A bass drum fills less than a hundred Hz: the median over five times as much would not see it.
    bass_edge: float = field(
        default=150.0,
        metadata={"help": "below it the median over frequency is narrower", "unit": "Hz", "of": ("method", "hpss")},
    )
    bass_median: float = field(
        default=75.0, metadata={"help": "its width there", "unit": "Hz", "of": ("method", "hpss")}
    )
    margin: float = field(
        default=1.0,
        metadata={
            "help": "how many times larger one median must be than the other; what is in between is the residual",
            "of": ("method", "hpss"),
        },
    )


@dataclass(frozen=True)
class RepetParameters(MaskParameters, TransformParameters):
    """Voice and accompaniment by repetition (Rafii and Pardo, TASLP 2013; ISMIR 2012)."""

    period: tuple[float, float] = field(
        default=(0.8, 8.0),
        metadata={
            "help": "shortest and longest period with which the accompaniment may repeat",
            "metavar": "LOW,HIGH",
            "unit": "s",
            "of": ("method", "repet"),
        },
    )
    similar: int = field(
        default=100,
        metadata={"help": "largest number of similar frames that a frame is compared with", "of": SIMILAR},
    )
    similar_distance: float = field(
        default=0.3, metadata={"help": "smallest distance of two similar frames", "unit": "s", "of": SIMILAR}
    )
    similarity: float = field(
        default=0.0, metadata={"help": "smallest likeness of similar frames, 0 to 1", "of": SIMILAR}
    )
    neighbourhood: float = field(
        default=20.0,
        metadata={"help": "how far before and after a frame repetitions are looked for", "unit": "s", "of": REPEATING},
    )
    cutoff: float = field(
        default=100.0, metadata={"help": "below it, all is accompaniment", "unit": "Hz", "of": REPEATING}
    )


@dataclass(frozen=True)
class MosaicParameters:
    """Audio mosaicing (Driedger, Prätzlich and Müller, ISMIR 2015)."""

    window: float = field(default=0.093, metadata={"help": "length of a grain", "unit": "s"})
    hop: float | None = field(
        default=None, metadata={"help": "distance of the grains; auto: half of the window", "unit": "s", "none": "auto"}
    )
    iterations: int = field(default=20, metadata={"help": "rounds of learning"})
    repetition: int = field(
        default=3, metadata={"help": "a grain sounds once within so many grains before and after; 0: as it comes"}
    )
    polyphony: int = field(
        default=10, metadata={"help": "most grains, each with what surrounds it, at one time; 0: any number"}
    )
    continuity: int = field(
        default=3, metadata={"help": "grains before and after that sound along as in the source; 0: none"}
    )
    phase: str = field(
        default="source",
        metadata={
            "help": "phases of the grains as they are in the source, or such as fit the magnitudes of their sum",
            "choices": PHASES,
        },
    )
    phase_iterations: int = field(
        default=32, metadata={"help": "rounds in which phases are improved", "of": ("phase", "griffin-lim")}
    )
    seed: int = 0


@dataclass(frozen=True)
class ScoreParameters(MaskParameters):
    """Separation informed by a score (Ewert and Müller, ICASSP 2012)."""

    score_window: float = field(
        default=0.093, metadata={"help": "length of the Hann window", "unit": "s", "of": ("method", "score")}
    )
    partials: int = field(default=40, metadata={"help": "largest number of a partial", "of": ("method", "score")})
    pitch_tolerance: float = field(
        default=60.0,
        metadata={"help": "how far a partial may lie beside its frequency", "unit": "cents", "of": ("method", "score")},
    )
    early: float = _early("method", "score")
    late: float = _late("method", "score")
    rounds: int = field(default=40, metadata={"help": "iterations of learning", "of": ("method", "score")})
    align: str = _align("method", "score")


@dataclass(frozen=True)
class VocalsParameters(MaskParameters):
    """Voice and accompaniment (Driedger and Müller, ICASSP 2015; Durrieu, David and Richard, JSTSP 2011)."""

    f0_range: tuple[float, float] = field(
        default=MelodyParameters.f0_range,
        metadata={
            "help": "lowest and highest pitch that is sung",
            "metavar": "LOW,HIGH",
            "unit": "Hz",
            "of": ("method", "vocals"),
        },
    )
    voicing: float = field(
        default=MelodyParameters.voicing,
        metadata={
            "help": "how much weaker than on average the voice may be",
            "unit": "dB",
            "of": ("method", "vocals"),
        },
    )
    vocals_window: float = field(
        default=0.064, metadata={"help": "length of the Hann window", "unit": "s", "of": ("method", "vocals")}
    )
    accompaniment_rank: int = field(
        default=40, metadata={"help": "spectra that the accompaniment is made of", "of": ("method", "vocals")}
    )
    model_updates: int = field(
        default=20, metadata={"help": "updates of the model of voice and accompaniment", "of": ("method", "vocals")}
    )
