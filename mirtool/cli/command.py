"""The frame of every command: what it reads, writes and lets the user set.

A command file holds one decorated function and nothing heavy at its top::

    from typing import Annotated

    from mirtool.cli.command import command
    from mirtool.cli.inputs import many
    from mirtool.cli.job import Job
    from mirtool.cli.options import Option
    from mirtool.rhythm.parameters import OnsetParameters


    @command(many("X", "audio, or a novelty curve", "audio", "features"), writes="events", plots=True)
    def onsets(
        job: Job,
        parameters: OnsetParameters,
        click: Annotated[str | None, Option("Write the sound with clicks.", output=".wav")] = None,
    ) -> None:
        \"\"\"Find where notes begin.

        Columns: time,strength

        For example:
            mirtool onsets take.wav -o take.csv
            mirtool onsets corpus/ -o onsets/ --jobs 8

        Paper: Bello et al. (2005), A tutorial on onset detection in music signals.
        \"\"\"
        from mirtool.rhythm.onsets import detect

        events = detect(job.read(0), parameters)
        job.write(events)
        if click:
            job.write_as(clicks(events), click)
        job.plot(events)

An argument annotated with a frozen dataclass is a set of parameters: its fields become options (several dataclasses may
stand side by side). An argument annotated ``Annotated[type, Option(…)]`` is an option of the command itself. An option
that does something only beside another says so, ``of=("method", "dp")`` in `Option` or ``"of"`` in the metadata of a
field; help tells it, and the frame refuses it elsewhere. The frame adds the shared options, makes one call a job, and
turns errors into exit codes.

Inputs are made by `many` (X…: a job each), `collected` (X…: one job), `fixed` (PATH X: one job), `group` (A B …: one
job) or `search_in` (QUERY CORPUS…: one job, see `mirtool.cli.corpus`); `None` for a command that reads nothing. A
command with ``parts=True`` has several outputs: it calls ``job.write_part(name, container)`` for each, or
``job.write_stems(stems)`` for sounds that are computed side by side (`mirtool.types.Stems`), and users choose a folder
(``-o DIR/``) or one part (``--only NAME``). `writes` then says what most parts are, and so which formats ``--format``
offers; a part of another kind has its own. Work on a part that nobody asked for is spared with ``job.wants(name)``.
With ``plots=True`` ``job.write_stems(stems, plot=True)`` draws them, too.

The job reads and writes: `Job.read`, `write`, `write_part`, `write_stems` and `wants`, `write_as` (further files),
`plot`, `draw`, `rows`, `progress`, `log`. Errors are raised as in `mirtool.errors`, from anywhere.

A command with ``live=True`` offers ``--live``. Where `Job.is_live`, it reads a source that may have no end and writes
rows as they become known::

    found = live_onsets(job.read(0), parameters, job.delay)
    with job.rows("time", "strength") as write:
        for events in found:
            write(events)

A new command needs its file, its name in `CONTENTS`, ``make docs``, and golden cases in ``tests/cases``; the tests of
all commands (``tests/test_matrix.py``) find it by themselves.

Sub-commands (``features KIND X``): a file with several decorated functions, none of which has the file's name; the
module docstring is the help of the whole.
"""

import dataclasses
import functools
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin

from mirtool.cli import CONTENTS, options, parameters
from mirtool.cli.inputs import Inputs
from mirtool.cli.options import Option
from mirtool.io import formats

# Formats whose tables can be laid one after the other in one stream, and which of them can name the input of a row.
HEADED = ("csv", "tsv")
NAMED = (*HEADED, "json")
STREAMABLE = (*NAMED, "lab", "beats", "mireval", "audacity")
PICTURES = "picture"
PICTURE_FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True, eq=False)
class Command:
    """A command as the frame sees it; see the module's text for how one is made."""

    function: Callable[..., None]
    inputs: Inputs
    writes: str
    parts: bool
    plots: bool
    live: bool
    delays: bool

    @property
    def module(self) -> str:
        """Where to import it from."""
        return self.function.__module__

    @property
    def name(self) -> str:
        """Its own name, such as ``chroma``."""
        return self.function.__name__.strip("_").replace("_", "-")

    @property
    def path(self) -> tuple[str, ...]:
        """Its names on the command line, such as ``("features", "chroma")``."""
        file = self.module.rpartition(".")[2].replace("_", "-")
        return (self.name,) if file == self.name else (file, self.name)

    @property
    def help(self) -> str:
        """The docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the help, without its full stop."""
        return self.help.partition("\n")[0].rstrip(".")

    @functools.cached_property
    def kinds(self) -> Mapping[str, type]:
        """Parameter dataclasses by the argument that takes them."""
        hints = typing.get_type_hints(self.function)
        return {name: hint for name, hint in hints.items() if isinstance(hint, type) and dataclasses.is_dataclass(hint)}

    @functools.cached_property
    def parameters(self) -> tuple[Option, ...]:
        """Options that come from the dataclasses."""
        return parameters.merged(self.kinds.values())

    @functools.cached_property
    def own(self) -> tuple[Option, ...]:
        """Options that stand in the signature."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        found = []
        for name, argument in inspect.signature(self.function).parameters.items():
            if get_origin(hints[name]) is Annotated:
                annotation, *marks = get_args(hints[name])
                option = next(mark for mark in marks if isinstance(mark, Option))
                kind = annotation if not option.repeat else get_args(annotation)[0]
                both = option.both or (annotation is bool and argument.default is True)
                found.append(dataclasses.replace(option, name=name, type=kind, default=argument.default, both=both))
        return tuple(found)

    @functools.cached_property
    def shared(self) -> tuple[Option, ...]:
        """The shared options that do something here."""
        return tuple(_shared(self))

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats that --format takes."""
        if self.writes == PICTURES:
            return PICTURE_FORMATS
        if self.writes:
            return formats.formats_for(self.writes)
        return tuple(row.name for row in formats.FORMATS.values() if row.writer)

    @functools.cached_property
    def options(self) -> tuple[Option, ...]:
        """All options, in the order of the help.

        A field whose metadata says ``"of": ("method", "hpss", "vocals")`` belongs to these choices of ``--method``;
        in a command whose ``--method`` knows none of them, or that has none, it belongs to no option.
        """
        every = (*self.own, *self.parameters, *self.shared)
        choices = {option.name: option.choices for option in every}
        return tuple(dataclasses.replace(option, of=_known(option.of, choices)) for option in every)

    def __call__(self, *args: Any, **options: Any) -> None:
        """Call the function itself."""
        self.function(*args, **options)


