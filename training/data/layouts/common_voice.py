"""Mozilla Common Voice: clips/*.mp3 and tables of sentences; only what listeners validated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.layouts.files import found, rows, subfolder
from training.data.manifest import Clip

SPLITS = ("train", "dev", "test")


def clips(folder: Path) -> Iterator[Clip]:
    """The sentences of validated.tsv, or of train.tsv, dev.tsv and test.tsv where that is missing.

    Those three hold a part of what is validated; their speakers keep their split, the others get one by hash.
    """
    root = subfolder(folder, "clips")
    placed = {split: list(_rows(root / f"{split}.tsv")) for split in SPLITS}
    split_of = {row["client_id"]: split for split in SPLITS for row in placed[split]}
    validated = list(_rows(root / "validated.tsv")) or [row for split in SPLITS for row in placed[split]]
    if not validated:
        raise SourceError(f"{root}: neither validated.tsv nor train.tsv has rows; unpack the whole archive")
    for row in validated:
        speaker = row["client_id"]
        yield found(
            root / "clips" / row["path"],
            "common-voice",
            "sentence",
            label=row["sentence"],
            speaker=speaker,
            split=split_of.get(speaker, ""),
        )


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Rows of a table, none where there is no such table."""
    return rows(table, ("client_id", "path", "sentence"), delimiter="\t") if table.is_file() else iter(())
