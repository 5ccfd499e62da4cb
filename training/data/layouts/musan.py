"""MUSAN (Snyder et al. 2015): music, noise and speech, each recording a source of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.layouts.files import found, recordings, subfolder
from training.data.manifest import Clip

KIND_OF = {"music": "noise", "noise": "noise", "speech": "speech"}


def clips(folder: Path) -> Iterator[Clip]:
    """The label tells noise from music."""
    root = subfolder(folder, "noise")
    for part, kind in KIND_OF.items():
        for path in recordings(root / part) if (root / part).is_dir() else ():
            label = part if kind == "noise" else ""
            yield found(path, "musan", kind, label=label, speaker=path.stem)
