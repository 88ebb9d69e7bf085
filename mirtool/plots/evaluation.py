"""Errors against a reference: over time for one item, as boxes for several."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots.figure import BLUE, GREY, INK, MAX_VECTORS, RED, Panel, compose
from mirtool.plots.labels import short_names

MAX_BOXES = 100

Errors = tuple[NDArray[np.float64], NDArray[np.float64]]


def deviation_figure(items: Mapping[str, Errors], limits_ms: tuple[float, ...]) -> Figure:
    """Draw the signed errors of one item over time, or the absolute errors of several as boxes.

    Parameters
    ----------
    items : mapping
        Name → times in the reference (s) and signed errors, estimate less reference (s).
    limits_ms : tuple of float
        Thresholds that are marked (ms).
    """
    if not items or not all(len(item[1]) for item in items.values()):
        raise DataError("no errors to draw")
    if len(items) == 1:
        item = next(iter(items.values()))
        begin, end = float(item[0].min()), float(item[0].max())
        margin = 0.01 * (end - begin) or 0.5
        panel = Panel(partial(_paint_over_time, item, limits_ms), 2.4, (begin - margin, end + margin))
        return compose([panel])
    worst = sorted(items, key=lambda name: float(np.abs(items[name][1]).mean()), reverse=True)[:MAX_BOXES]
    shown = {name: item for name, item in items.items() if name in set(worst)}
    label = "Absolute error (ms); box: quartiles, whiskers: 5 to 95 %, diamond: mean"
    if len(shown) < len(items):
        label += f"; the {len(shown)} worst of {len(items)} items"
    return compose([Panel(partial(_paint_boxes, shown, limits_ms), 0.4 + 0.24 * len(shown), None, label)])


def _paint_over_time(item: Errors, limits_ms: tuple[float, ...], axes: Axes) -> None:
    milliseconds = 1e3 * item[1]
    axes.axhline(0.0, color="#444444", linewidth=0.5)
    axes.plot(
        item[0],
        milliseconds,
        ".",
        color=BLUE,
        markersize=float(np.clip(400 / len(milliseconds), 1.5, 5)),
        rasterized=len(milliseconds) > MAX_VECTORS,
    )
    reach = max(1.15 * float(np.abs(milliseconds).max()), 1.2 * limits_ms[0])
    axes.set_ylim(-reach, reach)
    for limit in limits_ms:
        if limit < reach:
            for sign in (-1, 1):
                axes.axhline(sign * limit, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    axes.set_ylabel("Error (ms), late is up")


def _paint_boxes(items: Mapping[str, Errors], limits_ms: tuple[float, ...], axes: Axes) -> None:
    """Boxes: quartiles, median and mean; whiskers: 5th to 95th percentile. Logarithmic above the first limit."""
    data = [1e3 * np.abs(item[1]) for item in items.values()]
    axes.set_xscale("symlog", linthresh=limits_ms[0], linscale=0.8)
    for limit in limits_ms:
        axes.axvline(limit, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    axes.boxplot(
        data,
        orientation="horizontal",
        tick_labels=short_names(list(items)),
        whis=(5, 95),
        widths=0.6,
        showfliers=False,
        showmeans=True,
        patch_artist=True,
        boxprops={"facecolor": "#d6e4f2", "edgecolor": BLUE, "linewidth": 0.8},
        medianprops={"color": BLUE, "linewidth": 1.4},
        whiskerprops={"color": BLUE, "linewidth": 0.8},
        capprops={"color": BLUE, "linewidth": 0.8},
        meanprops={"marker": "D", "markerfacecolor": RED, "markeredgecolor": RED, "markersize": 3},
    )
    axes.invert_yaxis()
    top = 1.15 * max(max(float(np.percentile(values, 95)), float(values.mean())) for values in data)
    end = max(top, 1.2 * limits_ms[-1])
    axes.set_xlim(0.0, end)
    axes.set_xticks(
        [tick for tick in (0, 5, 10, 15, 20, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 1e5) if tick < end]
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.tick_params(axis="y", labelcolor=INK)
