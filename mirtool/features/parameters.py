"""The parameters of the features, with their defaults; standard library only."""

from dataclasses import dataclass, field

NORMS = ("none", "l1", "l2", "max")
BANKS = ("semitone", "gaussian")


@dataclass(frozen=True)
class AnalysisParameters:
    """What every feature that looks at spectra needs: how the sound is cut into frames."""

    feature_rate: float = field(default=50.0, metadata={"help": "frames a second", "unit": "Hz"})
    sample_rate: int = field(
        default=22050, metadata={"help": "sample rate to which the sound is brought", "unit": "Hz"}
    )
    window_length: int = field(default=4096, metadata={"help": "length of the Hann window", "unit": "samples"})


@dataclass(frozen=True)
class PitchParameters(AnalysisParameters):
    """How spectra are pooled to pitches (FMP, Section 3.1.1), and how notes become energy over pitch."""

    bank: str = field(
        default="semitone",
        metadata={"help": "filter bank: disjoint semitones (FMP) or overlapping Gaussians", "choices": BANKS},
    )
    pitch_low: int = field(default=24, metadata={"help": "lowest pitch (MIDI number)"})
    pitch_high: int = field(default=108, metadata={"help": "highest pitch (MIDI number)"})
    tuning: float | None = field(
        default=None,
        metadata={"help": "deviation from A4 = 440 Hz; estimated from the sound by default", "unit": "cents"},
    )
    # The knee of log(1 + γ v) lies at v = 1/γ: 50 dB below a sine at full scale.
    compression: float = field(
        default=1e5, metadata={"help": "γ of the logarithmic compression log(1 + γ v) of energies v; 0 for none"}
    )
    partials: int = field(
        default=1, metadata={"help": "partials of a note (MIDI, scores); partial h has amplitude 1/h"}
    )
    decay: float = field(default=0.0, metadata={"help": "decay of a note (MIDI, scores)", "unit": "dB/s"})


@dataclass(frozen=True)
class SpectrogramParameters(PitchParameters):
    """Spectrogram over frequency or over pitch (FMP, Sections 2.5 and 3.1.1)."""

    window_length: int = field(default=2048, metadata={"help": "length of the Hann window", "unit": "samples"})
    compression: float = field(
        default=0.0, metadata={"help": "γ of the logarithmic compression log(1 + γ v); 0 for none"}
    )
    scale: str = field(
        default="linear", metadata={"help": "rows: bins (Hz) or MIDI pitches", "choices": ("linear", "pitch")}
    )
    power: bool = field(default=False, metadata={"help": "squared magnitudes (over pitch they always are)"})


@dataclass(frozen=True)
class ChromaParameters(PitchParameters):
    """Chroma features (FMP, Section 3.1.2)."""

    norm: str = field(default="l2", metadata={"help": "norm of every frame", "choices": NORMS})
    threshold: float = field(default=1e-2, metadata={"help": "frames of smaller norm become the flat vector"})


@dataclass(frozen=True)
class CensParameters(PitchParameters):
    """CENS: chroma energy normalised statistics (Müller, Kurth and Clausen, ISMIR 2005; FMP, Section 7.2.1)."""

    feature_rate: float = field(
        default=10.0, metadata={"help": "frames a second before smoothing and downsampling", "unit": "Hz"}
    )
    compression: float = field(
        default=0.0, metadata={"help": "γ of the logarithmic compression log(1 + γ v); 0 for none"}
    )
    smoothing: int = field(default=41, metadata={"help": "length ℓ of the smoothing Hann window", "unit": "frames"})
    downsampling: int = field(default=10, metadata={"help": "factor d by which the frames are thinned out"})
    threshold: float = field(default=1e-7, metadata={"help": "frames of smaller energy become the flat vector"})
