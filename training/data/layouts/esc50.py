"""ESC-50 (Piczak 2015): 2000 environmental sounds of 5 s, cut from recordings that meta/esc50.csv names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.layouts.files import found, rows, subfolder
from training.data.manifest import Clip


def clips(folder: Path) -> Iterator[Clip]:
    """Clips of one recording stay together; only the ESC-10 part is free of the non-commercial licence."""
    root = subfolder(folder, "audio", "meta/esc50.csv")
    table = root / "meta" / "esc50.csv"
    for row in rows(table, ("filename", "category", "src_file", "esc10"), delimiter=","):
        yield found(
            root / "audio" / row["filename"],
            "esc50",
            "noise",
            label=row["category"].replace("_", " "),
            speaker=f"freesound-{row['src_file']}",
            licence="ship" if row["esc10"].lower() == "true" else "test",
        )
