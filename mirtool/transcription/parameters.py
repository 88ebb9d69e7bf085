"""The parameters of transcription, with their defaults; standard library only."""

from dataclasses import dataclass, field

from mirtool.features.parameters import BandParameters


@dataclass(frozen=True)
class DrumParameters(BandParameters):
    """How strokes of drums are found: templates that stay as they are, and activations (NMFD)."""

    analysis_rate: int = field(
        default=44100, metadata={"help": "sample rate to which the sound is brought", "unit": "Hz"}
    )
    window_length: int = field(default=2048, metadata={"help": "length of the Hann window", "unit": "samples"})
    octave_bands: int = field(default=8, metadata={"help": "bands of an octave"})
    low: float = field(default=35.0, metadata={"help": "lowest frequency of a band", "unit": "Hz"})
    high: float = field(default=17000.0, metadata={"help": "highest frequency of a band", "unit": "Hz"})
    # Weak strokes count for more than with magnitudes, and the sum of two is still nearly that of their spectra.
    power: float = field(default=0.7, metadata={"help": "exponent of the magnitudes"})
    template: float = field(default=0.16, metadata={"help": "length of the templates", "unit": "s"})
    iterations: int = field(default=40, metadata={"help": "updates of the activations"})
    threshold: float = field(
        default=1.0, metadata={"help": "how strong a stroke must be, relative to what is usual for its drum"}
    )
    min_gap: float = field(default=0.04, metadata={"help": "least time between two strokes of a drum", "unit": "s"})
