"""Mycroft Precise: wake-word/ and not-wake-word/, once for training and once more below test/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.layouts.files import found, recordings, subfolder
from training.data.manifest import Clip


def clips(folder: Path) -> Iterator[Clip]:
    """The word is the folder's own name ("hey-computer": hey computer); what is not it may be anything."""
    root = subfolder(folder, "wake-word")
    phrase = root.resolve().name.replace("-", " ").replace("_", " ")
    for place, split in ((root, ""), (root / "test", "test")):
        for path in _below(place / "wake-word"):
            yield found(path, "precise", "wakeword", label=phrase, speaker="", split=split)
        for path in _below(place / "not-wake-word"):
            yield found(path, "precise", "speech", speaker="", split=split)


def _below(folder: Path) -> Iterator[Path]:
    return recordings(folder) if folder.is_dir() else iter(())
