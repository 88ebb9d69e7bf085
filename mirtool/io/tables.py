"""CSV and TSV: a header row, then a row a line.

UTF-8, LF and decimal points are written whatever the locale; a byte order mark and CRLF are accepted on reading.
"""

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from numpy.typing import NDArray

from mirtool.errors import FormatError
from mirtool.io import columns, feature_tables, sniffing
from mirtool.io.options import ReadOptions, WriteOptions
from mirtool.types import Features, Table

_SEPARATORS = {"csv": ",", "tsv": "\t"}


@contextlib.contextmanager
def text_of(stream: BinaryIO, name: str) -> Iterator[io.TextIOWrapper]:
    """Read a stream as UTF-8 with or without byte order mark, line ends as they are; the stream stays open.

    Raises
    ------
    FormatError
        It is not UTF-8; the line is named.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        stream.seek(0)
        line = next((number for number, line in enumerate(stream, 1) if not sniffing.is_utf8(line)), None)
        raise FormatError(f"not UTF-8 (byte {error.object[error.start]:02x})", name, line) from None
    finally:
        text.detach()


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read CSV (`options.format` csv) or TSV (tsv).

    Returns
    -------
    Table
        Events, Segments, Notes, WarpingPath or plain, as `mirtool.io.columns.container_of` says.

    Raises
    ------
    FormatError
        With the line: no header, a row of another length, a cell that is no finite number where there must be one, a
        path that does not increase.
    """
    separator = _SEPARATORS[options.format]
    try:
        header, values = read_columns(stream, name, separator)
        names = [columns.canonical(cell) for cell in header]
        return columns.container_of(dict(zip(names, values, strict=True)))
    except columns.RowError as error:
        raise FormatError(error.message, name, line_of(stream, separator, error.row)) from None


def read_columns(stream: BinaryIO, name: str, separator: str) -> tuple[list[str], list[NDArray[Any]]]:
    """Read a table with a header row.

    Returns
    -------
    header : list of str
        As it stands in the file.
    values : list of ndarray
        A column each, as `mirtool.io.columns.ColumnBuilder` makes them.

    Raises
    ------
    RowError
        A row cannot be understood.
    FormatError
        There is no header row, or the file is no such table at all.
    """
    texts: set[str] = set()
    while True:
        try:
            stream.seek(0)
            return _columns(stream, name, separator, texts)
        except columns.NotNumbers as found:
            texts.add(found.name)


def _columns(
    stream: BinaryIO, name: str, separator: str, texts: Collection[str]
) -> tuple[list[str], list[NDArray[Any]]]:
    with text_of(stream, name) as text:
        reader = csv.reader(text, delimiter=separator, strict=True)
        try:
            rows = (row for row in reader if row)
            header = next(rows, None)
            _check_header(header, name, reader.line_num)
            assert header is not None
            names = [columns.canonical(cell) for cell in header]
            builders = [columns.ColumnBuilder(cell, cell in texts) for cell in names]
            done = 0
            while chunk := list(itertools.islice(rows, columns.CHUNK)):
                for builder, cells in zip(builders, _transposed(chunk, len(header), done), strict=True):
                    builder.extend(cells)
                done += len(chunk)
        except csv.Error as error:
            raise FormatError(f"not {separator!r}-separated: {error}", name, reader.line_num) from None
    return header, [builder.finish() for builder in builders]


def _check_header(header: list[str] | None, name: str, line: int) -> None:
    if header is None:
        raise FormatError("empty: not even a header row", name)
    names = [columns.canonical(cell) for cell in header]
    if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", header[0]):
        raise FormatError("no header row (names of columns, such as time,label)", name, line)
    if not all(names):
        raise FormatError(f"column {names.index('') + 1} has no name", name, line)
    twice = sorted({cell for cell in names if names.count(cell) > 1})
    if twice:
        raise FormatError(f"column {', '.join(twice)} stands twice", name, line)


def _transposed(rows: list[list[str]], width: int, first_row: int) -> Iterator[tuple[str, ...]]:
    if set(map(len, rows)) != {width}:
        wrong = next(k for k, row in enumerate(rows) if len(row) != width)
        raise columns.RowError(first_row + wrong, f"{_cells(len(rows[wrong]))}, but the header has {width}")
    return zip(*rows, strict=True)


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"


def line_of(stream: BinaryIO, separator: str, row: int) -> int:
    """Return the line at which a row (from 0, after the header) begins; cells may hold line breaks."""
    stream.seek(0)
    with text_of(stream, "") as text:
        begins = _begins(text, separator)
        return next(itertools.islice(begins, row + 1, None))


def _begins(text: io.TextIOWrapper, separator: str) -> Iterator[int]:
    """Yield the line at which each row begins, the header first."""
    reader = csv.reader(text, delimiter=separator)
    line = 1
    for cells in reader:
        if cells:
            yield line
        line = reader.line_num + 1


def write(container: Table | Features, stream: BinaryIO, options: WriteOptions) -> None:
    """Write CSV (`options.format` csv) or TSV (tsv).

    A feature matrix becomes a row a frame: its time, then a column for each row of the matrix.

    Raises
    ------
    DataError
        A time is not finite.
    UsageProblem
        A matrix that is complex or has three dimensions.
    """
    printed = feature_tables.printable(container) if isinstance(container, Features) else columns.printable(container)
    write_columns(printed, stream, _SEPARATORS[options.format])


def write_columns(
    printed: Mapping[str, columns.Printed], stream: BinaryIO, separator: str, *, quote_all: bool = False
) -> None:
    """Write a table with a header row.

    Parameters
    ----------
    printed : mapping
        Name of each column → how it is printed.
    stream : BinaryIO
    separator : str
    quote_all : bool
        Put all text in quotes, not only what needs them.
    """
    pattern = f'[{separator}"\r\n]|^\\s|\\s$' + ("|^$" if len(printed) == 1 else "")
    special = re.compile("" if quote_all else pattern)

    def quote(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if special.search(cell) else cell

    stream.write((separator.join(map(quote, printed)) + "\n").encode())
    for part in columns.lines(list(printed.values()), separator, quote):
        stream.write(part.encode("utf-8", "surrogateescape"))  # names of files need not be text
