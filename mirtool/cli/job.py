"""One job: what a command gets to read its inputs and write its outputs with."""

import dataclasses
import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from mirtool.cli import progress
from mirtool.cli.plan import Plan
from mirtool.errors import FormatError, UsageProblem

if TYPE_CHECKING:
    from mirtool.io.formats import Format
    from mirtool.types import AudioSource, Features, Stems, Table

    Container = AudioSource | Features | Table | Any

log = logging.getLogger("mirtool")


class Job:
    """The inputs and outputs of one call.

    Attributes
    ----------
    inputs : tuple of str
        As the user named them.
    parts : dict
        File in the folder by name of each part written, or left out with --only.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inputs = plan.inputs
        self.collected = b""
        self.parts: dict[str, str] = {}

    @property
    def is_live(self) -> bool:
        """Whether the input may have no end, and rows are written as they become known."""
        return self.plan.reading.live

    @property
    def delay(self) -> float:
        """The longest time from a sound to its row (s)."""
        return self.plan.delay

    def read(self, index: int = 0) -> Any:
        """Read an input into its container.

        Raises
        ------
        FormatError
            It is a container that the command does not take.
        """
        from mirtool.io import formats

        name, reading = self.inputs[index], self.plan.reading
        first, described = index == 0, self._takes_format(index)
        container = formats.read(
            name,
            format=reading.format if described else None,
            feature_rate=reading.feature_rate,
            start=reading.start if first else None,
            duration=reading.duration if first else None,
            pedal=reading.pedal,
            raw=reading.raw if described else None,
            live=reading.live,
            many=reading.many,
        )
        wanted = ("audio",) if reading.live else self.plan.reads[min(index, len(self.plan.reads) - 1)]
        return _checked(container, name, wanted)

    def refuse_idle(self, wanted: str, *parameters: str | type) -> None:
        """Refuse parameters that mean nothing for the input, as is known when it has been read; files may hold them.

        Parameters
        ----------
        wanted : str
            What they are for, as the message says it.
        *parameters : str or type
            Names, or dataclasses with all their fields.

        Raises
        ------
        UsageProblem
            One of them stands on the command line.
        """
        names = (
            (item,) if isinstance(item, str) else (field.name for field in dataclasses.fields(item))
            for item in parameters
        )
        for name in chain.from_iterable(names):
            if name in self.plan.flags:
                raise UsageProblem(f"--{name.replace('_', '-')} is for {wanted}")

    def read_file(self, name: str, *kinds: str, feature_rate: float | None = None) -> Any:
        """Read a further file, such as an option names, into a container of these kinds; raises `FormatError`.

        `feature_rate` is that of an NPY without a description.
        """
        from mirtool.io import formats

        return _checked(formats.read(name, feature_rate=feature_rate), name, kinds)

    def read_from_zero(self, index: int = 0) -> tuple[Any, float]:
        """Read features, or sound or notes (of a score, too) whose time line begins at 0.

        Returns
        -------
        AudioSource, Notes or Features
        start : float
            Time 0 in the input (s): what is made of an excerpt gets the times of the whole by adding it.

        Raises
        ------
        FormatError
            There is no note.
        """
        return self.from_zero(self.read(index), index)

    def from_zero(self, container: Any, index: int = 0) -> tuple[Any, float]:
        """Bring what was read of an input to a time line that begins at 0; see `read_from_zero`."""
        from mirtool.types import Features, Notes, Score

        reading = self.plan.reading
        if isinstance(container, Features):
            return container, 0.0
        start, duration = (reading.start or 0.0, reading.duration) if index == 0 else (0.0, None)
        source = container.notes if isinstance(container, Score) else container
        if not isinstance(source, Notes):
            return source, start
        if not len(source):
            raise FormatError("no notes", self.inputs[index])
        from mirtool.io.excerpts import from_zero

        return from_zero(source, start, duration), start

    def _takes_format(self, index: int) -> bool:
        """Whether --from or --raw speaks of this input: stdin, or else the first whose name says nothing."""
        from mirtool.io import formats

        if "-" in self.inputs:
            return self.inputs[index] == "-"
        silent = [place for place, name in enumerate(self.inputs) if formats.by_extension(name) is None]
        return index == (silent[0] if silent else 0)

    def write(self, container: "Container") -> None:
        """Write the result where -o says, else to stdout."""
        from mirtool.io import formats
        from mirtool.io.options import WriteOptions

        plan = self.plan
        if not plan.collect:
            formats.write(container, plan.output, format=plan.format, subtype=plan.subtype)
            return
        row = formats.target_format(formats.container_name(container), plan.output, plan.format)
        if plan.column is not None:
            is_search = plan.search is not None or "file" in getattr(container, "columns", ())
            container = with_column(container, "query" if is_search else "file", plan.column)
        spool = io.BytesIO()
        formats.write_to(spool, container, WriteOptions(row.name, plan.subtype))
        self.collected = spool.getvalue()

    @contextmanager
    def rows(self, *columns: str) -> "Iterator[Callable[[Table], None]]":
        """Write rows of a table as they become known, each at once.

        An interrupt is the usual end of a stream without end: the rows until then are kept, also in a file.

        Parameters
        ----------
        *columns : str
            The header, which is written before the first row; with `time` it is one of events.

        Yields
        ------
        callable
            Takes a table of further rows.
        """
        import numpy as np

        from mirtool.cli.rows import RowStream
        from mirtool.io import formats, streams
        from mirtool.types import Events, Table

        none = (Events if "time" in columns else Table)(dict.fromkeys(columns, np.zeros(0)))
        row = formats.target_format(formats.container_name(none), self.plan.output, self.plan.format)
        interrupt: BaseException | None = None
        with streams.atomic(self.plan.output, buffered=False) as stream:
            rows = RowStream(stream, row.name)
            try:
                rows.write(none)
                yield rows.write
            except (KeyboardInterrupt, SystemExit) as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def wants(self, part: str) -> bool:
        """Whether a part is needed, written or drawn; a chapter that can leave parts out may be given this method."""
        return self._is_written(part) or self.plan.plot is not None

    def _is_written(self, part: str) -> bool:
        return self.plan.only in (None, part)

    def write_part(self, part: str, container: "Container") -> None:
        """Write one of several outputs: DIR/PART.ext, or with --only PART where -o says."""
        from mirtool.io import formats

        row = self._format_of(formats.container_name(container))
        if part in self.parts:
            raise UsageProblem(f"two parts are called {part!r}")
        self.parts[part] = part + row.extensions[0]
        if not self._is_written(part):
            return
        if self.plan.only is not None:
            self.write(container)
            return
        subtype = self.plan.subtype if "audio" in row.containers else None
        formats.write(container, self._place_of(part), format=row.name, subtype=subtype)

    def write_stems(self, stems: "Stems", *, plot: bool = False) -> None:
        """Write the parts of a separation in one pass, all whole or none: DIR/PART.ext each.

        With --only PART that part alone is written, where -o says; of the others nothing is kept.

        Parameters
        ----------
        stems : Stems
        plot : bool
            Draw the mixture and its parts, made in the same pass, if --plot asks for a picture.
        """
        if plot and self.plan.plot is not None and self.plan.only in (None, *stems.names):
            from mirtool.signal.overview import watched

            stems, spectrograms = watched(stems)
            self._write_stems(stems)
            self.plot(lambda: self._separation(spectrograms()))
        else:
            self._write_stems(stems)

    def _separation(self, spectrograms: "Mapping[str, Features]") -> Any:
        from mirtool.plots.separation import separation_figure

        return separation_figure(spectrograms, self.plan.reading.start or 0.0)

    def _write_stems(self, stems: "Stems") -> None:
        from mirtool.io import audio_output
        from mirtool.io.options import WriteOptions

        if twice := [name for place, name in enumerate(stems.names) if name in stems.names[:place]]:
            raise UsageProblem(f"two parts are called {twice[0]!r}")
        row = self._format_of("audio")
        self.parts.update((name, name + row.extensions[0]) for name in stems.names)
        if self.plan.only is None:
            targets = {name: self._place_of(name) for name in stems.names}
            audio_output.write_together(stems, targets, WriteOptions(row.name, self.plan.subtype))
        elif self.plan.only in stems.names:
            self.write(audio_output.Stem(stems, self.plan.only))

    def _format_of(self, container: str) -> "Format":
        """Return the format of a part in a folder: that of --format if it can hold the container, else its own."""
        from mirtool.io import formats

        possible = self.plan.format in formats.formats_for(container)
        return formats.target_format(container, "", self.plan.format if possible else None)

    def _place_of(self, part: str) -> str:
        """Return the file of a part."""
        target = os.path.join(self.plan.output, self.parts[part])
        if os.sep in part or part.startswith("."):
            raise UsageProblem(f"{part!r} is no name for a file")
        if any(os.path.exists(target) and os.path.samefile(target, name) for name in self.inputs if name != "-"):
            raise UsageProblem(f"{target}: is an input")
        return target

    def write_as(self, container: "Container", target: str, *, format: str | None = None) -> None:
        """Write a further output under the name that an option gives."""
        from mirtool.io import formats

        formats.write(container, target, format=format)

    def plot(self, content: Any) -> None:
        """Draw a container, or the figure that a callable without arguments makes, if --plot asks for it."""
        if self.plan.plot is not None:
            self.draw(content, self.plan.plot)

    def draw(self, content: Any, target: str, format: str | None = None) -> None:
        """Draw a container, or the figure that a callable without arguments makes, to a file or stdout."""
        from mirtool.io import streams
        from mirtool.plots import dispatch, figure

        chosen = format or figure.format_of(target)
        with streams.atomic(target) as stream:
            dispatch.draw(content, stream, chosen)

    def log(self, message: str) -> None:
        """Tell what was found, on stderr with --verbose."""
        log.info(message)

    def progress(self, total: float | None = None, text: str = "") -> AbstractContextManager[Callable[[float], None]]:
        """Show how much is done, on a terminal: ``with job.progress(n) as advance: advance(1)``."""
        return progress.bar(text or self.plan.label, total, quiet=self.plan.quiet)

    def finish(self) -> None:
        """Raise `UsageProblem` if --only named a part that there is not."""
        if self.plan.only is not None and self.plan.only not in self.parts:
            raise UsageProblem(f"--only: no part {self.plan.only!r}; there are {', '.join(self.parts) or 'none'}")


def _checked(container: Any, name: str, wanted: Sequence[str]) -> Any:
    """Return the container of a file, or refuse it if it is of another kind."""
    from mirtool.io import formats

    kind = formats.container_name(container)
    if kind not in wanted:
        *others, last = (formats.WORDS[item] for item in wanted)
        raise FormatError(f"holds {formats.WORDS[kind]}, not {', '.join(others)}{' or ' if others else ''}{last}", name)
    return container


def readable(name: str) -> str:
    """Return the name of a file, which may be any bytes, as text that can be written."""
    return name.encode("utf-8", "backslashreplace").decode()


def with_column(table: Any, title: str, name: str) -> "Table":
    """Put the name of the input before a table, the notes of a score, or the frames of a matrix."""
    import numpy as np

    from mirtool.io import feature_tables
    from mirtool.types import Features, Score

    if isinstance(table, Score):
        table = table.notes
    elif isinstance(table, Features):
        table = feature_tables.table_of(table)
    column = np.full(len(table), readable(name), dtype=object)
    named: Table = type(table)({title: column, **table.columns})
    return named
