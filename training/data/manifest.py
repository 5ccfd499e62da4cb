"""The manifest of recordings: a tab-separated table, one clip a row.

Columns: path (relative to the table), corpus, split (train; dev to choose by; test to measure once), kind
(wakeword, word, sentence, near-miss, speech, speech-slots, noise, room: an impulse response), label (word,
phrase or transcript), speaker (of noise: the recording or place it was cut from), seconds, licence (ship: a
model trained on it may be published; test: for measuring only).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kws.errors import SourceError

COLUMNS = ("path", "corpus", "split", "kind", "label", "speaker", "seconds", "licence")
SPLITS = ("train", "dev", "test")
KINDS = ("wakeword", "word", "sentence", "near-miss", "speech", "speech-slots", "noise", "room")
LICENCES = ("ship", "test")


@dataclass(frozen=True)
class Clip:
    """One recording and what is known about it."""

    path: Path
    corpus: str
    split: str
    kind: str
    label: str
    speaker: str
    seconds: float
    licence: str

    def says(self, phrase: str) -> bool:
        """Whether its label contains the phrase, as whole words, in any case."""
        words = f" {' '.join(self.label.lower().split())} "
        return f" {phrase.lower()} " in words


def data_root() -> Path:
    """Where the recordings lie: the environment variable KWS_DATA, or ../shared beside the repository."""
    return Path(os.environ.get("KWS_DATA") or Path(__file__).parents[2].parent / "shared")


def recordings_manifest() -> Path:
    """The table of the real recordings under `data_root`."""
    return data_root() / "audio" / "manifest.tsv"


def read_manifest(path: Path) -> list[Clip]:
    """All rows of a table, in its order; raises SourceError naming the file and what is missing."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}); set KWS_DATA to the data root"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: not a table in UTF-8 ({error}); write it anew with kws data") from error
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing:
        raise SourceError(f"{path}: column {missing[0]} is missing; expected {', '.join(COLUMNS)}")
    return [_clip(path, number, row) for number, row in enumerate(rows, 2)]


def _clip(table: Path, line: int, row: dict[str, str]) -> Clip:
    """One row, which may have columns of its own beyond ours."""
    try:
        values = {column: row[column] for column in COLUMNS[1:] if column != "seconds"}
        return Clip(path=table.parent / row["path"], seconds=float(row["seconds"]), **values)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{table}: line {line} is damaged ({error}); write the table anew") from error


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write a table that `read_manifest` reads; paths under its folder are written relative to it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for clip in clips:
            cells = (_relative(clip.path, path.parent), *(getattr(clip, name) for name in COLUMNS[1:]))
            file.write("\t".join(_cell(cell) for cell in cells) + "\n")


def _relative(path: Path, folder: Path) -> str:
    absolute = path.resolve()
    root = folder.resolve()
    return str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)


def _cell(value: object) -> str:
    """Without tabs and line ends, which the table gives another meaning."""
    return f"{value:.3f}" if isinstance(value, float) else " ".join(str(value).split())


def select(
    clips: Iterable[Clip], *, split: str | None = None, kinds: Iterable[str] = (), licence: str | None = None
) -> list[Clip]:
    """Clips of one split, of these kinds (all when empty), under one licence."""
    kinds = set(kinds)
    return [
        clip
        for clip in clips
        if (split is None or clip.split == split)
        and (not kinds or clip.kind in kinds)
        and (licence is None or clip.licence == licence)
    ]
