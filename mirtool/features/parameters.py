"""The parameters of the features, with their defaults; standard library only."""

from dataclasses import dataclass, field
from typing import Any

NORMS = ("none", "l1", "l2", "max")
BANKS = ("gaussian", "semitone")
NOVELTY_STAGES = ("spectrogram", "compression", "difference", "accumulation", "novelty")
NOVELTY_NORMS = ("none", "max", "local")
FLUX = ("method", "superflux", "complexflux")  # what belongs to these methods of novelty only
NOVELTY_METHODS = ("superflux", "complexflux", "energy", "spectral", "phase", "complex")


def tuning_field(*of: str) -> Any:
    """Return the field of a tuning, which many analyses have; `of` tells what it belongs to, as in any metadata."""
    return field(
        default=None,
        metadata={
            "help": "deviation from A4 = 440 Hz; auto: estimated from the sound",
            "unit": "cents",
            "none": "auto",
            "of": of,
        },
    )


@dataclass(frozen=True)
class SoundParameters:
    """How sound is brought to a common form, and how often it is looked at."""

    feature_rate: float = field(default=50.0, metadata={"help": "frames per second", "unit": "Hz"})
    analysis_rate: int = field(
        default=22050, metadata={"help": "sample rate to which the sound is brought", "unit": "Hz"}
    )


@dataclass(frozen=True)
class AnalysisParameters(SoundParameters):
    """How sound is cut into windows for the Fourier transform."""

    window_length: int = field(default=4096, metadata={"help": "length of the Hann window", "unit": "samples"})


@dataclass(frozen=True)
class KeyParameters(SoundParameters):
    """Which keys are looked at, and how they are tuned."""

    pitch_low: int = field(default=36, metadata={"help": "lowest pitch (MIDI number)"})
    pitch_high: int = field(default=108, metadata={"help": "highest pitch (MIDI number)"})
    tuning: float | None = tuning_field()


@dataclass(frozen=True)
class PitchParameters(KeyParameters, AnalysisParameters):
    """How spectra are pooled to pitches (FMP, Section 3.1.1), and how notes become energy over pitch."""

    bank: str = field(
        default="gaussian",
        metadata={"help": "filter bank: overlapping Gaussians, or disjoint semitones (FMP)", "choices": BANKS},
    )
    # The knee of log(1 + γ v) lies at v = 1/γ: 50 dB below a sine at full scale.
    compression: float = field(
        default=1e5, metadata={"help": "γ of the logarithmic compression log(1 + γ v) of energies v; 0 for none"}
    )
    partials: int = field(
        default=4, metadata={"help": "partials of a note (MIDI, scores); partial h has amplitude 1/h"}
    )
    decay: float = field(default=10.0, metadata={"help": "decay of a note (MIDI, scores)", "unit": "dB/s"})


@dataclass(frozen=True)
class SpectrogramParameters(PitchParameters):
    """Spectrogram over frequency or over pitch (FMP, Sections 2.5 and 3.1.1)."""

    window_length: int = field(default=2048, metadata={"help": "length of the Hann window", "unit": "samples"})
    compression: float = field(
        default=0.0, metadata={"help": "γ of the logarithmic compression log(1 + γ v); 0 for none"}
    )
    partials: int = field(
        default=1, metadata={"help": "partials of a note (MIDI, scores); partial h has amplitude 1/h"}
    )
    decay: float = field(default=0.0, metadata={"help": "decay of a note (MIDI, scores)", "unit": "dB/s"})
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
        default=10.0, metadata={"help": "frames per second before smoothing and downsampling", "unit": "Hz"}
    )
    compression: float = field(
        default=0.0, metadata={"help": "γ of the logarithmic compression log(1 + γ v); 0 for none"}
    )
    smoothing: int = field(default=41, metadata={"help": "length ℓ of the smoothing Hann window", "unit": "frames"})
    downsampling: int = field(default=10, metadata={"help": "factor d by which the frames are thinned out"})
    threshold: float = field(default=1e-7, metadata={"help": "frames of smaller energy become the flat vector"})


