"""QUERY CORPUS…: how the command line of a search is understood.

===============================  =====================================================
``QUERY CORPUS…``                search the files and folders of CORPUS
``--index F QUERY``              search the index F
``--index F QUERY CORPUS…``      bring F up to date with CORPUS, or build it; search it
``--index F FOLDER…``            the same, but search nothing; of files with ``--build``
``--queries LIST CORPUS…``       all inputs are the corpus; also with ``--index F``
===============================  =====================================================

Without an index, QUERY may be a folder, too: each of its files is a query.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mirtool.cli.inputs import Inputs, Named, name_file, read_list, search
from mirtool.cli.options import flag_name
from mirtool.errors import FormatError, UsageProblem

# Shared options that say something of a query, or of what it finds.
OF_QUERIES = ("start", "duration", "from_", "raw", "top", "min_score", "with_filename")


@dataclass(frozen=True)
class Search:
    """What is searched for, and where.

    Parameters
    ----------
    label : str
        How messages call it.
    queries : tuple of str
        Files; empty where an option stands for the query, or nothing is searched.
    corpus : tuple of str
        Files.
    folders : tuple of str
        Those that the corpus comes from.
    index : str or None
    builds : bool
        Build the index, or bring it up to date, and search nothing.
    named : bool
        Begin each row with the query.
    top : int or None
    min_score : float or None
    """

    label: str
    queries: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    index: str | None = None
    builds: bool = False
    named: bool = False
    top: int | None = None
    min_score: float | None = None


def split(
    inputs: Inputs, given: list[str], values: Mapping[str, Any], kinds: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[Search, tuple[Named, ...]]:
    """Tell queries from the corpus.

    Parameters
    ----------
    inputs : Inputs
        From `mirtool.cli.inputs.search_in`.
    given : list of str
        Inputs on the command line.
    values : mapping
        Options that were given, by name.
    kinds : pair of tuple of str
        Extensions of files that are taken from a folder of queries, and from one of the corpus.

    Returns
    -------
    Search
    files : tuple of Named
        All that is read: queries, then the corpus.

    Raises
    ------
    UsageProblem
        Something is missing, or too much.
    """
    index, listing = values.get("index"), values.get("queries")
    stands = next((name for name in inputs.instead if values.get(name) not in (None, False)), None)
    builds = _builds(given, values, stands)
    if listing is not None or stands is not None or builds:
        asked, rest = [], given
    elif given:
        asked, rest = given[:1], given[1:]
    else:
        raise UsageProblem(f"missing argument {inputs.arguments[0].name} (or --queries)")
    _check_places(index, listing, rest)
    asked = asked if listing is None else _listed(listing)
    queries = tuple(item for name in asked for item in search(name, kinds[0]))
    corpus = {item.name: item for name in rest for item in search(name, kinds[1])}
    if builds:
        refuse_idle([name for name in OF_QUERIES if name in values])
    several = listing is not None or len(queries) > 1
    if values.get("plot") is not None and (builds or (several and values.get("matrix") is None)):
        raise UsageProblem(f"--plot draws what one query finds, not {'several' if several else 'none'}")
    label = listing or (asked[0] if asked else values.get(stands or ""))
    made = Search(
        label=label if isinstance(label, str) else str(index or rest[0]),
        queries=tuple(item.name for item in queries),
        corpus=tuple(corpus),
        folders=tuple(name for name in rest if os.path.isdir(name)),
        index=index,
        builds=builds,
        named=several or bool(values.get("with_filename")),
        top=values.get("top"),
        min_score=values.get("min_score"),
    )
    return made, (*queries, *corpus.values()) or (name_file(str(index)),)


def _check_places(index: str | None, listing: str | None, corpus: list[str]) -> None:
    if index in ("", "-"):
        raise UsageProblem("--index: the name of a file is needed, not " + ("stdin or stdout (-)" if index else "none"))
    if listing == "-" and "-" in corpus:
        raise UsageProblem("stdin (-) can be read once only")
    if not corpus and index is None:
        raise UsageProblem("where to look? Give CORPUS… or --index FILE")
    if index is not None and "-" in corpus:
        raise UsageProblem("an index holds files, not stdin (-)")


def refuse_idle(names: Iterable[str]) -> None:
    """Raise `UsageProblem` if there are any of the options that mean nothing where an index is only built."""
    for name in sorted(names):
        raise UsageProblem(f"--{flag_name(name)}: nothing is searched here; give a query, or --queries")


def _builds(given: list[str], values: Mapping[str, Any], stands: str | None) -> bool:
    """Tell whether an index is to be built and nothing searched."""
    asked = "queries" if values.get("queries") is not None else stands
    if values.get("build"):
        if asked is not None:
            raise UsageProblem(f"--build searches nothing: not together with --{asked.replace('_', '-')}")
        if not given:
            raise UsageProblem("--build: of which files? Give CORPUS…")
        return True
    is_folder = bool(given) and given[0] != "-" and os.path.isdir(given[0])
    return values.get("index") is not None and asked is None and is_folder


def _listed(listing: str) -> list[str]:
    """Return the queries of a list, or of a folder."""
    if listing != "-" and os.path.isdir(listing):
        return [listing]
    names = read_list(listing)
    if not names:
        raise FormatError("an empty list of queries", listing)
    return names
