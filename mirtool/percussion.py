"""Drums: their names, and their keys on channel 10 of General MIDI."""

import numpy as np

from mirtool.types import Events, Notes

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
}
CYMBAL = 49  # any other stroke
SECONDS = 0.05  # how long a note of MIDI is held, where it matters to nobody


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
