"""Parameters of the chapter, with their defaults."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TimeScaleParameters:
    """How sound is brought to another duration (see `mirtool.signal.tsm`)."""

    tsm: str = field(
        default="hps",
        metadata={
            "help": "Method for sound: hps (harmonic part by phase vocoder, percussive part by overlap-add), "
            "pv (phase vocoder alone) or wsola.",
            "choices": ("hps", "pv", "wsola"),
        },
    )
