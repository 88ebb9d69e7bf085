"""The parameters of retrieval, with their defaults; standard library only."""

from dataclasses import dataclass, field

from mirtool.features.parameters import tuning_field

ASPECTS = ("timbre", "rhythm", "harmony")
PROXIMITIES = ("mutual", "none")
FINGERPRINTS = ("landmarks", "triplets")
MATCHING_METHODS = ("dtw", "diagonal")
STATISTICS = ("log", "quantized")


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
    density: float = field(default=40.0, metadata={"help": "peaks kept of a second of sound"})
    fan_out: int = field(default=3, metadata={"help": "hashes that begin at each peak"})


@dataclass(frozen=True)
class CharacterParameters:
    """What is kept of a piece, by which pieces of a kind are known."""

    cepstra: int = field(default=20, metadata={"help": "cepstral coefficients whose mean and covariance are kept"})
    rhythm_coefficients: tuple[int, int] = field(
        default=(16, 10),
        metadata={"help": "coefficients of the onset patterns, over tempo and over bands", "metavar": "TEMPO,BANDS"},
    )
    lags: tuple[float, ...] = field(
        default=(0.5, 1.0, 2.0, 4.0, 8.0),
        metadata={"help": "times after which harmony is compared with itself, 0.5 s and more", "unit": "s"},
    )


@dataclass(frozen=True)
class SimilarityParameters:
    """How aspects are put together, and what is made of distances."""

    weights: tuple[float, ...] = field(
        default=(2.0, 1.0, 1.0), metadata={"help": "of timbre, rhythm and harmony", "metavar": "T,R,H"}
    )
    proximity: str = field(
        default="mutual",
        metadata={
            "help": "how near two pieces are among the others, seen from both, or their distance alone",
            "choices": PROXIMITIES,
        },
    )


@dataclass(frozen=True)
class HarmonyParameters:
    """The chroma by which versions are compared."""

    feature_rate: float = field(default=2.0, metadata={"help": "frames per second", "unit": "Hz"})
    tuning: float | None = tuning_field()
    compression: float = field(
        default=1000.0,
        metadata={
            "help": "γ of log(1 + γ v), v being energies relative to the loud parts of the recording; 0 for none"
        },
    )


@dataclass(frozen=True)
class RecurrenceParameters:
    """Cross recurrence of two versions (Serrà, Serra and Andrzejak, New Journal of Physics 11, 2009)."""

    stack: int = field(default=7, metadata={"help": "frames m in a row that are compared as one"})
    neighbours: float = field(
        default=0.095, metadata={"help": "share κ of the other version that counts as alike with a moment"}
    )
    gap_onset: float = field(default=0.5, metadata={"help": "cost γ_o of a gap in a trace", "unit": "frames"})
    gap_extension: float = field(
        default=0.5, metadata={"help": "cost γ_e of a gap's going on", "unit": "frames a frame"}
    )
    transpositions: int = field(default=2, metadata={"help": "keys that are tried out, the likeliest first (1 to 12)"})
    # A stack of frames finds its like up to a fifth faster or slower: together from three fifths to five thirds.
    tempo_ratios: tuple[float, ...] = field(
        default=(0.71, 1.0, 1.41),
        metadata={
            "help": "tempi at which X is compared, as ratios of durations: of the hit, and of X",
            "metavar": "RATIO,…",
        },
    )
    candidates: int = field(
        default=1000,
        metadata={
            "help": "of more recordings than these, only the likeliest at half the feature rate are compared in full"
        },
    )


@dataclass(frozen=True)
class MatchingFeatureParameters:
    """The chroma by which an excerpt is looked for (after CENS: Müller, Kurth and Clausen, ISMIR 2005)."""

    feature_rate: float = field(
        default=10.0, metadata={"help": "frames per second before smoothing and downsampling", "unit": "Hz"}
    )
    statistics: str = field(
        default="log",
        metadata={
            "help": "chroma of compressed energies, or quantised shares of the energy (CENS)",
            "choices": STATISTICS,
        },
    )
    tuning: float | None = tuning_field()


@dataclass(frozen=True)
class MatchingParameters:
    """How an excerpt may differ from what it is found in (FMP, Section 7.2)."""

    method: str = field(
        default="dtw",
        metadata={
            "help": "compare all places by subsequence DTW, or by diagonals at several tempi",
            "choices": MATCHING_METHODS,
        },
    )
    smoothing: int = field(default=11, metadata={"help": "length ℓ of the smoothing Hann window", "unit": "frames"})
    downsampling: int = field(
        default=5, metadata={"help": "factor d by which the frames are thinned out before all places are compared"}
    )
    transpose: bool = field(default=True, metadata={"help": "look for the excerpt in all twelve keys"})
    tempo_range: tuple[float, float] = field(
        default=(0.5, 2.0),
        metadata={"help": "shortest and longest duration of a hit, relative to the query", "metavar": "LOW,HIGH"},
    )
    max_overlap: float = field(
        default=0.0, metadata={"help": "share of the shorter one by which two hits in a file may overlap"}
    )


@dataclass(frozen=True)
class RecognitionParameters:
    """How a sound is looked for, and when it counts as found."""

    min_confidence: float = field(default=0.99, metadata={"help": "answers below it are not given", "metavar": "0..1"})
    speed_range: float = field(
        default=6.0,
        metadata={"help": "how much faster or slower the query may run, with its pitch or without", "unit": "%"},
    )


@dataclass(frozen=True)
class MonitorParameters:
    """How a long recording is cut into queries."""

    window: float = field(default=10.0, metadata={"help": "how much is a query", "unit": "s"})
    step: float = field(
        default=5.0, metadata={"help": "from the beginning of a query to that of the next", "unit": "s"}
    )
