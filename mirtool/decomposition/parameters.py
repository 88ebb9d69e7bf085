"""The parameters of decompositions, with their defaults; standard library only."""

from dataclasses import dataclass, field

MASKS = ("soft", "wiener", "binary")
COSTS = {"euclidean": 2.0, "kl": 1.0, "is": 0.0}


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
        },
    )
    beta: float | None = field(
        default=None,
        metadata={"help": "exponent β of the β-divergence, instead of --cost", "none": "1, the cost kl"},
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
        metadata={"help": "weight of the squared changes of activations from frame to frame, relative to the level"},
    )
    restarts: int = field(default=1, metadata={"help": "random beginnings, of which the lowest cost is kept"})
    seed: int = field(default=0, metadata={"help": "seed of the random beginnings"})


@dataclass(frozen=True)
class MaskParameters:
    """How a mask is made of estimates of the parts."""

    mask: str = field(
        default="wiener",
        metadata={
            "help": "each part gets its share of the magnitudes to a power, of the energies, or all or nothing",
            "choices": MASKS,
        },
    )
    power: float = field(default=1.0, metadata={"help": "power of the magnitudes; 2 is wiener", "of": ("mask", "soft")})


@dataclass(frozen=True)
class HpssParameters(MaskParameters):
    """Harmonic-percussive separation (Fitzgerald, DAFx 2010; Driedger, Müller and Disch, ISMIR 2014)."""

    window: float = field(
        default=0.093, metadata={"help": "length of the Hann window", "unit": "s", "of": ("method", "hpss")}
    )
    hop: float | None = field(
        default=None,
        metadata={
            "help": "distance of the frames; auto: a quarter of the window",
            "unit": "s",
            "none": "auto",
            "of": ("method", "hpss"),
        },
    )
    time_median: float = field(
        default=0.4,
        metadata={"help": "length of the median over time, which keeps tones", "unit": "s", "of": ("method", "hpss")},
    )
    frequency_median: float = field(
        default=270.0,
        metadata={
            "help": "width of the median over frequency, which keeps strokes",
            "unit": "Hz",
            "of": ("method", "hpss"),
        },
    )
    margin: float = field(
        default=1.0,
        metadata={
            "help": "how many times larger one median must be than the other; what is in between is the residual",
            "of": ("method", "hpss"),
        },
    )
