"""Google Speech Commands (Warden 2018): LABEL/SPEAKER_nohash_N.wav, and lists for validation and test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.layouts.files import found, recordings, subfolder
from training.data.manifest import Clip

LISTS = {"validation_list.txt": "dev", "testing_list.txt": "test"}
NOISE = "_background_noise_"


def clips(folder: Path) -> Iterator[Clip]:
    """One word a clip; the minutes of background noise count each file as one source."""
    root = subfolder(folder, *LISTS)
    listed = {
        line.strip(): split
        for name, split in LISTS.items()
        for line in (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
    }
    for path in recordings(root):
        label = path.parent.name
        if label == NOISE:
            yield found(path, "speech-commands", "noise", label=path.stem, speaker=path.stem)
        else:
            split = listed.get(f"{label}/{path.name}", "train")
            yield found(path, "speech-commands", "word", label=label, speaker=speaker_in(path), split=split)


def speaker_in(path: Path) -> str:
    """The hash that stands for the speaker, or "" in a name without one."""
    speaker, marked, _ = path.stem.partition("_nohash_")
    return speaker if marked else ""
