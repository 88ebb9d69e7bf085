"""The parameters of rhythm, with their defaults; standard library only."""

from dataclasses import dataclass, field
from typing import Any

from mirtool.features.parameters import FluxParameters

TEMPOGRAMS = ("fourier", "autocorrelation", "cyclic", "cyclic-autocorrelation")
TRACKERS = ("hmm", "dp", "plp")
LEVELS = ("half", "double")


@dataclass(frozen=True)
class PeriodicityParameters:
    """How local periodicities of a novelty curve are looked for (FMP, Section 6.2)."""

    tempo_window: float = field(
        default=6.0, metadata={"help": "length of the window in which the tempo counts as steady", "unit": "s"}
    )
    tempo_low: float = field(default=30.0, metadata={"help": "lowest tempo", "unit": "BPM"})
    tempo_high: float = field(default=600.0, metadata={"help": "highest tempo", "unit": "BPM"})
    tempo_step: float = field(default=1.0, metadata={"help": "distance of the tempi", "unit": "BPM"})


@dataclass(frozen=True)
class TempogramParameters(PeriodicityParameters):
    """Tempograms: Fourier, autocorrelation and cyclic (FMP, Sections 6.2.2 to 6.2.4)."""

    feature_rate: float = field(default=10.0, metadata={"help": "frames per second", "unit": "Hz"})
    method: str = field(
        default="fourier",
        metadata={
            "help": "compare with sinusoids, with the curve itself moved in time, or fold octaves of either",
            "choices": TEMPOGRAMS,
        },
    )
    octave_bins: int = field(
        default=30, metadata={"help": "rows", "of": ("method", "cyclic", "cyclic-autocorrelation")}
    )


@dataclass(frozen=True)
class PulseParameters(PeriodicityParameters):
    """Predominant local pulse (Grosche and Müller, TASLP 2011)."""

    hop: float = field(default=0.1, metadata={"help": "distance of the sinusoids that are added up", "unit": "s"})


def _bar_change() -> Any:
    """Return the field that the bar pointer and the metre have in common."""
    return field(default=1e-3, metadata={"help": "probability of another number of beats in the next bar"})


@dataclass(frozen=True)
class BarPointerParameters:
    """The states of the bar pointer, and how it moves on (Krebs, Böck and Widmer, ISMIR 2015)."""

    range: tuple[float, float] = field(
        default=(40.0, 240.0), metadata={"help": "slowest and fastest tempo", "metavar": "LOW,HIGH", "unit": "BPM"}
    )
    tempi: int | None = field(
        default=None,
        metadata={
            "help": "number of tempi, equal ratios apart; auto: one for each length of a beat in frames",
            "none": "auto",
        },
    )
    steadiness: float = field(
        default=100.0, metadata={"help": "λ of exp(-λ |ratio - 1|), the weight of a change of tempo between two beats"}
    )
    bar_change: float = _bar_change()


@dataclass(frozen=True)
class AccentParameters(FluxParameters):
    """How strongly something begins in each register, and how that becomes the activation of beats."""

    registers: tuple[float, ...] = field(
        default=(150.0, 600.0, 2500.0), metadata={"help": "where the registers part", "unit": "Hz"}
    )
    # Beats are carried by bass and bass drum more than by any other register (Goto, JNMR 2001).
    register_weights: tuple[float, ...] = field(
        default=(2.0, 1.0, 1.0, 1.0), metadata={"help": "weight of each register, from the lowest"}
    )


@dataclass(frozen=True)
class MetreParameters:
    """Which bars there may be."""

    beats_per_bar: tuple[int, ...] = field(default=(3, 4), metadata={"help": "numbers of beats that a bar may have"})
    bar_change: float = _bar_change()


@dataclass(frozen=True)
class PeakParameters:
    """Which maxima of a curve count."""

    threshold: float = field(default=0.3, metadata={"help": "smallest value of the novelty that counts as an onset"})
    min_gap: float = field(default=0.03, metadata={"help": "least time between two onsets", "unit": "s"})
    comparison: float = field(
        default=0.05, metadata={"help": "reach to either side over which an onset is the largest value", "unit": "s"}
    )


@dataclass(frozen=True)
class BeatParameters(BarPointerParameters, MetreParameters):
    """How beats are tracked."""

    method: str = field(
        default="hmm",
        metadata={
            "help": "bar pointer (hidden Markov model), dynamic programming, or predominant local pulse",
            "choices": TRACKERS,
        },
    )
    beat_share: float = field(default=1 / 16, metadata={"help": "share of a beat that is heard as the beat (hmm)"})
    tightness: float = field(
        default=100.0, metadata={"help": "weight of the squared logarithm of interval over period (dp)"}
    )


@dataclass(frozen=True)
class TempoParameters:
    """How the tempo of a recording is found."""

    range: tuple[float, float] = field(
        default=(40.0, 240.0), metadata={"help": "slowest and fastest tempo", "metavar": "LOW,HIGH", "unit": "BPM"}
    )
    prior: tuple[float, ...] | None = field(
        default=None,
        metadata={
            "help": "log-normal weight: the tempo that is likely beforehand, and within how many octaves (0.5)",
            "metavar": "CENTRE[,WIDTH]",
            "unit": "BPM",
        },
    )
    hint: float | None = field(
        default=None, metadata={"help": "about how fast it is; goes before --range", "metavar": "BPM", "unit": "BPM"}
    )
    window: float = field(
        default=12.0, metadata={"help": "length of the windows in which periodicities are looked for", "unit": "s"}
    )


@dataclass(frozen=True)
class TempoCurveParameters:
    """How the local tempo is followed."""

    curve_rate: float = field(default=2.0, metadata={"help": "rows per second", "unit": "Hz", "of": ("curve",)})
    curve_window: float = field(
        default=8.0,
        metadata={
            "help": "length of the window in which the tempo counts as steady",
            "unit": "s",
            "of": ("curve",),
        },
    )
    steadiness: float = field(
        default=20.0,
        metadata={
            "help": "what a change of tempo by an octave costs: more makes the curve smoother",
            "unit": "s",
            "of": ("curve",),
        },
    )
