"""Retrieval: how early in a ranked list the relevant documents come.

Manning, Raghavan, Schütze, *Introduction to Information Retrieval* (2008), section 8.4; mean rank and number in the
first ten as in MIREX's audio cover song identification (Downie et al., "Audio cover song identification: MIREX
2006-2007 results and analyses", ISMIR 2008); leaving out what is of the same artist: Pampalk, Flexer, Widmer,
"Improvements of audio-based music similarity and genre classification", ISMIR 2005.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError, ParameterError, UsageProblem
from mirtool.evaluation.corpus import Task
from mirtool.evaluation.parameters import RetrievalMatching
from mirtool.types import Features, Table

COUNTS = ("queries", "relevant", "retrieved")

Ranking = Sequence[str]


@dataclass(frozen=True)
class Wanted:
    """What a query should find.

    Parameters
    ----------
    relevant : collection of str
        Without the query itself.
    excluded : collection of str
        Documents that do not count, as if they were not in the corpus: the query itself at least.
    """

    relevant: Collection[str]
    excluded: Collection[str] = ()


@dataclass(frozen=True)
class Relevance:
    """What is relevant for which query.

    Parameters
    ----------
    wanted : mapping
        Query → what it should find.
    complete : bool
        All queries are meant, and one without an answer has failed; else any of them may have been asked.
    """

    wanted: Mapping[str, Wanted]
    complete: bool = True


def task(matching: RetrievalMatching) -> Task:
    """Return how the answers to queries are evaluated: what is `Wanted` and a ranking, item by item."""
    if not matching.ranks or min(matching.ranks) < 1:
        raise ParameterError("the ranks at which is counted must be 1 or more")
    return Task(
        lambda wanted, ranking: evaluate(wanted, ranking, matching.ranks),
        lambda wanted: evaluate(wanted, (), matching.ranks),
        COUNTS,
    )


def evaluate(wanted: Wanted, ranking: Ranking, ranks: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Return the scores of the answer to a query.

    Parameters
    ----------
    wanted : Wanted
    ranking : sequence of str
        Documents, best first; of one that stands several times the first place counts.
    ranks : sequence of int

    Returns
    -------
    dict
        `queries`: 1; `relevant`, `retrieved`: how many; `ap`: average precision, the mean over all relevant documents
        of the precision where each is found, 0 where it is not (eq. 8.8); `rr`: 1 / rank of the first relevant one;
        ``top5``: whether one is among the first 5; ``p5``: the share of relevant ones among the first 5; `rank`: of
        the first relevant one, NaN where none was found.
    """
    hits = _hits(wanted, ranking)
    places = np.flatnonzero(hits) + 1
    precisions = np.arange(1, len(places) + 1) / places
    first = float(places[0]) if len(places) else np.nan
    return {
        "queries": 1.0,
        "relevant": float(len(wanted.relevant)),
        "retrieved": float(len(hits)),
        "ap": float(precisions.sum()) / len(wanted.relevant),
        "rr": 1.0 / first if len(places) else 0.0,
        **{f"top{rank}": float(first <= rank) for rank in ranks},
        **{f"p{rank}": float(np.count_nonzero(places <= rank)) / rank for rank in ranks},
        "rank": first,
    }


def curves(wanted: Wanted, ranking: Ranking) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall after each document of a ranking."""
    found = np.cumsum(_hits(wanted, ranking))
    return found / np.arange(1, len(found) + 1), found / len(wanted.relevant)


def _hits(wanted: Wanted, ranking: Ranking) -> NDArray[np.bool_]:
    """Tell of each document that counts, once, whether it is relevant."""
    counted = (name for name in dict.fromkeys(ranking) if name not in wanted.excluded)
    return np.array([name in wanted.relevant for name in counted], dtype=np.bool_)


def relevance_of(table: Table, group_of: str | None = None) -> Relevance:
    """Read what is relevant.

    Parameters
    ----------
    table : Table
        Columns ``query,file``: all pairs of a query and a document that it should find. Or ``file,group``: documents
        of one group should find each other; one without a group is no query, and should not be found.
    group_of : str or None
        A further column beside `group`, such as ``artist``: what has the same value there as the query does not count.

    Raises
    ------
    DataError
        Other columns, or nothing is relevant for anything.
    UsageProblem
        There is no such column.
    """
    if group_of is not None and ("group" not in table or group_of not in table):
        raise UsageProblem(f"--filter {group_of}: the reference needs the columns file,group,{group_of}")
    if "group" in table and "file" in table:
        made = _of_groups(_texts(table, "file"), _texts(table, "group"), group_of and _texts(table, group_of))
    elif "query" in table and "file" in table:
        pairs: dict[str, list[str]] = {}
        for query, name in zip(_texts(table, "query"), _texts(table, "file"), strict=True):
            if name != query:
                pairs.setdefault(query, []).append(name)
        made = Relevance({query: Wanted(frozenset(names), frozenset({query})) for query, names in pairs.items()})
    else:
        raise DataError(f"a reference has the columns query,file or file,group, not {','.join(table.columns)}")
    if not made.wanted:
        raise DataError("a reference in which nothing is relevant")
    return made


def _of_groups(files: Sequence[str], groups: Sequence[str], others: Sequence[str] | None) -> Relevance:
    if len(set(files)) < len(files):
        twice = next(name for place, name in enumerate(files) if name in files[:place])
        raise DataError(f"a reference in which {twice} stands twice")
    members, alike = _members(files, groups), _members(files, others or [""] * len(files))
    wanted = {}
    for place, name in enumerate(files):
        same = alike.get(others[place], frozenset()) if others else frozenset()
        excluded = same | {name}
        if found := members.get(groups[place], frozenset()) - excluded:
            wanted[name] = Wanted(found, excluded)
    return Relevance(wanted, complete=False)


def _members(files: Sequence[str], values: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the files by value; an empty one is none."""
    found: dict[str, list[str]] = {}
    for name, value in zip(files, values, strict=True):
        if value:
            found.setdefault(value, []).append(name)
    return {value: frozenset(names) for value, names in found.items()}


