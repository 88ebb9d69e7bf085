"""Work on blocks of frames by several threads, with results that do not depend on their number."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from mirtool.decomposition.factorization.divergence import Scratch
from mirtool.threads import count

Result = TypeVar("Result")

_VALUES = 1 << 17  # of V in a block: with Λ it stays in the cache of a core
_GROUPS = 16  # of consecutive blocks, each done by one thread and summed up by itself


class Blocks:
    """A division of frames into blocks, and threads that work on them; a context manager.

    Parameters
    ----------
    frames, bins, rank : int
        Of V and W.
    threads : int, optional
        By default as many as the process may use.

    Attributes
    ----------
    groups : list of list of slice
        Consecutive blocks; the division depends on the shapes alone.
    """

    def __init__(self, frames: int, bins: int, rank: int, threads: int | None = None) -> None:
        size = min(max(_VALUES // bins, 16), frames)
        blocks = [slice(begin, min(begin + size, frames)) for begin in range(0, frames, size)]
        each = -(-len(blocks) // _GROUPS)
        self.groups = [blocks[first : first + each] for first in range(0, len(blocks), each)]
        threads = min(threads or count(), len(self.groups))
        self._scratch: SimpleQueue[Scratch] = SimpleQueue()
        for _ in range(threads):
            self._scratch.put(Scratch(size, bins, rank))
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, work: Callable[[int, list[slice], Scratch], Result]) -> list[Result]:
        """Call `work` with the number, the blocks and a scratch for each group; return the results in their order."""

        def one(number: int) -> Result:
            scratch = self._scratch.get()
            try:
                return work(number, self.groups[number], scratch)
            finally:
                self._scratch.put(scratch)

        numbers = range(len(self.groups))
        return list(map(one, numbers) if self._pool is None else self._pool.map(one, numbers))
