"""The answer to a query: precision and recall from rank to rank."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots.figure import BLUE, GREY, ORANGE, Panel, compose


def answer_figure(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> Figure:
    """Draw precision and recall after each document of a ranked list, with a mark where a relevant one stands.

    Parameters
    ----------
    precision, recall : ndarray, shape (documents,)
    """
    if not len(precision):
        raise DataError("an answer without documents: nothing to draw")
    return compose([Panel(partial(_paint, precision, recall), 2.4, None, "Rank")])


def _paint(precision: NDArray[np.float64], recall: NDArray[np.float64], axes: Axes) -> None:
    ranks = np.arange(1, len(precision) + 1)
    hits = np.diff(recall, prepend=0.0) > 0
    axes.plot(ranks, precision, color=BLUE, linewidth=1.0, label="precision")
    axes.plot(ranks, recall, color=ORANGE, linewidth=1.0, drawstyle="steps-post", label="recall")
    axes.plot(ranks[hits], precision[hits], "o", color=BLUE, markersize=4, clip_on=False, label="relevant", zorder=3)
    axes.axhline(0.0, color=GREY, linewidth=0.5)
    axes.set_ylim(0.0, 1.05)
    axes.set_xlim(0.5, len(ranks) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("Share")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.1)
