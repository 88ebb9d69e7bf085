"""Beats: the activation that they were found in, and the local tempo."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirtool.plots.features import feature_panels
from mirtool.plots.figure import RED, Panel, compose
from mirtool.plots.tables import event_panels, time_lines
from mirtool.types import Events, Features

_BEAT = "#c9c9c9"
_MOST = 800  # lines that are told from each other


def beats_figure(activation: Features, beats: Events) -> Figure:
    """Draw the activation, the beats behind it (downbeats in red), and below it the local tempo.

    Parameters
    ----------
    activation : Features
        1 × N.
    beats : Events
        With a column `beat`; where there is none, only the activation is drawn.
    """
    (curve,) = feature_panels(activation)

    def paint(axes: Axes) -> None:
        down = beats["beat"] == 1
        if len(beats) <= _MOST:
            time_lines(axes, beats["time"][~down], _BEAT)
        if down.sum() <= _MOST:
            time_lines(axes, beats["time"][down], RED)
        curve.paint(axes)

    panels = [Panel(paint, curve.height, curve.span, curve.xlabel)]
    return compose([*panels, *event_panels(beats)] if len(beats) else panels)
