"""Features: matrices over time, curves, self-similarity matrices, templates."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots import labels
from mirtool.plots.figure import INK, Panel, colour_bar
from mirtool.plots.reduction import BINS, cost_range, curve_envelope, finite_range, pooled
from mirtool.types import Features

MAX_ROWS = 720
_DYNAMIC_RANGE = 80.0  # dB below the maximum that a spectrogram shows
# Few large values among zeros: a mean over the frames that fall on one pixel would wash them out.
_SPARSE = ("dlnco", "novelty", "onset", "plp", "activation", "activations", "salience", "spectrogram")
_SIMILARITY = ("ssm", "similarity", "recurrence", "crp", "cost")


@dataclass(frozen=True)
class Rows:
    """The vertical axis of a matrix: its borders, label and ticks (None: matplotlib's choice)."""

    low: float
    high: float
    label: str
    ticks: NDArray[np.float64] | None = None
    names: tuple[str, ...] | None = None


def feature_panels(features: Features) -> list[Panel]:
    """Draw features as a curve (1 × N), as curves one over the other (few named rows), or as a matrix.

    Parameters
    ----------
    features : Features
        K × N; what is larger than the picture's pixels is pooled (mean; maximum where peaks matter).

    Raises
    ------
    DataError
        No frames, or more than two dimensions.
    """
    if features.data.ndim != 2:
        raise DataError(f"a picture needs a matrix, not {features.data.ndim} dimensions")
    if features.data.size == 0:
        raise DataError("features without frames: nothing to draw")
    span, xlabel = _horizontal(features)
    if features.data.shape[0] == 1:
        return [Panel(partial(_paint_curve, features, span), 1.6, span if _timed(features) else None, xlabel)]
    square = features.kind in _SIMILARITY or features.dims[0] == features.dims[-1]
    rows = features.data.shape[0]
    height = 5.9 if square else 2.6 if rows >= 12 else 0.6 + 0.15 * rows
    return [Panel(partial(_paint_matrix, features, span, height), height, span if _timed(features) else None, xlabel)]


def _of_pairs(features: Features) -> bool:
    """Whether rows and columns have the same names."""
    names = [name for name in features.axis if isinstance(name, str)]
    return features.dims[0] == features.dims[-1] and len(names) == features.frames


def _timed(features: Features) -> bool:
    return features.feature_rate is not None


def _horizontal(features: Features) -> tuple[tuple[float, float], str]:
    """Span and label of the horizontal axis; frame n is centred at start + n / feature_rate."""
    label = labels.dimension(features.dims[-1] if features.dims else "column")
    if features.feature_rate is None:
        return (-0.5, features.frames - 0.5), label
    begin = features.start - 0.5 / features.feature_rate
    return (begin, begin + features.frames / features.feature_rate), label


def _paint_curve(features: Features, span: tuple[float, float], axes: Axes) -> None:
    curve = np.abs(features.data[0]) if np.iscomplexobj(features.data) else features.data[0]
    step = (span[1] - span[0]) / features.frames
    if len(curve) <= BINS:
        axes.plot(span[0] + (np.arange(len(curve)) + 0.5) * step, curve, color=INK, linewidth=0.8)
    else:
        borders, low, high = curve_envelope(curve)
        times = span[0] + borders * step
        axes.fill_between(
            times, np.append(low, low[-1]), np.append(high, high[-1]), step="post", color=INK, linewidth=0.3, zorder=2
        )
    lowest, highest = finite_range(curve)
    if lowest >= 0:
        axes.set_ylim(0, 1.05 * highest or 1.0)
    name = labels.pretty(str(features.axis[0])) if features.axis and isinstance(features.axis[0], str) else ""
    axes.set_ylabel(_with_unit(features.kind or name or "Value", features.unit))


def _with_unit(name: str, unit: str) -> str:
    text = name.upper() if name in ("plp", "rms", "ssm") else name.replace("_", " ")
    text = text[:1].upper() + text[1:]
    return f"{text} ({unit})" if unit else text


def _paint_matrix(features: Features, span: tuple[float, float], height: float, axes: Axes) -> None:
    sparse = features.kind in _SPARSE
    image = pooled(features.data, MAX_ROWS, BINS, "max" if sparse else "mean")
    image, label = _levels(features, image)
    rows = vertical(features, span)
    low, high, colours = _scale(features, image)
    # Smoothing over time smooths over the rows, too: few rows would fade into each other.
    interpolation = "nearest" if len(image) <= 24 and image.shape[1] <= BINS // 2 else None
    extent = (*span, rows.low, rows.high)
    drawn = axes.imshow(
        image, extent=extent, vmin=low, vmax=high, cmap=colours, interpolation=interpolation, rasterized=True
    )
    axes.set_ylabel(rows.label)
    if rows.ticks is None:
        axes.yaxis.set_major_locator(MaxNLocator(6))
    else:
        axes.set_yticks(rows.ticks, rows.names)
        if _of_pairs(features):
            axes.set_xticks(rows.ticks, rows.names, rotation=90)
    colour_bar(axes, drawn, label, height, clipped=features.kind == "cost")


def _levels(features: Features, image: NDArray[np.float32]) -> tuple[NDArray[np.float32], str]:
    """Return what is shown of the values and its label: decibels for amplitudes and powers that are not compressed."""
    unit = "amplitude" if np.iscomplexobj(features.data) else features.unit.lower()
    lowest, highest = finite_range(image)
    if unit not in ("amplitude", "power") or lowest < 0 or highest == 0:
        return image, features.unit
    factor = 20.0 if unit == "amplitude" else 10.0
    level = factor * np.log10(np.maximum(image / highest, 10 ** (-_DYNAMIC_RANGE / factor)))
    return level.astype(np.float32), "Level (dB re maximum)"


def _scale(features: Features, image: NDArray[np.float32]) -> tuple[float, float, str]:
    """Colour limits and map: dark is much, as in the book; low cost is dark; signed values are centred on white."""
    if features.kind == "cost":
        return (*cost_range(image), "gray")
    low, high = finite_range(image)
    if low < 0 < high:
        limit = max(-low, high)
        return -limit, limit, "RdBu_r"
    if low >= 0:
        low = 0.0
    return low, high if high > low else low + 1.0, "gray_r"


def vertical(features: Features, span: tuple[float, float]) -> Rows:
    """Lay out the rows: in their own unit where they are evenly spaced, else by index with round numbers as ticks."""
    count, name, axis = features.data.shape[0], features.dims[0] if features.dims else "feature", features.axis
    if features.dims and name == features.dims[-1] and features.feature_rate is not None:
        return Rows(span[0], span[0] + count / features.feature_rate, labels.dimension(name))
    label = labels.dimension(name)
    if len(axis) != count:
        if name == "chroma" and count == 12:
            return _named(labels.CHROMA, label)
        return Rows(-0.5, count - 0.5, label)
    if _of_pairs(features):
        return _named(tuple(labels.short_names([str(value) for value in axis])), label)
    if isinstance(axis[0], str):
        return _named(tuple(labels.pretty(str(value)) for value in axis), label)
    values = np.asarray(axis, dtype=np.float64)
    if name == "chroma" and count == 12:
        return _named(tuple(labels.CHROMA[int(value) % 12] for value in values), label)
    if name == "pitch":
        ticks = np.array(labels.pitch_ticks(values[0], values[-1]), dtype=np.float64)
        names = tuple(labels.pitch_name(int(pitch)) for pitch in ticks)
        return Rows(-0.5, count - 0.5, label, np.interp(ticks, values, np.arange(count)), names)
    steps = np.diff(values)
    if np.allclose(steps, steps[0], rtol=1e-3):
        half = steps[0] / 2
        return Rows(values[0] - half, values[-1] + half, label)
    if np.all(steps > 0):
        ticks = labels.nice_values(values)
        return Rows(
            -0.5, count - 0.5, label, np.interp(ticks, values, np.arange(count)), tuple(f"{tick:g}" for tick in ticks)
        )
    return _named(tuple(f"{value:g}" for value in values), label)


def _named(names: tuple[str, ...], label: str) -> Rows:
    """Rows that have names; of many only every second, third … is written."""
    step = -(-len(names) // 16)
    ticks = np.arange(0, len(names), step, dtype=np.float64)
    return Rows(-0.5, len(names) - 0.5, label, ticks, names[::step])
