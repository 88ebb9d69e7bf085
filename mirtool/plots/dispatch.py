"""The entry: any container to a picture."""

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from matplotlib.figure import Figure

from mirtool.errors import UsageProblem
from mirtool.plots import audio, features, notes, sync, tables
from mirtool.plots.factorization import factorization_figure, template_panels
from mirtool.plots.figure import Panel, compose, save
from mirtool.types import AudioSource, Events, Factorization, Features, Notes, Score, Segments, Table, WarpingPath


def panels_of(container: Any, start: float = 0.0) -> list[Panel]:
    """Return the panels that show a container.

    Parameters
    ----------
    container : AudioSource, Features, Table or Score
    start : float
        Time of the first sample of audio (s); the others know their times.

    Raises
    ------
    UsageProblem
        Nothing is known about how to draw it.
    DataError
        It is empty.
    """
    if isinstance(container, Features):
        return template_panels(container) if container.kind == "templates" else features.feature_panels(container)
    if isinstance(container, WarpingPath):
        return sync.path_panels(container)
    if isinstance(container, Table):
        return _table_panels(container)
    if isinstance(container, Score):
        return notes.notes_panels(container.notes, notes.track_names(container))
    if isinstance(container, AudioSource):
        return audio.waveform_panels(container, start)
    raise UsageProblem(f"no picture for {type(container).__name__}")


def _table_panels(table: Table) -> list[Panel]:
    if isinstance(table, Notes):
        return notes.notes_panels(table)
    if isinstance(table, Segments):
        return tables.segment_panels(table)
    if isinstance(table, Events):
        return tables.event_panels(table)
    if "bpm" in table:
        return tables.tempo_ranking_panels(table)
    raise UsageProblem(f"no picture for a table with the columns {','.join(table.columns) or '(none)'}")


def figure_of(
    containers: Sequence[Any],
    overlays: Sequence[Any] = (),
    title: str | None = None,
    start: float = 0.0,
) -> Figure:
    """Stack containers over one time axis, perhaps with events, beats or segments laid over each.

    Parameters
    ----------
    containers : sequence of AudioSource, Features, Table or Score
    overlays : sequence of Events or Segments
        Drawn over every panel that shows time.
    title : str, optional
    start : float
        Time of the first sample of audio (s).
    """
    panels = [panel for container in containers for panel in panels_of(container, start)]
    for table in overlays:
        if not isinstance(table, Events | Segments):
            raise UsageProblem("only events (a column time) and segments (start,end,label) can be laid over a picture")
    first = next((index for index, panel in enumerate(panels) if panel.span is not None), 0)
    return compose([_overlaid(panel, overlays, index == first) for index, panel in enumerate(panels)], title)


def _overlaid(panel: Panel, overlays: Sequence[Events | Segments], named: bool) -> Panel:
    if panel.span is None or not overlays:
        return panel

    def paint(axes: Any) -> None:
        panel.paint(axes)
        for table in overlays:
            tables.overlay(axes, table, named)

    return Panel(paint, panel.height, panel.span, panel.xlabel)


def draw(content: Any | Figure | Callable[[], Figure], target: BinaryIO, format: str) -> None:
    """Draw a container (or a figure, or what a callable returns) into a binary stream.

    Parameters
    ----------
    content : AudioSource, Features, Factorization, Table, Score, Figure or callable
        A callable without arguments returns a `Figure`; it is called here, so that nothing is drawn without need.
    target : binary stream
    format : str
        ``png``, ``svg`` or ``pdf``; see `mirtool.plots.figure.format_of`.
    """
    if callable(content):
        content = content()
    if isinstance(content, Factorization):
        content = factorization_figure(content)
    save(content if isinstance(content, Figure) else figure_of([content]), target, format)
