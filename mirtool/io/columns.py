"""What all text formats share: cells to columns, columns to a container, columns to cells."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.types import Events, Notes, Segments, Table, WarpingPath

CHUNK = 1024  # rows that are converted at a time: they stay in the cache, and the garbage collector finds little
MEDIUM_VELOCITY = 64.0  # of a note that has none (the MIDI specification's value for keyboards without velocity)

_TIMES = {"time", "start", "end", "onset", "offset", "duration", "query_start", "query_end"}
_NUMBERS = {
    "pitch",
    "velocity",
    "strength",
    "confidence",
    "beat",
    "bpm",
    "f0_hz",
    "score",
    "transposition",
    "tempo_ratio",
}
_TEXTS = {"label", "file", "query"}
_VERSION = re.compile(r"time_(\d+|[a-z])")


class RowError(ValueError):
    """Something is wrong with one row, counted from 0; the reader knows its line."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row, self.message = row, message


def is_time(name: str) -> bool:
    """Tell whether a column holds seconds, which are written with 6 decimals."""
    return name in _TIMES or _VERSION.fullmatch(name) is not None


def is_text(name: str) -> bool:
    """Tell whether a column holds text even where it looks like numbers."""
    return name in _TEXTS


def canonical(name: str) -> str:
    """Return the name of a column as mirtool spells it: `Time` is `time`, other names stay."""
    name = name.strip()
    lower = name.lower()
    return lower if lower in _TIMES | _NUMBERS | _TEXTS or _VERSION.fullmatch(lower) else name


class NotNumbers(ValueError):
    """A column that began with numbers turns out to be text; its first cells are gone."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ColumnBuilder:
    """Collects the cells of one column, piece by piece, without keeping those that are numbers.

    Times and other well-known numbers must be numbers; a label is text even if it looks like a number; a column that is
    not known holds numbers if all its cells do. An empty cell is NaN (not known) among numbers, but no time.

    Parameters
    ----------
    name : str
    is_text : bool
        It is known to be text.
    """

    def __init__(self, name: str, is_text: bool = False) -> None:
        self.name = name
        self._must_be_numbers = is_time(name) or name in _NUMBERS
        self._is_text = is_text or name in _TEXTS
        self._parts: list[NDArray[np.float64]] = []
        self._cells: list[str] = []
        self._rows = 0

    def extend(self, cells: Sequence[str]) -> None:
        """Append cells.

        Raises
        ------
        RowError
            A cell is no finite number where it must be one.
        NotNumbers
            All cells must be collected anew, as text.
        """
        try:
            if not self._is_text:
                self._parts.append(numbers(self.name, cells, self._rows))
        except RowError:
            if self._must_be_numbers:
                raise
            if self._rows:
                raise NotNumbers(self.name) from None
            self._is_text = True
        if self._is_text:
            self._cells.extend(cells)
        self._rows += len(cells)

    def finish(self) -> NDArray[Any]:
        """Return the column: float64, or objects (str)."""
        if self._is_text:
            return texts(self._cells)
        column = np.concatenate([np.zeros(0), *self._parts])
        if not self._must_be_numbers and np.isnan(column).all():  # nothing but empty cells, or no row
            return texts([""] * self._rows)
        return column


def texts(cells: Sequence[str]) -> NDArray[Any]:
    """Return a column of text."""
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def beats_or_labels(labels: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Make a column of the labels of points in time: `beat` where all are whole numbers, else `label`."""
    if len(labels) and all(re.fullmatch(r"\d{1,3}", label) for label in labels):
        return {"beat": labels.astype(np.float64)}
    return {"label": labels}


def numbers(name: str, cells: Sequence[str], first_row: int = 0) -> NDArray[np.float64]:
    """Convert cells to numbers; those of a column that is no time may be empty (NaN).

    Raises
    ------
    RowError
        Of the first cell that is no finite number.
    """
    try:
        column = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        pass
    else:
        if np.isfinite(column).all() and "_" not in "".join(cells):  # Python reads 1_000
            return column
    column = np.empty(len(cells))
    for row, cell in enumerate(cells):
        column[row] = _number(name, cell, first_row + row)
    return column


def _number(name: str, cell: str, row: int) -> float:
    if not cell.strip() and not is_time(name):
        return np.nan
    try:
        if "_" in cell:
            raise ValueError
        value = float(cell)
    except ValueError:
        hint = " (decimals are written with a point)" if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell) else ""
        what = f"not a number: {_shown(cell)}{hint}" if cell.strip() else "missing"
        raise RowError(row, f"{name} is {what}") from None
    if not np.isfinite(value):
        raise RowError(row, f"{name} is not finite: {_shown(cell.strip())}")
    return value


def _shown(cell: str) -> str:
    return repr(cell if len(cell) < 40 else cell[:40] + "…")


def container_of(columns: Mapping[str, NDArray[Any]]) -> Table:
    """Choose the container by the names of the columns, check the rows and sort them by time.

    `time_a,time_b` (or `time_1,…`) is a warping path, `onset,offset,pitch` are notes, `start,end,label` or `start,end`
    alone segments, `time` events; everything else, and what begins with `file` or `query`, is a plain table. Events,
    segments and notes may come in any order and are sorted, those of equal time keeping theirs; the rows of a path and
    of a plain table are never moved.

    Raises
    ------
    RowError
        A path does not increase, a segment or note ends before it begins, a pitch or velocity is not within 0 to 127.
    """
    names = tuple(columns)
    if not names or names[0] in ("file", "query"):
        return Table(columns)
    if sum(_VERSION.fullmatch(name) is not None for name in names) > 1:
        return _path(columns)
    if {"onset", "offset", "pitch"} <= columns.keys():
        return _notes(columns)
    if {"start", "end", "label"} <= columns.keys() or names == ("start", "end"):
        check_order(columns, "start", "end")
        label = columns.get("label", texts([""] * len(columns["start"])))
        return Segments(_sorted({**columns, "label": label}, "start"))
    return Events(_sorted(columns, "time")) if "time" in columns else Table(columns)


