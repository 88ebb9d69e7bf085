"""Separations: whose each moment of the mixture is, and the spectrogram of each part."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.plots import labels
from mirtool.plots.figure import GREY, PALETTE, Panel, colour_bar, compose
from mirtool.plots.reduction import BINS, pooled
from mirtool.types import Features

DYNAMIC_RANGE = 70.0  # dB
MOST = 6  # parts that have a panel of their own; of more, the loudest
_ROWS = 400
_COLOURS = (PALETTE[0], PALETTE[5], *PALETTE[2:5], *PALETTE[6:])

Image = NDArray[np.float32]


def separation_figure(parts: Mapping[str, Features], start: float = 0.0) -> Figure:
    """Draw the mixture, coloured by the parts that share it, and the parts one below the other.

    Parameters
    ----------
    parts : mapping
        Name → power spectrogram (rows × columns, over rising frequency), all of the same shape and times. Where two of
        them share a place, their colours mix as their powers do: what soft masks are.
    start : float
        Time of the first sample (s).

    Raises
    ------
    DataError
        Nothing to draw.
    """
    if not parts or not all(part.data.size for part in parts.values()):
        raise DataError("no sound to draw")
    first = next(iter(parts.values()))
    images = {name: pooled(part.data, _ROWS, BINS) for name, part in parts.items()}
    mixture: Image = np.sum(list(images.values()), axis=0)
    loudest = float(mixture.max()) or 1.0
    order = sorted(images, key=lambda name: float(images[name].sum()), reverse=True)
    shown = [name for name in images if name in order[:MOST]]
    rate = first.feature_rate or 1.0
    begin = start + first.start - 0.5 / rate
    span = (begin, begin + first.frames / rate)
    coloured = {name: _COLOURS[place] for place, name in enumerate(name for name in images if name in order[:10])}
    shares = partial(_paint_shares, images, mixture / loudest, coloured, first, span)
    panels = [Panel(shares, 2.2, span)]
    for name in shown:
        panels.append(Panel(partial(_paint_part, images[name] / loudest, name, first, span), 1.4, span))
    return compose(panels)


def _level(share: Image) -> Image:
    """Return 0 (white) to 1 (black): the level of powers below the loudest of the mixture."""
    return np.asarray(1 + 10 * np.log10(np.maximum(share, 10 ** (-DYNAMIC_RANGE / 10))) / DYNAMIC_RANGE, np.float32)


def _paint_shares(
    images: Mapping[str, Image],
    mixture: Image,
    coloured: Mapping[str, str],
    first: Features,
    span: tuple[float, float],
    axes: Axes,
) -> None:
    total = np.maximum(np.sum(list(images.values()), axis=0), np.finfo(np.float32).tiny)
    ink = np.zeros((*mixture.shape, 3), np.float32)
    for name, image in images.items():
        ink += (image / total)[:, :, None] * (1 - np.array(to_rgb(coloured.get(name, GREY)), np.float32))
    picture = 1 - _level(mixture)[:, :, None] * ink
    axes.imshow(np.clip(picture, 0, 1), extent=(*span, -0.5, len(picture) - 0.5), rasterized=True)
    _frequencies(axes, first, len(picture))
    others = [Patch(color=GREY, label=f"{len(images) - len(coloured)} more")] if len(images) > len(coloured) else []
    patches = [Patch(color=colour, label=name) for name, colour in coloured.items()]
    axes.legend(
        handles=[*patches, *others],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=min(len(patches) + len(others), 6),
        borderaxespad=0.2,
    )
    axes.set_title("Mixture", loc="left", fontsize=9)


def _paint_part(image: Image, name: str, first: Features, span: tuple[float, float], axes: Axes) -> None:
    level = (_level(image) - 1) * DYNAMIC_RANGE
    drawn = axes.imshow(
        level, extent=(*span, -0.5, len(level) - 0.5), vmin=-DYNAMIC_RANGE, vmax=0, cmap="gray_r", rasterized=True
    )
    _frequencies(axes, first, len(level))
    axes.set_title(name, loc="left", fontsize=9)
    colour_bar(axes, drawn, "Level (dB)", 1.4)


def _frequencies(axes: Axes, features: Features, height: int) -> None:
    """Write frequencies at the rows of an image, which may be fewer than those of the features."""
    values = np.asarray(features.axis, np.float64)
    ticks = labels.nice_values(values)
    places = np.interp(ticks, values, np.arange(len(values))) * height / len(values)
    axes.set_yticks(places, [f"{tick:g}" if tick < 1000 else f"{tick / 1000:g}k" for tick in ticks])
    axes.set_ylabel("Frequency (Hz)")
