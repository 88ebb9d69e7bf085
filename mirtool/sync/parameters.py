"""The parameters of synchronisation, with their defaults; standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

METHODS = ("multiscale", "exact")
STEP_SETS = ("classic", "slanted")


def _weights() -> Mapping[str, float]:
    return {"chroma": 0.5, "pitch": 0.75, "onset": 2.0, "dlnco": 1.0}


@dataclass(frozen=True)
class SyncParameters:
    """How two versions are aligned."""

    method: str = field(
        default="multiscale",
        metadata={"help": "from coarse to fine within a band, or exact at the full feature rate", "choices": METHODS},
    )
    steps: str = field(
        default="classic", metadata={"help": "(1,0) (0,1) (1,1), or (1,1) (1,2) (2,1)", "choices": STEP_SETS}
    )
    step_weights: tuple[float, ...] = field(
        default=(1.0, 1.0, 1.0), metadata={"help": "factors on the cost of the steps, in the order of --steps"}
    )
    feature_weights: Mapping[str, float] = field(
        default_factory=_weights, metadata={"help": "weights of the parts of the cost"}
    )
    transpose: int | None = field(
        default=None,
        metadata={"help": "semitones from the first version to the second; auto: found by trying", "none": "auto"},
    )
    band: float | None = field(
        default=None,
        metadata={"help": "how far the path may lie from the straight line between its ends", "unit": "s"},
    )
    subsequence: bool = field(default=False, metadata={"help": "the first version is an excerpt of the second"})
    trim: bool = field(
        default=True,
        metadata={"help": "pass over silence and whatever only one version has (applause) at either end"},
    )
