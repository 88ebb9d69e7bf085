"""Tables as libfmp and synctoolbox keep them: separated by semicolons, text in quotes.

Notes have the columns Start, Duration, Pitch, Velocity (0 to 1) and Instrument or Label; annotations start, end, label;
events and warping paths the columns of their container.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns, tables
from mirtool.io.columns import Printed
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Notes, Table

_SEPARATOR = ";"
_FULL_VELOCITY = 128.0  # libfmp divides the velocities of MIDI by it


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a table whose header chooses the container, as in CSV; upper and lower case are the same.

    Returns
    -------
    Table
        Velocities up to 1 are scaled to 0 to 127.

    Raises
    ------
    FormatError
        As for CSV.
    """
    try:
        header, values = tables.read_columns(stream, name, _SEPARATOR)
        names = [cell.strip().lower() for cell in header]
        return columns.container_of(_own_names(dict(zip(names, values, strict=True))))
    except columns.RowError as error:
        raise FormatError(error.message, name, tables.line_of(stream, _SEPARATOR, error.row)) from None


def _own_names(found: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Translate the names, and durations to ends."""
    named = dict(found)
    if "start" in named and "duration" in named:
        ends = named["start"] + named.pop("duration")
        named = {"start": named.pop("start"), "end": ends} | named
    if "pitch" in named and "start" in named and "end" in named:
        named = {"onset": named.pop("start"), "offset": named.pop("end")} | named
        velocity = named.get("velocity")
        if velocity is not None and np.all(velocity <= 1):
            named["velocity"] = np.minimum(np.rint(velocity * _FULL_VELOCITY), 127)
    elif "start" in named and "end" not in named:
        named = {"time": named.pop("start")} | named
    return named


def write(container: Table, stream: BinaryIO, options: WriteOptions) -> None:
    """Write notes as libfmp's note lists, other tables with their own columns.

    Raises
    ------
    DataError
        A time is not finite.
    """
    printed = columns.printable(container)
    if isinstance(container, Notes):
        printed = _note_list(container, printed)
    tables.write_columns(printed, stream, _SEPARATOR, quote_all=True)


def _note_list(notes: Notes, printed: dict[str, Printed]) -> dict[str, Printed]:
    instrument = next((printed[name] for name in ("instrument", "label", "program") if name in printed), None)
    return {
        "Start": printed["onset"],
        "Duration": Printed("%.6f", np.maximum(notes["offset"] - notes["onset"], 0.0)),
        "Pitch": printed["pitch"],
        "Velocity": Printed("%.7g", notes["velocity"] / _FULL_VELOCITY),
        "Instrument": instrument or Printed("%s", columns.texts([""] * len(notes)), is_text=True),
    }