def rankings_of(container: Table | Features) -> Mapping[str, Ranking]:
    """Read the answer to each query, best first.

    Parameters
    ----------
    container : Table or Features
        A table ``query,file[,score]``, as commands write it; its rows count in the order of falling score, or as they
        stand. Without `query`, all rows answer one, which is called ''. Or all pairs of files as a matrix, or as the
        table of one: similarities, or distances if that is its kind.

    Raises
    ------
    DataError
        It is neither.
    """
    if isinstance(container, Features):
        names = [str(name) for name in container.axis]
        if container.data.shape != (len(names), len(names)):
            raise DataError("a matrix that is not that of all pairs of named files")
        return _Rows(names, names, container.data if container.kind == "distance" else -container.data)
    if "file" not in container:
        raise DataError(f"an answer has the columns query,file,score, not {','.join(container.columns)}")
    files = _texts(container, "file")
    if len(container) and set(files) == set(container.columns) - {"file"}:
        columns = [name for name in container.columns if name != "file"]
        return _Rows(files, columns, -np.stack([container[name] for name in columns], axis=1))
    queries = _texts(container, "query") if "query" in container else [""] * len(files)
    order = np.arange(len(files))
    if "score" in container and container["score"].dtype != object:
        order = np.argsort(-container["score"], kind="stable")
    found: dict[str, list[str]] = {query: [] for query in queries}
    for row in order.tolist():
        found[queries[row]].append(files[row])
    return found


class _Rows(Mapping[str, Ranking]):
    """Rankings by the rows of a matrix: the columns by rising value, made when asked for; NaN is not there."""

    def __init__(self, rows: Sequence[str], columns: Sequence[str], values: NDArray[Any]) -> None:
        self._rows, self._columns, self._values = {name: row for row, name in enumerate(rows)}, columns, values

    def __getitem__(self, name: str) -> Ranking:
        line = self._values[self._rows[name]]
        order = np.argsort(line, kind="stable")
        return [self._columns[place] for place in order.tolist() if line[place] == line[place]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True)
class Asked:
    """Which queries count.

    Parameters
    ----------
    rankings : mapping
        Query → documents, best first.
    queries : list of str
        In the order of the reference; those that are not in `rankings` have no answer.
    strange : list of str
        Queries for which nothing is relevant; they do not count.
    left : list of str
        Queries that were not asked; they do not count.
    """

    rankings: Mapping[str, Ranking]
    queries: list[str]
    strange: list[str]
    left: list[str]

    def answer(self, query: str) -> Ranking:
        """Return the documents of a query, best first."""
        return self.rankings.get(query, ())


def asked(relevance: Relevance, rankings: Mapping[str, Ranking], *, every: bool = False) -> Asked:
    """Bring queries and answers together.

    Parameters
    ----------
    relevance : Relevance
    rankings : mapping
        Query → documents, best first; one of the query '' answers the only query there is.
    every : bool
        Count all queries, also where `relevance.complete` does not ask for that.

    Raises
    ------
    DataError
        No query of the reference has been answered.
    """
    wanted = relevance.wanted
    if set(rankings) == {""} and len(wanted) == 1:
        rankings = dict.fromkeys(wanted, rankings[""])
    strange = sorted(set(rankings) - set(wanted))
    if strange and len(strange) == len(rankings):
        unnamed = "which query is it? -H writes a column query"
        hint = unnamed if strange == [""] else f"there it is {next(iter(wanted))!r}, here {strange[0]!r}"
        raise DataError(f"no answer to a query of the reference; {hint}")
    all_count = relevance.complete or every
    queries = [name for name in wanted if all_count or name in rankings]
    left = [] if all_count else [name for name in wanted if name not in rankings]
    return Asked(rankings, queries, strange, left)


def _texts(table: Table, name: str) -> list[str]:
    """Return a column as text: names that look like numbers are read as such, and an empty cell as NaN."""
    return [_text(value) for value in table[name].tolist()]


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return "" if value != value else str(int(value)) if value.is_integer() else repr(value)
