"""Versions of a piece: the cross recurrence plot of two, with the longest trace, and the matrix of all pairs."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mirtool.plots.figure import RED, Panel, compose
from mirtool.plots.reduction import pooled

_MAX_CELLS = 1000  # a side of the drawn plot
_HEIGHT = 5.4  # inches


def recurrence_figure(
    plot: NDArray[np.bool_],
    trace: NDArray[np.int64],
    extent: tuple[float, float, float, float],
    names: Sequence[str],
    title: str = "",
) -> Figure:
    """Draw a cross recurrence plot and the trace through it (Serrà et al. 2009, Figures 2 and 4).

    Parameters
    ----------
    plot : ndarray, shape (N, M)
        Rows for the first piece.
    trace : ndarray, shape (L, 2)
        Cells i, j on the trace.
    extent : tuple of float
        Centres of the first and the last column, and of the first and the last row (s).
    names : sequence of str
        Of the two pieces.
    title : str
    """
    half_column = 0.5 * (extent[1] - extent[0]) / max(plot.shape[1] - 1, 1)
    span = extent[0] - half_column, extent[1] + half_column
    panel = Panel(partial(_paint, plot, trace, extent, names[0]), _HEIGHT, span, f"Time in {names[1]} (s)")
    return compose([panel], title or None)


def _paint(
    plot: NDArray[np.bool_],
    trace: NDArray[np.int64],
    extent: tuple[float, float, float, float],
    name: str,
    axes: Axes,
) -> None:
    rows, columns = plot.shape
    across, up = ((high - low) / max(count - 1, 1) for low, high, count in ((*extent[:2], columns), (*extent[2:], rows)))
    borders = (extent[0] - across / 2, extent[1] + across / 2, extent[2] - up / 2, extent[3] + up / 2)
    image = pooled(plot, _MAX_CELLS, _MAX_CELLS, "max")
    axes.imshow(image, extent=borders, vmin=0, vmax=1, cmap="gray_r", interpolation="nearest", rasterized=True)
    times = extent[0] + trace[:, 1] * across, extent[2] + trace[:, 0] * up
    axes.plot(*times, color=RED, linewidth=1.2, marker=".", markersize=2.5, label="Longest trace")
    axes.set_ylabel(f"Time in {name} (s)")
    if len(trace):
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")
