"""Formats without a header: lab, beats, mireval and the label tracks of Audacity.

========  ==========================  ===================================================
format    row                         container
========  ==========================  ===================================================
lab       start end label             Segments
beats     time [beat]                 Events
mireval   time                        Events
          time number                 Events (`value`; written for `f0_hz` and `value`)
          time label                  Events (`label`)
          start end label             Segments
          onset offset frequency      Notes (in Hz, as mir_eval wants them)
audacity  start end label             Segments; Events if all start = end (whole numbers: `beat`)
========  ==========================  ===================================================

Cells are separated by white space on reading (by tabs in Audacity's, and in lines of mireval that have any), by tabs on
writing; a label is the rest of the line. An empty file holds no rows. Lines that begin with ``#`` are comments.
"""

import re
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns, tables
from mirtool.io.columns import Printed
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.pitch import frequency_pitch, pitch_frequency
from mirtool.types import Events, Notes, Segments, Table

_WIDTHS = {"lab": (2, 3), "beats": (1, 2), "mireval": (1, 3), "audacity": (2, 3)}


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read one of the formats above (`options.format`).

    Raises
    ------
    FormatError
        With the line: too many or too few cells, a cell that is no finite number where there must be one, an end before
        its start.
    """
    format = options.format
    lines, rows = _rows(stream, name, format)
    try:
        return columns.container_of(_READERS[format](rows))
    except columns.RowError as error:
        raise FormatError(error.message, name, lines[error.row]) from None


def _rows(stream: BinaryIO, name: str, format: str) -> tuple[list[int], list[list[str]]]:
    """Return the numbers of the lines that are not blank, and their cells."""
    least, most = _WIDTHS[format]
    lines, rows = [], []
    with tables.text_of(stream, name) as text:
        for number, line in enumerate(text, 1):
            if not line.strip() or line.startswith(("#", "\\")):  # Audacity: the frequencies of the label above
                continue
            tabs = format == "audacity" or (format == "mireval" and "\t" in line)
            cells = line.rstrip("\r\n").split("\t" if tabs else None, 2)
            if not least <= len(cells) <= most:
                raise FormatError(f"a row of {len(cells)}, not of {least} to {most}", name, number)
            lines.append(number)
            rows.append(cells)
    return lines, rows


def _column(rows: list[list[str]], k: int, missing: str = "") -> list[str]:
    return [row[k] if len(row) > k else missing for row in rows]


def _intervals(rows: list[list[str]]) -> dict[str, NDArray[Any]]:
    return {
        "start": columns.numbers("start", _column(rows, 0)),
        "end": columns.numbers("end", _column(rows, 1)),
        "label": columns.texts([label.strip() for label in _column(rows, 2)]),
    }


def _beats(rows: list[list[str]]) -> dict[str, NDArray[Any]]:
    found = {"time": columns.numbers("time", _column(rows, 0))}
    if any(len(row) > 1 for row in rows):
        found["beat"] = columns.numbers("beat", _column(rows, 1, missing="0"))
    return found


def _audacity(rows: list[list[str]]) -> dict[str, NDArray[Any]]:
    found = _intervals(rows)
    if len(rows) and np.array_equal(found["start"], found["end"]):
        return {"time": found["start"], **columns.beats_or_labels(found["label"])}
    return found


def _mireval(rows: list[list[str]]) -> dict[str, NDArray[Any]]:
    width = len(rows[0]) if rows else 1
    for k, row in enumerate(rows):
        if len(row) != width:
            raise columns.RowError(k, f"a row of {len(row)}, but those before are of {width}")
    if width < 3:
        found: dict[str, NDArray[Any]] = {"time": columns.numbers("time", _column(rows, 0))}
        return found | (_last(_column(rows, 1), "value") if width == 2 else {})
    last = _last(_column(rows, 2), "pitch")
    if "label" in last:
        return _intervals(rows)
    wrong = np.flatnonzero(~(last["pitch"] > 0))
    if len(wrong):
        raise columns.RowError(int(wrong[0]), f"frequency is not positive: {rows[wrong[0]][2]}")
    pitch = np.round(frequency_pitch(last["pitch"]), 3)  # 6 decimals of a frequency hold no more
    bounds = _intervals(rows)
    return {"onset": bounds["start"], "offset": bounds["end"], "pitch": pitch}


def _last(cells: list[str], name: str) -> dict[str, NDArray[Any]]:
    """Make a column `name` of numbers, or `label` where they are none."""
    try:
        float(cells[0])
    except ValueError:
        return {"label": columns.texts([cell.strip() for cell in cells])}
    return {name: columns.numbers(name, cells)}


_READERS = {"lab": _intervals, "beats": _beats, "mireval": _mireval, "audacity": _audacity}


def write(container: Table, stream: BinaryIO, options: WriteOptions) -> None:
    """Write one of the formats above (`options.format`); columns for which it has no place are left out.

    Raises
    ------
    DataError
        A time is not finite.
    """
    for part in columns.lines(_cells(container, options.format), "\t", _one_line):
        stream.write(part.encode())


def _cells(container: Table, format: str) -> Sequence[Printed]:
    printed = columns.printable(container)
    if isinstance(container, Notes):
        return printed["onset"], printed["offset"], Printed("%.6f", pitch_frequency(container["pitch"]))
    if isinstance(container, Segments):
        return printed["start"], printed["end"], printed["label"]
    assert isinstance(container, Events)
    wanted = {"beats": ("beat",), "mireval": ("f0_hz", "value", "label"), "audacity": ("label", "beat")}[format]
    extra = [printed[name] for name in wanted if name in printed][:1]
    if format == "audacity":
        return printed["time"], printed["time"], *(extra or [Printed("%s", columns.texts([""] * len(container)))])
    return printed["time"], *extra


def _one_line(label: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", label)
