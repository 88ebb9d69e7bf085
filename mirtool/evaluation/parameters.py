"""Parameters of the evaluation."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bootstrap:
    """How the intervals around means are found (Efron and Tibshirani, *An Introduction to the Bootstrap*, ch. 13)."""

    resamples: int = field(default=2000, metadata={"help": "Bootstrap resamples behind each interval."})
    level: float = field(default=0.95, metadata={"help": "Probability that the intervals cover."})
    seed: int = field(default=0, metadata={"help": "Seed of the resampling."})


@dataclass(frozen=True)
class OnsetMatching:
    """When an onset counts as found."""

    window: float = field(default=0.05, metadata={"help": "Largest distance of a hit.", "unit": "s"})


@dataclass(frozen=True)
class BeatMatching:
    """When a beat counts as found, and which beats count."""

    window: float = field(default=0.07, metadata={"help": "Largest distance of a hit, for F.", "unit": "s"})
    trim: float = field(default=5.0, metadata={"help": "Beats before this time do not count.", "unit": "s"})


@dataclass(frozen=True)
class TempoMatching:
    """When a tempo counts as right."""

    tolerance: float = field(default=0.04, metadata={"help": "Share of the reference by which a tempo may be wrong."})


@dataclass(frozen=True)
class SeparationMatching:
    """What of an estimated source still counts as the reference."""

    filter_length: int = field(
        default=512,
        metadata={
            "help": "Length of the filters that isr, sir and sar allow; 0 leaves these out.",
            "unit": "samples",
        },
    )


@dataclass(frozen=True)
class RetrievalMatching:
    """Where in a ranked list is looked."""

    ranks: tuple[int, ...] = field(default=(1, 5, 10), metadata={"help": "Ranks at which top and p are counted."})
