"""Mosaics: which grain of the source sounds when."""

from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import Panel, compose
from mirtool.types import Features


def mosaic_figure(free: Features, constrained: Features) -> Figure:
    """Draw activations that were learned without constraints, and with them.

    Parameters
    ----------
    free, constrained : Features
        K × N: the strength of grain k of the source in frame n of the target.

    Raises
    ------
    DataError
        Nothing to draw.
    """
    panels = []
    for title, activations in (("Without constraints", free), ("With constraints", constrained)):
        panels += [_titled(panel, title) for panel in feature_panels(activations)]
    return compose(panels)


def _titled(panel: Panel, title: str) -> Panel:
    def paint(axes: Axes) -> None:
        panel.paint(axes)
        axes.set_title(title, loc="left")

    return replace(panel, paint=paint)
