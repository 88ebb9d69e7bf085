"""`mirtool sonify`."""

from typing import Annotated

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import FormatError, UsageProblem

SAMPLE_RATE = 44100
LONGEST = 24 * 3600  # s: times in milliseconds would fill the disk
INSTRUMENTS = ("piano", "harpsichord", "organ", "strings", "click", "drums")


@command(
    many(
        "X",
        "events, notes, MIDI, MusicXML, an f0 curve, segments, chroma or energies over pitch",
        "events",
        "notes",
        "score",
        "features",
        "segments",
    ),
    writes="audio",
)
def sonify(
    job: Job,
    over: Annotated[
        str | None, Option("Mix it with this recording, at its sample rate.", metavar="AUDIO", files=True)
    ] = None,
    stereo: Annotated[bool, Option("The recording on the left, the sonification on the right.", of=("over",))] = False,
    gain: Annotated[float, Option("Make the sonification louder, or softer.", metavar="DB", unit="dB")] = 0.0,
    instrument: Annotated[str, Option("What plays the notes; channel 10 is played by drums.", choices=INSTRUMENTS)] = (
        "piano"
    ),
    sample_rate: Annotated[
        int | None, Option("Without --over: of the output; 44100 by default.", metavar="HZ", unit="Hz", least=1)
    ] = None,
) -> None:
    """Turn events, notes, curves or features into sound, alone or over the recording.

    Events become clicks, the downbeats among beats (beat 1) with a timbre of their own, louder with their strength;
    strokes labelled kick, snare or hihat are played by drums; of segments, the beginnings are clicked. An f0 curve
    (time,f0_hz[,confidence]) is followed by a tone, notes are played, chroma becomes Shepard tones and energies over
    pitch sines. Nothing is rescaled: what goes beyond full scale is kept, as WAV of floats can, and a warning says so.

    For example:
        mirtool sonify beats.csv --over take.wav -o take_beats.wav
        mirtool features chroma take.wav | mirtool sonify - --over take.wav --stereo -o check.wav

    Paper: Müller and Zalkow (2021), libfmp: a Python package for fundamentals of music processing.
    """
    from mirtool.synthesis import mix
    from mirtool.synthesis.sonify import sonified

    if over is None:
        sound = sonified(job.read(0), sample_rate or SAMPLE_RATE, instrument)
        if sound.frames is not None and sound.frames > LONGEST * sound.sample_rate:
            hours = sound.frames / sound.sample_rate / 3600
            raise FormatError(f"{hours:.3g} hours of sound: are its times in seconds?", job.inputs[0])
        job.write(mix.amplified(sound, gain))
        return
    if sample_rate is not None:
        raise UsageProblem("--sample-rate and --over exclude each other: the recording has a rate of its own")
    x, recording = job.read(0), job.read_file(over, "audio")
    job.write(mix.over(recording, sonified(x, recording.sample_rate, instrument), gain, stereo))
