"""The program: arguments in, exit code out, one place for errors."""

import contextlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

from mirtool import __version__
from mirtool.cli import failures, help, signals
from mirtool.cli.command import Command, load, names
from mirtool.cli.failures import Failure
from mirtool.cli.options import Option
from mirtool.errors import UsageProblem

log = logging.getLogger("mirtool")

_HELP = ("--help", "-h")

# The last bits of a matrix product depend on how many threads share the work: with one, the same input gives the same
# bytes on any number of cores, alone and with --jobs. Who sets one of these is obeyed.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> NoReturn:
    """Run the program and leave with its exit code."""
    signals.install()
    if not any(name in os.environ for name in _THREADS):
        os.environ.update(dict.fromkeys(_THREADS, "1"))  # before numpy is loaded
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # help has characters that not every locale knows
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what users should know is logged
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        message, code = failures.describe(error)
        _say("mirtool", message)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer is lost; say so only once
    sys.exit(code)


def run(arguments: Sequence[str], loader: Callable[[str], Any] = load) -> int:
    """Run one command line in this process.

    Parameters
    ----------
    arguments : sequence of str
        Without the name of the program.
    loader : callable
        Gives the `Entry` of a command's name, or None.

    Returns
    -------
    int
        The exit code.
    """
    title = "mirtool"
    debug = "--debug" in arguments
    inputs: tuple[str, ...] = ()
    try:
        found = _find(arguments, loader)
        if isinstance(found, str):
            sys.stdout.write(found)
            return 0
        command, rest = found
        title = " ".join(("mirtool", *command.path))
        values, given = parse(command, rest)
        inputs = tuple(given)
        with _logging(title, values):
            return _call(command, given, values)
    except typer.TyperException as error:
        _say(title, _usage_message(error))
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:
        failure = Failure.of(error, inputs, traceback.format_exc())
        if debug:
            sys.stderr.write(failure.trace)
        _say(title, failure.message)
        return failure.code


def _find(arguments: Sequence[str], loader: Callable[[str], Any]) -> tuple[Command, list[str]] | str:
    """Find the command that is called, or the text to print instead."""
    if not arguments or arguments[0] in _HELP:
        return help.contents()
    first, *rest = arguments
    if first == "--version":
        return f"mirtool {__version__}\n"
    if first.startswith("-"):
        raise UsageProblem(f"no option {first} before the command (mirtool --help lists the commands)")
    entry = loader(first)
    if entry is None:
        raise UsageProblem(f"no command {first!r}{_suggestion(first, names())} (mirtool --help lists them)")
    if entry.single is not None:
        return entry.single, rest
    if not rest or rest[0] in _HELP:
        if not rest:
            raise UsageProblem(f"{first}: which? {', '.join(entry.commands)}")
        return help.of_entry(entry)
    if rest[0] not in entry.commands:
        known = list(entry.commands)
        raise UsageProblem(f"{first}: no {rest[0]!r}{_suggestion(rest[0], known)}; there are {', '.join(known)}")
    return entry.commands[rest[0]], rest[1:]


def _suggestion(wrong: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(wrong, known, 1)
    return f", perhaps {close[0]!r}?" if close else ""


def parse(command: Command, arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Take a command line apart.

    Returns
    -------
    values : dict
        Converted options that were given, by name.
    inputs : list of str
    """
    parser = TyperCommand(
        " ".join(command.path),
        params=[
            *(_parser_option(option) for option in command.options),
            TyperArgument(param_decls=["inputs"], type=str, nargs=-1, required=False),
        ],
        add_help_option=False,
    )
    context = parser.make_context(" ".join(("mirtool", *command.path)), list(arguments))
    raw = context.params
    values: dict[str, Any] = {}
    for option in command.options:
        given = raw.get(option.name)
        if given is None or given == ():
            continue
        if option.is_switch:
            values[option.name] = given
        elif option.repeat:
            values[option.name] = tuple(option.convert(text) for text in given)
        else:
            values[option.name] = option.convert(given)
    return values, list(raw["inputs"] or ())


def _parser_option(option: Option) -> TyperOption:
    flags = [f"{option.flag}/--no-{option.flag[2:]}" if option.both else option.flag]
    if option.short:
        flags.append(option.short)
    return TyperOption(
        param_decls=[option.name, *flags],
        type=bool if option.is_switch else str,
        is_flag=option.is_switch,
        multiple=option.repeat,
        default=None,
        required=False,
    )


def _call(command: Command, given: list[str], values: Mapping[str, Any]) -> int:
    """Do what the options ask for."""
    if values.get("help"):
        sys.stdout.write(help.of_command(command))
        return 0
    from mirtool.cli import batch, parameters, planning

    if values.get("dump_params"):
        made = planning.parameters_of(command, values)
        sys.stdout.write(parameters.dump(command.path, made.values()))
        return 0
    plans = planning.plan(command, given, values)
    if values.get("skip_existing"):
        if any(plan.collect or plan.output == "-" for plan in plans):
            raise UsageProblem("--skip-existing needs -o DIR/, or -o FILE with one input")
        plans = [plan for plan in plans if not batch.is_done(plan)]
    quiet, debug = bool(values.get("quiet")), bool(values.get("debug"))
    batch.run(command, plans, jobs=values.get("jobs", 1), debug=debug, quiet=quiet)
    return 0


class _Stderr(logging.Handler):
    """Writes to what is stderr at the moment: while a progress bar is shown, lines go above it."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(self.format(record) + "\n")


@contextlib.contextmanager
def _logging(title: str, values: Mapping[str, Any]) -> Iterator[None]:
    """Send messages of the package to stderr for the time of a command."""
    handler = _Stderr()
    handler.setFormatter(logging.Formatter(f"{title}: %(message)s"))
    before = log.level, log.propagate
    log.setLevel(logging.ERROR if values.get("quiet") else logging.INFO if values.get("verbose") else logging.WARNING)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = before


def _usage_message(error: typer.TyperException) -> str:
    text = error.format_message().rstrip(".")
    return text[:1].lower() + text[1:]


def _say(title: str, message: str) -> None:
    """Write one line to stderr, as far as there is one."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{title}: {message}\n")
        sys.stderr.flush()
