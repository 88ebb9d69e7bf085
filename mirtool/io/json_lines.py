"""JSON Lines: one object a row."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns, tables
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Table


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read objects with the same keys, one a line; null is a number that is not known.

    Returns
    -------
    Table
        Events, Segments, Notes, WarpingPath or plain, as `mirtool.io.columns.container_of` says.

    Raises
    ------
    FormatError
        With the line: no JSON object, other keys than in the first line, a value that is no number or text, NaN.
    """
    lines: list[int] = []
    rows: list[tuple[Any, ...]] = []
    keys: tuple[str, ...] = ()
    with tables.text_of(stream, name) as text:
        for number, row in _objects(text, name):
            keys = keys or tuple(row)
            if tuple(row) != keys:
                if row.keys() != set(keys):
                    raise FormatError("other keys than in the first line", name, number)
                row = {key: row[key] for key in keys}
            lines.append(number)
            rows.append(tuple(row.values()))
    if not lines:
        raise FormatError("empty: without a line there are no columns", name)
    names = [columns.canonical(key) for key in keys]
    twice = sorted({key for key in names if names.count(key) > 1})
    if twice:
        raise FormatError(f"column {', '.join(twice)} stands twice", name, lines[0])
    try:
        cells = zip(*rows, strict=True)
        return columns.container_of({key: _column(key, values) for key, values in zip(names, cells, strict=True)})
    except columns.RowError as error:
        raise FormatError(error.message, name, lines[error.row]) from None


def _objects(text: Iterator[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = json.JSONDecoder(parse_constant=_refuse).decode
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise FormatError(f"not JSON: {reason}", name, number) from None
        if not isinstance(row, dict) or not row:
            raise FormatError("not a JSON object with columns as keys", name, number)
        yield number, row


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _column(name: str, values: Sequence[Any]) -> NDArray[Any]:
    kinds = set(map(type, values))
    if not kinds <= {int, float, str, type(None)}:
        row = next(k for k, value in enumerate(values) if type(value) not in (int, float, str, type(None)))
        raise columns.RowError(row, f"{name} is neither a number nor text: {json.dumps(values[row])[:40]}")
    if kinds <= {int, float} and not columns.is_text(name):
        with contextlib.suppress(OverflowError):  # a whole number beyond all floats
            column = np.fromiter(map(float, values), np.float64, len(values))
            if np.isfinite(column).all():
                return column
    builder = columns.ColumnBuilder(name)
    builder.extend(["" if value is None else value if isinstance(value, str) else repr(value) for value in values])
    return builder.finish()


def write(container: Table, stream: BinaryIO, options: WriteOptions) -> None:
    """Write an object a row; nothing at all for a table without rows.

    Raises
    ------
    DataError
        A time is not finite.
    """
    printed = columns.printable(container, unknown="null")
    keyed = [
        column._replace(conversion=f"{_text(name)}: ".replace("%", "%%") + column.conversion)
        for name, column in printed.items()
    ]
    if not keyed:
        return
    keyed[0] = keyed[0]._replace(conversion="{" + keyed[0].conversion)
    keyed[-1] = keyed[-1]._replace(conversion=keyed[-1].conversion + "}")
    for part in columns.lines(keyed, ", ", _text):
        stream.write(part.encode())


def _text(cell: str) -> str:
    """Return a JSON string; what is no character (in names of files) is escaped."""
    return json.dumps(cell, ensure_ascii=not cell.isprintable())
