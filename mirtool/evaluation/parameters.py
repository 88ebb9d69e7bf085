"""Parameters of the evaluation."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bootstrap:
    """How the intervals around means are found (Efron and Tibshirani, *An Introduction to the Bootstrap*, ch. 13)."""

    resamples: int = field(default=2000, metadata={"help": "Bootstrap resamples behind each interval."})
    level: float = field(default=0.95, metadata={"help": "Probability that the intervals cover."})
    seed: int = field(default=0, metadata={"help": "Seed of the resampling."})
