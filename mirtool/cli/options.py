"""The options: what one is, and those that mean the same everywhere, each defined once."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Any

from mirtool.cli import value_text
from mirtool.errors import UsageProblem
from mirtool.io.options import ENCODINGS


@dataclass(frozen=True)
class Option:
    """An option of the command line, from which parser, help, manual and completions are made.

    In a command's signature: ``confidence: Annotated[bool, Option("Append a column.")] = False``; name, type and
    default are then those of the argument.

    Parameters
    ----------
    help : str
        One sentence.
    short : str
        Such as ``-o``.
    metavar : str
        How help names the value.
    choices : tuple of str
    unit : str
    output : str
        The option names an output file; this is its extension when a folder is given, such as ``.png``.
    folder : bool
        The option names a folder of files; of several inputs each gets a folder of its own inside.
    is_input : bool
        With `folder`: its files are read, not written.
    offline : bool
        Needs the whole input: not together with ``--live``. Outputs and folders always do.
    repeat : bool
        May be given several times; the function gets a tuple.
    of : tuple of str
        The option belongs to another: ``("method", "hpss", "vocals")`` to these choices of ``--method``, ``("over",)``
        to any use of ``--over``. Without, it does nothing, and giving it is refused (`Command.options`).
    section : str
        Heading in help.
    in_rows : bool
        May be a column of a job table.
    files : bool
        Takes a file name (for completions).
    name, type, default
        Filled in from the signature or the dataclass.
    both : bool
        A switch with ``--no-…``.
    none : str
        How help names the value None: ``auto`` where it is found from the data.
    least, above, most : float or None
        Smallest value, or the bound that a value must be above; and the largest.
    """

    help: str
    short: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    unit: str = ""
    output: str = ""
    folder: bool = False
    is_input: bool = False
    offline: bool = False
    repeat: bool = False
    of: tuple[str, ...] = ()
    section: str = "Options"
    in_rows: bool = True
    files: bool = False
    name: str = ""
    type: Any = str
    default: Any = None
    both: bool = False
    none: str = value_text.NONE
    least: float | None = None
    above: float | None = None
    most: float | None = None

    @property
    def flag(self) -> str:
        """The long flag."""
        return "--" + flag_name(self.name)

    @property
    def is_switch(self) -> bool:
        """Takes no value."""
        return value_text.optional(self.type)[0] is bool

    @property
    def flags(self) -> tuple[str, ...]:
        """Every way to write it, the short one first."""
        negative = ("--no-" + self.flag[2:],) if self.both else ()
        return (*filter(None, (self.short,)), self.flag, *negative)

    @property
    def placeholder(self) -> str:
        """How help names the value; empty for a switch."""
        if self.is_switch:
            return ""
        if self.output and not self.metavar:
            return "FILE"
        return self.metavar or "|".join(self.choices) or value_text.metavar_of(self.type)

    @property
    def takes_files(self) -> bool:
        """Whether the value is the name of a file."""
        return self.files or self.folder or bool(self.output)

    @property
    def description(self) -> str:
        """Help as a sentence, with unit and default."""
        text = self.help[:1].upper() + self.help[1:] if self.help[:1] in ascii_lowercase else self.help
        text += "" if text.endswith(".") else "."
        notes = [f"with --{flag_name(self.of[0])} {_either(self.of[1:])}".rstrip()] if self.of else []
        notes += [self.unit] if self.unit else []
        if self.choices and self.metavar:
            notes.append(", ".join(self.choices))
        if self.default not in (None, False, (), "") or (self.section == "Parameters" and not self.is_switch):
            shown = self.none if self.default is None else value_text.to_text(self.default)
            notes.append("default: " + (("on" if self.default else "off") if self.is_switch else shown or "none"))
        return text + (f" [{'; '.join(notes)}]" if notes else "")

    def convert(self, text: str) -> Any:
        """Convert what the user wrote; errors begin with the flag."""
        try:
            value = value_text.parse(text, self.type)
        except UsageProblem as problem:
            raise UsageProblem(f"{self.flag}: {problem}") from None
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        """Raise `UsageProblem` if the value is none of the choices or out of bounds (NaN always is)."""
        if self.choices and value is not None and str(value) not in self.choices:
            raise UsageProblem(f"{self.flag}: {str(value)!r} is none of {', '.join(self.choices)}")
        if self.least is not None and value is not None and not self.least <= value < math.inf:
            raise UsageProblem(f"{self.flag}: must be at least {self.least:g}, not {value}")
        if self.above is not None and value is not None and not self.above < value < math.inf:
            raise UsageProblem(f"{self.flag}: must be above {self.above:g}, not {value}")
        if self.most is not None and value is not None and not value <= self.most:
            raise UsageProblem(f"{self.flag}: must be at most {self.most:g}, not {value}")


def flag_name(name: str) -> str:
    """Return what stands after the dashes for an argument or a field of that name."""
    return name.strip("_").replace("_", "-")


def refuse_idle(options: Iterable[Option], given: Container[str], values: Mapping[str, Any]) -> None:
    """Raise `UsageProblem` if an option was given that does nothing beside the others; see `Option.of`.

    Parameters
    ----------
    options : iterable of Option
    given : container of str
        Names of the options on the command line, or in a row of a job table. Parameter files hold all parameters, and
        what does nothing may stand there.
    values : mapping
        What holds, by name: parameters and options that were given.
    """
    by_name = {option.name: option for option in options}
    for option in by_name.values():
        if not option.of or option.name not in given:
            continue
        owner, choices = by_name[option.of[0]], option.of[1:]
        value = values.get(owner.name, owner.default)
        if choices and str(value) not in choices:
            shown = owner.none if value is None else value
            raise UsageProblem(f"{option.flag} is for {owner.flag} {_either(choices)}, not {shown}")
        if not choices and value in (None, False, ()):
            raise UsageProblem(f"{option.flag} needs {owner.flag}")


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _shared(name: str, kind: Any, help: str, default: Any = None, **more: Any) -> Option:
    return replace(Option(help, section="Shared options", **more), name=name, type=kind, default=default)


OUTPUT = _shared(
    "output", str, "Write there instead of to stdout; DIR/ or an existing folder: a file for each input.",
    short="-o", metavar="FILE|DIR/", files=True,
)  # fmt: skip
FORMAT = _shared("format", str, "Format of the output; by default the extension of -o decides.", metavar="FORMAT")
SUBTYPE = _shared(
    "subtype", str, "Sample format of audio, such as PCM_16 or PCM_24; WAV is FLOAT by default.", metavar="NAME"
)
ONLY = _shared("only", str, "Write this part alone, to -o FILE or stdout.", metavar="PART")
FROM = _shared(
    "from_", str, "Format of stdin, or of the first input whose name does not tell it.", metavar="FORMAT"
)  # fmt: skip
RAW = _shared(
    "raw", str, "That input is sound without a header, in this encoding.", metavar="ENCODING", choices=ENCODINGS
)  # fmt: skip
SAMPLE_RATE = _shared(
    "sample_rate", int, "Sample rate of sound without a header.", metavar="HZ", unit="Hz", least=1, of=("raw",)
)  # fmt: skip
CHANNELS = _shared("channels", int, "Channels of sound without a header.", 1, metavar="N", least=1, of=("raw",))
LIVE = _shared(
    "live", bool, "Read sound that may have no end, and write each row as soon as it is known.", False, in_rows=False
)  # fmt: skip
DELAY = _shared(
    "delay", float, "The longest time from a sound to its row with --live; more time, better rows.", 0.4,
    metavar="S", unit="s", least=0, in_rows=False, of=("live",),
)  # fmt: skip
START = _shared("start", float | None, "Where to begin in the first input.", metavar="S", unit="seconds", least=0)
DURATION = _shared(
    "duration", float | None, "How much of the first input to read.", metavar="S", unit="seconds", above=0
)
INPUT_RATE = _shared(
    "input_feature_rate", float | None, "Frames per second of an NPY input without a description.",
    metavar="HZ", unit="Hz", above=0,
)  # fmt: skip
PEDAL = _shared("pedal", bool, "Let notes of MIDI files sound as long as the sustain pedal holds them.", False)
PLOT = _shared("plot", str, "Draw the result as PNG, SVG or PDF.", metavar="FILE|DIR/", output=".png")
FILES_FROM = _shared(
    "files_from", str, "Read inputs from a list (one a line; - is stdin), or jobs from a .tsv table (one a row).",
    metavar="LIST", in_rows=False, files=True,
)  # fmt: skip
JOBS = _shared("jobs", int, "Work on N inputs at once.", 1, short="-j", metavar="N", in_rows=False, least=1)
SKIP = _shared("skip_existing", bool, "Skip inputs whose output already exists.", False, in_rows=False)
FILENAME = _shared(
    "with_filename", bool, "Begin each row with the input's name (always so for folders and --files-from).", False,
    short="-H", in_rows=False,
)  # fmt: skip
INDEX = _shared(
    "index", str | None,
    "Search this index; with CORPUS, build it or bring it up to date first; with folders alone, do only that.",
    metavar="FILE", files=True, in_rows=False,
)  # fmt: skip
BUILD = _shared(
    "build", bool, "Build the index of all inputs, or bring it up to date, and search nothing.", False,
    in_rows=False, of=("index",),
)  # fmt: skip
QUERIES = _shared(
    "queries", str | None, "Search for each of these instead of QUERY: a list, one a line, or a folder.",
    metavar="LIST|DIR/", files=True, in_rows=False,
)  # fmt: skip
TOP = _shared("top", int | None, "Write this many hits of each query.", metavar="N", least=1)
MIN_SCORE = _shared(
    "min_score", float | None, "Write hits of this score or more.", metavar="X", unit="0 to 1", least=0, most=1
)  # fmt: skip
PARAMS = _shared(
    "params", str, "Read parameters from a TOML file; flags override it.", metavar="FILE", in_rows=False, files=True
)  # fmt: skip
DUMP_PARAMS = _shared("dump_params", bool, "Print the parameters in use as TOML and stop.", False, in_rows=False)
QUIET = _shared("quiet", bool, "Errors only on stderr.", False, short="-q", in_rows=False)
VERBOSE = _shared("verbose", bool, "Say more on stderr.", False, short="-v", in_rows=False)
DEBUG = _shared("debug", bool, "Show the traceback of an error.", False, in_rows=False)
HELP = _shared("help", bool, "Show this help and stop.", False, short="-h", in_rows=False)

# Fields of parameter dataclasses that mean one thing everywhere need no help text of their own.
FIELDS: Mapping[str, Option] = {
    "feature_rate": Option("Frames per second of the analysis.", metavar="HZ", unit="Hz"),
    "seed": Option("Seed of everything random.", metavar="N"),
}