def _known(of: tuple[str, ...], choices: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return what `Option.of` means among options with these choices."""
    if not of or of[0] not in choices:
        return ()
    known = tuple(choice for choice in of[1:] if choice in choices[of[0]])
    return (of[0], *known) if known or len(of) == 1 else ()


def _shared(command: Command) -> Iterator[Option]:
    reads = [kind for argument in command.inputs.arguments for kind in argument.reads]
    taken = {option.name for option in command.own}
    if command.live:
        yield options.LIVE
        if command.delays:
            yield options.DELAY
    yield options.OUTPUT
    yield dataclasses.replace(options.FORMAT, choices=command.formats)
    if command.writes in ("audio", ""):
        yield options.SUBTYPE
    if command.parts:
        yield options.ONLY
    if command.plots:
        yield options.PLOT
    if command.inputs.shape != "none":
        if reads:
            yield options.FROM
        if "audio" in reads:
            yield from (
                option for option in (options.RAW, options.SAMPLE_RATE, options.CHANNELS) if option.name not in taken
            )
        if "audio" in command.inputs.arguments[0].reads or command.inputs.shape == "search":
            yield from (options.START, options.DURATION)
        if "features" in reads:
            yield options.INPUT_RATE
        if "score" in reads:
            yield options.PEDAL
        if command.inputs.shape == "search":
            own = (options.INDEX, options.BUILD, options.QUERIES, options.TOP, options.MIN_SCORE)
            yield from (option for option in own if option.name not in taken)
        yield options.FILES_FROM
        if reads:
            yield from (options.JOBS, options.SKIP)
        one_by_one = command.inputs.shape in ("many", "search") and not command.inputs.together
        if one_by_one and command.writes in (*formats.TABLES, "features", ""):
            yield options.FILENAME
    if command.kinds:
        yield from (options.PARAMS, options.DUMP_PARAMS)
    yield from (options.QUIET, options.VERBOSE, options.DEBUG, options.HELP)


def command(
    inputs: Inputs | None,
    *,
    writes: str,
    parts: bool = False,
    plots: bool = False,
    live: bool = False,
    delays: bool = True,
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function.

    Parameters
    ----------
    inputs : Inputs or None
        From `many`, `fixed` or `group`.
    writes : str
        The container of the output: ``table``, ``events``, ``segments``, ``notes``, ``path``, ``features``, ``audio``,
        ``score``; ``picture``; or empty if it follows from the input.
    parts : bool
        There are several outputs.
    plots : bool
        Offers ``--plot``.
    live : bool
        Offers ``--live``.
    delays : bool
        Offers ``--delay`` beside it.
    """
    return lambda function: Command(function, inputs or Inputs("none"), writes, parts, plots, live, delays)


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents: a command, or a file of sub-commands."""

    name: str
    help: str
    commands: Mapping[str, Command]

    @property
    def summary(self) -> str:
        """First line of the help, without its full stop."""
        return self.help.partition("\n")[0].rstrip(".")

    @property
    def single(self) -> Command | None:
        """The command, if it has no sub-commands."""
        return self.commands.get(self.name) if len(self.commands) == 1 else None


def names() -> list[str]:
    """Return the names of all commands, in the order of the contents."""
    return [name for section in CONTENTS.values() for name in section]


def load(name: str) -> Entry | None:
    """Import a command's file; None if there is no such command."""
    if name not in names():
        return None
    return entry_of(importlib.import_module(f"mirtool.cli.{name.replace('-', '_')}"))


def entry_of(module: ModuleType) -> Entry:
    """Find the commands that a module defines."""
    found = {item.name: item for item in vars(module).values() if isinstance(item, Command)}
    name = module.__name__.rpartition(".")[2].replace("_", "-")
    help = found[name].help if name in found else inspect.getdoc(module) or ""
    return Entry(name, help, found)
