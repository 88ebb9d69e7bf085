"""What a command reads, and how names on the command line become jobs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from mirtool.errors import FormatError, MissingInput, UsageProblem
from mirtool.io import streams


@dataclass(frozen=True)
class Argument:
    """An input.

    Parameters
    ----------
    name : str
        As help shows it, such as ``PATH``; in lower case it is the column of a job table.
    help : str
    reads : tuple of str
        Containers it may be: ``audio``, ``features``, ``table``, ``score``; a folder is searched for their extensions.
        Empty: it is no file that the frame reads.
    repeat : bool
        One or more, folders searched (``QUERY CORPUS…``).
    """

    name: str
    help: str
    reads: tuple[str, ...]
    repeat: bool = False

    @property
    def column(self) -> str:
        """Its name as a column of a job table."""
        return self.name.lower()


@dataclass(frozen=True)
class Inputs:
    """The inputs of a command.

    Parameters
    ----------
    shape : {"many", "fixed", "group", "search", "none"}
        ``many``: each input is a job. ``fixed``: the arguments make one job. ``group``: all inputs together make one.
        ``search``: a query and a corpus; see `mirtool.cli.searches`.
    arguments : tuple of Argument
    minimum : int
        Fewest inputs of a group.
    named_by : str
        Argument whose name an output in a folder takes; empty: all, joined with ``-``.
    instead : tuple of str
        Options that stand for the query of a search, such as ``notes``: with one of them there is no QUERY.
    together : bool
        Of ``many``: all inputs make one job. Else: the rows of a job table do, which gets the inputs of all rows, one
        row after the other; unless rows have options of their own.
    """

    shape: Literal["many", "fixed", "group", "search", "none"]
    arguments: tuple[Argument, ...] = ()
    minimum: int = 1
    named_by: str = ""
    together: bool = False
    instead: tuple[str, ...] = ()


def many(name: str, help: str, *reads: str) -> Inputs:
    """Take files and folders, each file a job (X…)."""
    return Inputs("many", (Argument(name, help, reads),), named_by=name)


def collected(name: str, help: str, *reads: str) -> Inputs:
    """Take files and folders, all of them one job (X…)."""
    return Inputs("many", (Argument(name, help, reads),), named_by=name, together=True)


def fixed(*arguments: Argument, named_by: str = "", together: bool = False) -> Inputs:
    """Take these arguments as one job (PATH X); outputs in a folder are named after the last, unless told."""
    return Inputs("fixed", arguments, named_by=named_by or arguments[-1].name, together=together)


def group(name: str, help: str, *reads: str, minimum: int = 2) -> Inputs:
    """Take all inputs together as one job (A B …); in a job table they stand in columns a, b, c and so on."""
    return Inputs("group", (Argument(name, help, reads),), minimum=minimum)


def search_in(query: Argument, corpus: Argument, *, instead: tuple[str, ...] = ()) -> Inputs:
    """Take a query and where to look for it (QUERY CORPUS…), or an index; see `mirtool.cli.corpus`."""
    return Inputs("search", (query, replace(corpus, repeat=True)), named_by=query.name, instead=instead)


@dataclass(frozen=True)
class Named:
    """An input and what outputs are called after it.

    Parameters
    ----------
    name : str
        What is opened; ``-`` for stdin.
    stem : str
        Where its output goes within a folder, without extension.
    listed : bool
        It comes from a folder or a list, so that rows in one stream begin with its name.
    """

    name: str
    stem: str
    listed: bool = False


def name_file(name: str, *, listed: bool = False) -> Named:
    """Name an input: `a/b.wav` is `b` when given as an argument, `a/b` when it stands in a list."""
    if name == "-":
        return Named(name, "stdin", listed)
    if not name:
        raise UsageProblem("an input has an empty name")
    path = PurePath(name)
    inside = listed and not path.is_absolute() and ".." not in path.parts
    return Named(name, str(path.with_suffix("")) if inside and path.name else path.stem or "input", listed)


def search(name: str, extensions: tuple[str, ...], *, listed: bool = False, but: str = "") -> Iterator[Named]:
    """Yield the input itself, or the files of a folder: recursive, sorted, hidden ones and other extensions not.

    Parameters
    ----------
    name : str
    extensions : tuple of str
    listed : bool
        The name stands in a list.
    but : str
        A folder that is left out where it lies within this one: the one that outputs go to.

    Raises
    ------
    MissingInput
        The folder cannot be read, or holds nothing to read.
    """
    if name == "-" or not os.path.isdir(name):
        yield name_file(name, listed=listed)
        return
    found = False
    seen = {os.path.realpath(but)} - {os.path.realpath(name)} if but else set()
    try:
        for folder, folders, files in os.walk(name, onerror=_raise, followlinks=True):
            here = os.path.realpath(folder)
            if here in seen:  # also a link that leads back up
                folders.clear()
                continue
            seen.add(here)
            folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
            for file in sorted(files):
                if not file.startswith(".") and file.lower().endswith(extensions):
                    found = True
                    path = os.path.join(folder, file)
                    yield Named(path, str(PurePath(os.path.relpath(path, name)).with_suffix("")), True)
    except OSError as error:
        raise MissingInput(f"{error.filename or name}: {error.strerror}") from None
    if not found:
        raise MissingInput(f"{name}: no file in this folder that can be read here ({', '.join(sorted(extensions))})")


def _raise(error: OSError) -> None:
    raise error


def read_text(name: str) -> str:
    """Read a list or a job table; `-` is stdin."""
    try:
        with streams.open_input(name) as stream:
            return stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError("not text in UTF-8", name) from None


def read_list(name: str) -> list[str]:
    """Read a plain list: a name a line, empty lines left out."""
    return [line for line in read_text(name).splitlines() if line.strip()]


def read_rows(name: str) -> list[dict[str, str]]:
    """Read a job table: a header, then a job a line; empty cells are left out.

    Raises
    ------
    FormatError
        A column stands twice, or a row has more cells than the header.
    """
    lines = read_text(name).splitlines()
    if not lines:
        raise FormatError("an empty job table; its first line names arguments and options", name)
    header = [cell.strip() for cell in lines[0].split("\t")]
    doubled = sorted({cell for cell in header if header.count(cell) > 1})
    if doubled:
        raise UsageProblem(f"{name}: column {', '.join(doubled)} stands twice")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) > len(header):
            raise FormatError(f"{len(cells)} cells, but {len(header)} columns", name, number)
        rows.append({column: cell for column, cell in zip(header, cells, strict=False) if cell != ""})
    return rows
