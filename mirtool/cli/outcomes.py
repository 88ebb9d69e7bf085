"""What comes of work on one of many inputs: a result or a failure, and what was logged meanwhile."""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from mirtool.cli.failures import Failure

Task = TypeVar("Task")
Result = TypeVar("Result")

log = logging.getLogger("mirtool")


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What came of a task; travels between processes.

    Parameters
    ----------
    result
        None where it failed.
    failure : Failure or None
    records : tuple of (int, str)
        Level and text of log messages.
    """

    result: Result | None = None
    failure: Failure | None = None
    records: tuple[tuple[int, str], ...] = ()

    def replay(self, label: str) -> None:
        """Log what was logged, and how it failed, if it did."""
        for level, text in self.records:
            log.log(level, "%s: %s", label, text)
        if self.failure is not None:
            log.error("%s", self.failure.line(several=True))


def caught(work: Callable[[Task], Result], task: Task, inputs: tuple[str, ...], level: int) -> Outcome[Result]:
    """Do a task and catch what goes wrong; `level` is that of messages to keep."""
    records: list[tuple[int, str]] = []
    result, failure = None, None
    with _collecting(records, level):
        try:
            result = work(task)
        except Exception as error:
            failure = Failure.of(error, inputs, traceback.format_exc())
    return Outcome(result, failure, tuple(records))


def in_order(
    work: Callable[[Task], Outcome[Result]], tasks: Sequence[Task], inputs: Sequence[tuple[str, ...]], jobs: int
) -> Iterator[Outcome[Result]]:
    """Yield what comes of tasks, in their order.

    Parameters
    ----------
    work : callable
        A function of a module that calls `caught`.
    tasks : sequence
        Picklable.
    inputs : sequence of tuple of str
        Of each task, for messages.
    jobs : int
        How many at once, in processes of their own.
    """
    if jobs == 1 or len(tasks) == 1:
        yield from map(work, tasks)
        return
    from mirtool.cli import pool  # multiprocessing takes 20 ms to load

    for names, outcome in zip(inputs, pool.in_order(work, tasks, jobs), strict=True):
        yield Outcome(failure=Failure.died(str(outcome), names)) if isinstance(outcome, pool.Dead) else outcome


@contextmanager
def _collecting(records: list[tuple[int, str]], level: int) -> Iterator[None]:
    """Keep log messages, which are shown when it is the task's turn."""
    before, log.handlers = log.handlers, [_Collector(records)]
    log.setLevel(level)
    try:
        yield
    finally:
        log.handlers = before


class _Collector(logging.Handler):
    def __init__(self, records: list[tuple[int, str]]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.levelno, record.getMessage()))
