"""Notes: the piano roll."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots import labels
from mirtool.plots.figure import MAX_VECTORS, PALETTE, Panel
from mirtool.plots.reduction import finite_range
from mirtool.types import Notes, Score

_MAX_LEGEND = 12


def notes_panels(notes: Notes, names: Mapping[float, str] | None = None) -> list[Panel]:
    """Draw a piano roll: a bar a note, colours a track (or channel), paler where the velocity is lower.

    Parameters
    ----------
    notes : Notes
        Columns `track` (names or numbers) and `channel` are used where they are known.
    names : mapping, optional
        Names of the tracks by number, for the legend.

    Raises
    ------
    DataError
        There is no note.
    """
    if len(notes) == 0:
        raise DataError("no notes to draw")
    lowest, highest = finite_range(notes["pitch"])
    low, high = float(np.floor(lowest)) - 1.5, float(np.ceil(highest)) + 1.5
    height = float(np.clip(0.055 * (high - low), 1.8, 4.2))
    begin, end = finite_range(notes["onset"])[0], finite_range(notes["offset"])[1]
    margin = 0.005 * (end - begin)
    span = (0.0 if 0.0 <= begin < 0.1 * end else begin - margin, end + margin)
    return [Panel(partial(_paint, notes, names or {}, low, high), height, span)]


def _groups(notes: Notes) -> tuple[str, list[Any], NDArray[np.intp]]:
    """By what notes are coloured: name of the column, its values in order, index of each note's value."""
    for name in ("track", "channel"):
        if name in notes:
            values = list(dict.fromkeys(notes[name].tolist()))
            if len(values) > 1:
                number = {value: index for index, value in enumerate(sorted(values, key=_order))}
                return name, list(number), np.array([number[value] for value in notes[name].tolist()], dtype=np.intp)
    return "", [None], np.zeros(len(notes), dtype=np.intp)


def _order(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value


def rectangles(notes: Notes, thickness: float = 0.84) -> NDArray[np.float64]:
    """Corners of the notes' bars, shape (notes, 4, 2): time (s), pitch."""
    onset, offset, pitch = notes["onset"], notes["offset"], notes["pitch"]
    half = thickness / 2
    x = np.stack((onset, offset, offset, onset), axis=1)
    y = np.stack((pitch - half, pitch - half, pitch + half, pitch + half), axis=1)
    return np.stack((x, y), axis=2)


def _paint(notes: Notes, names: Mapping[float, str], low: float, high: float, axes: Axes) -> None:
    _paint_keyboard(axes, low, high)
    column, values, group = _groups(notes)
    base = np.array([to_rgb(PALETTE[index % len(PALETTE)]) for index in range(len(values))])
    weight = np.nan_to_num(0.35 + 0.65 * np.clip(notes["velocity"], 0, 127) / 127, nan=1.0)[:, None]
    colours = 1 - weight * (1 - base[group])
    bars = PolyCollection(
        list(rectangles(notes)),
        facecolors=colours,
        edgecolors=base[group] * 0.8,
        linewidths=0.3,
        rasterized=len(notes) > MAX_VECTORS,
        zorder=2,
    )
    axes.add_collection(bars)
    if 1 < len(values) <= _MAX_LEGEND:
        texts = [_group_name(column, value, names if column == "track" else {}) for value in values]
        handles = [Patch(facecolor=base[index], label=text) for index, text in enumerate(texts)]
        columns = max(1, min(6, 80 // (4 + max(map(len, texts)))))
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0.2)


def _group_name(column: str, value: Any, names: Mapping[float, str]) -> str:
    if not isinstance(value, float):
        return str(value)
    return names.get(value) or f"{column.capitalize()} {value + 1:g}"


def track_names(score: Score) -> dict[float, str]:
    """Return the names that a MIDI file gives its tracks, by the number of the track."""
    found: dict[float, str] = {}
    for track, messages in enumerate(score.messages):
        for _, data in messages:
            if data[:2] == b"\xff\x03" and data[2:].strip():
                text = data[2:].decode("utf-8", "replace").strip()
                found.setdefault(float(track), text if len(text) <= 32 else text[:31] + "…")
    return found


def _paint_keyboard(axes: Axes, low: float, high: float) -> None:
    """Shade the rows of the black keys, rule the octaves and name the pitches."""
    for pitch in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        if pitch % 12 in labels.BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="#f2f2f2", linewidth=0, zorder=0)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color="#bdbdbd", linewidth=0.5, zorder=1)
    ticks = labels.pitch_ticks(low, high)
    axes.set_yticks(ticks, [labels.pitch_name(pitch) for pitch in ticks])
    axes.set_ylim(low, high)
    axes.set_ylabel("Pitch")
