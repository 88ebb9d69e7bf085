"""From the command line to jobs: every name is mapped to its outputs, and refused, before any work begins."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from string import ascii_lowercase
from typing import Any

from mirtool.cli import options, parameters, rows, searches
from mirtool.cli.command import NAMED, PICTURE_FORMATS, PICTURES, STREAMABLE, Command, names
from mirtool.cli.inputs import Argument, Named, name_file, read_list, read_rows, search
from mirtool.cli.options import Option
from mirtool.cli.plan import Plan, Reading
from mirtool.cli.searches import Search
from mirtool.errors import OutputProblem, UsageProblem
from mirtool.io import formats
from mirtool.io.options import RawLayout

log = logging.getLogger("mirtool")

Values = Mapping[str, Any]
PICTURE_EXTENSIONS = tuple(f".{name}" for name in PICTURE_FORMATS)


@dataclass(frozen=True)
class Asked:
    """A job as asked for: its inputs and the options that hold for it.

    Parameters
    ----------
    inputs : tuple of Named
    values : mapping
        Options by name, those of a job table's row included; absent means not given.
    stem : str
        What its outputs in a folder are called.
    row : frozenset of str
        Options that its row gives.
    search : Search or None
        What is searched for, and where.
    """

    inputs: tuple[Named, ...]
    values: Values
    stem: str
    row: frozenset[str] = frozenset()
    search: Search | None = None

    @property
    def listed(self) -> bool:
        """Whether it comes from a folder, a list or a table."""
        return any(item.listed for item in self.inputs)


def plan(command: Command, given: list[str], values: Values) -> list[Plan]:
    """Make the jobs.

    Parameters
    ----------
    command : Command
    given : list of str
        Inputs on the command line.
    values : mapping
        Converted options that were given, by name.

    Raises
    ------
    UsageProblem
        The inputs do not fit the command, or outputs would meet each other or an input.
    OutputProblem
        An output lies in a folder that does not exist.
    """
    if values.get("output") == "":
        raise UsageProblem("--output: an empty name")
    asked = list(_asked(command, given, values))
    several = len(asked) > 1
    asks = bool(values.get("with_filename")) and all(job.search is None for job in asked)  # a search does it itself
    named = asks or any(job.listed for job in asked)
    common = _from_file(command, values)
    plans = [_plan(command, job, several, named, common) for job in asked]
    _check_stdin(plans, values)
    _check_targets(plans)
    _check_folders(plans)
    rows.check(command, plans, values)
    return plans


# ------------------------------------------------------------------------------------------------------------- inputs


def _asked(command: Command, given: list[str], values: Values) -> Iterator[Asked]:
    inputs, listing = command.inputs, values.get("files_from")
    if inputs.shape == "none":
        if given:
            raise UsageProblem(f"unexpected argument {given[0]!r}")
        yield Asked((), values, "")
        return
    is_table = listing is not None and (inputs.shape != "many" or listing.lower().endswith(".tsv"))
    if is_table:
        if given:
            raise UsageProblem("give either inputs or --files-from with a job table, not both")
        rows = list(_from_rows(command, str(listing), values))
        yield from (
            [_joined(rows, values, str(listing))] if inputs.together and not any(row.row for row in rows) else rows
        )
        return
    if inputs.shape == "search":
        yield _search(command, given, values)
        return
    _check_count(command, given, listing)
    if inputs.shape == "many":
        argument = inputs.arguments[0]
        target = values.get("output") or ""
        but = target if is_folder(target) else ""
        listed = [] if listing is None else read_list(listing)
        found = chain(_expanded(argument, given, but=but), _expanded(argument, listed, listed=True, but=but))
        if inputs.together:
            yield Asked(tuple(replace(item, listed=False) for item in found), values, "")
        else:
            yield from (Asked((item,), values, item.stem) for item in found)
        return
    items = _assigned(inputs.arguments, given)
    yield Asked(items, values, _stem(command, items))


def _search(command: Command, given: list[str], values: Values) -> Asked:
    query, corpus = command.inputs.arguments
    search, items = searches.split(command.inputs, given, values, (extensions_of(query), extensions_of(corpus)))
    if search.builds:
        searches.refuse_idle({option.name for option in command.own} & {*values})
    stem = items[0].stem if len(search.queries) == 1 else name_file(search.label).stem
    return Asked(tuple(replace(item, listed=False) for item in items), values, stem, search=search)


def _check_count(command: Command, given: list[str], listing: str | None) -> None:
    inputs = command.inputs
    if inputs.shape == "many":
        if not given and listing is None:
            raise UsageProblem(f"missing argument {inputs.arguments[0].name} (or --files-from)")
    elif inputs.shape == "group":
        if len(given) < inputs.minimum:
            raise UsageProblem(f"at least {inputs.minimum} inputs are needed")
    elif len(given) < len(inputs.arguments):
        raise UsageProblem(f"missing argument {inputs.arguments[len(given)].name}")
    elif len(given) > len(inputs.arguments) and not inputs.arguments[-1].repeat:
        raise UsageProblem(f"unexpected argument {given[len(inputs.arguments)]!r}")


def _expanded(argument: Argument, given: Iterable[str], *, listed: bool = False, but: str = "") -> Iterator[Named]:
    for name in given:
        if not argument.reads:
            yield name_file(name)
            continue
        yield from search(name, extensions_of(argument), listed=listed, but=but)


def _assigned(arguments: tuple[Argument, ...], given: list[str]) -> tuple[Named, ...]:
    last = arguments[-1]
    if not last.repeat:
        return tuple(name_file(name) for name in given)
    single = len(arguments) - 1
    return (*(name_file(name) for name in given[:single]), *_expanded(last, given[single:]))


def extensions_of(argument: Argument) -> tuple[str, ...]:
    """Return the extensions of the files that an argument takes from a folder."""
    rows = (row for row in formats.FORMATS.values() if row.reader and set(row.containers) & set(argument.reads))
    return tuple(dict.fromkeys(extension for row in rows for extension in row.extensions))


def _stem(command: Command, items: tuple[Named, ...]) -> str:
    for argument, item in zip(command.inputs.arguments, items, strict=False):
        if argument.name == command.inputs.named_by:
            return item.stem
    return "-".join(item.stem.replace(os.sep, "-") for item in items)


def _from_rows(command: Command, listing: str, values: Values) -> Iterator[Asked]:
    by_name = {option.name.strip("_"): option for option in command.options if option.in_rows}
    for row in read_rows(listing):
        cells = {column.strip("-").replace("-", "_").lower(): cell for column, cell in row.items()}
        given = [cells.pop(column) for column in _columns(command, cells, listing, values)]
        strange = sorted(set(cells) - set(by_name))
        if strange:
            raise UsageProblem(f"{listing}: column {', '.join(strange)} is neither an argument nor an option")
        own = {by_name[key].name: by_name[key].convert(cell) for key, cell in cells.items()}
        if command.inputs.shape == "search":
            asked = _search(command, given, {**values, **own, "with_filename": False})
            if asked.search and asked.search.named:
                raise UsageProblem(f"{listing}: {given[0]} is a folder; a row takes one query")
            items = tuple(replace(item, listed=True) for item in asked.inputs)
            yield replace(asked, inputs=items, stem=name_file(given[0], listed=True).stem, row=frozenset(own))
            continue
        items = tuple(name_file(name, listed=True) for name in given)
        yield Asked(items, {**values, **own}, _stem(command, items), frozenset(own))


def _joined(rows: list[Asked], values: Values, listing: str) -> Asked:
    """Make one job of all rows of a job table."""
    if not rows:
        raise UsageProblem(f"{listing}: a job table without rows")
    items = tuple(name_file(item.name) for row in rows for item in row.inputs)
    return Asked(items, values, name_file(listing).stem)


def _columns(command: Command, cells: Mapping[str, str], listing: str, values: Values) -> list[str]:
    """Return the columns of a row that are inputs, in their order."""
    inputs = command.inputs
    if inputs.shape == "group":
        columns = [letter for letter in ascii_lowercase if letter in cells]
        if len(columns) < inputs.minimum:
            raise UsageProblem(f"{listing}: a row needs the columns {', '.join(ascii_lowercase[: inputs.minimum])}")
        return columns
    columns = [argument.column for argument in inputs.arguments]
    if inputs.shape == "search" and values.get("index") is not None:
        columns = columns[:1]  # side by side, jobs cannot bring one index up to date
    missing = [column for column in columns if column not in cells]
    if missing:
        raise UsageProblem(f"{listing}: a row without {', '.join(missing)}")
    return columns


# ------------------------------------------------------------------------------------------------------------ outputs


def _plan(command: Command, job: Asked, several: bool, named: bool, common: Values) -> Plan:
    values = job.values
    output, format = values.get("output") or "-", values.get("format")
    parts = command.parts and values.get("only") is None
    collect = False
    in_folder = is_folder(output)
    if parts:
        if not in_folder:
            raise UsageProblem("there are several outputs: -o DIR/ (with the final /), or --only PART")
        output = os.path.join(output, job.stem if several or job.listed else "", "")
    elif in_folder:
        output = _inside(output, job.stem, extension_of(command, format))
    format = _default(command, format, output)
    if not parts and not in_folder and "output" not in job.row:
        tabular = command.writes in formats.TABLES or format in NAMED
        if values.get("with_filename") and not tabular:
            raise UsageProblem(f"--with-filename needs --format: {' or '.join(NAMED)}")
        collect = several or (named and tabular)
    own = {option.name: _own(option, job, several) for option in command.own}
    plot = _extra("--plot", values.get("plot"), ".png", job, several)
    if plot is not None and not plot.lower().endswith(PICTURE_EXTENSIONS):
        raise UsageProblem(f"--plot {plot}: a picture is written as {', '.join(PICTURE_EXTENSIONS)}")
    asked = [(values.get("output"), output), (values.get("plot"), plot)]
    asked += [(values.get(option.name), own[option.name]) for option in command.own if option.output]
    asked += [(own[option.name], own[option.name]) for option in command.own if option.folder and not option.is_input]
    return Plan(
        module=command.module,
        name=command.name,
        path=command.path,
        inputs=tuple(item.name for item in job.inputs),
        reads=tuple(argument.reads for argument in command.inputs.arguments),
        parameters=_parameters(command, values, common),
        own=own,
        output=output,
        format=format if collect or not command.parts else values.get("format"),  # parts may be of several kinds
        subtype=values.get("subtype"),
        only=values.get("only"),
        plot=plot,
        extras=tuple(target for _, target in asked[1:] if target is not None),
        folders=tuple(os.path.dirname(target) for name, target in asked if name and target and is_folder(name)),
        column=_column(command, job) if collect and named else None,
        collect=collect,
        parts=parts,
        search=job.search,
        given=frozenset({option.name for option in command.parameters} & {*values, *common}),
        flags=frozenset({option.name for option in command.parameters} & {*values}),
        reading=_reading(values),
        delay=values.get("delay", options.DELAY.default),
        jobs=1 if several else values.get("jobs", 1),
        quiet=bool(values.get("quiet")) or several,
        level=log.level,
    )


def _reading(values: Values) -> Reading:
    return Reading(
        format=values.get("from_"),
        start=values.get("start"),
        duration=values.get("duration"),
        feature_rate=values.get("input_feature_rate"),
        pedal=bool(values.get("pedal")),
        raw=_raw(values),
        live=bool(values.get("live")),
    )


def _raw(values: Values) -> RawLayout | None:
    encoding, rate, channels = (values.get(name) for name in ("raw", "sample_rate", "channels"))
    if encoding is None:
        return None
    if values.get("from_") is not None:
        raise UsageProblem("--raw: not together with --from")
    if rate is None:
        raise UsageProblem("--raw needs --sample-rate (and --channels, where there are several)")
    return RawLayout(encoding, rate, channels or 1)


def is_folder(name: str) -> bool:
    """Tell whether -o means a folder."""
    return name.endswith("/") or (name != "-" and os.path.isdir(name))


def _inside(folder: str, stem: str, extension: str) -> str:
    return os.path.join(folder, (stem or "output") + extension)


def _default(command: Command, format: str | None, target: str) -> str | None:
    """Name the format of an output; None where only the container can tell."""
    if format is not None or command.writes == PICTURES:
        return format
    if target.lower().endswith(PICTURE_EXTENSIONS):
        raise UsageProblem(f"{target}: {'--plot' if command.plots else 'mirtool plot'} draws pictures")
    if (row := formats.by_extension(target)) is not None:
        return row.name if command.parts or not command.writes else formats.target_format(command.writes, target).name
    return formats.target_format(command.writes, "").name if command.writes else None


def extension_of(command: Command, format: str | None) -> str:
    """Return the extension of an output in a folder."""
    name = _default(command, format, "")
    if name is None and command.writes != PICTURES:
        raise UsageProblem("-o DIR/ needs --format here")
    if command.writes == PICTURES:
        return f".{name or 'png'}"
    extensions = formats.FORMATS[str(name)].extensions
    return extensions[0] if extensions else ".txt"


def _own(option: Option, job: Asked, several: bool) -> Any:
    value = job.values.get(option.name, option.default)
    if option.folder and value is not None:
        return os.path.join(value, job.stem if several or job.listed else "", "")
    return _extra(option.flag, value, option.output, job, several) if option.output else value


def _extra(flag: str, target: str | None, extension: str, job: Asked, several: bool) -> str | None:
    """Map the target of a further output."""
    if target is None:
        return None
    if is_folder(target):
        return _inside(target, job.stem, extension)
    if several and flag.strip("-").replace("-", "_") not in job.row:
        raise UsageProblem(f"{flag}: several inputs need a folder: {flag} {target}/")
    return target


def _column(command: Command, job: Asked) -> str:
    """Return what the leading column says of a job that shares a stream."""
    for argument, item in zip(command.inputs.arguments, job.inputs, strict=False):
        if argument.name == command.inputs.named_by:
            return item.name
    return " ".join(item.name for item in job.inputs)


# --------------------------------------------------------------------------------------------------------- parameters


def parameters_of(command: Command, values: Values) -> dict[str, Any]:
    """Make the parameter objects of a command line, by argument of the command's function."""
    return _parameters(command, values, _from_file(command, values))


