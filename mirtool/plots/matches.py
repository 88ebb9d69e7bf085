"""Hits of a search of notes: the query, and the piano roll with the hits boxed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mirtool.plots.figure import INK, RED, Panel, compose
from mirtool.plots.notes import notes_panels
from mirtool.types import Notes

_MARGIN = 0.9  # semitones from the notes of a hit to its box
_MOST_SCORES = 40  # boxes that their score is written beside


@dataclass(frozen=True)
class Box:
    """A hit on the piano roll.

    Parameters
    ----------
    start, end : float
        Seconds.
    lowest, highest : float
        Pitches.
    score : float
    """

    start: float
    end: float
    lowest: float
    highest: float
    score: float


def matches_figure(query: Notes, piece: Notes | None, boxes: Sequence[Box], name: str) -> Figure:
    """Draw a query, and below it a piece with the hits boxed.

    Parameters
    ----------
    query : Notes
    piece : Notes or None
        None: nothing was found.
    boxes : sequence of Box
        The hits in this piece.
    name : str
        File of the piece.
    """
    (above,) = notes_panels(query)
    begin, end = float(query["onset"].min()), float(query["offset"].max())
    span = (begin, end if end > begin else begin + 1.0)
    above = replace(above, paint=partial(_paint_query, above, span), span=None, xlabel="Time in the query (s)")
    if piece is None:
        return compose([above], "No hit")
    (below,) = notes_panels(piece)
    below = replace(below, paint=partial(_paint_hits, below, boxes), xlabel=f"Time in {name} (s)")
    return compose([above, below], f"{len(boxes)} hit{'s' if len(boxes) != 1 else ''}")


def _paint_query(panel: Panel, span: tuple[float, float], axes: Axes) -> None:
    panel.paint(axes)
    margin = 0.02 * (span[1] - span[0])
    axes.set_xlim(span[0] - margin, span[1] + margin)


def _paint_hits(panel: Panel, boxes: Sequence[Box], axes: Axes) -> None:
    panel.paint(axes)
    for box in boxes:
        low, high = box.lowest - _MARGIN, box.highest + _MARGIN
        axes.add_patch(
            Rectangle(
                (box.start, low),
                box.end - box.start,
                high - low,
                fill=False,
                edgecolor=RED,
                linewidth=1.1,
                alpha=float(np.clip(box.score, 0.35, 1.0)),
                zorder=4,
            )
        )
        if len(boxes) <= _MOST_SCORES:
            axes.annotate(
                f"{box.score:.2f}",
                (box.start, high),
                (1, 1),
                textcoords="offset points",
                fontsize=5,
                color=INK,
                zorder=5,
            )
