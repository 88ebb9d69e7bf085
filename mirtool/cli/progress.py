"""Progress on a terminal, and nowhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 0.5  # seconds before a bar appears: short work should not flicker, nor pay for rich


class Bar:
    """A bar on stderr that appears when the work takes long enough to be noticed."""

    def __init__(self, text: str, total: float | None) -> None:
        self._text, self._total, self._done = text, total, 0.0
        self._since = time.monotonic()
        self._rich: Any = None
        self._task: Any = None

    def advance(self, amount: float = 1) -> None:
        """Report that so much more is done."""
        self._done += amount
        if self._rich is None and time.monotonic() - self._since > PATIENCE:
            from rich.console import Console
            from rich.progress import Progress

            self._rich = Progress(console=Console(stderr=True), transient=True)
            self._rich.start()
            self._task = self._rich.add_task(self._text, total=self._total)
        if self._rich is not None:
            self._rich.update(self._task, completed=self._done)

    def close(self) -> None:
        """Take the bar away."""
        if self._rich is not None:
            self._rich.stop()


def _nothing(amount: float = 1) -> None:
    """Take the place of `Bar.advance`."""


@contextmanager
def bar(text: str, total: float | None, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Give a function to call with the amount of work done; it does nothing unless stderr is a terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield _nothing
        return
    shown = Bar(text, total)
    try:
        yield shown.advance
    finally:
        shown.close()
