"""Two versions of a piece: the cross recurrence plot with the longest trace."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mirtool.plots import labels
from mirtool.plots.figure import RED, Panel, compose
from mirtool.plots.reduction import pooled

_MAX_CELLS = 1000  # a side of the drawn plot
_HEIGHT = 5.6  # inches


def recurrence_figure(
    plot: NDArray[np.bool_],
    borders: tuple[float, float, float, float],
    trace: NDArray[np.float64],
    names: Sequence[str],
    title: str = "",
) -> Figure:
    """Draw a cross recurrence plot and the longest trace through it (Serrà et al. 2009).

    Parameters
    ----------
    plot : ndarray, shape (N, M)
        Rows for the first piece, columns for the second.
    borders : tuple of float
        Beginning and end of the rows, and of the columns (s).
    trace : ndarray, shape (L, 2)
        Moments of both pieces (s).
    names : sequence of str
        Files of the two pieces.
    title : str
    """
    first, second = labels.short_names(names)
    panel = Panel(partial(_paint, plot, borders, trace, first), _HEIGHT, borders[2:], f"Time in {second} (s)")
    return compose([panel], title or None)


def _paint(
    plot: NDArray[np.bool_],
    borders: tuple[float, float, float, float],
    trace: NDArray[np.float64],
    name: str,
    axes: Axes,
) -> None:
    image = pooled(plot, _MAX_CELLS, _MAX_CELLS, "max")
    extent = (*borders[2:], *borders[:2])
    axes.imshow(image, extent=extent, vmin=0, vmax=1, cmap="gray_r", interpolation="nearest", rasterized=True)
    axes.set_ylabel(f"Time in {name} (s)")
    if len(trace):
        axes.plot(trace[:, 1], trace[:, 0], color=RED, linewidth=1.2, label="Longest trace")
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
