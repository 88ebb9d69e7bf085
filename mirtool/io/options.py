"""What a reader and a writer are told besides the bytes."""

from dataclasses import dataclass

# Samples without a header, as ffmpeg names them.
ENCODINGS = ("u8", "s8", *(f"{kind}{order}" for kind in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")))


@dataclass(frozen=True)
class RawLayout:
    """What a header would say about samples that have none.

    Parameters
    ----------
    encoding : str
        One of `ENCODINGS`.
    sample_rate, channels : int
    """

    encoding: str
    sample_rate: int
    channels: int = 1


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
    raw : RawLayout or None
        The input is sound without a header.
    live : bool
        The input may have no end: it is read once, as it comes, and never kept.
    many : bool
        One of many files, of which only the notes, the tempi and what is said about them are wanted: of a MIDI file,
        controllers and other messages of channels are left out.
    """

    format: str = ""
    feature_rate: float | None = None
    start: float | None = None
    duration: float | None = None
    pedal: bool = False
    raw: RawLayout | None = None
    live: bool = False
    many: bool = False


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
