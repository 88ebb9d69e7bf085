"""Factorizations as FMP draws them: templates beside activations beside the matrix and its approximation."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots import labels
from mirtool.plots.features import Rows, vertical
from mirtool.plots.figure import WIDTH, Panel, colour_bar, style
from mirtool.plots.reduction import BINS, log_rows, pooled
from mirtool.types import Factorization, Features

DYNAMIC_RANGE = 60.0  # dB
_COLUMNS, _ROWS = 280, 320  # pixels of one of the axes at 200 dpi, at least: nothing is lost between two of them
_HEIGHT = 2.9  # inches
_NAMED = 14  # components that are all named
_STEPS = (1, 2, 3, 4, 6, 12)

_TINY = float(np.finfo(np.float32).tiny)

Image = NDArray[np.float32]


@dataclass(frozen=True)
class _Frame:
    """What the axes of one figure share: their rows, and what is shown of values."""

    rows: Rows
    logarithmic: bool  # frequency and level
    factor: float = 20.0  # of the decibels: 10 for powers

    @property
    def label(self) -> str:
        """What colours tell."""
        return "Level (dB re maximum)" if self.logarithmic else "Share of maximum"

    def reduced(self, matrix: Any, columns: int, mode: str = "mean") -> Image:
        """Return a matrix K × N as an image of at most so many columns."""
        image = pooled(matrix, matrix.shape[0] if self.logarithmic else _ROWS, columns, mode)
        return log_rows(image, _ROWS) if self.logarithmic else image

    def level(self, share: Image) -> Image:
        """Return what is drawn, 0 to 1, of shares of the largest value: themselves, or their level."""
        if not self.logarithmic:
            return share
        level = self.factor * np.log10(np.maximum(share, 10 ** (-DYNAMIC_RANGE / self.factor)))
        return np.asarray(1 + level / DYNAMIC_RANGE, np.float32)


class _Product:
    """WH as a matrix of which `pooled` takes a few columns at a time."""

    def __init__(self, model: Factorization) -> None:
        self.shape = (model.templates.shape[0], model.frames)
        self._model = model

    def __getitem__(self, place: tuple[slice, slice]) -> Image:
        return self._model.product(place[1].start, place[1].stop)


def factorization_figure(
    learned: Factorization, matrix: Features | None = None, initial: Factorization | None = None
) -> Figure:
    """Draw templates, activations and their product.

    Over frequency, levels are shown in dB: of each template and of each matrix below its own largest value, of the
    activations as loud as their templates make them.

    Parameters
    ----------
    learned : Factorization
        V ≈ WH. Long ones are reduced to the pixels of the picture.
    matrix : Features, optional
        V, drawn above the product; its frames may be fewer and longer. `unit` tells whether its values are a ``power``.
    initial : Factorization, optional
        Where the learning began; drawn above what was learned.

    Raises
    ------
    DataError
        Nothing to draw, or matrices that do not belong together.
    """
    if learned.frames == 0 or learned.rank == 0:
        raise DataError("a factorization without components or frames: nothing to draw")
    heights = [len(model.templates) for model in (learned, initial) if model is not None]
    heights += [len(matrix.data)] if matrix is not None else []
    if len(set(heights)) > 1:
        raise DataError(f"matrices of different height: {', '.join(map(str, heights))}")
    shared = _frame(learned, matrix)
    tall = matrix is not None or initial is not None
    with style():
        figure = Figure(figsize=(WIDTH, 5.2 if tall else _HEIGHT), layout="constrained")
        width = float(np.clip(0.035 * learned.rank * _columns(learned), 0.8, 1.2))
        grid = figure.add_gridspec(2 if tall else 1, 3, width_ratios=(width, 1.0, 1.15))
        if initial is not None:
            _factors(figure, (grid[0, 0], grid[0, 1]), shared, initial, ", before")
            _factors(figure, (grid[1, 0], grid[1, 1]), shared, learned, ", learned")
        else:
            _factors(figure, (grid[:, 0], grid[:, 1]), shared, learned, "")
        right = []
        if matrix is not None:
            right.append(_matrix(figure, grid[0, 2], shared, matrix.data, _span(matrix), "Matrix V"))
        elif initial is not None:
            right.append(_matrix(figure, grid[0, 2], shared, _Product(initial), _span(initial), "Product WH, before"))
        approximation = "Product WH ≈ V" if matrix is not None else "Product WH"
        right.append(_matrix(figure, grid[-1, 2], shared, _Product(learned), _span(learned), approximation))
        if initial is not None:  # the lower row has the same horizontal axes
            for axes in (*figure.axes[:2], right[0][0]):
                axes.set_xlabel("")
        _colour_bar(figure, right, shared)
        figure.align_labels()
    return figure


def _frame(model: Factorization, matrix: Features | None) -> _Frame:
    K = model.templates.shape[0]
    axis = model.axis or (matrix.axis if matrix is not None else ())
    dim = matrix.dims[0] if matrix is not None else model.dim
    numbers = np.array(axis, np.float64) if axis and not isinstance(axis[0], str) else np.zeros(0)
    if dim == "frequency" and len(numbers) == K > 2 and np.allclose(numbers, numbers[1] * np.arange(K)):
        ticks = labels.nice_values(numbers[1:])
        rows = np.interp(np.log(ticks), np.log((numbers[1], numbers[-1])), (0, min(_ROWS, K) - 1))
        names = tuple(f"{tick:g}" if tick < 1000 else f"{tick / 1000:g}k" for tick in ticks)
        factor = 10.0 if matrix is not None and matrix.unit == "power" else 20.0
        return _Frame(Rows(-0.5, min(_ROWS, K) - 0.5, labels.dimension(dim), rows, names), True, factor)
    plain = Features(np.zeros((K, 1)), model.feature_rate, dims=(dim, "time"), axis=axis)
    return _Frame(vertical(plain, (0.0, 1.0)), False)


def _columns(model: Factorization) -> int:
    """Return the number of columns of a template."""
    return model.templates.shape[2] if model.templates.ndim == 3 else 1


def _span(model: Factorization | Features) -> tuple[float, float]:
    """Return the stretch of time (or of frames, where there is no time) that the frames cover."""
    if model.feature_rate is None:
        return -0.5, model.frames - 0.5
    begin = model.start - 0.5 / model.feature_rate
    return begin, begin + model.frames / model.feature_rate


def _show(axes: Axes, image: Image, extent: tuple[float, float, float, float]) -> Any:
    return axes.imshow(
        image, extent=extent, vmin=0, vmax=1, cmap="gray_r", interpolation="nearest", rasterized=True, resample=False
    )


def _vertical_ticks(axes: Axes, shared: _Frame) -> None:
    if shared.rows.ticks is None:
        axes.yaxis.set_major_locator(MaxNLocator(6))
    else:
        axes.set_yticks(shared.rows.ticks, shared.rows.names)
    axes.set_ylabel(shared.rows.label)


def _factors(figure: Figure, places: tuple[Any, Any], shared: _Frame, model: Factorization, when: str) -> None:
    """Draw the templates in one place and the activations in another."""
    left = figure.add_subplot(places[0])
    _paint_templates(shared, model, _COLUMNS, left)
    left.set_title(f"Templates W{when}", fontsize=9)
    left.set_xlabel("Component")

    right = figure.add_subplot(places[1])
    H = pooled(model.activations * _largest(model)[:, None], model.rank, _COLUMNS, "max")
    _show(right, shared.level(H / max(H.max(), _TINY)), (*_span(model), -0.5, model.rank - 0.5))
    right.set_yticks(*_component_ticks(model))
    right.set_title(f"Activations H{when}", fontsize=9)
    right.set_xlabel("Frame" if model.feature_rate is None else "Time (s)")


def _paint_templates(shared: _Frame, model: Factorization, columns: int, axes: Axes) -> Any:
    """Draw templates side by side, each below its own largest value; return the image."""
    R, T = model.rank, _columns(model)
    W = model.templates.reshape(-1, R * T) / np.repeat(np.maximum(_largest(model), _TINY), T)
    image = shared.reduced(W, max(columns, R), "max")
    drawn = _show(axes, shared.level(image), (-0.5, R - 0.5, shared.rows.low, shared.rows.high))
    for border in np.arange(1, R) - 0.5 if R <= 2 * _NAMED else ():
        axes.axvline(border, color="#bbbbbb", linewidth=0.4)
    _vertical_ticks(axes, shared)
    ticks, names = _component_ticks(model)
    axes.set_xticks(ticks, names, rotation=90 if len("".join(names)) > 20 else 0)
    return drawn


def _largest(model: Factorization) -> Image:
    """Return the largest value of each template, shape (R,)."""
    largest: Image = model.templates.reshape(-1, model.rank, _columns(model)).max(axis=(0, 2))
    return largest


def template_panels(templates: Features) -> list[Panel]:
    """Draw templates alone, K × R or K × R × T, as `factorization_figure` does."""
    if templates.data.ndim not in (2, 3) or not templates.data.size:
        raise DataError("no templates to draw")
    silence = np.zeros((templates.data.shape[1], 1), np.float32)
    model = Factorization(templates.data, silence, templates.feature_rate, axis=templates.axis, dim=templates.dims[0])
    return [Panel(partial(_paint_alone, _frame(model, None), model), _HEIGHT, None, "Component")]


def _paint_alone(shared: _Frame, model: Factorization, axes: Axes) -> None:
    _ticked(colour_bar(axes, _paint_templates(shared, model, BINS // 2, axes), shared.label, _HEIGHT), shared)


def _component_ticks(model: Factorization) -> tuple[list[int], list[str]]:
    """Return which components are named, and how: all, or every second, third … (of pitches, up to an octave)."""
    step = next((step for step in _STEPS if model.rank <= step * _NAMED), -(-model.rank // _NAMED))
    places = list(range(0, model.rank, step))
    return places, [labels.pretty(model.labels[place])[:12] for place in places]


def _matrix(
    figure: Figure, place: Any, shared: _Frame, matrix: Any, span: tuple[float, float], title: str
) -> tuple[Axes, Any]:
    axes = figure.add_subplot(place)
    image = shared.reduced(matrix, _COLUMNS)
    share = image / max(float(image.max()), _TINY)
    drawn = _show(axes, shared.level(share), (*span, shared.rows.low, shared.rows.high))
    _vertical_ticks(axes, shared)
    axes.set_ylabel("")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(figure.axes[1].get_xlabel())
    return axes, drawn


def _colour_bar(figure: Figure, right: list[tuple[Axes, Any]], shared: _Frame) -> None:
    beside = [axes for axes, _ in right]
    bar = figure.colorbar(right[-1][1], ax=beside, label=shared.label, fraction=0.06, pad=0.03, aspect=30)
    bar.outline.set_linewidth(0.5)
    _ticked(bar, shared)


def _ticked(bar: Any, shared: _Frame) -> None:
    """Write levels at a colour bar."""
    if shared.logarithmic:
        levels = np.arange(-DYNAMIC_RANGE, 1, 20)
        bar.set_ticks(list(1 + levels / DYNAMIC_RANGE), labels=[f"{level:.0f}" for level in levels])
