"""Room impulse responses: any folders of them; RIRS_NOISES (Ko et al. 2017) brings noises as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.layouts.files import found, recordings
from training.data.manifest import Clip

_ROOM = re.compile(r".*?room[-_]?\w*?\d+", re.IGNORECASE)


def clips(folder: Path) -> Iterator[Clip]:
    """Responses of one room stay together; files or folders that are named noise hold noise."""
    paths = list(recordings(folder))
    if not paths:
        raise SourceError(f"{folder}: no recordings below it; name the folder of the impulse responses")
    for path in paths:
        noise = "noise" in path.stem.lower() or "noise" in path.parent.name.lower()
        if noise and "_rir_" not in path.stem:
            yield found(path, "rooms", "noise", label=path.stem, speaker=path.stem)
        else:
            yield found(path, "rooms", "room", label=path.stem, speaker=_room(path, folder))


def _room(path: Path, folder: Path) -> str:
    """The room that a name tells ("..._largeroom1_far_..."), otherwise its folder, at the top itself."""
    if named := _ROOM.match(path.stem):
        return named[0]
    inner = path.parent.relative_to(folder).parts
    return "/".join(inner) if inner else path.stem
