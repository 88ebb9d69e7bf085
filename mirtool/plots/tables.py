"""Tables over time: events (onsets, beats, melody, tempo), segments, rankings of tempi."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.pitch import frequency_pitch
from mirtool.plots import labels
from mirtool.plots.figure import BLUE, GREY, INK, MAX_VECTORS, PALETTE, RED, Panel, colour_bar
from mirtool.plots.reduction import finite_range
from mirtool.types import Events, FloatArray, Segments, Table

_NO_LABEL = ("", "N", "silence", "none")
_INNER_WIDTH = 6.3  # inches of a figure's width inside the axes, about
MOST_MARKS = 200  # of downbeats, which would run into each other
_LETTER = 0.075  # inches a character of the labels takes, about


def event_panels(events: Events) -> list[Panel]:
    """Draw events after what is known of them.

    Beats (`beat`): the local tempo over the beats, downbeats in red. Melody (`f0_hz`): the contour. Tempo over time
    (`bpm`): a point a candidate. Labelled strokes (`label`): a lane a label. Onsets (`strength`): stems. Other numbers:
    a curve a column. Times alone: lines.

    Raises
    ------
    DataError
        There is no event.
    """
    if len(events) == 0:
        raise DataError("no events to draw")
    span = _span(events["time"])
    if "beat" in events:
        return [Panel(partial(_paint_beats, events), 1.8, span)]
    if "f0_hz" in events:
        return [Panel(partial(_paint_melody, events), 2.6, span)]
    if "bpm" in events and "score_beat" not in events:
        return [Panel(partial(_paint_tempi, events), 2.2, span)]
    if "label" in events:
        lanes = list(dict.fromkeys(events["label"].tolist()))
        return [Panel(partial(_paint_lanes, events, lanes), 0.5 + 0.28 * len(lanes), span)]
    if "strength" in events:
        return [Panel(partial(_paint_stems, events), 1.6, span)]
    numbers = [name for name, values in events.columns.items() if name != "time" and values.dtype.kind == "f"]
    if numbers:
        return [Panel(partial(_paint_column, events, name), 1.3, span) for name in numbers]
    return [Panel(partial(_paint_times, events), 0.9, span)]


def _span(times: FloatArray) -> tuple[float, float]:
    """Stretch of time to show: from 0 where the first event is near it, with a margin at the end."""
    begin, end = finite_range(times)
    margin = 0.01 * (end - begin) or 0.5
    return (0.0 if 0.0 <= begin <= 0.2 * end else begin - margin, end + margin)


def time_lines(axes: Axes, times: FloatArray, colour: str, width: float = 0.8, alpha: float = 1.0) -> None:
    """Draw vertical lines over the axes' height."""
    axes.vlines(
        times,
        0.0,
        1.0,
        transform=axes.get_xaxis_transform(),
        colors=colour,
        linewidths=width,
        alpha=alpha,
        rasterized=len(times) > MAX_VECTORS,
        zorder=1.5,  # curves lie over them
    )


def _width(count: int) -> float:
    """Line width that keeps many lines apart (points)."""
    return float(np.clip(150.0 / max(count, 1), 0.15, 1.0))


def _paint_times(events: Events, axes: Axes) -> None:
    time_lines(axes, events["time"], INK, _width(len(events)))
    axes.set_yticks([])


def _paint_stems(events: Events, axes: Axes) -> None:
    time, strength = events["time"], events["strength"]
    many = len(time) > MAX_VECTORS
    low, high = finite_range(strength)
    axes.vlines(time, 0.0, strength, colors=BLUE, linewidths=1.2 * _width(len(time)), rasterized=many)
    if len(time) <= 400:
        axes.plot(time, strength, ".", color=BLUE, markersize=4)
    axes.axhline(0.0, color="#444444", linewidth=0.4)
    axes.set_ylim(1.08 * min(low, 0.0), 1.08 * max(high, 0.0) or 1.0)
    axes.set_ylabel("Strength")


def _paint_beats(events: Events, axes: Axes) -> None:
    order = np.argsort(events["time"], kind="stable")
    time, beat = events["time"][order], events["beat"][order]
    down = beat == 1
    if len(time) <= 800:
        time_lines(axes, time[~down], "#c9c9c9", 0.7)
    if down.sum() <= 800:
        time_lines(axes, time[down], RED, 0.8)
    gaps = np.diff(time)
    good = gaps > 0
    if good.any():
        tempo = 60.0 / gaps[good]
        middle = (time[:-1] + time[1:])[good] / 2
        many = len(middle) > MAX_VECTORS
        axes.plot(middle, tempo, "-", color=INK, linewidth=0.9, rasterized=many)
        if len(middle) <= 200:
            axes.plot(middle, tempo, ".", color=INK, markersize=3.5)
        # One missed beat must not flatten the rest: leave out the extreme tempi, then keep at least ±10 %.
        low, high = np.percentile(tempo, (1, 99))
        axes.set_ylim(min(0.95 * low, 0.9 * np.median(tempo)), max(1.05 * high, 1.1 * np.median(tempo)))
    axes.set_ylabel("Tempo (BPM)")
    handles = [Line2D([], [], color=INK, linewidth=0.9, label="60 / time between beats")]
    if down.any() and down.sum() <= 800:
        handles.append(Line2D([], [], color=RED, linewidth=0.8, label="Downbeat"))
    if (~down).any() and len(time) <= 800:
        handles.append(Line2D([], [], color="#c9c9c9", linewidth=0.8, label="Beat"))
    _legend(axes, handles)


