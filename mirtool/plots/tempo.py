"""Tempo: candidates over a salience, curves over a tempogram."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots import features, labels, tables
from mirtool.plots.figure import BLUE, INK, RED, Panel, compose
from mirtool.types import Events, Features, Table

_MARGIN = 1.6  # by which more than the range of the candidates is shown


def ranking_figure(tempi: NDArray[np.float64], salience: NDArray[np.float64], ranking: Table) -> Figure:
    """Draw how strongly tempi are there, with the candidates; the best in red.

    Parameters
    ----------
    tempi : ndarray, shape (K,)
        BPM, rising.
    salience : ndarray, shape (K,)
    ranking : Table
        `bpm` and `strength`, best first.

    Raises
    ------
    DataError
        There is no candidate.
    """
    if not len(ranking):
        raise DataError("no tempo to draw")
    return compose([Panel(partial(_paint_ranking, tempi, salience, ranking), 2.4, None, labels.dimension("bpm"))])


def _paint_ranking(tempi: NDArray[np.float64], salience: NDArray[np.float64], ranking: Table, axes: Axes) -> None:
    bpm = ranking["bpm"]
    shown = (tempi >= min(bpm.min() / _MARGIN, 40)) & (tempi <= max(bpm.max() * _MARGIN, 240))
    axes.plot(tempi[shown], salience[shown], color=INK, linewidth=0.9)
    heights = np.interp(bpm, tempi, salience)
    for place, (tempo, height, strength) in enumerate(zip(bpm, heights, ranking["strength"], strict=True)):
        colour = RED if place == 0 else BLUE
        axes.vlines(tempo, 0, height, colors=colour, linewidths=1.5)
        axes.plot([tempo], [height], "o", color=colour, markersize=5)
        text = f"{tempo:.1f} ({strength:.0%})"
        axes.annotate(text, (tempo, height), (0, 7), textcoords="offset points", ha="center", fontsize=8, color=colour)
    axes.set_xscale("log")
    ticks = [
        tick
        for tick in (20, 30, 40, 60, 80, 100, 120, 160, 200, 240, 320, 480, 640, 960)
        if _within(tick, tempi[shown])
    ]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(tempi[shown][0], tempi[shown][-1])
    axes.set_ylim(0, 1.25 * salience[shown].max() or 1.0)
    axes.set_ylabel("Salience")


def _within(tick: float, tempi: NDArray[np.float64]) -> bool:
    return bool(tempi[0] <= tick <= tempi[-1])


def curve_figure(events: Events, tempogram: Features | None, steps: bool = False) -> Figure:
    """Draw a tempo curve over the tempogram that it was found in, or alone; in steps, where each tempo lasts.

    Raises
    ------
    DataError
        The curve is empty.
    """
    if not len(events):
        raise DataError("no tempo to draw")
    if tempogram is None:
        [panel] = tables.event_panels(events)
        alone = Panel(partial(_paint_alone, events, steps), panel.height, panel.span)
        return compose([alone])
    [matrix] = features.feature_panels(tempogram)
    return compose([Panel(partial(_paint_curve, matrix, events, tempogram), matrix.height, matrix.span, matrix.xlabel)])


def _paint_curve(matrix: Panel, events: Events, tempogram: Features, axes: Axes) -> None:
    matrix.paint(axes)
    tempi = np.asarray(tempogram.axis, dtype=np.float64)
    even = np.allclose(np.diff(tempi), tempi[1] - tempi[0], rtol=1e-3) if tempi.size > 1 else True
    rows = events["bpm"] if even else np.interp(events["bpm"], tempi, np.arange(tempi.size))
    axes.plot(events["time"], rows, color=RED, linewidth=1.3)


def _paint_alone(events: Events, steps: bool, axes: Axes) -> None:
    time, bpm = events["time"], events["bpm"]
    few = len(time) <= 400
    axes.plot(time, bpm, color=BLUE, linewidth=1.1, drawstyle="steps-post" if steps else "default", rasterized=not few)
    if few:
        axes.plot(time, bpm, ".", color=BLUE, markersize=3.5)
    middle = float(np.median(bpm))
    low, high = max(bpm.min(), middle / 2), min(bpm.max(), 2 * middle)  # a missed beat must not flatten the rest
    axes.set_ylim(min(0.95 * low, 0.9 * middle), max(1.05 * high, 1.1 * middle))
    axes.grid(axis="y")
    axes.set_ylabel(labels.dimension("bpm"))
