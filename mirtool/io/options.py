"""What a reader and a writer are told besides the bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may need to know beside the bytes.

    Parameters
    ----------
    format : str
        Name of the format, as in `mirtool.io.formats.FORMATS`.
    feature_rate : float or None
        Frames per second of a matrix that does not say it itself.
    start, duration : float or None
        The stretch that is wanted (s); a reader of audio need not decode more.
    pedal : bool
        Notes of a MIDI file sound as long as its sustain pedal holds them.
    """

    format: str = ""
    feature_rate: float | None = None
    start: float | None = None
    duration: float | None = None
    pedal: bool = False


@dataclass(frozen=True)
class WriteOptions:
    """What a writer may need to know beside the container.

    Parameters
    ----------
    format : str
        Name of the format, as in `mirtool.io.formats.FORMATS`.
    subtype : str or None
        Encoding of audio samples, such as ``PCM_16``.
    sample_rate : int or None
        Grid of the times in a format that counts samples (Hz).
    """

    format: str = ""
    subtype: str | None = None
    sample_rate: int | None = None