def _path(columns: Mapping[str, NDArray[Any]]) -> WarpingPath:
    path = WarpingPath(columns)
    for name in path.versions:
        stuck = np.flatnonzero(np.diff(path[name]) <= 0)
        if len(stuck):
            row = int(stuck[0]) + 1
            raise RowError(row, f"{name} does not increase: {path[name][row]:.6f} after {path[name][row - 1]:.6f}")
    return path


def _notes(columns: Mapping[str, NDArray[Any]]) -> Notes:
    check_order(columns, "onset", "offset")
    velocity = columns.get("velocity", np.full(len(columns["onset"]), MEDIUM_VELOCITY))
    # In the order of the container, whatever the order in the file.
    named = {name: columns[name] for name in ("onset", "offset", "pitch")} | {"velocity": velocity}
    for name in ("pitch", "velocity"):
        outside = np.flatnonzero(~((named[name] >= 0) & (named[name] <= 127)))
        if len(outside):
            raise RowError(int(outside[0]), f"{name} is not within 0 to 127: {named[name][outside[0]]:g}")
    return Notes(_sorted(named | {name: columns[name] for name in columns if name not in named}, "onset"))


def check_order(columns: Mapping[str, NDArray[Any]], begin: str, end: str) -> None:
    """Raise `RowError` where the column `end` lies before the column `begin`."""
    wrong = np.flatnonzero(columns[end] < columns[begin])
    if len(wrong):
        row = int(wrong[0])
        raise RowError(row, f"{end} {columns[end][row]:.6f} lies before {begin} {columns[begin][row]:.6f}")


def _sorted(columns: Mapping[str, NDArray[Any]], name: str) -> Mapping[str, NDArray[Any]]:
    times = columns[name]
    if np.all(times[1:] >= times[:-1]):
        return columns
    order = np.argsort(times, kind="stable")
    return {other: values[order] for other, values in columns.items()}


class Printed(NamedTuple):
    """How a column is printed.

    Parameters
    ----------
    conversion : str
        For the `%` operator.
    values : ndarray
    is_text : bool
        Cells are text that a format may have to quote.
    """

    conversion: str
    values: NDArray[Any]
    is_text: bool = False


def printable(table: Table, unknown: str = "") -> dict[str, Printed]:
    """Say how each column of a table is printed.

    Seconds have 6 decimals, whole numbers none, other numbers 6 significant digits (which hides the noise of the last
    bits). Rows of a path that are equal when printed are left out, as a path increases.

    Parameters
    ----------
    table : Table
    unknown : str
        What stands for a number that is not known (NaN); a time is always known.

    Raises
    ------
    DataError
        A time is not finite, or another number infinite.
    """
    columns: Mapping[str, NDArray[Any]] = table.columns
    if isinstance(table, WarpingPath):
        keep = _increasing(np.rint(table.times * 1e6))
        columns = {name: values[keep] for name, values in columns.items()}
    return {name: _printed(name, values, unknown) for name, values in columns.items()}


def _increasing(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Choose rows so that all columns increase from each chosen row to the next (L × K → L)."""
    if np.all(np.diff(times, axis=0) > 0):
        return np.ones(len(times), dtype=np.bool_)
    keep = np.zeros(len(times), dtype=np.bool_)
    last = np.full(times.shape[1], -np.inf)
    for row, moment in enumerate(times):
        if np.all(moment > last):
            keep[row], last = True, moment
    return keep


def _printed(name: str, values: NDArray[Any], unknown: str) -> Printed:
    if values.dtype == object:
        return Printed("%s", values, is_text=True)
    missing = np.isnan(values)
    bad = np.flatnonzero(np.isinf(values) | (missing & is_time(name)))
    if len(bad):
        raise DataError(f"{name} is not finite in row {bad[0] + 1}")
    if is_time(name):
        return Printed("%.6f", np.where(np.abs(values) < 5e-7, 0.0, values))  # no -0.000000
    conversion = number_conversion(values[~missing])
    if not missing.any():
        return Printed(conversion, values + 0.0)
    return Printed("%s", texts([unknown if value != value else conversion % value for value in values.tolist()]))


def number_conversion(values: NDArray[np.float64]) -> str:
    """Return the printf conversion for numbers that are no times."""
    if np.all(values == np.rint(values)):
        return "%d"
    return "%.6g" if np.all(np.abs(values) < 1e6) else "%.6f"


def lines(printed: Sequence[Printed], separator: str, quote: Callable[[str], str]) -> Iterator[str]:
    """Yield the text of a table, many lines at a time; `quote` is applied to each cell of text."""
    template = separator.replace("%", "%%").join(column.conversion for column in printed) + "\n"
    for begin in range(0, len(printed[0].values) if printed else 0, CHUNK):
        chunk: list[list[Any]] = []
        for column in printed:
            cells = column.values[begin : begin + CHUNK].tolist()
            chunk.append([quote(str(cell)) for cell in cells] if column.is_text else cells)
        yield "".join(map(template.__mod__, zip(*chunk, strict=True)))
