"""What all pictures share: one look, panels over one time axis, and files that are the same bytes every time.

The style starts from matplotlib's own defaults, not from the user's matplotlibrc, and no global state is touched:
figures are made without pyplot, and each file type brings its own renderer (Agg for PNG).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mirtool.errors import UsageProblem

FORMATS = ("png", "svg", "pdf")
WIDTH = 7.2  # inches: the text width of a journal page
DPI = 200
# Above this many lines or boxes a layer becomes an image inside SVG and PDF, which would otherwise reach tens of MB.
MAX_VECTORS = 4000

INK = "#1b1b1b"
BLUE = "#2166ac"
RED = "#d6302a"
ORANGE = "#e08214"
GREY = "#8c8c8c"
# Okabe and Ito's palette (distinct for colour-blind readers), ordered so that neighbours contrast; then darker ones.
PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#b8a900",
    "#7a5195",
    "#8c564b",
    "#3f7f3f",
    "#5c6bc0",
    "#a05195",
)

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.formatter.use_mathtext": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.titlesize": 10,
    "axes.xmargin": 0.0,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.dpi": DPI,
    "figure.titlesize": 10.5,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same glyphs on every machine
    "font.size": 9,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.5,
    "image.aspect": "auto",
    "image.origin": "lower",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "path.simplify": True,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "mirtool",
    "xtick.color": "#444444",
    "xtick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.color": "#444444",
    "ytick.labelsize": 8,
    "ytick.major.width": 0.6,
}

# No dates and no versions: the same input gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "mirtool"},
    "svg": {"Date": None, "Creator": "mirtool"},
    "pdf": {"CreationDate": None, "Creator": "mirtool", "Producer": None},
}


@dataclass(frozen=True)
class Panel:
    """One axes of a figure.

    Parameters
    ----------
    paint : callable
        Draws on the axes it is given.
    height : float
        Inches.
    span : tuple of float or None
        Stretch of time that is shown (s); None when the horizontal axis is not time.
    xlabel : str
        Of the horizontal axis; within a run of panels over time it is written under the last only.
    """

    paint: Callable[[Axes], None]
    height: float
    span: tuple[float, float] | None
    xlabel: str = "Time (s)"


@contextmanager
def style() -> Iterator[None]:
    """Set the look for what is drawn and saved inside, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def format_of(name: str) -> str:
    """Return the picture format that a file name asks for.

    Raises
    ------
    UsageProblem
        The extension is none of .png, .svg, .pdf.
    """
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise UsageProblem(f"{name}: a picture is written as {', '.join('.' + known for known in FORMATS)}")
    return suffix


def compose(panels: Sequence[Panel], title: str | None = None) -> Figure:
    """Stack panels; all that show time share one axis, over the union of their spans.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom.
    title : str, optional
        Over the figure.

    Returns
    -------
    Figure
        Not yet rendered; `save` writes it.
    """
    with style():
        extra = 0.55 + (0.3 if title else 0.0) + 0.08 * len(panels)
        heights = [panel.height for panel in panels]
        figure = Figure(figsize=(WIDTH, sum(heights) + extra), layout="constrained")
        grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
        clock: Axes | None = None
        last: dict[bool, int] = {panel.span is not None: row for row, panel in enumerate(panels)}
        for row, panel in enumerate(panels):
            timed = panel.span is not None
            axes = figure.add_subplot(grid[row, 0], sharex=clock if timed else None)
            panel.paint(axes)
            if timed:
                clock = clock or axes
            if timed and row != last[True]:
                axes.tick_params(labelbottom=False)
            else:
                axes.set_xlabel(panel.xlabel)
        spans = [panel.span for panel in panels if panel.span is not None]
        if clock is not None:
            begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
            clock.set_xlim(begin, end if end > begin else begin + 1.0)
        figure.align_ylabels()
        if title:
            figure.suptitle(title)
    return figure


def colour_bar(axes: Axes, drawn: Any, label: str, height: float, clipped: bool = False) -> Any:
    """Put a colour bar beside axes that are `height` inches high, and return it.

    An arrow tells where higher values are `clipped`.
    """
    extend = "max" if clipped else "neither"
    bar = axes.figure.colorbar(
        drawn, ax=axes, pad=0.015, fraction=0.03, aspect=height / 0.13, label=label, extend=extend, extendfrac=0.02
    )
    bar.outline.set_linewidth(0.5)
    return bar


def save(figure: Figure, target: BinaryIO, format: str) -> None:
    """Write a figure; the same figure gives the same bytes (no dates, fixed identifiers).

    Parameters
    ----------
    figure : Figure
    target : binary stream
        Need not be seekable.
    format : str
        ``png``, ``svg`` or ``pdf``.

    Raises
    ------
    UsageProblem
        The format is none of these.
    """
    if format not in FORMATS:
        raise UsageProblem(f"{format}: a picture is written as {', '.join(FORMATS)}")
    with style():
        figure.savefig(target, format=format, dpi=DPI, metadata=_METADATA[format])
