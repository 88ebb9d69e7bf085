"""What commands that search a corpus have in common: its files, or the index that keeps what is known of them.

A command takes `mirtool.cli.inputs.search_in` as its inputs and says what an entry of a document is
(`mirtool.store.entries.Layout`). The rest is the same for all::

    with search(job, LAYOUT, parameters) as found:
        queries = list(found.queries(lambda container: prepared(container, found.parameters)))
        hits = [[] for _ in queries]
        for name, entry in found.entries():
            for query, rows in zip(queries, hits, strict=True):
                rows += matches(query.container, entry)
        found.write([table_of(rows) for rows in hits])

`mirtool.cli.searches` says what a command line means; where it only builds an index, there are no queries and entries.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mirtool.cli.job import Job, readable, with_column
from mirtool.cli.outcomes import Outcome, caught, in_order
from mirtool.cli.plan import Plan, Reading
from mirtool.cli.searches import refuse_idle
from mirtool.errors import DataError, FormatError, UsageProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mirtool.store import Document, Index
    from mirtool.store.entries import Layout
    from mirtool.types import Table

Parameters = TypeVar("Parameters")

STEP = 60.0  # seconds after which what has been added to an index is safe, whatever happens


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Parameters
    ----------
    name : str
        The file.
    container : AudioSource, Notes …
        What it holds, or what was made of it.
    """

    name: str
    container: Any


