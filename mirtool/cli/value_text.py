"""Values as text: what stands behind an option, in a cell of a job table and in a parameter file."""

import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from mirtool.errors import UsageProblem

NONE = "none"
_NONES = (NONE, "auto")  # a value that is found from the data
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def optional(annotation: Any) -> tuple[Any, bool]:
    """Return the type without None, and whether None is allowed."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0], len(get_args(annotation)) > 1
    return annotation, False


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Return the names that a Literal type allows; empty for any other type."""
    bare, _ = optional(annotation)
    return tuple(str(name) for name in get_args(bare)) if get_origin(bare) is Literal else ()


def metavar_of(annotation: Any) -> str:
    """Return how help names a value of this type."""
    bare, _ = optional(annotation)
    if bare is int:
        return "N"
    if bare is float:
        return "X"
    if get_origin(bare) is tuple:
        return "X,Y…"
    if _is_mapping(bare):
        return "NAME=X,…"
    return "TEXT"


def parse(text: str, annotation: Any) -> Any:
    """Convert the text of an option.

    Parameters
    ----------
    text : str
        As the user wrote it.
    annotation : type
        int, float, bool, str, a Literal, a tuple or a mapping of these, or any of them or None (written ``none`` or
        ``auto``).

    Raises
    ------
    UsageProblem
        The text is no such value; the message has no subject, so that the caller puts the flag before it.
    """
    bare, can_be_none = optional(annotation)
    if can_be_none and text.strip().lower() in _NONES:
        return None
    if bare is bool:
        return _parse_bool(text)
    if bare in (int, float):
        return _parse_number(text, bare)
    if get_origin(bare) is Literal:
        if text not in get_args(bare):
            raise UsageProblem(f"{text!r} is none of {', '.join(map(str, get_args(bare)))}")
        return text
    if get_origin(bare) is tuple:
        inner = get_args(bare)[0]
        return _counted(tuple(parse(part.strip(), inner) for part in text.split(",") if part.strip()), bare)
    if _is_mapping(bare):
        return _parse_mapping(text, get_args(bare)[1])
    return text


def from_toml(value: Any, annotation: Any) -> Any:
    """Convert a value read from TOML; raises `UsageProblem` like `parse`."""
    bare, _ = optional(annotation)
    if isinstance(value, str):
        return parse(value, annotation)
    if get_origin(bare) is tuple and isinstance(value, list):
        return _counted(tuple(from_toml(part, get_args(bare)[0]) for part in value), bare)
    if _is_mapping(bare) and isinstance(value, Mapping):
        return {key: from_toml(part, get_args(bare)[1]) for key, part in value.items()}
    if bare is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not bare:
        raise UsageProblem(f"{value!r} is not {_named(bare)}")
    return value


def to_toml(value: Any) -> str:
    """Write a value so that `from_toml` gives it back."""
    if value is None:
        return f'"{NONE}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_quoted(str(key))} = {to_toml(part)}" for key, part in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(to_toml(part) for part in value)}]"
    return _quoted(str(value))


def to_text(value: Any) -> str:
    """Write a value as it would stand on the command line."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, Mapping):
        return ",".join(f"{key}={to_text(part)}" for key, part in value.items())
    if isinstance(value, (tuple, list)):
        return ",".join(to_text(part) for part in value)
    return str(value)


def _counted(values: tuple[Any, ...], bare: Any) -> tuple[Any, ...]:
    """Refuse another number of values than the type has; ``tuple[float, ...]`` takes any."""
    kinds = get_args(bare)
    if kinds[-1] is not Ellipsis and len(values) != len(kinds):
        raise UsageProblem(f"{len(kinds)} values are needed, not {len(values)}")
    return values


def _is_mapping(bare: Any) -> bool:
    origin = get_origin(bare)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _named(bare: Any) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(bare, "such a value")


def _parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise UsageProblem(f"{text!r} is not true or false")
    return word in _TRUE


def _parse_number(text: str, kind: Callable[[str], Any]) -> Any:
    try:
        if "_" not in text:  # Python reads 1_000
            return kind(text)
    except ValueError:
        pass
    raise UsageProblem(f"{text!r} is not {_named(kind)}")


def _parse_mapping(text: str, inner: Any) -> dict[str, Any]:
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = part.partition("=")
        if not sign or not key.strip():
            raise UsageProblem(f"{part!r} is not NAME=VALUE")
        pairs[key.strip()] = parse(value.strip(), inner)
    return pairs


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(char):04x}" if ord(char) < 32 or ord(char) == 127 else f"\\{char}" if char in '"\\' else char
        for char in text
    )
    return f'"{escaped}"'
