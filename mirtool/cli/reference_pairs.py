"""Pairs of a reference and an estimate: found, read, scored one by one."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mirtool.cli.inputs import Argument, Named, search
from mirtool.cli.job import Job
from mirtool.cli.planning import extensions_of
from mirtool.errors import BatchFailure, MirtoolError, MissingInput, UsageProblem

log = logging.getLogger("mirtool")

Scores = dict[str, float]


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

    scores: dict[str, Scores] = field(default_factory=dict)
    complete: list[tuple[str, Any, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    total: int = 0

    def raise_failures(self) -> None:
        """Raise `BatchFailure` if a reference or an estimate was missing or bad."""
        if self.failed:
            raise BatchFailure(f"{len(self.failed)} of {self.total} failed: {', '.join(self.failed)}")


def evaluate_pairs(job: Job, evaluate: Callable[[Any, Any], Scores], failure: Callable[[Any], Scores]) -> Evaluated:
    """Score every pair of a job.

    Parameters
    ----------
    job : Job
        Its inputs are REF, EST, or REF, EST, REF, EST …; two folders stand for the files in them.
    evaluate : callable
        Scores of a reference and an estimate.
    failure : callable
        Scores of a reference whose estimate is missing.

    Raises
    ------
    MirtoolError
        What went wrong, where there is a single pair; of several, each problem is logged instead.
    """
    pairs = list(_pairs(job))
    result = Evaluated(total=len(pairs))
    for pair in pairs:
        try:
            reference = _read(job, pair.reference)
            scores = failure(reference)
            try:
                if pair.estimate is None:
                    raise MissingInput(f"{pair.name}: no estimate")
                estimate = _read(job, pair.estimate)
                scores = evaluate(reference, estimate)
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


def _pairs(job: Job) -> Iterator[Pair]:
    names = job.inputs
    folders = [name for name in names if os.path.isdir(name)]
    if not folders:
        unique = len(set(names[::2])) == len(names[::2])
        for reference, estimate in zip(names[::2], names[1::2], strict=True):
            yield Pair(reference if unique else f"{reference} {estimate}", reference, estimate)
        return
    if len(names) != 2 or len(folders) != 2:
        raise UsageProblem("a folder is compared with a folder, a file with a file")
    references, estimates = _files(job, names[0]), _files(job, names[1])
    for stem, file in references.items():
        yield Pair(stem, file.name, estimates[stem].name if stem in estimates else None)
    strange = sorted(set(estimates) - set(references))
    if strange:
        log.warning("%s without a reference: %s", names[1], ", ".join(strange))


def _files(job: Job, folder: str) -> dict[str, Named]:
    """Return the files of a folder by path without extension."""
    found: dict[str, Named] = {}
    for file in search(folder, extensions_of(Argument("", "", job.plan.reads[0]))):
        if file.stem in found:
            raise UsageProblem(f"{found[file.stem].name} and {file.name}: which one is {file.stem}?")
        found[file.stem] = file
    return found


def _read(job: Job, name: str) -> Any:
    return job.read(job.inputs.index(name)) if name in job.inputs else job.read_file(name, *job.plan.reads[0])