def _legend(axes: Axes, handles: list[Line2D]) -> None:
    """Write the legend above the axes, at the right, out of the data's way."""
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=8, borderaxespad=0.1, handlelength=1.6
    )


def _paint_melody(events: Events, axes: Axes) -> None:
    time, f0 = events["time"], np.where(events["f0_hz"] > 0, events["f0_hz"], np.nan)
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    breaks = np.flatnonzero(np.diff(time) > 2.5 * step) + 1  # tables may leave unvoiced frames out
    time, f0 = np.insert(time, breaks, np.nan), np.insert(f0, breaks, np.nan)
    pitch = frequency_pitch(f0)
    axes.plot(time, pitch, color=BLUE, linewidth=1.1, rasterized=len(time) > 10 * MAX_VECTORS)
    lowest, highest = finite_range(pitch)
    low, high = lowest - 1.5, highest + 1.5
    ticks = labels.pitch_ticks(low, high)
    axes.set_ylim(low, high)
    axes.set_yticks(ticks, [labels.pitch_name(tick) for tick in ticks])
    axes.grid(axis="y")
    axes.set_ylabel("Pitch")
    frequencies = np.outer(10.0 ** np.arange(1, 5), (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8)).ravel()
    positions = frequency_pitch(frequencies)
    shown = (positions > low) & (positions < high)
    hertz = axes.secondary_yaxis("right")
    hertz.set_yticks(positions[shown], [f"{frequency:g}" for frequency in frequencies[shown]])
    hertz.set_ylabel("Frequency (Hz)")


def _paint_tempi(events: Events, axes: Axes) -> None:
    time, bpm = events["time"], events["bpm"]
    if "strength" in events:
        strength = events["strength"]
        order = np.argsort(strength, kind="stable")  # the strongest on top
        drawn = axes.scatter(
            time[order], bpm[order], c=strength[order], s=7, cmap="viridis_r", linewidths=0, rasterized=True
        )
        colour_bar(axes, drawn, "Strength", 2.2)
    else:
        axes.plot(time, bpm, color=BLUE, linewidth=1.0, rasterized=len(time) > 10 * MAX_VECTORS)
    axes.set_ylabel("Tempo (BPM)")
    low, high = finite_range(bpm)
    axes.set_ylim(0.95 * low, 1.05 * high or 1.0)


def _paint_column(events: Events, name: str, axes: Axes) -> None:
    axes.plot(events["time"], events[name], color=BLUE, linewidth=0.9, rasterized=len(events) > 10 * MAX_VECTORS)
    axes.grid(axis="y")
    axes.set_ylabel(labels.dimension(name))


