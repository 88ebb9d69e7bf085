"""Recognised recordings: the landmarks that agree (FMP, Section 7.1), and which track plays when."""

import os
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from mirtool.plots.figure import BLUE, GREY, INK, PALETTE, RED, Panel, compose
from mirtool.types import Table

_BIN = 0.1  # seconds of a place in the histogram of places
_MOST_LANES = 60
_LONGEST = 28  # characters of a name beside a lane


def query_figure(
    peaks: NDArray[np.float64],
    agreeing: NDArray[np.bool_],
    votes: NDArray[np.float64],
    duration: float,
    title: str,
    start: float | None = None,
) -> Figure:
    """Draw the constellation of a query, and how many of its landmarks speak for each place in a track.

    Parameters
    ----------
    peaks : ndarray, shape (n, 2)
        Time (s) and frequency (Hz) of each peak of the query.
    agreeing : ndarray, shape (n,), bool
        Which of them the track has, too.
    votes : ndarray, shape (v,)
        Places in the track at which the query would begin (s), one for each landmark that occurs in the track.
    duration : float
        Of the query (s).
    title : str
    start : float or None
        The place that was found (s); None: nothing was recognised.
    """
    panels = [Panel(partial(_paint_peaks, peaks, agreeing), 2.6, (0.0, duration))]
    if start is not None:
        panels.append(
            Panel(partial(_paint_votes, votes, start), 1.6, None, "Place in the track where the query begins (s)")
        )
    return compose(panels, title)


def _paint_peaks(peaks: NDArray[np.float64], agreeing: NDArray[np.bool_], axes: Axes) -> None:
    axes.set_yscale("log")
    for chosen, colour, size, label in ((~agreeing, GREY, 4.0, "Peaks"), (agreeing, RED, 9.0, "In the track, too")):
        times, frequencies = peaks[chosen].T
        axes.scatter(times, frequencies, s=size, c=colour, label=label, linewidths=0, zorder=2 + (colour == RED))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel("Frequency (Hz)")
    axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="none", ncols=2)


def _paint_votes(votes: NDArray[np.float64], start: float, axes: Axes) -> None:
    """Draw the matching function: its peak is far above what falls together by chance."""
    bins = np.round(votes / _BIN).astype(np.int64)
    places, counts = np.unique(bins, return_counts=True)
    axes.vlines(places * _BIN, 0, counts, colors=BLUE, linewidths=0.8, rasterized=len(places) > 2000)
    axes.axvline(start, color=RED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.set_ylim(0, None)
    axes.set_ylabel("Landmarks")


def monitor_figure(found: Table, span: tuple[float, float], title: str) -> Figure:
    """Draw which track plays when.

    Parameters
    ----------
    found : Table
        Columns ``file,query_start,query_end,confidence``.
    span : tuple of float
        Of the recording (s).
    title : str
    """
    names = list(dict.fromkeys(found["file"].tolist()))
    height = 0.5 + 0.22 * min(max(len(names), 1), _MOST_LANES)
    return compose([Panel(partial(_paint_lanes, found, names), height, span)], title)


def _paint_lanes(found: Table, names: Sequence[str], axes: Axes) -> None:
    for lane, name in enumerate(names):
        rows = found.take(found["file"] == name)
        starts, lengths = rows["query_start"], rows["query_end"] - rows["query_start"]
        colour = PALETTE[lane % len(PALETTE)]
        axes.broken_barh(list(zip(starts, lengths, strict=True)), (lane - 0.35, 0.7), facecolors=colour, linewidth=0)
    shown = range(len(names)) if len(names) <= _MOST_LANES else ()
    axes.set_yticks([*shown], [_short(names[lane]) for lane in shown], fontsize=7, color=INK)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.set_ylabel("" if names else "Nothing recognised")


def _short(name: str) -> str:
    stem = os.path.splitext(os.path.basename(name))[0]
    return stem if len(stem) <= _LONGEST else stem[: _LONGEST - 1] + "…"
