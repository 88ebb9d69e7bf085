"""`mirtool transcribe`."""

from dataclasses import replace
from typing import Annotated, Any

from mirtool.cli.command import command
from mirtool.cli.inputs import many
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem
from mirtool.features.parameters import BandParameters
from mirtool.transcription.parameters import DrumParameters


@command(many("X", "audio, or activations of drums", "audio", "features"), writes="events", plots=True)
def transcribe(
    job: Job,
    parameters: DrumParameters,
    drums: Annotated[bool, Option("Find the strokes of drums.")] = False,
    write_activations: Annotated[
        str | None, Option("Write the activations of the drums, which can be read as X.", output=".npy")
    ] = None,
) -> None:
    """Write down what drums play.

    Columns: time,label,strength

    Labels are kick, snare, hihat, tom, crash, ride and rim; strength is 1 for a strong stroke of that drum. The sound
    is taken for a sum of templates of these, made of synthesised strokes, and a stroke is where a template becomes
    active enough: --threshold 2 asks for strokes twice as strong. With --format midi strokes become notes of the
    General MIDI drum set on channel 10. Activations made elsewhere are taken as they are, a row a drum, with its name.
    --plot draws the activations with what was found.

    For example:
        mirtool transcribe loop.wav --drums
        mirtool transcribe song.wav --drums -o drums.mid

    Paper: Dittmar, Gärtner (2014), Real-time transcription and separation of drum recordings based on NMF.
    """
    if not drums:
        raise UsageProblem("give --drums: drums are what can be transcribed")
    from mirtool.transcription.drums import drum_activations, drum_strokes
    from mirtool.types import Features

    source, start = job.read_from_zero()
    if isinstance(source, Features):
        job.refuse_idle("sound", BandParameters, "power", "template", "iterations")
    found = source if isinstance(source, Features) else drum_activations(source, parameters)
    activations = replace(found, start=found.start + start)
    if write_activations is not None:
        job.write_as(activations, write_activations)
    events = drum_strokes(activations, parameters)
    job.write(events)

    def figure() -> Any:
        from mirtool.plots.drums import drums_figure

        return drums_figure(activations, events)

    job.plot(figure)
