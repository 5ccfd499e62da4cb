"""A folder per label: LABEL/*.wav or LABEL/SPEAKER/*.wav; noise in folders noise and _ANYTHING."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.layouts.files import found, recordings
from training.data.layouts.speech_commands import speaker_in
from training.data.manifest import Clip


def clips(folder: Path) -> Iterator[Clip]:
    """Words by folder; the speaker is a folder below the label, or stands before _nohash_ in the name."""
    labels = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    if not labels:
        raise SourceError(f"{folder}: holds no folders; put the clips of each word into a folder of its name")
    for label in labels:
        for path in recordings(label):
            if label.name.startswith("_") or label.name.lower() == "noise":
                yield found(path, folder.name, "noise", label=label.name.strip("_"), speaker=path.stem)
            else:
                inner = path.relative_to(label).parts[:-1]
                speaker = inner[0] if inner else speaker_in(path)
                text = label.name.replace("_", " ").replace("-", " ")
                yield found(path, folder.name, "word", label=text, speaker=speaker)
