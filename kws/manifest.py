"""The JSON half of a bundle: ESPHome's micro-wake-word manifest, version 2, read and checked key by key."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kws.errors import BundleError
from kws.frontends import ENCODERS, MICRO, row_format

FORMAT = 1
"""Version of the "kws" part of the manifest."""
RECOGNIZER = "recognizer"
"""The type of manifest that is no wake word's."""


@dataclass(frozen=True)
class _Rule:
    """What a key may hold."""

    allowed: str
    """In words, for the message."""
    fits: Callable[[Any], bool]


def _number(low: float, high: float) -> _Rule:
    return _Rule(f"a number from {low} to {high}", lambda value: _is_number(value) and low <= value <= high)


def _whole(low: int, high: int) -> _Rule:
    return _Rule(
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


_TEXT = _Rule("text", _is_text)
_OBJECT = _Rule("an object", _is_object)
_LABELS = _Rule("a list of at least one text", lambda value: bool(value) and _is_list_of(_is_text)(value))
_ROWS = _Rule("a list of objects", _is_list_of(_is_object))

_TOP = {"wake_word": _TEXT, "model": _TEXT, "micro": _OBJECT}
_MICRO = {
    "probability_cutoff": _number(0, 1),
    "feature_step_size": _whole(0, 30),
    "sliding_window_size": _whole(1, 1000),
}
_OURS = {
    "labels": _LABELS,
    "refractory_seconds": _number(0, 60),
    "warmup_rows": _whole(0, 1000),
    "word_seconds": _number(0, 10),
    "model_sha256": _TEXT,
    "states": _ROWS,
    "calibration": _ROWS,
    "confirmation": _OBJECT,
    "card": _OBJECT,
    "encoder": _OBJECT,
}
_ENCODER = {
    "name": _Rule(f"one of {', '.join(ENCODERS)}", lambda value: value in ENCODERS),
    "digest": _TEXT,
}


def read_manifest(path: Path) -> dict[str, Any]:
    """The checked content of a manifest.

    Raises:
        BundleError: naming the file, the key, what was found and what is allowed.
    """
    manifest = _read_json(path)
    if manifest.get("type") != "micro" or manifest.get("version") != 2:
        raise BundleError(
            f"{path}: type {_shown(manifest.get('type'))}, version {_shown(manifest.get('version'))}; "
            'expected "micro" and 2 (an ESPHome micro-wake-word manifest, version 2)'
        )
    _check(path, "", manifest, _TOP)
    _check(path, "micro.", manifest["micro"], _MICRO)
    _check_step(path, manifest["micro"]["feature_step_size"])
    if "kws" in manifest:
        _check(path, "", manifest, {"kws": _OBJECT})
        _check_ours(path, manifest["kws"])
    return manifest


def is_recognizer(path: Path) -> bool:
    """Whether a manifest is a recognizer's (`kws.recognition.bundle`); False for what cannot be read."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.get("type") == RECOGNIZER


def _read_json(path: Path) -> dict[str, Any]:
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


def _check(path: Path, prefix: str, table: Mapping[str, Any], rules: Mapping[str, _Rule]) -> None:
    for key, rule in rules.items():
        if key not in table:
            raise BundleError(f"{path}: {prefix}{key} is missing; it must be {rule.allowed}")
        if not rule.fits(table[key]):
            raise BundleError(f"{path}: {prefix}{key} is {_shown(table[key])}; it must be {rule.allowed}")


def _check_step(path: Path, step_ms: int) -> None:
    ours = round(row_format(MICRO).row_seconds * 1000)
    if step_ms != ours:
        raise BundleError(
            f"{path}: micro.feature_step_size is {step_ms}, the front end steps {ours} ms; "
            "train the model for that step"
        )


def _check_ours(path: Path, ours: Mapping[str, Any]) -> None:
    if ours.get("format") != FORMAT:
        raise BundleError(
            f"{path}: kws.format is {_shown(ours.get('format'))}, this version reads {FORMAT}; "
            "update kws or export the model anew"
        )
    _check(path, "kws.", ours, {key: rule for key, rule in _OURS.items() if key in ours})
    if "encoder" in ours:
        _check(path, "kws.encoder.", ours["encoder"], _ENCODER)
        _check_digest(path, "encoder", ours["encoder"]["digest"], ours["encoder"]["name"])
    else:
        _check_digest(path, "front end", ours.get("frontend"), MICRO)


def _check_digest(path: Path, what: str, digest: Any, name: str) -> None:
    if digest != row_format(name).digest:
        raise BundleError(
            f"{path}: made for {what} {_shown(digest)}, this one is "
            f"{row_format(name).digest!r}; train the model again with this version"
        )


def _shown(value: Any) -> str:
    return reprlib.repr(value)
