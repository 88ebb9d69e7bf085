"""Pieces that are alike: the nearest ones, all pairs, and maps on which those that are alike lie side by side."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import BLUE, GREY, INK, RED, Panel, compose
from mirtool.plots.labels import short_names
from mirtool.types import Features, Table

MOST = 40  # bars that can be told apart
NAMED = 40  # pieces of a map that are named
LONGEST = 30  # letters of a name


def neighbours_figure(hits: Table, pairs: Features, places: NDArray[np.float64]) -> Figure:
    """Draw the nearest pieces: a bar each, and a map with the query in the midst of them.

    Parameters
    ----------
    hits : Table
        Columns ``file,score``, best first.
    pairs : Features
        From `mirtool.types.pair_matrix`: of the query, the first, and the hits in any order.
    places : ndarray, shape (N, 2)
        Of the same pieces.
    """
    names = dict(zip(map(str, pairs.axis), _short(pairs), strict=True))
    files, scores = hits["file"].tolist()[:MOST], hits["score"][:MOST]
    bars = Panel(partial(_paint_bars, [names[file] for file in files], scores), 0.5 + 0.17 * len(files), None, "Score")
    every = list(names.values())
    return compose([bars, _map_panel(every, places, marked=0)], f"Nearest to {every[0]}")


def pairs_figure(pairs: Features, places: NDArray[np.float64]) -> Figure:
    """Draw all pairs as a matrix, and a map.

    Parameters
    ----------
    pairs : Features
        From `mirtool.types.pair_matrix`.
    places : ndarray, shape (N, 2)
    """
    return compose([*feature_panels(pairs), _map_panel(_short(pairs), places)])


def _short(pairs: Features) -> list[str]:
    """Return the names of pieces, cut where they are long."""
    names = short_names([str(name) for name in pairs.axis])
    return [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]


def _paint_bars(names: Sequence[str], scores: NDArray[np.float64], axes: Axes) -> None:
    rows = np.arange(len(names))
    axes.barh(rows, scores, height=0.7, color=BLUE)
    axes.set_yticks(rows, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.grid(axis="x")


def _map_panel(names: Sequence[str], places: NDArray[np.float64], marked: int | None = None) -> Panel:
    return Panel(partial(_paint_map, names, places, marked), 5.0, None, "Dissimilarity, laid out on a plane")


def _paint_map(names: Sequence[str], places: NDArray[np.float64], marked: int | None, axes: Axes) -> None:
    x, y = places.T
    colours = [RED if place == marked else BLUE for place in range(len(names))]
    axes.scatter(x, y, s=14, c=colours, linewidths=0, zorder=3)
    for place in range(min(len(names), NAMED)):
        colour = RED if place == marked else INK
        offset = (3, 2) if x[place] <= (x.min() + x.max()) / 2 else (-3, 2)
        axes.annotate(
            names[place],
            (x[place], y[place]),
            offset,
            textcoords="offset points",
            fontsize=6.5,
            color=colour,
            ha="left" if offset[0] > 0 else "right",
        )
    axes.margins(0.08, 0.08)
    axes.set_aspect("equal", adjustable="datalim")
    axes.axhline(0, color=GREY, linewidth=0.4, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.4, zorder=0)
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
