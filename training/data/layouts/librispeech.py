"""LibriSpeech (Panayotov et al. 2015), and its like: SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kws.errors import SourceError
from training.data.layouts.files import AUDIO, found
from training.data.manifest import Clip


def clips(folder: Path) -> Iterator[Clip]:
    """Every sentence of every chapter below the folder; dev-* and test-* keep their meaning."""
    transcripts = sorted(folder.rglob("*.trans.txt"))
    if not transcripts:
        raise SourceError(f"{folder}: no SPEAKER/CHAPTER/*.trans.txt below it; name the unpacked corpus")
    for transcript in transcripts:
        yield from _chapter(transcript, _split(transcript, folder))


def _chapter(transcript: Path, split: str) -> Iterator[Clip]:
    """Lines "103-1240-0000 CHAPTER ONE", each beside a recording of that name."""
    recordings = {path.stem: path for path in transcript.parent.iterdir() if path.suffix.lower() in AUDIO}
    for line in transcript.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, text = line.partition(" ")
        if name:
            path = recordings.get(name, transcript.parent / f"{name}.flac")
            yield found(
                path,
                "librispeech",
                "sentence",
                label=text.strip().lower(),
                speaker=name.partition("-")[0],
                split=split,
            )


def _split(transcript: Path, folder: Path) -> str:
    """By the name of the subset it lies in; "" where no subset is named."""
    for part in reversed((folder.resolve() / transcript.relative_to(folder)).parts):
        subset = part.partition("-")[0]
        if "-" in part and subset in ("train", "dev", "test"):
            return subset
    return ""
