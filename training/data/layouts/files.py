"""Walking folders of recordings."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.manifest import Clip

AUDIO = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf"))
"""Endings of recordings, in lower case."""


def recordings(folder: Path) -> Iterator[Path]:
    """Every recording below a folder, in order; hidden files and folders are passed over."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in AUDIO and not hidden:
            yield path


def found(
    path: Path,
    corpus: str,
    kind: str,
    *,
    label: str = "",
    speaker: str = "",
    split: str = "",
    licence: str = "ship",
) -> Clip:
    """A clip as a reader sees it: not yet opened, so without its length."""
    return Clip(path, corpus, split, kind, label, speaker, 0.0, licence)


def subfolder(folder: Path, *names: str) -> Path:
    """`folder` if it holds all of these, or the one folder in it that does; raises SourceError otherwise."""
    inner = (path for path in sorted(folder.iterdir()) if path.is_dir()) if folder.is_dir() else ()
    for candidate in (folder, *inner):
        if all((candidate / name).exists() for name in names):
            return candidate
    raise SourceError(f"{folder}: {' and '.join(names)} not found in it; name the folder that holds them")


def rows(table: Path, needed: tuple[str, ...], *, delimiter: str) -> Iterator[dict[str, str]]:
    """Rows of a table with a heading; those without all needed cells are passed over. Raises SourceError."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    with table.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(
            (line.replace("\0", "") for line in file), delimiter=delimiter, quoting=quoting
        )
        if missing := [name for name in needed if name not in (reader.fieldnames or ())]:
            raise SourceError(f"{table}: column {missing[0]} is missing; unpack the corpus anew")
        yield from (row for row in reader if all(row[name] for name in needed))