@dataclass(frozen=True)
class BandParameters(AnalysisParameters):
    """Magnitudes in bands on a logarithmic axis of frequency."""

    feature_rate: float = field(default=100.0, metadata={"help": "frames per second", "unit": "Hz"})
    analysis_rate: int = field(
        default=16000, metadata={"help": "sample rate to which the sound is brought", "unit": "Hz"}
    )
    window_length: int = field(default=1200, metadata={"help": "length of the Hann window", "unit": "samples"})
    octave_bands: int = field(default=36, metadata={"help": "bands of an octave", "of": FLUX})
    low: float = field(default=30.0, metadata={"help": "lowest frequency", "unit": "Hz", "of": FLUX})
    high: float = field(default=8000.0, metadata={"help": "highest frequency", "unit": "Hz", "of": FLUX})


@dataclass(frozen=True)
class FluxParameters(BandParameters):
    """How bands must rise for something to begin."""

    compression: float = field(
        default=400.0,
        metadata={"help": "γ of log(1 + γ v); superflux and complexflux take v relative to the level of the sound"},
    )
    lag: float = field(default=0.02, metadata={"help": "time over which bands must rise", "unit": "s", "of": FLUX})
    reach: int = field(
        default=1, metadata={"help": "bands by which a partial may move without counting as new", "of": FLUX}
    )
    lookahead: float = field(
        default=1.0,
        metadata={"help": "how much of what follows is heard before the level of a moment is judged", "unit": "s"},
    )


@dataclass(frozen=True)
class NoveltyParameters(FluxParameters):
    """Novelty: how much begins at a moment (FMP, Section 6.1)."""

    method: str = field(default="superflux", metadata={"help": "what must change", "choices": NOVELTY_METHODS})
    average: float = field(
        default=0.07,
        metadata={"help": "reach to either side of the local average that is subtracted; 0 for none", "unit": "s"},
    )
    norm: str = field(
        default="local",
        metadata={"help": "divide by the largest value, or by what is usual nearby", "choices": NOVELTY_NORMS},
    )


@dataclass(frozen=True)
class DlncoParameters(KeyParameters):
    """DLNCO: decaying locally normalised chroma onsets (Ewert, Müller and Grosche, ICASSP 2009)."""

    onset_compression: float = field(
        default=1e6, metadata={"help": "γ of the logarithmic compression log(1 + γ v) of energy onsets v"}
    )
    local_norm: float = field(default=0.8, metadata={"help": "length over which the local norm is taken", "unit": "s"})
    local_threshold: float = field(default=0.1, metadata={"help": "smallest local norm"})
    decay_frames: int = field(default=10, metadata={"help": "frames over which an onset decays, as √(1/i)"})


@dataclass(frozen=True)
class SyncFeatureParameters:
    """What `sync` compares: energies and onsets over pitch."""

    feature_rate: float = field(default=100.0, metadata={"help": "frames per second", "unit": "Hz"})
    tuning: float | None = tuning_field()
    compression: float = field(default=300.0, metadata={"help": "γ of log(1 + γ v) for energies"})
    onset_compression: float = field(default=1000.0, metadata={"help": "γ of log(1 + γ v) for onsets"})


@dataclass(frozen=True)
class SalienceParameters(AnalysisParameters):
    """How likely each pitch is that of a voice (after Salamon and Gómez, TASLP 2012)."""

    analysis_rate: int = field(
        default=16000, metadata={"help": "sample rate to which the sound is brought", "unit": "Hz"}
    )
    window_length: int = field(default=2048, metadata={"help": "length of the Hann window", "unit": "samples"})
    f0_range: tuple[float, float] = field(
        default=(90.0, 1000.0), metadata={"help": "lowest and highest pitch", "metavar": "LOW,HIGH", "unit": "Hz"}
    )
    pitch_step: float = field(default=20.0, metadata={"help": "distance of the pitches", "unit": "cents"})
    partials: int = field(default=20, metadata={"help": "harmonics that are summed up"})
    partial_decay: float = field(default=0.8, metadata={"help": "exponent d of the weight 1/h^d of harmonic h"})
    flattening: float = field(
        default=600.0, metadata={"help": "width over which spectra are brought to one level", "unit": "Hz"}
    )
    steadiness: float = field(
        default=0.6, metadata={"help": "length over which a tone that stands still is no voice", "unit": "s"}
    )


@dataclass(frozen=True)
class MelodyParameters(SalienceParameters):
    """Which path through the salience is the melody, and where it sounds."""

    register_width: float = field(
        default=800.0,
        metadata={"help": "how far from its mean pitch a voice ranges (standard deviation)", "unit": "cents"},
    )
    voicing: float = field(
        default=6.0, metadata={"help": "how much weaker than on average the voice may be", "unit": "dB"}
    )
