"""The JSON half of a bundle: ESPHome's micro-wake-word manifest, version 2, read and checked key by key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws.errors import BundleError
from kws.frontends import ENCODERS, MICRO, row_format
from kws.manifest_keys import (
    LABELS,
    OBJECT,
    ROWS,
    TEXT,
    Rule,
    check,
    check_stated,
    number,
    read_json,
    shown,
    whole,
)

FORMAT = 1
"""Version of the "kws" part of the manifest."""
RECOGNIZER = "recognizer"
"""The type of manifest that is no wake word's."""

_TOP = {"wake_word": TEXT, "model": TEXT, "micro": OBJECT}
_MICRO = {
    "probability_cutoff": number(0, 1),
    "feature_step_size": whole(0, 30),
    "sliding_window_size": whole(1, 1000),
}
_OURS = {
    "labels": LABELS,
    "refractory_seconds": number(0, 60),
    "warmup_rows": whole(0, 1000),
    "word_seconds": number(0, 10),
    "model_sha256": TEXT,
    "states": ROWS,
    "calibration": ROWS,
    "confirmation": OBJECT,
    "card": OBJECT,
}
_ENCODER = {
    "name": Rule(f"one of {', '.join(ENCODERS)}", lambda value: value in ENCODERS),
    "digest": TEXT,
}


def read_manifest(path: Path) -> dict[str, Any]:
    """The checked content of a manifest.

    Raises:
        BundleError: naming the file, the key, what was found and what is allowed.
    """
    manifest = read_json(path)
    if manifest.get("type") != "micro" or manifest.get("version") != 2:
        raise BundleError(
            f"{path}: type {shown(manifest.get('type'))}, version {shown(manifest.get('version'))}; "
            'expected "micro" and 2 (an ESPHome micro-wake-word manifest, version 2)'
        )
    check(path, "", manifest, _TOP)
    check(path, "micro.", manifest["micro"], _MICRO)
    _check_step(path, manifest["micro"]["feature_step_size"])
    if "kws" in manifest:
        check(path, "", manifest, {"kws": OBJECT})
        _check_ours(path, manifest["kws"])
    return manifest


def is_recognizer(path: Path) -> bool:
    """Whether a manifest is a recognizer's (`kws.recognition.bundle`); False for what cannot be read."""
    try:
        return read_json(path).get("type") == RECOGNIZER
    except BundleError:
        return False


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
            f"{path}: kws.format is {shown(ours.get('format'))}, this version reads {FORMAT}; "
            "update kws or export the model anew"
        )
    check_stated(path, "kws.", ours, _OURS)
    check_front_end(path, ours)


def front_end_of(ours: Mapping[str, Any]) -> str:
    """What hears for a model, see kws.frontends, as the part "kws" of its manifest says."""
    return str(ours["encoder"]["name"]) if "encoder" in ours else MICRO


def made_for(front_end: str) -> dict[str, Any]:
    """How that part says it, with the digest of all that the rows depend on."""
    digest = row_format(front_end).digest
    return {"frontend": digest} if front_end == MICRO else {"encoder": {"name": front_end, "digest": digest}}


def check_front_end(path: Path, ours: Mapping[str, Any]) -> None:
    """BundleError unless what hears for the model is known here, and as it was when the model was trained."""
    if "encoder" in ours:
        check(path, "kws.", ours, {"encoder": OBJECT})
        check(path, "kws.encoder.", ours["encoder"], _ENCODER)
        _check_digest(path, "encoder", ours["encoder"]["digest"], front_end_of(ours))
    else:
        _check_digest(path, "front end", ours.get("frontend"), MICRO)


def _check_digest(path: Path, what: str, digest: Any, name: str) -> None:
    if digest != row_format(name).digest:
        raise BundleError(
            f"{path}: made for {what} {shown(digest)}, this one is "
            f"{row_format(name).digest!r}; train the model again with this version"
        )
