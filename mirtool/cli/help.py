"""The text of `mirtool`, `CMD --help` and of usage lines."""

import shutil
import textwrap
from collections.abc import Iterable

from mirtool import __version__
from mirtool.cli import CONTENTS
from mirtool.cli.command import Command, Entry, load
from mirtool.cli.options import Option


def contents() -> str:
    """Return the sectioned list of commands."""
    entries = {name: load(name) for names in CONTENTS.values() for name in names}
    width = max(map(len, entries), default=0)
    lines = [f"mirtool {__version__}: music processing in the shell", "", "Usage: mirtool COMMAND [OPTIONS] INPUT…"]
    for section, names in CONTENTS.items():
        lines += ["", f"{section}:"]
        for name in names:
            entry = entries[name]
            lines.append(f"  {name:{width}}  {entry.summary if entry else ''}")
    lines += ["", "mirtool COMMAND --help tells more. - is stdin or stdout; -o FILE or DIR/ writes there."]
    return "\n".join(lines) + "\n"


def of_entry(entry: Entry) -> str:
    """Return the help of a command that has sub-commands."""
    width = max(map(len, entry.commands))
    lines = [f"Usage: mirtool {entry.name} {'|'.join(entry.commands)} …", "", entry.help, "", "Sub-commands:"]
    for name, command in entry.commands.items():
        lines.append(f"  {name:{width}}  {command.summary}")
    lines += ["", f"mirtool {entry.name} NAME --help tells more."]
    return "\n".join(lines) + "\n"


def of_command(command: Command) -> str:
    """Return the help of a command."""
    lines = [f"Usage: {usage(command)}", "", command.help]
    arguments = [(argument.name, argument.help) for argument in command.inputs.arguments]
    if arguments:
        lines += ["", "Inputs:", *_definitions(arguments)]
    for section, options in by_section(command.options).items():
        lines += ["", f"{section}:", *_definitions([(left(option), option.description) for option in options])]
    return "\n".join(lines) + "\n"


def usage(command: Command) -> str:
    """Return the line that shows how to call it."""
    return " ".join(["mirtool", *command.path, "[OPTIONS]", *placeholders(command)])


def placeholders(command: Command) -> list[str]:
    """Return the inputs as a usage line shows them."""
    arguments = command.inputs.arguments
    if command.inputs.shape == "group":
        first = arguments[0].name
        further = [chr(ord(first[0]) + place) for place in range(1, command.inputs.minimum)] if len(first) == 1 else []
        return [first, *further, "…"]
    if command.inputs.shape == "many":
        return [arguments[0].name + "…"]
    return [argument.name + ("…" if argument.repeat else "") for argument in arguments]


def by_section(options: Iterable[Option]) -> dict[str, list[Option]]:
    """Group options under their headings."""
    sections: dict[str, list[Option]] = {}
    for option in options:
        sections.setdefault(option.section, []).append(option)
    return sections


def left(option: Option) -> str:
    """Return the flags with their placeholder."""
    flags = [option.short] if option.short else []
    flags.append(f"--[no-]{option.flag[2:]}" if option.both else option.flag)
    return ", ".join(flags) + (f" {option.placeholder}" if option.placeholder else "")


def _definitions(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Lay out names and their explanations in two columns."""
    total = min(max(shutil.get_terminal_size().columns, 60), 100)
    column = 26
    lines = []
    for name, text in pairs:
        wrapped = textwrap.wrap(text, total - column - 4) or [""]
        if len(name) > column - 2:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:{column}}{wrapped.pop(0)}".rstrip())
        lines += [" " * (column + 2) + line for line in wrapped]
    return lines
