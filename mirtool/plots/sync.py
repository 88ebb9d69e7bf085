"""Music synchronisation: the cost matrix with its warping path, tempo ratio and confidence (FMP, chapter 3)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots.figure import BLUE, GREY, INK, MAX_VECTORS, ORANGE, PALETTE, RED, Panel, colour_bar, compose
from mirtool.plots.reduction import BINS, cost_range, pooled
from mirtool.types import FloatArray, WarpingPath

_MAX_CELLS = 1000  # a side of the drawn cost matrix
_HEIGHT = 4.8  # inches of the matrix
_WINDOW = 3.0  # seconds of A over which the tempo ratio is measured
_RATIOS = (0.1, 0.125, 0.2, 0.25, 1 / 3, 0.4, 0.5, 2 / 3, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 8, 10)


def sync_figure(
    path: WarpingPath,
    cost: FloatArray | None = None,
    extent: tuple[float, float, float, float] | None = None,
    anchors: FloatArray | None = None,
) -> Figure:
    """Draw a warping path over its cost matrix, below it the tempo ratio and, where it is known, the confidence.

    Parameters
    ----------
    path : WarpingPath
        Two versions. Of more, every other one is drawn against the first.
    cost : ndarray, shape (N, M), optional
        Cost matrix C, rows for version A, columns for version B, coarse or fine; cells that were not computed
        are NaN or infinite.
    extent : tuple of float, optional
        Times of the matrix's borders: start and end in A, start and end in B (s). Default: the ends of the path.
    anchors : ndarray, shape (L, 2), optional
        Points that the path had to pass, or reference points (s).

    Returns
    -------
    Figure
        A runs to the right, B upwards, in seconds.

    Raises
    ------
    DataError
        The path has fewer than two points.
    """
    return compose(path_panels(path, cost, extent, anchors))


def path_panels(
    path: WarpingPath,
    cost: FloatArray | None = None,
    extent: tuple[float, float, float, float] | None = None,
    anchors: FloatArray | None = None,
) -> list[Panel]:
    """Return the panels of `sync_figure`."""
    P = path.times
    if len(P) < 2:
        raise DataError("a path of fewer than two points: nothing to draw")
    begin, end = float(P[0, 0]), float(P[-1, 0])
    span = (min(begin, 0.0), end) if extent is None or cost is None else extent[:2]
    names = [name.removeprefix("time_").upper() for name in path.versions]
    xlabel = f"Time in {names[0]} (s)"
    panels = [
        Panel(partial(_paint_path, path, cost, extent, anchors), _HEIGHT, span, xlabel),
        Panel(partial(_paint_ratio, P, names), 1.25, span, xlabel),
    ]
    if "confidence" in path:
        panels.append(Panel(partial(_paint_confidence, P[:, 0], path["confidence"]), 0.9, span, xlabel))
    return panels


def _paint_path(
    path: WarpingPath,
    cost: FloatArray | None,
    extent: tuple[float, float, float, float] | None,
    anchors: FloatArray | None,
    axes: Axes,
) -> None:
    P, names = path.times, [name.removeprefix("time_").upper() for name in path.versions]
    top = float(P[:, 1:].max())
    if cost is not None:
        left, right, low, top = extent or (float(P[0, 0]), float(P[-1, 0]), float(P[0, 1]), float(P[-1, 1]))
        _paint_cost(axes, cost, (left, right, low, top))
        axes.set_ylim(low, top)
    else:
        axes.grid()
        axes.set_ylim(min(float(P[:, 1:].min()), 0.0), top)
    colours = (RED,) if len(names) == 2 else PALETTE
    for k in range(1, len(names)):
        line = _thinned(P[:, [0, k]])
        axes.plot(
            line[:, 0],
            line[:, 1],
            color=colours[(k - 1) % len(colours)],
            linewidth=1.3,
            label=names[k] if len(names) > 2 else "Path",
            zorder=3,
        )
    if anchors is not None and len(anchors):
        axes.plot(
            anchors[:, 0],
            anchors[:, 1],
            "o",
            markerfacecolor="white",
            markeredgecolor=BLUE,
            markersize=4 if len(anchors) < 100 else 2,
            markeredgewidth=0.9,
            linestyle="none",
            zorder=4,
            label="Anchors",
            rasterized=len(anchors) > MAX_VECTORS,
        )
    axes.set_ylabel(f"Time in {names[1]} (s)" if len(names) == 2 else "Time in the other versions (s)")
    if len(names) > 2 or (anchors is not None and len(anchors)):
        axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none")


def _paint_cost(axes: Axes, cost: FloatArray, extent: tuple[float, float, float, float]) -> None:
    """Draw C with low cost dark; what was not computed stays a pale blue."""
    matrix = np.where(np.isfinite(cost), cost, np.nan) if not np.isfinite(cost).all() else cost
    image = pooled(matrix.T, _MAX_CELLS, _MAX_CELLS)
    low, high = cost_range(image)
    drawn = axes.imshow(
        np.ma.masked_invalid(image),
        extent=extent,
        vmin=low,
        vmax=high,
        cmap=colormaps["gray"].with_extremes(bad="#e3ecf7"),
        rasterized=True,
    )
    colour_bar(axes, drawn, "Cost", _HEIGHT, clipped=True)


def _thinned(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep at most some thousand points of a path; a line between them is closer than a pixel."""
    if len(line) <= 4 * BINS:
        return line
    keep = np.unique(np.linspace(0, len(line) - 1, 4 * BINS).astype(np.intp))
    return line[keep]


