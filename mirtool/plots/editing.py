"""Edits of notes: the spectrogram before and after, with the notes where they are and where they were."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.pitch import frequency_pitch
from mirtool.plots import labels
from mirtool.plots.figure import BLUE, MAX_VECTORS, PALETTE, RED, Panel, colour_bar, compose
from mirtool.plots.notes import rectangles
from mirtool.plots.reduction import BINS, pooled
from mirtool.types import Features, Notes

DYNAMIC_RANGE = 60.0  # dB
_ROWS = 400
_HEIGHT = 2.6  # inches
_MARGIN = 14.0  # semitones beyond the notes


def editing_figure(
    sounds: tuple[Features, Features],
    notes: tuple[Notes, Notes],
    edited: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    start: float = 0.0,
) -> Figure:
    """Draw a piano roll over the spectrogram, before and after.

    Parameters
    ----------
    sounds : tuple of Features
        Power spectrograms over logarithmic frequency (`mirtool.signal.overview`), before and after.
    notes : tuple of Notes
        Before and after.
    edited : tuple of ndarray of bool
        Which of them are not as they were.
    start : float
        Time of the first sample (s).

    Raises
    ------
    DataError
        There is no sound.
    """
    if not all(sound.data.size for sound in sounds):
        raise DataError("no sound to draw")
    loudest = float(sounds[0].data.max()) or 1.0
    pitches = np.concatenate([table["pitch"] for table in notes])
    low, high = float(pitches.min()) - _MARGIN, float(pitches.max()) + 2 * _MARGIN
    panels = []
    rows = zip(("Before", "After"), (RED, BLUE), sounds, notes, edited, strict=True)
    for title, colour, sound, table, marked in rows:
        rate = sound.feature_rate or 1.0
        begin = start + sound.start - 0.5 / rate
        span = (begin, begin + sound.frames / rate)
        level = 10 * np.log10(np.maximum(pooled(sound.data, _ROWS, BINS) / loudest, 10 ** (-DYNAMIC_RANGE / 10)))
        paint = partial(_paint, title, colour, level, sound.axis, span, table, marked, (low, high))
        panels.append(Panel(paint, _HEIGHT, span))
    return compose(panels)


def _paint(
    title: str,
    colour: str,
    level: NDArray[np.float32],
    frequencies: Sequence[str] | Sequence[float],
    span: tuple[float, float],
    notes: Notes,
    edited: NDArray[np.bool_],
    limits: tuple[float, float],
    axes: Axes,
) -> None:
    rows = frequency_pitch(np.asarray(frequencies, np.float64))
    half = float(rows[-1] - rows[0]) / max(len(rows) - 1, 1) / 2
    bottom, top = float(rows[0]) - half, float(rows[-1]) + half
    drawn = axes.imshow(level, extent=(*span, bottom, top), vmin=-DYNAMIC_RANGE, vmax=0, cmap="gray_r", rasterized=True)
    bars = rectangles(notes)
    for chosen, edge, width in ((~edited, PALETTE[4], 0.6), (edited, colour, 1.0)):
        outlines = PolyCollection(
            list(bars[chosen]),
            facecolors="none",
            edgecolors=edge,
            linewidths=width,
            rasterized=len(notes) > MAX_VECTORS,
            zorder=3,
        )
        axes.add_collection(outlines)
    low, high = max(limits[0], bottom), min(limits[1], top)
    ticks = labels.pitch_ticks(low, high)
    axes.set_yticks(ticks, [labels.pitch_name(pitch) for pitch in ticks])
    axes.set_ylim(low, high)
    axes.set_ylabel("Pitch")
    axes.set_title(title, loc="left", fontsize=9)
    handle = Patch(edgecolor=colour, facecolor="none", label="edited notes")
    axes.legend(handles=[handle], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    colour_bar(axes, drawn, "Level (dB)", _HEIGHT)
