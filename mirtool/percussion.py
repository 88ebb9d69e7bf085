"""Drums: their names, and their keys on channel 10 of General MIDI."""

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import Events, Notes, Score

CHANNEL = 9  # channel 10, counted from 0
# The first name of a key is ours; the others are read, too.
KEYS = {
    "kick": 36,
    "snare": 38,
    "hihat": 42,
    "tom": 45,
    "crash": 49,
    "ride": 51,
    "rim": 37,
    "bass drum": 36,
    "bd": 36,
    "kd": 36,
    "sd": 38,
    "hi-hat": 42,
    "hh": 42,
    "tt": 45,
    "cy": 49,
    "cymbal": 49,
}
CYMBAL = 49  # any other stroke
# The keys of the drum set, by what they are for us.
DRUM_SET = {
    "kick": (35, 36),
    "snare": (38, 40),
    "hihat": (42, 44, 46),
    "tom": (41, 43, 45, 47, 48, 50),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
    "rim": (37,),
}
SECONDS = 0.05  # how long a note of MIDI is held, where it matters to nobody


def drum_name(label: str) -> str:
    """Return our name of a drum: ``kick`` for ``KD``; what is no drum keeps its name."""
    key = KEYS.get(label.strip().lower())
    return label if key is None else next(name for name, keys in DRUM_SET.items() if key in keys)


def is_drum(notes: Notes) -> NDArray[np.bool_]:
    """Tell of each note whether it is the stroke of a drum, shape (len(notes),); without channels, none is."""
    return notes["channel"] == CHANNEL if "channel" in notes else np.zeros(len(notes), np.bool_)


def as_drums(notes: Notes) -> Notes:
    """Return notes of which each is the stroke of a drum."""
    return notes.replace(channel=np.full(len(notes), CHANNEL))


def strokes_of(container: Events | Notes | Score) -> Events:
    """Return the strokes of drums, columns ``time,label``, our names in the latter.

    Parameters
    ----------
    container : Events, Notes or Score
        Labelled events, or notes of the General MIDI drum set; where there are channels, those on channel 10.

    Raises
    ------
    DataError
        Events without labels, or no strokes.
    """
    if isinstance(container, Events):
        if "label" not in container:
            raise DataError("strokes of drums have a column label")
        labels = [drum_name(str(label)) for label in container["label"]]
        return Events({"time": container["time"], "label": np.array(labels, dtype=object)})
    notes = container.notes if isinstance(container, Score) else container
    named = {float(key): name for name, keys in DRUM_SET.items() for key in keys}
    struck = np.array([pitch in named for pitch in notes["pitch"].tolist()], dtype=np.bool_)
    if "channel" in notes:
        struck &= notes["channel"] == CHANNEL
    if not struck.any():
        raise DataError("no strokes of drums (notes on channel 10)")
    labels = [named[pitch] for pitch in notes["pitch"][struck].tolist()]
    return Events({"time": notes["onset"][struck], "label": np.array(labels, dtype=object)})


def notes_of_strokes(events: Events) -> Notes | None:
    """Return labelled events as notes of the General MIDI drum set.

    Velocities are 60 to 127 for strengths from 0 to the largest, 100 without them.

    Parameters
    ----------
    events : Events

    Returns
    -------
    Notes or None
        None if no label names a stroke.
    """
    labels = [str(label).strip().lower() for label in events["label"]] if "label" in events else []
    if not any(label in KEYS for label in labels):
        return None
    velocity = np.full(len(labels), 100.0)
    if "strength" in events and events["strength"].dtype != object:
        strength = np.nan_to_num(np.maximum(events["strength"], 0))
        velocity = 60 + 67 * strength / max(float(strength.max(initial=0)), 1e-9)
    time = events["time"]
    pitch = [KEYS.get(label, CYMBAL) for label in labels]
    return Notes(
        {
            "onset": time,
            "offset": time + SECONDS,
            "pitch": np.array(pitch, dtype=np.float64),
            "velocity": velocity,
            "channel": np.full(len(labels), CHANNEL),
        }
    )