class Found(Generic[Parameters]):
    """A search that is going on; made by `search`.

    Attributes
    ----------
    parameters
        With which entries are made: those of the index, where there is one.
    failed : list of str
        Inputs that could not be read; they have been reported.
    """

    def __init__(self, job: Job, layout: "Layout[Parameters]", parameters: Parameters) -> None:
        assert job.plan.search is not None
        self._job, self._layout, self._search = job, layout, job.plan.search
        self.parameters = _agreed(job.plan, layout, parameters)
        layout.check(self.parameters)
        self.failed: list[str] = []
        self._read: list[str] = []
        self._changes: list[tuple[str, str]] = []

    def queries(self, prepared: Callable[[Any], Any] = lambda container: container) -> Iterator[Query]:
        """Read the queries; of several, those that cannot be read are reported and left out.

        Parameters
        ----------
        prepared : callable
            Makes of a container what is needed of it; where it raises, the query cannot be read.

        Raises
        ------
        MirtoolError
            Of a single query, or the last of several where none can be read.
        """
        names = self._search.queries
        for place, name in enumerate(names):
            if len(names) == 1:
                query = self._query(name, prepared)
            else:
                outcome = caught(partial(self._query, prepared=prepared), name, (name,), self._job.plan.level)
                outcome.replay(name)
                if outcome.result is None:
                    self.failed.append(name)
                    if place == len(names) - 1 and not self._read:
                        raise _failure(self.failed, len(names))
                    continue
                query = outcome.result
            self._read.append(name)
            yield query

    def _query(self, name: str, prepared: Callable[[Any], Any]) -> Query:
        container = Job(replace(self._job.plan, inputs=(name,))).read()
        with _named(name):
            return Query(name, prepared(container))

    @cached_property
    def index(self) -> "Index | None":
        """The index, up to date; None where files are searched."""
        from mirtool import store
        from mirtool.store import entries

        path = self._search.index
        if path is None:
            return None
        if self._search.corpus:
            self._update(path)
            entries.tidy(path, self._layout)
        return store.open_index(path, self._layout.kind)

    def entries(self) -> "Iterator[tuple[str, Mapping[str, NDArray[Any]]]]":
        """Yield the name of each document and its entry; those that cannot be read are reported and left out.

        Of files, those given first come first; of an index, those that were added first.

        Raises
        ------
        MirtoolError
            Of a single file, or where none of several can be read.
        """
        from mirtool.store import entries

        if self.index is None:
            for document, entry in self._made(self._search.corpus):
                yield document.name, entry
        elif not self._search.builds:
            for document, entry in entries.entries(self.index):
                yield document.name, entry

    def together(self) -> "tuple[list[str], Mapping[str, NDArray[Any]]]":
        """Return what `entries` yields at once: the names, and the values of all entries, one after the other."""
        from mirtool.store import entries

        if self.index is None or self._search.builds:
            names, every = [], []
            for name, entry in self.entries():
                names.append(name)
                every.append(entry)
            return names, entries.packed(every) if every else {}
        return entries.together(self.index)

    def write(self, tables: "Sequence[Table]") -> None:
        """Write the hits of each query, best first.

        Parameters
        ----------
        tables : sequence of Table
            Of each of `queries`, or of what stands for them, in their order: `file`, `score` and more.
        """
        search = self._search
        if search.builds:
            assert self.index is not None
            self._job.write(_changes(self._changes))
            return
        tables = [best(table, search.top, search.min_score) for table in tables]
        if search.named:
            tables = [
                with_column(table, "query", name)
                for table, name in zip(tables, self._read or [search.label], strict=True)
            ]
        self._job.write(_joined(tables))

    def finish(self) -> None:
        """Close the index, and raise `BatchFailure` if anything could not be read."""
        self.close()
        if self.failed:
            raise _failure(self.failed, len(self._search.queries) + len(self._search.corpus))

    def close(self) -> None:
        """Close the index."""
        if (index := self.__dict__.get("index")) is not None:
            index.close()

    # ------------------------------------------------------------------------------------------------------ the corpus

    def _made(self, names: Sequence[str]) -> "Iterator[tuple[Document, Mapping[str, NDArray[Any]]]]":
        """Yield documents and entries of files, in their order."""
        plan, alone = self._job.plan, len(self._search.corpus) == 1
        reading = Reading(feature_rate=plan.reading.feature_rate, pedal=plan.reading.pedal, many=not alone)
        one = replace(plan, search=None, reads=plan.reads[-1:], reading=reading)
        tasks = [_Task(replace(one, inputs=(name,)), self._layout, self.parameters) for name in names]
        if alone:
            yield from map(_entry, tasks)
            return
        failed = 0
        with self._job.progress(len(names), " ".join(plan.path)) as advance:
            inputs = [(name,) for name in names]
            for name, outcome in zip(names, in_order(_attempt, tasks, inputs, plan.jobs), strict=True):
                advance(1)
                outcome.replay(name)
                if outcome.result is not None:
                    yield outcome.result
                else:
                    failed += 1
                    self.failed.append(name)
        if failed and failed == len(names) == len(self._search.corpus) and self._search.index is None:
            raise _failure(self.failed, len(self._search.queries) + len(names))

    def _update(self, path: str) -> None:
        """Bring an index up to date; what has been done is kept where it is interrupted."""
        from mirtool import store
        from mirtool.store.entries import Packer

        if os.path.lexists(path):
            with store.reading(path, self._layout.kind) as index:
                if not any(self._pending(index)):
                    return
        with store.writing(path, self._layout.kind, _mapping(self.parameters)) as writer:
            changed, gone = self._pending(writer.base)
            known = {document.name for document, _, _ in writer.base.documents()} if writer.base is not None else set()
            writer.remove(gone)
            self._changes += [(name, "removed") for name in gone]
            packer, due = Packer(writer, self._layout), time.monotonic() + STEP
            try:
                for document, entry in self._made(changed):
                    self._changes.append((document.name, "updated" if document.name in known else "added"))
                    if packer.add(document, entry) or time.monotonic() > due:
                        packer.flush()
                        writer.commit()
                        due = time.monotonic() + STEP
            except (KeyboardInterrupt, SystemExit):
                packer.flush()
                writer.commit()
                raise
            packer.flush()
            failed = set(self.failed) & known  # what it was is not there any more
            writer.remove(failed)
            self._changes += [(name, "removed") for name in sorted(failed)]

    def _pending(self, index: "Index | None") -> tuple[list[str], list[str]]:
        """Return the files that an index does not know as they are, and the documents whose files have gone."""
        from mirtool import store

        known = {} if index is None else {document.name: document for document, _, _ in index.documents()}
        changed = [name for name in self._search.corpus if known.get(name) != store.Document.of_file(name)]
        folders = tuple(os.path.join(folder, "") for folder in self._search.folders)
        present = set(self._search.corpus)
        return changed, sorted(name for name in known if name.startswith(folders) and name not in present)


