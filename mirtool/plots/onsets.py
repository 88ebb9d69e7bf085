"""Onsets over the curve they were found in (FMP, Section 6.1)."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import BLUE, GREY, MAX_VECTORS, RED, Panel, compose
from mirtool.plots.tables import time_lines
from mirtool.types import Events, Features

_MOST = 800  # lines that are told from each other


def onsets_figure(curve: Features, onsets: Events, threshold: float) -> Figure:
    """Draw a curve with the threshold, and the onsets as dots where they are and how strong they are.

    Parameters
    ----------
    curve : Features
        1 × N.
    onsets : Events
        Columns ``time,strength``.
    threshold : float

    Raises
    ------
    DataError
        The curve is empty.
    """
    (panel,) = feature_panels(curve)
    return compose([Panel(partial(_paint, panel, onsets, threshold), 2.0, panel.span, panel.xlabel)])


def root_ticks(top: float) -> list[float]:
    """Return round numbers that stand apart on an axis of square roots from 0 to `top`."""
    if not top > 0:
        return [0.0]
    unit = 10.0 ** np.floor(np.log10(top))
    ticks = [0.0]
    for factor in (0.1, 0.5, 1, 2, 4, 6, 8):
        if factor * unit <= top and np.sqrt(factor * unit) - np.sqrt(ticks[-1]) > 0.12 * np.sqrt(top):
            ticks.append(float(factor * unit))
    return ticks


def _paint(panel: Panel, onsets: Events, threshold: float, axes: Axes) -> None:
    panel.paint(axes)
    # Strong onsets are many times as strong as those that just count: the root shows both.
    axes.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
    axes.yaxis.set_major_locator(FixedLocator(root_ticks(axes.get_ylim()[1])))
    axes.axhline(threshold, color=BLUE, linewidth=0.8, linestyle=(0, (4, 3)), label="Threshold", zorder=3)
    dense = len(onsets) > MAX_VECTORS
    if len(onsets) <= _MOST:
        time_lines(axes, onsets["time"], GREY, float(np.clip(60 / max(len(onsets), 1), 0.05, 0.4)))
    size = float(np.clip(300 / max(len(onsets), 1), 1.0, 3.5))
    axes.plot(onsets["time"], onsets["strength"], "o", color=RED, markersize=size, label="Onsets", rasterized=dense)
    axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="none", ncols=2)