def _paint_lanes(events: Events, lanes: list[str], axes: Axes) -> None:
    strength = events["strength"] if "strength" in events else np.ones(len(events))
    peak = finite_range(strength)[1] or 1.0
    label = events["label"]
    for lane, name in enumerate(lanes):
        mine = label == name
        height = 0.8 * np.clip(strength[mine] / peak, 0.05, 1.0)
        axes.vlines(
            events["time"][mine],
            lane - 0.4,
            lane - 0.4 + height,
            colors=PALETTE[lane % len(PALETTE)],
            linewidths=1.2 * _width(len(events) // len(lanes)),
            rasterized=len(events) > MAX_VECTORS,
        )
        axes.axhline(lane - 0.4, color="#d9d9d9", linewidth=0.5, zorder=0)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.set_ylim(-0.5, len(lanes) - 0.45)


def segment_panels(segments: Segments) -> list[Panel]:
    """Draw segments: one row of coloured blocks where few labels repeat, else (chords) a lane a label.

    Raises
    ------
    DataError
        There is no segment.
    """
    if len(segments) == 0:
        raise DataError("no segments to draw")
    begin, end = finite_range(segments["start"])[0], finite_range(segments["end"])[1]
    span = (0.0 if 0.0 <= begin <= 0.2 * end else begin, end)
    names = list(dict.fromkeys(str(label) for label in segments["label"]))
    widths = (segments["end"] - segments["start"]) / max(end - begin, 1e-9) * _INNER_WIDTH
    fits = widths > _LETTER * np.array([len(str(label)) + 1 for label in segments["label"]])
    if len(names) <= 8 or fits.all():
        return [Panel(partial(_paint_blocks, segments, names, fits), 0.8, span)]
    return [Panel(partial(_paint_label_lanes, segments, names), min(0.5 + 0.16 * len(names), 4.5), span)]


def label_colours(names: list[str]) -> dict[str, str]:
    """Give each label a colour, in the order of appearance; "nothing here" is grey."""
    colours, used = {}, 0
    for name in names:
        if name in _NO_LABEL:
            colours[name] = "#d0d0d0"
        else:
            colours[name] = PALETTE[used % len(PALETTE)]
            used += 1
    return colours


def _bars(
    axes: Axes,
    segments: Segments,
    names: list[str],
    base: NDArray[np.float64],
    height: float,
    alpha: float,
    edge: float,
) -> None:
    colours = label_colours(names)
    axes.barh(
        base,
        segments["end"] - segments["start"],
        left=segments["start"],
        height=height,
        align="center",
        color=[colours[str(label)] for label in segments["label"]],
        alpha=alpha,
        edgecolor="white",
        linewidth=edge,
    )


def _paint_blocks(segments: Segments, names: list[str], fits: NDArray[np.bool_], axes: Axes) -> None:
    _bars(axes, segments, names, np.zeros(len(segments)), 1.0, 0.75, 0.6 if len(segments) < 300 else 0.1)
    middle = (segments["start"] + segments["end"]) / 2
    for index in np.flatnonzero(fits):
        text = labels.pretty(str(segments["label"][index]))
        axes.text(middle[index], 0.0, text, ha="center", va="center", fontsize=8, color=INK, clip_on=True)
    if not fits.all():
        colours = label_colours(names)
        handles = [Line2D([], [], color=colours[name], linewidth=5, alpha=0.75, label=name or "–") for name in names]
        _legend(axes, handles)
    axes.set_yticks([])
    axes.set_ylim(-0.5, 0.5)


def _paint_label_lanes(segments: Segments, names: list[str], axes: Axes) -> None:
    lane = {name: index for index, name in enumerate(names)}
    rows = np.array([lane[str(label)] for label in segments["label"]], dtype=np.float64)
    _bars(axes, segments, names, rows, 0.85, 0.9, 0.0)
    step = -(-len(names) // 32)
    axes.set_yticks(range(0, len(names), step), [labels.pretty(name) for name in names[::step]], fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y")


def tempo_ranking_panels(table: Table) -> list[Panel]:
    """Draw candidates of the global tempo (`bpm`, `strength`): a stem each.

    Raises
    ------
    DataError
        There is no candidate.
    """
    if len(table) == 0:
        raise DataError("no tempo to draw")
    return [Panel(partial(_paint_ranking, table), 2.0, None, "Tempo (BPM)")]


def _paint_ranking(table: Table, axes: Axes) -> None:
    bpm = table["bpm"]
    strength = table["strength"] if "strength" in table else np.ones(len(bpm))
    axes.vlines(bpm, 0.0, strength, colors=BLUE, linewidths=2.0)
    axes.plot(bpm, strength, "o", color=BLUE, markersize=5)
    for tempo, height in zip(bpm, strength, strict=True):
        axes.annotate(f"{tempo:.1f}", (tempo, height), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    slowest, fastest = finite_range(bpm)
    reach = 0.1 * (fastest - slowest) + 10
    axes.set_xlim(max(slowest - reach, 0), fastest + reach)
    axes.set_ylim(0, 1.25 * finite_range(strength)[1] or 1.0)
    axes.set_ylabel("Strength" if "strength" in table else "")


def overlay(axes: Axes, table: Events | Segments, named: bool = True) -> None:
    """Lay events (lines; downbeats stronger, with a mark) or segments (borders, tinted ground) over another picture.

    Parameters
    ----------
    axes : Axes
        Painted already.
    table : Events or Segments
    named : bool
        Write the labels of segments at the top.
    """
    if isinstance(table, Segments):
        _overlay_segments(axes, table, named)
        return
    time = table["time"]
    strong = table["beat"] == 1 if "beat" in table else np.zeros(len(time), dtype=bool)
    # What lies below shines through: a peak stands just where its event is.
    time_lines(axes, time[~strong], RED, 0.7 * _width(len(time)), 0.55)
    time_lines(axes, time[strong], RED, 1.1 * _width(int(strong.sum())), 0.8)
    if strong.sum() <= MOST_MARKS:
        above = axes.get_xaxis_transform()
        axes.plot(time[strong], np.full(strong.sum(), 1.0), "v", color=RED, markersize=3.5, transform=above, zorder=4)


def _overlay_segments(axes: Axes, table: Segments, named: bool) -> None:
    colours = label_colours(list(dict.fromkeys(str(label) for label in table["label"])))
    ground = {"alpha": 0.12, "zorder": 2} if axes.get_images() else {"alpha": 0.2, "zorder": -1}
    for start, end, label in zip(table["start"], table["end"], table["label"], strict=True):
        axes.axvspan(start, end, color=colours[str(label)], linewidth=0, **ground)
        if named:
            axes.annotate(
                labels.pretty(str(label)),
                ((start + end) / 2, 1.0),
                (0, 2),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                annotation_clip=True,  # above the axes, but only where the segment is in view
            )
    time_lines(axes, np.union1d(table["start"], table["end"]), GREY, 0.5)
