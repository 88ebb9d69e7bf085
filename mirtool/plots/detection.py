"""Found and missed: the events of one item over time, or the scores of many."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots.evaluation import MAX_BOXES
from mirtool.plots.figure import BLUE, GREY, INK, MAX_VECTORS, ORANGE, PALETTE, RED, Panel, compose
from mirtool.plots.labels import short_names

Times = NDArray[np.float64]
_MARKS = ("o", "D", "s", "^")
_REACH = 40.0  # dB: what lies beyond is drawn at the border
_NAMES = {
    "sdr": "SDR",
    "si_sdr": "SI-SDR",
    "sir": "SIR",
    "sar": "SAR",
    "f": "F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f": "F of downbeats",
    "ap": "average precision",
    "rr": "reciprocal rank",
}
_RATIOS = {1 / 3: "1/3", 1 / 2: "1/2", 2 / 3: "2/3", 1.0: "1", 3 / 2: "3/2", 2.0: "2", 3.0: "3"}


def hits_figure(truth: Times, found: Times, pairs: NDArray[np.int64], window: float) -> Figure:
    """Draw how late each hit is over time, with the misses above and the false alarms below.

    Parameters
    ----------
    truth, found : ndarray
        Times of reference and estimate (s).
    pairs : ndarray, shape (hits, 2)
        Indices of reference and estimate that match.
    window : float
        Largest distance of a hit (s).
    """
    times = np.concatenate((truth, found))
    if not len(times):
        raise DataError("no events to draw")
    margin = 0.01 * float(np.ptp(times)) or 0.5
    span = (float(times.min()) - margin, float(times.max()) + margin)
    return compose([Panel(partial(_paint_hits, truth, found, pairs, window), 2.4, span)])


def _paint_hits(truth: Times, found: Times, pairs: NDArray[np.int64], window: float, axes: Axes) -> None:
    hit, milliseconds = truth[pairs[:, 0]], 1e3 * (found[pairs[:, 1]] - truth[pairs[:, 0]])
    missed = np.delete(truth, pairs[:, 0])
    false = np.delete(found, pairs[:, 1])
    limit = 1e3 * window
    many = len(truth) + len(found) > MAX_VECTORS
    axes.axhline(0.0, color="#444444", linewidth=0.5)
    for sign in (-1, 1):
        axes.axhline(sign * limit, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    size = float(np.clip(400 / max(len(hit), 1), 1.5, 5))
    axes.plot(hit, milliseconds, ".", color=BLUE, markersize=size, rasterized=many)
    width = float(np.clip(150 / max(len(truth), 1), 0.3, 1.2))
    axes.vlines(missed, 1.1 * limit, 1.45 * limit, colors=RED, linewidths=width, rasterized=many)
    axes.vlines(false, -1.45 * limit, -1.1 * limit, colors=ORANGE, linewidths=width, rasterized=many)
    axes.set_ylim(-1.5 * limit, 1.5 * limit)
    axes.set_ylabel("Error (ms), late is up")
    handles = [
        Line2D([], [], color=BLUE, marker=".", linestyle="", label=f"{len(hit)} hits"),
        Line2D([], [], color=RED, linewidth=1.2, label=f"{len(missed)} missed"),
        Line2D([], [], color=ORANGE, linewidth=1.2, label=f"{len(false)} false"),
    ]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.1)


def scores_figure(items: Mapping[str, Mapping[str, float]], metrics: Sequence[str]) -> Figure:
    """Draw scores from 0 to 1, a row an item, the worst by the first metric on top.

    Parameters
    ----------
    items : mapping
        Name → its scores; a NaN is not drawn.
    metrics : sequence of str
        Which ones; up to four.
    """
    if not items:
        raise DataError("no scores to draw")
    return _scores(items, metrics, "Score; line: mean over the items", (0.0, 1.0))


def levels_figure(items: Mapping[str, Mapping[str, float]], metrics: Sequence[str]) -> Figure:
    """Draw scores in dB, a row an item, the worst by the first metric on top; see `scores_figure`."""
    known = [item[metric] for item in items.values() for metric in metrics if item[metric] == item[metric]]
    if not known:
        raise DataError("no scores to draw")
    low, high = np.clip((min(known), max(known)), -_REACH, _REACH)
    margin = 0.04 * (max(high, 0.0) - min(low, 0.0)) or 1.0
    span = (min(low, 0.0) - margin, max(high, 0.0) + margin)
    return _scores(items, metrics, "Score (dB); line: mean over the items", span)


def _scores(
    items: Mapping[str, Mapping[str, float]], metrics: Sequence[str], text: str, span: tuple[float, float]
) -> Figure:
    shown, label = _worst(items, lambda name: items[name][metrics[0]], text)
    paint = partial(_paint_scores, shown, items, metrics, span)
    return compose([Panel(paint, 0.5 + 0.19 * len(shown), None, label)])


def ratios_figure(items: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the ratios of estimated to reference tempi, a row an item, the worst on top.

    Parameters
    ----------
    items : mapping
        Name → `reference_bpm`, `estimate_bpm` (NaN: none), `acc1`, `acc2`.
    """
    if not items:
        raise DataError("no tempi to draw")

    def badness(name: str) -> tuple[float, float]:
        scores = items[name]
        return scores["acc1"] + scores["acc2"], -abs(np.log(_ratio(scores)))

    shown, label = _worst(items, badness, "Estimated tempo / reference")
    return compose([Panel(partial(_paint_ratios, shown), 0.5 + 0.19 * len(shown), None, label)])


