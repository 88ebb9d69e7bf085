"""Manual pages, completions and the README's table of commands, written from the definitions of the commands.

`python -m mirtool.cli.manual` (`make docs`) rewrites them in the current folder; with ``--check`` it names those that
are stale and exits with 1.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mirtool import __version__
from mirtool.cli import CONTENTS, completions, help
from mirtool.cli.command import Command, Entry, load
from mirtool.cli.options import Option

BEGIN, END = "<!-- commands: written by `make docs` -->", "<!-- end of commands -->"

EXIT_CODES = (
    ("0", "done"),
    ("1", "several inputs, of which at least one failed; each is named"),
    ("2", "the command line asks for something impossible"),
    ("65", "an input is not what it should be"),
    ("66", "there is no such input"),
    ("69", "an optional part is not installed; the message says how to get it"),
    ("70", "a defect of mirtool"),
    ("73", "an output cannot be created"),
    ("74", "writing broke off, such as on a full disk"),
    ("130", "interrupted"),
)


def entries() -> dict[str, Entry]:
    """Return all commands, in the order of the contents."""
    found = {name: load(name) for section in CONTENTS.values() for name in section}
    return {name: entry for name, entry in found.items() if entry is not None}


def pages(readme: str) -> Mapping[str, str]:
    """Return the content of every generated file, by path.

    Parameters
    ----------
    readme : str
        The README as it is; what stands between the two marks is replaced.
    """
    known = entries()
    made = {"man/mirtool.1": main_page(known)}
    for name, entry in known.items():
        made[f"man/mirtool-{name}.1"] = entry_page(entry)
    made["completions/mirtool.bash"] = completions.bash(known)
    made["completions/_mirtool"] = completions.zsh(known)
    made["completions/mirtool.fish"] = completions.fish(known)
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    made["README.md"] = f"{before}{BEGIN}\n{table(known)}{END}{after}"
    return made


def table(known: Mapping[str, Entry]) -> str:
    """Return the README's table of commands."""
    lines = ["| section | command | what it does |", "|---|---|---|"]
    for section, names in CONTENTS.items():
        for place, name in enumerate(names):
            entry = known[name]
            first = next(iter(entry.commands.values()))
            call = " ".join([name, *([] if entry.single else ["KIND"]), *help.placeholders(first)])
            what = entry.summary
            if entry.single is None:
                what += ": " + ", ".join(f"`{kind}`" for kind in entry.commands)
            lines.append(f"| {section if place == 0 else ''} | `{call}` | {what} |")
    return "\n".join(lines) + "\n"


# --------------------------------------------------------------------------------------------------------------- man


def main_page(known: Mapping[str, Entry]) -> str:
    """Return mirtool(1)."""
    lines = [*_title("mirtool"), ".SH NAME", r"mirtool \- music processing in the shell", ".SH SYNOPSIS"]
    lines += [r".B mirtool", r"\fICOMMAND\fR [\fIOPTIONS\fR] \fIINPUT\fR\&..."]
    for section, names in CONTENTS.items():
        lines.append(f".SH {section.upper()}")
        for name in names:
            lines += [".TP", rf"\fB{_escaped(name)}\fR", _escaped(known[name].summary) + "."]
    lines += [*_exit_status(), ".SH SEE ALSO"]
    lines.append(", ".join(rf"\fBmirtool\-{_escaped(name)}\fR(1)" for name in known))
    return "\n".join(lines) + "\n"


def entry_page(entry: Entry) -> str:
    """Return mirtool-CMD(1); sub-commands stand in sections of one page."""
    name = f"mirtool-{entry.name}"
    lines = [*_title(name), ".SH NAME", rf"{_escaped(name)} \- {_escaped(_lower(entry.summary))}", ".SH SYNOPSIS"]
    for command in entry.commands.values():
        lines += [_synopsis(command), ".br"]
    lines.pop()
    if entry.single is not None:
        lines += [".SH DESCRIPTION", *_prose(entry.help), *_options(entry.single, ".SH")]
    else:
        lines += [".SH DESCRIPTION", *_prose(entry.help)]
        for command in entry.commands.values():
            lines += [f".SH {_escaped(command.name.upper())}", *_prose(command.help), *_options(command, ".SS")]
    lines += [*_exit_status(), ".SH SEE ALSO", r"\fBmirtool\fR(1)"]
    return "\n".join(lines) + "\n"


def _title(name: str) -> list[str]:
    return [f'.TH "{_escaped(name.upper())}" 1 "" "mirtool {__version__}" "Music processing in the shell"']


def _synopsis(command: Command) -> str:
    inputs = " ".join(rf"\fI{_escaped(item)}\fR" for item in help.placeholders(command))
    return rf"\fB{_escaped(' '.join(('mirtool', *command.path)))}\fR [\fIOPTIONS\fR] {inputs}".rstrip()


def _options(command: Command, heading: str) -> Iterator[str]:
    if command.inputs.arguments:
        yield f"{heading} {'INPUTS' if heading == '.SH' else 'Inputs'}"
        for argument in command.inputs.arguments:
            yield from (".TP", rf"\fI{_escaped(argument.name)}\fR", _escaped(argument.help))
    for section, options in help.by_section(command.options).items():
        yield f"{heading} {section.upper() if heading == '.SH' else section}"
        for option in options:
            yield from (".TP", _flags(option), _escaped(option.description))


def _flags(option: Option) -> str:
    value = rf" \fI{_escaped(option.placeholder)}\fR" if option.placeholder else ""
    return ", ".join(rf"\fB{_escaped(flag)}\fR" for flag in option.flags) + value


def _exit_status() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES:
        yield from (".TP", rf"\fB{code}\fR", _escaped(meaning))


def _prose(text: str) -> Iterator[str]:
    """Set a docstring: paragraphs are filled, indented lines stay as they are."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        literal = False
        for line in paragraph.splitlines():
            if line.startswith("    ") != literal:
                literal = not literal
                yield from ((".RS 4", ".nf") if literal else (".fi", ".RE"))
            shown = _escaped(line.strip() if literal else line)
            yield shown.replace(",", r",\:") if line.startswith("Columns: ") else shown  # may be broken there
        if literal:
            yield from (".fi", ".RE")


def _escaped(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("…", r"\&...")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


# -------------------------------------------------------------------------------------------------------------- writing


def stale(folder: Path) -> list[str]:
    """Return the generated files that are missing or not as they should be, and those that should not be there."""
    made = pages((folder / "README.md").read_text("utf-8"))
    wrong = [name for name, text in made.items() if not _is(folder / name, text)]
    there = [*folder.glob("man/*.1"), *folder.glob("completions/*")]
    return wrong + sorted(str(path.relative_to(folder)) for path in there if str(path.relative_to(folder)) not in made)


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def main(arguments: Iterable[str]) -> int:
    """Write the files, or check them."""
    folder = Path.cwd()
    if "--check" in arguments:
        wrong = stale(folder)
        for name in wrong:
            print(f"{name}: stale (make docs)")
        return 1 if wrong else 0
    made = pages((folder / "README.md").read_text("utf-8"))
    for name in stale(folder):
        if name in made:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[name], "utf-8")
        else:
            (folder / name).unlink()
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
