"""The manifest of recordings: a tab-separated table, one clip a row, and the samples behind a row.

Columns: path (relative to the table), corpus, split (train or dev), kind (wakeword, word, sentence,
near-miss, speech, speech-slots, noise), label (word, phrase or transcript), speaker, seconds, licence
(ship: a model trained on it may be published; test: for measuring only).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from kws.errors import SourceError
from kws.types import SAMPLE_RATE, Samples

COLUMNS = ("path", "corpus", "split", "kind", "label", "speaker", "seconds", "licence")


@dataclass(frozen=True)
class Clip:
    """One recording and what is known about it."""

    path: Path
    corpus: str
    split: str
    kind: str
    label: str
    speaker: str
    seconds: float
    licence: str

    def says(self, phrase: str) -> bool:
        """Whether its label contains the phrase, as whole words, in any case."""
        words = f" {' '.join(self.label.lower().split())} "
        return f" {phrase.lower()} " in words


def data_root() -> Path:
    """Where the recordings lie: the environment variable KWS_DATA, by default ../shared beside the repository."""
    return Path(os.environ.get("KWS_DATA") or Path(__file__).parents[2].parent / "shared")


def recordings_manifest() -> Path:
    """The table of the real recordings under `data_root`."""
    return data_root() / "audio" / "manifest.tsv"


def read_manifest(path: Path) -> list[Clip]:
    """All rows of a table, in its order; raises SourceError naming the file and what is missing."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); set KWS_DATA to the data root") from error
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing:
        raise SourceError(f"{path}: column {missing[0]} is missing; expected {', '.join(COLUMNS)}")
    return [
        Clip(**{**row, "path": path.parent / row["path"], "seconds": float(row["seconds"])})  # type: ignore[arg-type]
        for row in rows
    ]


def read_samples(path: Path) -> Samples:
    """A 16 kHz mono file as int16, shape (samples,); raises SourceError."""
    try:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path}: cannot be read as audio ({error})") from error
    if rate != SAMPLE_RATE:
        raise SourceError(f"{path}: {rate} Hz, training data must be {SAMPLE_RATE} Hz; convert it first")
    return np.ascontiguousarray(samples[:, 0])


def select(
    clips: Iterable[Clip], *, split: str | None = None, kinds: Iterable[str] = (), licence: str | None = None
) -> list[Clip]:
    """Clips of one split, of these kinds (all when empty), under one licence."""
    kinds = set(kinds)
    return [
        clip
        for clip in clips
        if (split is None or clip.split == split)
        and (not kinds or clip.kind in kinds)
        and (licence is None or clip.licence == licence)
    ]
