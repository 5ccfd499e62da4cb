"""DEMAND (Thiemann et al. 2013): PLACE/ch01.wav to ch16.wav, sixteen microphones at once in each place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.layouts.files import found, recordings
from training.data.manifest import Clip


def clips(folder: Path) -> Iterator[Clip]:
    """The first microphone of each place: the others heard the same, 5 to 20 cm away."""
    first = [path for path in recordings(folder) if path.stem == "ch01"]
    if not first:
        raise SourceError(f"{folder}: no PLACE/ch01.wav below it; unpack the archives of DEMAND here")
    for path in first:
        yield found(path, "demand", "noise", label=path.parent.name, speaker=path.parent.name)
