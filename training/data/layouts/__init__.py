"""Readers of folders as people have them: each yields what it finds, without opening a recording.

To add a layout, write a module with `clips(folder) -> Iterator[Clip]` and name it in LAYOUTS.
A reader leaves `seconds` at 0 and `split` empty where the corpus has no lists; the scan fills them in.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from kws.errors import SourceError
from training.data.manifest import Clip

LAYOUTS = {
    "speech-commands": "training.data.layouts.speech_commands",
    "common-voice": "training.data.layouts.common_voice",
    "librispeech": "training.data.layouts.librispeech",
    "precise": "training.data.layouts.precise",
    "labels": "training.data.layouts.labels",
    "musan": "training.data.layouts.musan",
    "esc50": "training.data.layouts.esc50",
    "demand": "training.data.layouts.demand",
    "rooms": "training.data.layouts.rooms",
    "table": "training.data.layouts.table",
}
"""Layout -> the module that reads it."""


def clips_in(layout: str, folder: Path) -> Iterator[Clip]:
    """All clips that a folder of this layout names; raises SourceError when it is not of this layout."""
    if not folder.exists():
        raise SourceError(f"{folder}: does not exist; name the folder that holds the recordings")
    found: Iterator[Clip] = import_module(LAYOUTS[layout]).clips(folder)
    return found
