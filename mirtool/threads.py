"""Work on several blocks at once, with results that do not depend on the number of threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield function(item) of each item, in their order, while the next ones are worked on.

    Items are taken by the caller's thread, one for each core ahead, so that memory stays bounded.

    Parameters
    ----------
    function : callable
        Depends on its item alone, and spends its time where the interpreter is not needed: in kernels without the GIL,
        in numpy.
    items : iterable
    """
    workers = count()
    pending: deque[Future[_Result]] = deque()
    threads = ThreadPoolExecutor(workers)
    try:
        for item in items:
            pending.append(threads.submit(function, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
