"""Activations of drums, with the strokes that were found in them."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirtool.errors import DataError
from mirtool.plots.figure import MAX_VECTORS, PALETTE, Panel, compose
from mirtool.plots.reduction import BINS, curve_envelope
from mirtool.types import Events, Features


def drums_figure(activations: Features, strokes: Events) -> Figure:
    """Draw a lane a drum: its activation, and the strokes as dots.

    Parameters
    ----------
    activations : Features
        R × N.
    strokes : Events
        Columns ``time,label,strength``.

    Raises
    ------
    DataError
        The activations are empty.
    """
    if activations.data.size == 0 or activations.feature_rate is None:
        raise DataError("no activations to draw")
    begin = activations.start - 0.5 / activations.feature_rate
    span = (begin, begin + activations.frames / activations.feature_rate)
    height = 0.3 + 0.5 * len(activations.axis)
    return compose([Panel(partial(_paint, activations, strokes, span), height, span)])


def _paint(activations: Features, strokes: Events, span: tuple[float, float], axes: Axes) -> None:
    names = [str(name) for name in activations.axis]
    for lane, (name, curve) in enumerate(zip(names[::-1], activations.data[::-1], strict=True)):
        colour = PALETTE[(len(names) - 1 - lane) % len(PALETTE)]
        scaled = 0.85 * curve / (curve.max() or 1.0)
        if len(curve) <= BINS:
            axes.fill_between(activations.times, lane, lane + scaled, color=colour, alpha=0.5, linewidth=0.6)
        else:
            borders, _, high = curve_envelope(scaled)
            times = span[0] + borders * (span[1] - span[0]) / len(curve)
            axes.fill_between(
                times, lane, lane + np.append(high, high[-1]), step="post", color=colour, alpha=0.5, linewidth=0.3
            )
        times = strokes["time"][strokes["label"] == name]
        size = float(np.clip(300 / max(len(strokes), 1), 1.0, 3.5))
        heights = lane + np.interp(times, activations.times, scaled)
        axes.plot(times, heights, "o", color=colour, markersize=size, rasterized=len(strokes) > MAX_VECTORS)
        axes.axhline(lane, color="#d9d9d9", linewidth=0.5, zorder=0)
    axes.set_yticks(range(len(names)), names[::-1])
    axes.set_ylim(-0.1, len(names))
