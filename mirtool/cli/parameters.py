"""Parameters of algorithms: options made from a frozen dataclass, and parameter files in TOML."""

import dataclasses
import functools
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from mirtool import __version__
from mirtool.cli import options, value_text
from mirtool.cli.inputs import read_text
from mirtool.cli.options import Option
from mirtool.errors import FormatError, UsageProblem


@functools.cache
def options_of(kind: type) -> tuple[Option, ...]:
    """Make an option of each field; its metadata gives help, unit, choices, metavar and `of` (see `Option`)."""
    hints = typing.get_type_hints(kind)
    made = []
    for field in dataclasses.fields(kind):
        shared = options.FIELDS.get(field.name, Option(""))
        meta = field.metadata
        made_by = field.default_factory
        default = field.default if made_by is dataclasses.MISSING else made_by()
        annotation = hints[field.name]
        made.append(
            dataclasses.replace(
                shared,
                help=meta.get("help", shared.help),
                unit=meta.get("unit", shared.unit),
                none=meta.get("none", shared.none),
                metavar=meta.get("metavar", shared.metavar),
                choices=tuple(map(str, meta.get("choices", ()))) or value_text.choices_of(annotation),
                of=tuple(meta.get("of", ())),
                section="Parameters",
                name=field.name,
                type=annotation,
                default=default,
                both=value_text.optional(annotation)[0] is bool,
            )
        )
    return tuple(made)


def merged(kinds: Iterable[type]) -> tuple[Option, ...]:
    """Join the options of several dataclasses; a name that stands twice must mean the same."""
    found: dict[str, Option] = {}
    for kind in kinds:
        for option in options_of(kind):
            if found.setdefault(option.name, option) != option:
                raise TypeError(f"{kind.__name__}.{option.name} differs from the same name in another dataclass")
    return tuple(found.values())


def resolve(kinds: Mapping[str, type], flags: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    """Make the parameter objects: a flag goes before the file, the file before the dataclass."""
    given = {**file, **flags}
    return {
        name: kind(**{field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given})
        for name, kind in kinds.items()
    }


def load(file: str, path: tuple[str, ...], known: tuple[Option, ...], commands: Iterable[str]) -> dict[str, Any]:
    """Read the parameters of one command from a TOML file.

    Parameters
    ----------
    file : str
    path : tuple of str
        The command, such as ``("features", "chroma")``: its table is ``[features.chroma]``.
    known : tuple of Option
    commands : iterable of str
        Names of all commands; their tables may stand in the same file.

    Raises
    ------
    UsageProblem
        A key is unknown or a value is of the wrong kind.
    FormatError
        Not TOML.
    """
    document = _read(file)
    strange = sorted(set(document) - set(commands) - {"mirtool"})
    if strange:
        raise UsageProblem(f"{file}: unknown key {', '.join(strange)}")
    table: Any = document
    for name in path:
        table = table.get(name, {})
        if not isinstance(table, Mapping):
            raise UsageProblem(f"{file}: {'.'.join(path)} is not a table")
    by_name = {option.name: option for option in known}
    found = {str(key).replace("-", "_"): value for key, value in table.items()}
    strange = sorted(set(found) - set(by_name))
    if strange:
        raise UsageProblem(f"{file}: unknown key {', '.join(strange)} in [{'.'.join(path)}]")
    result = {}
    for key, value in found.items():
        try:
            result[key] = value_text.from_toml(value, by_name[key].type)
        except UsageProblem as problem:
            raise UsageProblem(f"{file}: {key}: {problem}") from None
        by_name[key].check(result[key])
    return result


def dump(path: tuple[str, ...], parameters: Iterable[Any]) -> str:
    """Write parameter objects as TOML that `load` reads."""
    lines = [f'mirtool = "{__version__}"', "", f"[{'.'.join(path)}]"]
    for name, value in as_mapping(parameters).items():
        lines.append(f"{name} = {value_text.to_toml(value)}")
    return "\n".join(lines) + "\n"


def as_mapping(parameters: Iterable[Any]) -> dict[str, Any]:
    """Return all parameters by name."""
    return {field.name: getattr(item, field.name) for item in parameters for field in dataclasses.fields(item)}


def _read(file: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"not TOML: {error}", file) from None
