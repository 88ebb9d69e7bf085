"""Any container as sound."""

import numpy as np

from mirtool import percussion
from mirtool.errors import DataError
from mirtool.synthesis.clicks import click_track
from mirtool.synthesis.instruments import instrument
from mirtool.synthesis.mix import summed
from mirtool.synthesis.render import Rendering
from mirtool.synthesis.tones import PitchCurve, pitch_tones, shepard_tones
from mirtool.types import AudioSource, Events, Features, Notes, Score, Segments, Table


def sonified(container: Table | Score | Features, sample_rate: int, player: str = "piano") -> AudioSource:
    """Turn what a table, a score or features tell into sound.

    Parameters
    ----------
    container : Events, Segments, Notes, Score or Features
        Events become clicks, those with `f0_hz` a tone that follows them, those labelled as strokes of drums are played
        on a drum kit; of segments, the beginnings become clicks. Notes are played. Chroma becomes Shepard tones,
        energies over pitch sines.
    sample_rate : int
        Hz.
    player : str
        Instrument of the notes; those on channel 10 are played by drums.

    Returns
    -------
    AudioSource
        Mono, computed while it is read.

    Raises
    ------
    DataError
        There is no sound for that kind.
    """
    if isinstance(container, Features):
        return _features(container, sample_rate)
    if isinstance(container, Score):
        container = container.notes
    if isinstance(container, Notes):
        return _notes(container, sample_rate, player)
    if isinstance(container, Segments):
        begins = np.unique(container["start"])
        return click_track(Events({"time": begins, "beat": np.ones(len(begins))}), sample_rate)
    if not isinstance(container, Events) or "bpm" in container:
        raise DataError(f"no sound for a table with the columns {','.join(container.columns)}")
    if "f0_hz" in container:
        return PitchCurve(container, sample_rate)
    strokes = percussion.notes_of_strokes(container)
    return click_track(container, sample_rate) if strokes is None else _notes(strokes, sample_rate, "drums")


def _features(features: Features, sample_rate: int) -> AudioSource:
    if features.feature_rate is None or features.data.ndim != 2 or np.iscomplexobj(features.data):
        raise DataError(f"no sound for {features.kind or 'a matrix'} without frames over time")
    if features.dims[0] == "chroma" or (not features.kind and len(features.data) == 12):
        return shepard_tones(features, sample_rate, _tuning(features))
    numbers = len(features.axis) == len(features.data) and all(isinstance(name, int | float) for name in features.axis)
    if features.dims[0] == "pitch" and numbers and len(set(features.axis)) == len(features.axis):
        return pitch_tones(features, sample_rate, _tuning(features))
    raise DataError(f"no sound for {features.kind or 'such a matrix'}; there is for chroma and for energies over pitch")


def _tuning(features: Features) -> float:
    """Return the tuning with which features were made (cents), so that they sound in tune with their recording."""
    parameters = features.provenance.get("parameters", {})
    tuning = parameters.get("tuning") if isinstance(parameters, dict) else None
    return float(tuning) if isinstance(tuning, int | float) and abs(tuning) <= 100 else 0.0


def _notes(notes: Notes, sample_rate: int, player: str) -> AudioSource:
    drums = percussion.is_drum(notes)
    players = ((~drums, player), (drums, "drums"))
    tuned, struck = (Rendering(notes.take(mine), sample_rate, instrument(who)) for mine, who in players)
    return summed(tuned, struck) if drums.any() else tuned