def _from_file(command: Command, values: Values) -> Values:
    if values.get("params") is None:
        return {}
    return parameters.load(values["params"], command.path, command.parameters, {*names(), command.path[0]})


def _parameters(command: Command, values: Values, file: Values) -> dict[str, Any]:
    flags = {option.name: values[option.name] for option in command.parameters if option.name in values}
    made = parameters.resolve(command.kinds, flags, file)
    options.refuse_idle(command.options, values, {**values, **parameters.as_mapping(made.values())})
    return made


# ------------------------------------------------------------------------------------------------------------- refusals


def _check_stdin(plans: list[Plan], values: Values) -> None:
    readers = [name for job in plans for name in job.inputs if name == "-"]
    readers += [name for key in ("files_from", "params", "queries") if (name := values.get(key)) == "-"]
    if len(readers) > 1:
        raise UsageProblem("stdin (-) can be read once only")


def _check_targets(plans: list[Plan]) -> None:
    inputs = {os.path.realpath(name): name for job in plans for name in job.inputs if name != "-"}
    inputs |= {os.path.realpath(job.search.index): job.search.index for job in plans if job.search and job.search.index}
    seen: dict[str, str] = {}
    for job in plans:
        if (job.output, *job.extras).count("-") > 1:
            raise UsageProblem("stdout (-) can be written once only: -o FILE for one of the outputs")
        for target in job.targets:
            real = os.path.realpath(target)
            if is_folder(target) and os.path.isfile(real):
                raise UsageProblem(f"{target}: is a file, not a folder")
            if target == "-" or (not is_folder(target) and os.path.exists(target) and not os.path.isfile(target)):
                continue
            if real in inputs:
                raise UsageProblem(f"{target}: is an input; nothing is written over an input")
            if real in seen:
                raise UsageProblem(f"{target}: the output of both {seen[real]} and {job.label}")
            seen[real] = job.label
    collected = [job for job in plans if job.collect]
    if collected:
        _check_stream(collected)
        target = os.path.realpath(collected[0].output)
        if collected[0].output != "-" and target in inputs:
            raise UsageProblem(f"{collected[0].output}: is an input; nothing is written over an input")


def _check_folders(plans: list[Plan]) -> None:
    """Refuse targets in folders that are not there, unless an option names the folder itself (DIR/)."""
    for job in plans:
        for target in (job.output, *job.extras):
            folder = os.path.dirname(target) or "."
            if folder not in job.folders and not os.path.isdir(folder):
                raise OutputProblem(f"{target}: no such folder: {folder}")


def _check_stream(plans: list[Plan]) -> None:
    format = plans[0].format
    if len({job.output for job in plans}) > 1:
        raise UsageProblem("the rows of a job table write to several places; give each its own output")
    if format is None:
        raise UsageProblem("several inputs need -o DIR/, or --format of a table for one stream")
    if format not in STREAMABLE:
        raise UsageProblem(f"several inputs cannot share one stream of {format}: give -o DIR/")
    if any(job.column is not None for job in plans) and format not in NAMED:
        raise UsageProblem(f"{format} has no column for the input's name: {', '.join(NAMED)} have, or -o DIR/")
