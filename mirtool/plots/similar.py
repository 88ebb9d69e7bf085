"""Pieces that are alike: the nearest ones, all pairs, and maps on which those that are alike lie side by side."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import BLUE, GREY, INK, PALETTE, RED, WIDTH, Panel, compose
from mirtool.plots.labels import short_names
from mirtool.types import Features, Table

MOST = 40  # bars that can be told apart
LONGEST = 30  # letters of a name
_HEIGHT = 5.0  # inches, of a map
_LETTER, _LINE = 0.055, 0.1  # inches that a letter takes, and a line


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
    return Panel(partial(_paint_map, names, places, marked), _HEIGHT, None, "Dissimilarity, laid out on a plane")


def _paint_map(names: Sequence[str], places: NDArray[np.float64], marked: int | None, axes: Axes) -> None:
    x, y = places.T
    folders = [name.rpartition("/")[0] for name in names]
    kinds = sorted(set(folders))
    coloured = 1 < len(kinds) <= len(PALETTE)
    for kind, colour in zip(kinds, PALETTE, strict=False) if coloured else [("", BLUE)]:
        inside = [place for place, folder in enumerate(folders) if folder == kind or not coloured]
        axes.scatter(x[inside], y[inside], s=14, color=colour, linewidths=0, zorder=3, label=kind or ".")
    if marked is not None:
        axes.scatter(x[marked], y[marked], s=40, facecolors="none", edgecolors=RED, linewidths=1.2, zorder=4)
    if coloured:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for place, left in _without_overlaps(names, places, marked):
        axes.annotate(
            names[place].rpartition("/")[2] if coloured else names[place],
            (x[place], y[place]),
            (-3, 2) if left else (3, 2),
            textcoords="offset points",
            fontsize=6.5,
            color=RED if place == marked else INK,
            ha="right" if left else "left",
        )
    axes.margins(0.08, 0.08)
    axes.set_aspect("equal", adjustable="datalim")
    axes.axhline(0, color=GREY, linewidth=0.4, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.4, zorder=0)
    axes.tick_params(labelbottom=False, labelleft=False, length=0)


def _without_overlaps(
    names: Sequence[str], places: NDArray[np.float64], marked: int | None
) -> Iterator[tuple[int, bool]]:
    """Yield the places whose names can be written without lying on another, and whether left of their point."""
    span = np.maximum(np.ptp(places, axis=0), 1e-9)
    inches = places * min(WIDTH * 0.7 / span[0], _HEIGHT * 0.85 / span[1])
    boxes: list[tuple[float, float, float]] = []
    order = sorted(range(len(names)), key=lambda place: (place != marked, place))
    for place in order:
        length, (x, y) = _LETTER * len(names[place]), inches[place]
        left = bool(x > (inches[:, 0].min() + inches[:, 0].max()) / 2)
        begin, end = (x - length, x) if left else (x, x + length)
        if all(end < other[0] or begin > other[1] or abs(y - other[2]) > _LINE for other in boxes):
            boxes.append((begin, end, y))
            yield place, left
