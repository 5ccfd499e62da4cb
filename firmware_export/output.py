"""Writing an export: all files or none, and export.json that says what they are."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_export.errors import ExportError
from kws.bundle import Bundle, read_bundle
from kws.cascade import files_beside
from kws.errors import KwsError

DESCRIPTION = "export.json"
MODEL = "model"
"""Directory of the bundle's copy within an export."""


@dataclass(frozen=True)
class Report:
    """What was written."""

    target: str
    directory: Path
    model: str
    facts: Mapping[str, int]
    """Sizes in bytes, and counts."""


def write_files(
    directory: Path, target: str, bundle: Bundle, files: Mapping[str, bytes], facts: Mapping[str, int]
) -> Report:
    """Write the files, the bundle they were made from, and export.json; raises ExportError.

    A directory that holds something else than an earlier export is refused.
    """
    _check_directory(directory)
    manifest = json.dumps({**bundle.manifest, "model": bundle.model_path.name}, indent=1, ensure_ascii=False)
    description = {"target": target, "model": bundle.name, **facts}
    everything = {
        **files,
        f"{MODEL}/{bundle.name}.json": f"{manifest}\n".encode(),
        f"{MODEL}/{bundle.model_path.name}": bundle.model_path.read_bytes(),
        **{f"{MODEL}/{name}": file.read_bytes() for name, file in files_beside(bundle).items()},
        DESCRIPTION: f"{json.dumps(description, indent=1)}\n".encode(),
    }
    _write_all(directory, everything)
    return Report(target, directory, bundle.name, facts)


def read_description(directory: Path) -> dict[str, Any]:
    """export.json of an export; raises ExportError if there is none."""
    path = directory / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{directory}: holds no export; make one with kws export c99") from error
    if not isinstance(found, dict) or not {"target", "model"} <= found.keys():
        raise ExportError(f"{path}: not written by kws export; export anew")
    return found


def exported_bundle(directory: Path) -> Bundle:
    """The bundle that an export was made from; raises ExportError or BundleError."""
    name = read_description(directory)["model"]
    try:
        return read_bundle(directory / MODEL / f"{name}.json")
    except KwsError as error:
        raise ExportError(f"{directory}: its model cannot be used ({error}); export anew") from error


def _write_all(directory: Path, files: Mapping[str, bytes]) -> None:
    """First under another name, so that a full disk leaves an earlier export as it is, or no directory."""
    is_new = not directory.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as work:
            for name, content in files.items():
                _parent_made(Path(work, name)).write_bytes(content)
            for name in files:
                os.replace(Path(work, name), _parent_made(directory / name))
    except OSError as error:
        if is_new:
            with suppress(OSError):
                directory.rmdir()
        raise ExportError(f"{directory}: cannot be written ({error.strerror}); give another one") from error


def _parent_made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _check_directory(directory: Path) -> None:
    if directory.is_dir() and any(directory.iterdir()) and not (directory / DESCRIPTION).is_file():
        raise ExportError(f"{directory}: holds other files; give a new directory or one of an earlier export")
    if directory.exists() and not directory.is_dir():
        raise ExportError(f"{directory}: is a file; give a directory")
