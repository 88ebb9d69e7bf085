"""What an index keeps of the notes of a file: small arrays, from which its points are made again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.symbolic.points import PointSet, points_of
from mirtool.tempo_map import TempoMap
from mirtool.types import Notes, Score

Entry = Mapping[str, NDArray[Any]]


def entry_of(container: Notes | Score, parameters: object = None) -> dict[str, NDArray[Any]]:
    """Return the entry of a file.

    Parameters
    ----------
    container : Notes or Score
    parameters : object
        None matters here.

    Returns
    -------
    dict of ndarray
        Of each note `onset` (s, float64), `duration` (s, float32), `pitch`, `track` and `channel`; of the file
        `ticks_per_beat` (empty where it has no musical time), `tempo` (K × 2: tick, microseconds a quarter note) and
        `signatures` (S × 3: tick, numerator, denominator).

    Raises
    ------
    DataError
        See `points_of`.
    """
    points = points_of(container)
    score = container if isinstance(container, Score) else None
    numbers: dict[str, type[np.signedinteger[Any]]] = {"pitch": np.int16, "track": np.int16, "channel": np.int8}
    return {
        "onset": points.onset,
        "duration": (points.offset - points.onset).astype(np.float32),
        **{name: _narrow(getattr(points, name), kind) for name, kind in numbers.items()},
        "ticks_per_beat": np.array([] if score is None else [score.ticks_per_beat], np.int64),
        "tempo": np.array([] if score is None else score.tempo_map.changes, np.int64).reshape(-1, 2),
        "signatures": np.array([] if score is None else score.time_signatures, np.int64).reshape(-1, 3),
    }


def _narrow(values: NDArray[np.int32], kind: type[np.signedinteger[Any]]) -> NDArray[np.signedinteger[Any]]:
    """Return values in fewer bytes; what a table of notes says beyond them becomes the outermost."""
    bounds = np.iinfo(kind)
    return np.clip(values, bounds.min, bounds.max).astype(kind)


def tempo_map(entry: Entry) -> TempoMap | None:
    """Return musical time, where the file has it."""
    if not len(entry["ticks_per_beat"]):
        return None
    return TempoMap(int(entry["ticks_per_beat"][0]), [(int(tick), int(tempo)) for tick, tempo in entry["tempo"]])


def points(entry: Entry) -> PointSet:
    """Return the points of an entry: those of the file, durations to seven digits."""
    time = tempo_map(entry)
    onset = entry["onset"]
    return PointSet(
        onset,
        onset + entry["duration"].astype(np.float64),
        entry["pitch"].astype(np.int32),
        entry["track"].astype(np.int32),
        entry["channel"].astype(np.int32),
        None if time is None else time.ticks_at(onset) / time.ticks_per_beat,
    )
