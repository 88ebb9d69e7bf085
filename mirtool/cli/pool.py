"""Worker processes for many jobs.

Plain processes and pipes instead of `concurrent.futures`: there, one process that dies (out of memory, a crash in
compiled code) takes all other jobs with it.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from mirtool.cli.signals import raise_again

Task = TypeVar("Task")
Result = TypeVar("Result")

PATIENCE = 1.0  # seconds that workers have to clean up


class Dead(Exception):
    """The process of a task has died."""


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Do tasks until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, _leave)
    sys.unraisablehook = raise_again
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    threading.Thread(target=_follow, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        result = work(task)
        try:
            pipe.send(result)
        except (BrokenPipeError, ConnectionResetError):  # the parent was interrupted
            return


def _leave(*_: object) -> None:
    raise SystemExit(143)


def _follow() -> None:
    """End with the parent, however it ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class _Worker(Generic[Task, Result]):
    def __init__(self, work: Callable[[Task], Result]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()
        self.place: int | None = None

    def give(self, place: int, task: Task) -> None:
        """Hand a task over; if the process has died meanwhile, `take` will tell."""
        self.place = place
        before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # else the death of a worker would be ours
        try:
            self.pipe.send(task)
        except BrokenPipeError:
            pass
        finally:
            signal.signal(signal.SIGPIPE, before)

    def take(self) -> Result | Dead:
        try:
            result: Result = self.pipe.recv()
            return result
        except (EOFError, OSError):
            self.process.join(PATIENCE)
            code = self.process.exitcode
            how = signal.Signals(-code).name if code is not None and code < 0 else f"code {code}"
            return Dead(f"its process died ({how})")


def run(work: Callable[[Task], Result], tasks: Sequence[Task], processes: int) -> Iterator[tuple[int, Result | Dead]]:
    """Do tasks in several processes.

    Parameters
    ----------
    work : callable
        A function of a module, so that a fresh process can import it.
    tasks : sequence
        Picklable.
    processes : int

    Yields
    ------
    place : int
        Of the task, as they get done.
    result
        What `work` returned, or `Dead`.
    """
    waiting = deque(enumerate(tasks))
    workers = [_Worker[Task, Result](work) for _ in range(min(processes, len(tasks)))]
    try:
        for worker in workers:
            worker.give(*waiting.popleft())
        while busy := {worker.pipe: worker for worker in workers if worker.place is not None}:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                place, result = worker.place, worker.take()
                worker.place = None
                if waiting and isinstance(result, Dead):
                    workers.append(worker := _Worker(work))
                if waiting:
                    worker.give(*waiting.popleft())
                assert place is not None
                yield place, result
    finally:
        _stop(workers)


def in_order(work: Callable[[Task], Result], tasks: Sequence[Task], processes: int) -> Iterator[Result | Dead]:
    """Do tasks in several processes; see `run`. Results come in the order of the tasks."""
    early: dict[int, Result | Dead] = {}
    following = 0
    for place, result in run(work, tasks, processes):
        early[place] = result
        while following in early:
            yield early.pop(following)
            following += 1


def _stop(workers: Sequence[_Worker[Any, Any]]) -> None:
    for worker in workers:
        worker.pipe.close()
        if worker.place is not None:
            worker.process.terminate()
    end = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, end - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