def tempo_ratio(times_a: FloatArray, times_b: FloatArray, window: float = _WINDOW) -> tuple[FloatArray, FloatArray]:
    """Return how much faster B plays than A around each moment of A.

    The ratio is the time that passes in A over the time that passes in B, between the points of the path half a
    `window` before and after: 2 where B is twice as fast (FMP, section 3.3.2, with A as the reference).

    Parameters
    ----------
    times_a, times_b : ndarray, shape (L,)
        The path (s), rising.
    window : float
        Seconds in A; of short paths a tenth of the duration.

    Returns
    -------
    times : ndarray, shape (T,)
        Moments of A (s).
    ratio : ndarray, shape (T,)
        Infinite where no time passes in B.
    """
    begin, end = float(times_a[0]), float(times_a[-1])
    window = min(window, (end - begin) / 10)
    times = np.linspace(begin, end, BINS)
    left, right = np.maximum(times - window / 2, begin), np.minimum(times + window / 2, end)
    passed = np.interp(right, times_a, times_b) - np.interp(left, times_a, times_b)
    with np.errstate(divide="ignore"):
        return times, (right - left) / passed


def _paint_ratio(P: NDArray[np.float64], names: Sequence[str], axes: Axes) -> None:
    seen = []
    for k in range(1, P.shape[1]):
        times, ratio = tempo_ratio(P[:, 0], P[:, k])
        colour = INK if P.shape[1] == 2 else PALETTE[(k - 1) % len(PALETTE)]
        axes.plot(times, ratio, color=colour, linewidth=1.0)
        seen.append(ratio[np.isfinite(ratio) & (ratio > 0)])
    known = np.concatenate(seen)
    # Silence before or after the music in one version only would flatten the rest: it may leave the axes.
    low, high = np.percentile(known, (3, 97)) if known.size else (1.0, 1.0)
    middle = float(np.median(known)) if known.size else 1.0
    low, high = max(min(0.9 * low, 0.87), middle / 3), min(max(1.1 * high, 1.15), 3 * middle)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = [ratio for ratio in _RATIOS if low <= ratio <= high]
    if len(ticks) > 6:
        ticks = [ratio for ratio in ticks if ratio in (0.1, 0.25, 0.5, 1, 1.5, 2, 4, 10)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.axhline(1.0, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.grid(axis="y")
    axes.set_ylabel(f"Tempo {names[1]} : {names[0]}" if len(names) == 2 else f"Tempo : {names[0]}")


def _paint_confidence(times: FloatArray, confidence: FloatArray, axes: Axes) -> None:
    line = _thinned(np.stack((times, confidence), axis=1))
    axes.fill_between(line[:, 0], 0.0, line[:, 1], color=ORANGE, alpha=0.35, linewidth=0)
    axes.plot(line[:, 0], line[:, 1], color=ORANGE, linewidth=0.8)
    axes.set_ylim(0.0, 1.02)
    axes.set_yticks((0.0, 0.5, 1.0))
    axes.set_ylabel("Confidence")
