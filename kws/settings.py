"""Tables of a configuration -> frozen dataclasses: every key checked, and documented.

A group of keys is a dataclass whose fields are made by `setting`. Its types may be str, bool, int, float,
tuple[str, ...], and each of the first four with "| None" for a key that has no default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from kws.errors import ConfigError

Group = TypeVar("Group")

_KINDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list of texts",
}

_ESCAPES = {"\n": "\\n", "\t": "\\t", "\0": "\\u0000"}

_LARGEST = 1e15
"""Beyond it a number is a mistake, and whole ones no longer fit a float."""


@dataclass(frozen=True)
class Key:
    """One key as documented."""

    name: str
    """With its table: "audio.source"."""
    default: str
    """As it would be written in TOML; "" if it has none."""
    allowed: str
    meaning: str


def setting(
    default: Any = dataclasses.MISSING,
    meaning: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    check: Callable[[Any], str] | None = None,
) -> Any:
    """A field of a group; without a default the key is required.

    Args:
        meaning: one line for the table of keys.
        least: smallest number allowed.
        most: largest.
        choices: texts allowed; for a list, texts allowed in it.
        check: returns what is allowed if a value is not, and "" if it is.
    """
    about = {"meaning": meaning, "least": least, "most": most, "choices": tuple(choices), "check": check}
    return dataclasses.field(default=default, metadata=about)


def read_group(group: type[Group], table: Mapping[str, Any], place: str) -> Group:
    """The dataclass of one table; `place` names file and table in errors.

    Raises:
        ConfigError: a key is unknown, missing, or has a value that is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(group)}  # type: ignore[arg-type]
    types = get_type_hints(group)
    for name in table:
        if name not in fields:
            raise ConfigError(f"{place}{name}: no such key; allowed are {', '.join(sorted(fields))}")
    for name, field in fields.items():
        if name in table:
            _check(f"{place}{name}", table[name], types[name], field.metadata)
        elif field.default is dataclasses.MISSING:
            raise ConfigError(f"{place}{name}: is missing; give {_allowed(types[name], field.metadata)}")
    return group(**{name: _as_stored(table[name], types[name]) for name in table})


def document(group: type[Any], prefix: str) -> Iterator[Key]:
    """The keys of a group, in their order."""
    types = get_type_hints(group)
    for field in dataclasses.fields(group):
        yield Key(
            name=prefix + field.name,
            default="" if field.default in (dataclasses.MISSING, None) else in_toml(field.default),
            allowed=_allowed(types[field.name], field.metadata),
            meaning=field.metadata["meaning"],
        )


def in_toml(value: Any) -> str:
    """A value as the file has it, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = '"' + "".join(map(_in_text, value)) + '"'
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(in_toml(part) for part in value) + "]"
    elif isinstance(value, Mapping):
        text = "a table"
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:56] + " ..."


def _in_text(character: str) -> str:
    if character in '\\"':
        return f"\\{character}"
    return character if character.isprintable() else _ESCAPES.get(character, f"\\U{ord(character):08x}")


def _check(place: str, value: Any, kind: Any, about: Mapping[str, Any]) -> None:
    problem = "" if _fits(value, kind, about) else _allowed(kind, about)
    if not problem and isinstance(value, str) and "\0" in value:
        problem = "text without the character 0"  # no path and no address can hold it
    if not problem and about["check"]:
        problem = about["check"](value)
    if problem:
        raise ConfigError(f"{place}: found {in_toml(value)}; allowed is {problem}")


def _fits(value: Any, kind: Any, about: Mapping[str, Any]) -> bool:
    base, choices = _base(kind), about["choices"]
    if base is tuple:
        return isinstance(value, list) and all(
            isinstance(part, str) and (not choices or part in choices) for part in value
        )
    if base in (int, float):
        return _is_number(value, base) and _within(value, about["least"], about["most"])
    return isinstance(value, base) and (not choices or value in choices)


def _is_number(value: Any, base: type) -> bool:
    kinds = (int, float) if base is float else int
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False  # TOML's true is no number, though Python's is
    return abs(value) <= _LARGEST  # false for nan


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _allowed(kind: Any, about: Mapping[str, Any]) -> str:
    base, least, most = _base(kind), about["least"], about["most"]
    if about["choices"]:
        choices = ", ".join(in_toml(choice) for choice in about["choices"])
        return f"a list of {choices}" if base is tuple else choices
    if least is not None and most is not None:
        return f"{_KINDS[base]} from {least:.15g} to {most:.15g}"
    return _KINDS[base] + (f", {least:.15g} or more" if least is not None else "")


def _base(kind: Any) -> type:
    """str of `str | None`, tuple of `tuple[str, ...]`."""
    if get_origin(kind) is tuple:
        return tuple
    named = [part for part in get_args(kind) if part is not type(None)]
    base: type = named[0] if named else kind
    return base


def _as_stored(value: Any, kind: Any) -> Any:
    base = _base(kind)
    if base is tuple:
        return tuple(value)
    return float(value) if base is float else value