def _worst(
    items: Mapping[str, Mapping[str, float]], goodness: Callable[[str], Any], label: str
) -> tuple[dict[str, Mapping[str, float]], str]:
    """Return the items that are shown, the worst first, and the label of the axis."""
    names = sorted(items, key=goodness)[:MAX_BOXES]
    if len(names) < len(items):
        label += f"; the {len(names)} worst of {len(items)} items"
    return {name: items[name] for name in names}, label


def _ratio(scores: Mapping[str, float]) -> float:
    ratio = scores["estimate_bpm"] / scores["reference_bpm"]
    return ratio if ratio == ratio else np.inf


def _paint_ratios(shown: Mapping[str, Mapping[str, float]], axes: Axes) -> None:
    ratios = np.array([_ratio(scores) for scores in shown.values()])
    class_of = np.array([int(scores["acc1"]) + int(scores["acc2"]) for scores in shown.values()])
    known = ratios[np.isfinite(ratios)]
    reach = 1.1 * max(3.0, float(np.exp(np.abs(np.log(known)).max(initial=0))))
    axes.set_xscale("log")
    axes.set_xlim(1 / reach, reach)
    for ratio in _RATIOS:
        axes.axvline(ratio, color=INK if ratio == 1 else GREY, linewidth=0.6, zorder=0)
    rows = np.arange(len(shown))
    axes.hlines(rows, 1 / reach, reach, color="#e4e4e4", linewidth=0.6, zorder=-1)
    for kind, colour, text in ((2, BLUE, "right"), (1, ORANGE, "right but for a factor of 2 or 3"), (0, RED, "wrong")):
        mine = class_of == kind
        axes.plot(ratios[mine], rows[mine], "o", color=colour, markersize=4.5, label=text)
    axes.set_xticks(list(_RATIOS), list(_RATIOS.values()))
    axes.set_xticks([], minor=True)
    names = zip(short_names(list(shown)), ratios, strict=True)
    axes.set_yticks(rows, [name if np.isfinite(ratio) else f"{name} (none)" for name, ratio in names])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.3)


def _paint_scores(
    shown: Mapping[str, Mapping[str, float]],
    items: Mapping[str, Mapping[str, float]],
    metrics: Sequence[str],
    span: tuple[float, float],
    axes: Axes,
) -> None:
    rows = np.arange(len(shown))
    axes.hlines(rows, *span, color="#e4e4e4", linewidth=0.6, zorder=0)
    for number, (metric, mark) in enumerate(zip(metrics, _MARKS, strict=False)):
        values = np.array([scores[metric] for scores in shown.values()])
        everywhere = np.array([scores[metric] for scores in items.values()])
        colour = PALETTE[number]
        if np.isnan(everywhere).all():
            continue
        axes.axvline(float(np.nanmean(everywhere)), color=colour, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        values = np.clip(values, *span)
        # On top of each other where they are equal: the first is the largest.
        size = 5.0 - 0.9 * number
        axes.plot(
            values,
            rows,
            mark,
            color=colour,
            markersize=size,
            clip_on=False,
            zorder=2 + number,
            label=_NAMES.get(metric, metric),
        )
    axes.set_yticks(rows, short_names(list(shown)))
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(*span)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(metrics), borderaxespad=0.3)
