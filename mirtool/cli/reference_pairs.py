"""Pairs of a reference and an estimate: found, read, scored one by one, and reported."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mirtool.cli.inputs import Argument, Named, search
from mirtool.cli.job import Job
from mirtool.cli.planning import extensions_of
from mirtool.errors import BatchFailure, DataError, FormatError, MirtoolError, MissingInput, UsageProblem
from mirtool.evaluation.parameters import Bootstrap

if TYPE_CHECKING:
    from mirtool.evaluation.corpus import Scores, Task

log = logging.getLogger("mirtool")


@dataclass(frozen=True)
class Pair:
    """Files that belong together; `estimate` is None where there is none."""

    name: str
    reference: str
    estimate: str | None


@dataclass
class Evaluated:
    """What came of all pairs.

    Parameters
    ----------
    scores : dict
        By item; those of a missing or unreadable estimate are as bad as can be.
    complete : list of (str, reference, estimate)
        What could be compared.
    failed : list of str
    total : int
    """

    scores: "dict[str, Scores]" = field(default_factory=dict)
    complete: list[tuple[str, Any, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    total: int = 0

    def raise_failures(self) -> None:
        """Raise `BatchFailure` if a reference or an estimate was missing or bad."""
        if self.failed:
            raise BatchFailure(f"{len(self.failed)} of {self.total} failed: {', '.join(self.failed)}")


def report_pairs(
    job: Job,
    task: "Task",
    parameters: Bootstrap,
    figure: Callable[[Evaluated], Any],
    prepare: Callable[[Any], Any] = lambda container: container,
) -> None:
    """Score every pair of a job, write the table over all, and draw it.

    Parameters
    ----------
    job : Job
        Its inputs are REF, EST, or REF, EST, REF, EST …; two folders stand for the files in them.
    task : Task
    parameters : Bootstrap
    figure : callable
        Makes the picture.
    prepare : callable
        From what was read to what the task takes.

    Raises
    ------
    MirtoolError
        What went wrong, where there is a single pair.
    BatchFailure
        Some of several failed; each was logged.
    """
    from mirtool.evaluation import corpus

    result = evaluate_pairs(job, task, prepare)
    intervals = None
    if task.intervals is not None and len(result.scores) == len(result.complete) == 1:
        intervals = task.intervals(*result.complete[0][1:], parameters)
    job.write(corpus.report(result.scores, task, parameters, intervals))
    if result.complete:
        job.plot(lambda: figure(result))
    result.raise_failures()


def evaluate_pairs(job: Job, task: "Task", prepare: Callable[[Any], Any]) -> Evaluated:
    """Score every pair of a job, as `report_pairs` describes it.

    Raises
    ------
    MirtoolError
        What went wrong, where there is a single pair; of several, each problem is logged instead.
    """
    pairs = list(pairs_of(job))
    result = Evaluated(total=len(pairs))
    for pair in pairs:
        try:
            with naming(pair.reference):
                reference = prepare(read(job, pair.reference))
                scores = task.failure(reference)
            try:
                if pair.estimate is None:
                    raise MissingInput(f"{pair.name}: no estimate")
                with naming(pair.estimate):
                    estimate = prepare(read(job, pair.estimate))
                    scores = task.evaluate(reference, estimate)
                result.complete.append((pair.name, reference, estimate))
            finally:
                result.scores[pair.name] = scores
        except MirtoolError as problem:
            if len(pairs) == 1:
                raise
            text = str(problem)
            log.error("%s", text if pair.name in text else f"{pair.name}: {text}")
            result.failed.append(pair.name)
    if not result.scores:
        result.raise_failures()
    return result


@contextlib.contextmanager
def naming(file: str) -> Iterator[None]:
    """Say which file a problem with data is about."""
    try:
        yield
    except DataError as problem:
        raise FormatError(str(problem), file) from None


def pairs_of(job: Job) -> Iterator[Pair]:
    """Find the pairs that the inputs of a job name, or that two folders hold."""
    names = job.inputs
    folders = [name for name in names if os.path.isdir(name)]
    if not folders:
        unique = len(set(names[::2])) == len(names[::2])
        for reference, estimate in zip(names[::2], names[1::2], strict=True):
            yield Pair(reference if unique else f"{reference} {estimate}", reference, estimate)
        return
    if len(names) != 2 or len(folders) != 2:
        raise UsageProblem("a folder is compared with a folder, a file with a file")
    references, estimates = files_of(job, names[0]), files_of(job, names[1])
    for stem, file in references.items():
        yield Pair(stem, file.name, estimates[stem].name if stem in estimates else None)
    strange = sorted(set(estimates) - set(references))
    if strange:
        log.warning("%s without a reference: %s", names[1], ", ".join(strange))


def files_of(job: Job, folder: str) -> dict[str, Named]:
    """Return the files of a folder by path without extension."""
    found: dict[str, Named] = {}
    for file in search(folder, extensions_of(Argument("", "", job.plan.reads[0]))):
        if file.stem in found:
            raise UsageProblem(f"{found[file.stem].name} and {file.name}: which one is {file.stem}?")
        found[file.stem] = file
    return found


def read(job: Job, name: str) -> Any:
    """Read an input, or a file in one."""
    return job.read(job.inputs.index(name)) if name in job.inputs else job.read_file(name, *job.plan.reads[0])
