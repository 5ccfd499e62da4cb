"""Settings from TOML: tables become dataclasses, every key checked against the type of its default."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from kws.errors import KwsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Settings = TypeVar("Settings")


def read_tables(path: Path) -> dict[str, Any]:
    """All of a TOML file; KwsError names the file and what is wrong with it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KwsError(f"{path}: not a readable recipe ({error}); give a TOML file") from error


def read_settings(path: Path, kinds: Mapping[str, type[Any]]) -> dict[str, Any]:
    """The tables of a file, each as the dataclass of its name, or as it is where that is `dict`.

    Raises:
        KwsError: file and key of whatever is unknown or of the wrong type.
    """
    tables = read_tables(path)
    for table, values in tables.items():
        if table not in kinds:
            raise KwsError(f"{path}: unknown table [{table}]; allowed are {', '.join(kinds)}")
        if not isinstance(values, dict):
            raise KwsError(f"{path}: {table} is {values!r}, expected a table [{table}]")
    return {
        table: values if kinds[table] is dict else checked(kinds[table], values, str(path), table)
        for table, values in tables.items()
    }


def checked(kind: type[Settings], values: Mapping[str, Any], file: str, table: str) -> Settings:
    """A dataclass of settings; KwsError names file and key of whatever is unknown or of the wrong type.

    Every number must be 0 or more, and those of a list above 0.
    """
    defaults = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    check_values(values, defaults, file, table)
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def check_values(values: Mapping[str, Any], defaults: Mapping[str, Any], file: str, table: str) -> None:
    """KwsError names file and key of whatever has no default or is not of its type."""
    for key, value in values.items():
        if key not in defaults:
            raise KwsError(f"{file}: unknown key {table}.{key}; allowed are {', '.join(defaults)}")
        if not _fits(value, defaults[key]):
            raise KwsError(f"{file}: {table}.{key} is {value!r}, expected {_expected(defaults[key])}")


def check_above_zero(settings: object, keys: Iterable[str], file: str, table: str) -> None:
    """KwsError names file and key of a setting that is 0 and must not be."""
    for key in keys:
        if not getattr(settings, key):
            raise KwsError(f"{file}: {table}.{key} is 0, expected more")


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and bool(value) and all(type(n) is int and n > 0 for n in value)
    allowed = (int, float) if isinstance(default, float) else (type(default),)
    return type(value) in allowed and (isinstance(value, str) or value >= 0)


def _expected(default: Any) -> str:
    if isinstance(default, tuple):
        return "a list of whole numbers above 0"
    limit = "" if isinstance(default, (bool, str)) else ", not negative"
    return type(default).__name__ + limit
