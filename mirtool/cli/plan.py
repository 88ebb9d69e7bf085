"""What is known of a job before it runs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mirtool.cli.searches import Search

if TYPE_CHECKING:
    from mirtool.io.options import RawLayout


@dataclass(frozen=True)
class Reading:
    """How inputs are read, from the shared options."""

    format: str | None = None
    start: float | None = None
    duration: float | None = None
    feature_rate: float | None = None
    pedal: bool = False
    raw: "RawLayout | None" = None
    live: bool = False
    many: bool = False


@dataclass(frozen=True)
class Plan:
    """All that is known of a job before it runs; goes to worker processes.

    Parameters
    ----------
    module, name : str
        The command.
    path : tuple of str
        Its names on the command line.
    inputs : tuple of str
    reads : tuple of tuple of str
        Containers that each input may be.
    parameters : mapping
        Parameter objects by argument.
    own : mapping
        The command's own options by argument.
    output : str
        `-`, a file, or for several outputs a folder (with a final `/`).
    format, subtype : str or None
    only : str or None
        The one part to write.
    plot : str or None
    extras : tuple of str
        Files that options name, --plot included.
    folders : tuple of str
        To be made before it runs: those of targets that an option maps into DIR/.
    column : str or None
        What the leading column `file` says.
    collect : bool
        The output is one of several that go to one stream.
    parts : bool
        There are several outputs, in the folder `output`.
    search : Search or None
        What is searched for, and where.
    given : frozenset of str
        Parameters that the command line or a file of parameters gives.
    flags : frozenset of str
        Parameters that the command line gives.
    reading : Reading
    delay : float
        The longest time from a sound to its row, where the input may have no end (s).
    jobs : int
        How many processes it may take for itself.
    quiet : bool
        No progress.
    level : int
        Of log messages.
    """

    module: str
    name: str
    path: tuple[str, ...]
    inputs: tuple[str, ...]
    reads: tuple[tuple[str, ...], ...]
    parameters: Mapping[str, Any]
    own: Mapping[str, Any]
    output: str
    format: str | None = None
    subtype: str | None = None
    only: str | None = None
    plot: str | None = None
    extras: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    column: str | None = None
    collect: bool = False
    parts: bool = False
    search: Search | None = None
    given: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    reading: Reading = field(default_factory=Reading)
    delay: float = 0.0
    jobs: int = 1
    quiet: bool = True
    level: int = logging.WARNING

    @property
    def targets(self) -> tuple[str, ...]:
        """Files that it writes, as far as they are known before it runs: its output, then those of options."""
        main = () if self.collect else (self.output,)
        return (*main, *self.extras)

    @property
    def label(self) -> str:
        """How messages call the job."""
        return " ".join(self.inputs) if self.search is None else self.search.label