@contextmanager
def search(job: Job, layout: "Layout[Parameters]", parameters: Parameters) -> Iterator[Found[Parameters]]:
    """Search what a command line asks for, in files or an index.

    Parameters
    ----------
    job : Job
    layout : Layout
    parameters
        With which entries are made. Those that the user did not give are taken from the index, where there is one.

    Yields
    ------
    Found

    Raises
    ------
    UsageProblem
        The index was built with parameters other than those that the user gave; or it is built, and parameters of a
        search were given.
    ParameterError
        A parameter of entries is outside its domain.
    FormatError
        It is no index, or one of another kind or version, or damaged.
    BatchFailure
        Some inputs could not be read; the others have been searched.
    """
    found = Found(job, layout, parameters)
    if job.plan.search is not None and job.plan.search.builds:
        refuse_idle(job.plan.flags - _mapping(found.parameters).keys())
    try:
        yield found
    except BaseException:
        found.close()
        raise
    found.finish()


def best(table: "Table", top: int | None = None, least: float | None = None) -> "Table":
    """Return the hits of a table in order: by falling score, then file, then start.

    Parameters
    ----------
    table : Table
        `file`, `score`, and `start` where a file has several.
    top : int or None
        Keep so many.
    least : float or None
        Keep those of this score or more.
    """
    import numpy as np

    scores = table["score"].tolist()
    starts = table["start"].tolist() if "start" in table else [0.0] * len(scores)
    files = table["file"].tolist()
    kept = [row for row, score in enumerate(scores) if least is None or score >= least]
    kept.sort(key=lambda row: (-scores[row], files[row], starts[row]))
    return table.take(np.array(kept[:top], dtype=np.int64))


def _joined(tables: "Sequence[Table]") -> "Table":
    """Put tables of the same columns one below the other."""
    import numpy as np

    first = tables[0]
    return type(first)({name: np.concatenate([table[name] for table in tables]) for name in first.columns})


def _changes(rows: Iterable[tuple[str, str]]) -> "Table":
    """Say what became of an index."""
    import numpy as np

    from mirtool.types import Table

    names, changes = zip(*sorted(rows), strict=True) if rows else ((), ())
    return Table({"file": np.array([readable(name) for name in names], object), "change": np.array(changes, object)})


def _failure(failed: Sequence[str], count: int) -> Exception:
    from mirtool.cli.batch import failure_of

    return failure_of(failed, count)


# ------------------------------------------------------------------------------------------------------- a file's entry


@dataclass(frozen=True)
class _Task:
    """A file of the corpus; travels between processes."""

    plan: Plan
    layout: "Layout[Any]"
    parameters: Any


def _attempt(task: _Task) -> "Outcome[tuple[Document, Mapping[str, NDArray[Any]]]]":
    return caught(_entry, task, task.plan.inputs, task.plan.level)


def _entry(task: _Task) -> "tuple[Document, Mapping[str, NDArray[Any]]]":
    """Make the entry of a file, whose state is that before it is read."""
    from mirtool import store

    name = task.plan.inputs[0]
    document, container = store.Document.of_file(name), Job(task.plan).read()
    with _named(name):
        return document, task.layout.entry_of(container, task.parameters)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of which file it is that its content cannot be processed."""
    try:
        yield
    except DataError as error:
        text = str(error)
        raise DataError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from error


# ----------------------------------------------------------------------------------------------------------- parameters


def _mapping(parameters: Any) -> dict[str, Any]:
    """Return parameters as JSON gives them back."""
    import json

    made: dict[str, Any] = json.loads(
        json.dumps({item.name: getattr(parameters, item.name) for item in fields(parameters)})
    )
    return made


def _agreed(plan: Plan, layout: "Layout[Parameters]", parameters: Parameters) -> Parameters:
    """Return the parameters of the index, if there is one, where the user gave none."""
    search = plan.search
    if search is None or search.index is None or not os.path.lexists(search.index):
        return parameters
    from mirtool import store
    from mirtool.cli.parameters import options_of
    from mirtool.cli.value_text import from_toml

    with store.reading(search.index, layout.kind) as index:
        built = dict(index.parameters)
    asked = _mapping(parameters)
    if set(built) != set(asked):
        raise FormatError("an index made by another version of mirtool: build it again", search.index)
    given = {name: asked[name] for name in asked if name in plan.given}
    different = store.differences({name: built[name] for name in given}, given)
    if different:
        raise UsageProblem(f"{search.index}: was built with {', '.join(different)}: ask for the same, or build another")
    kind: Any = type(parameters)
    types = {option.name: option.type for option in options_of(kind)}
    made: Parameters = kind(
        **{name: value if value is None else from_toml(value, types[name]) for name, value in built.items()}
    )
    return made
