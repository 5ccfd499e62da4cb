"""What the keys of a manifest may hold, and the one line for a key that holds something else."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kws.errors import BundleError


@dataclass(frozen=True)
class Rule:
    """What a key may hold."""

    allowed: str
    """In words, for the message."""
    fits: Callable[[Any], bool]


def number(low: float, high: float) -> Rule:
    """From `low` to `high`."""
    return Rule(f"a number from {low} to {high}", lambda value: _is_number(value) and low <= value <= high)


def whole(low: int, high: int) -> Rule:
    """The same without a fraction."""
    return Rule(
        f"a whole number from {low} to {high}",
        lambda value: type(value) is int and low <= value <= high,
    )


def _is_number(value: Any) -> bool:
    # Not isinstance: bool is a kind of int. NaN, which Python's JSON reader lets through, lies in no range.
    return type(value) in (int, float)


def _is_text(value: Any) -> bool:
    # Half a surrogate pair, which Python's JSON reader lets through, could be neither printed nor sent.
    return isinstance(value, str) and value != "" and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(fits(item) for item in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


TEXT = Rule("text", _is_text)
OBJECT = Rule("an object", _is_object)
LABELS = Rule("a list of at least one text", lambda value: bool(value) and _is_list_of(_is_text)(value))
ROWS = Rule("a list of objects", _is_list_of(_is_object))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; BundleError where there is none."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{path}: not a readable JSON manifest ({error}); export or download it again"
        ) from error
    if not isinstance(manifest, dict):
        raise BundleError(
            f"{path}: holds a {type(manifest).__name__}, expected a JSON object; export or download it again"
        )
    return manifest


def write_json(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest as all of ours are written; raises OSError."""
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def check(path: Path, prefix: str, table: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """BundleError unless the table has every key, as its rule says; `prefix`: of the keys in the message."""
    for key, rule in rules.items():
        if key not in table:
            raise BundleError(f"{path}: {prefix}{key} is missing; it must be {rule.allowed}")
        if not rule.fits(table[key]):
            raise BundleError(f"{path}: {prefix}{key} is {shown(table[key])}; it must be {rule.allowed}")


def check_stated(path: Path, prefix: str, table: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """The same of those keys that it has."""
    check(path, prefix, table, {key: rule for key, rule in rules.items() if key in table})


def shown(value: Any) -> str:
    """For a message, shortened."""
    return reprlib.repr(value)
