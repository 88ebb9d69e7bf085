"""Audio matching: the matching function with its hits, and the harmony of query and best hit (FMP, Section 7.2)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import BLUE, GREY, INK, ORANGE, Panel, compose
from mirtool.types import Features

MOST = 4  # files of which the matching function is drawn
_NARROW = 0.015  # share of the width up to which a hit has no room for its number


def matching_figure(
    curves: Sequence[Features], hits: Sequence[tuple[int, float, float]], pair: Sequence[Features]
) -> Figure:
    """Draw what a query finds.

    Parameters
    ----------
    curves : sequence of Features
        Of each file that is drawn, the matching function (1 × M): how much like the query what ends there is, up to 1;
        its axis names the file.
    hits : sequence of tuple
        Number of the curve, start and end (s), best first.
    pair : sequence of Features
        Chroma of the query, in the key of the best hit, and of that; none without a hit.
    """
    panels = [
        Panel(
            partial(_paint, curve, [(rank, *hit[1:]) for rank, hit in enumerate(hits, 1) if hit[0] == number]),
            1.3,
            None,
        )
        for number, curve in enumerate(curves)
    ]
    for features, name in zip(pair, ("Time in the query (s)", "Time in the best hit (s)"), strict=False):
        (panel,) = feature_panels(features)
        panels.append(replace(panel, height=1.9, span=None, xlabel=name))
    return compose(panels)


def _paint(curve: Features, hits: Sequence[tuple[int, float, float]], axes: Axes) -> None:
    times, values = curve.times, curve.data[0]
    for rank, start, end in hits:
        axes.axvspan(start, end, color=ORANGE if rank == 1 else BLUE, alpha=0.25, linewidth=0)
        if rank == 1 or end - start > _NARROW * times[-1]:
            axes.text((start + end) / 2, 0.95, str(rank), ha="center", va="top", fontsize=8, color=INK)
    axes.plot(times, values, color=INK, linewidth=0.8)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.set_xlim(times[0], times[-1] if len(times) > 1 else times[0] + 1)
    axes.set_ylim(0, 1)
    axes.set_ylabel("Matching")
    axes.set_title(str(curve.axis[0]), fontsize=8, loc="left")
    axes.set_yticks(np.arange(0, 1.01, 0.5))
