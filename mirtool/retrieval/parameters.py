"""The parameters of retrieval, with their defaults; standard library only."""

from dataclasses import dataclass, field

FINGERPRINTS = ("landmarks", "triplets")


@dataclass(frozen=True)
class FingerprintParameters:
    """Which peaks of the spectrogram stand for a sound, and how they are combined to hashes.

    The rate, the window and the hop are part of what a hash means; they are no options.
    """

    method: str = field(
        default="landmarks",
        metadata={
            "help": "pairs of peaks (Wang), or triples that speed does not change (Six and Leman)",
            "choices": FINGERPRINTS,
        },
    )
    density: float = field(default=20.0, metadata={"help": "peaks kept of a second of sound"})
    fan_out: int = field(default=5, metadata={"help": "hashes that begin at each peak"})
