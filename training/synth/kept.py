"""Speech once spoken is kept: the same words by the same voice need no synthesizer a second time.

One FLAC file per utterance. A file is written under a name of its own and then moved into place, and one that
is gone or damaged is spoken again, so several trainings may share a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from kws.types import SAMPLE_RATE, Samples

BOUND = 2 << 30
"""Bytes kept; beyond them the utterances that were used the longest ago go. About 100,000 words."""
_VERSION = 1
"""Part of every name; counts up when the samples of an utterance change."""


class KeptSpeech:
    """A folder of utterances, found by everything that they depend on."""

    def __init__(self, folder: Path, *, bound: int = BOUND) -> None:
        self._folder, self._bound = folder, bound

    def place(self, *depends: object) -> Path:
        """Where the utterance that depends on this is or would be."""
        name = hashlib.sha256(json.dumps([_VERSION, *depends]).encode()).hexdigest()[:32]
        return self._folder / name[:2] / f"{name[2:]}.flac"

    def read(self, place: Path) -> Samples | None:
        """int16 samples, shape (n,), of 16 kHz; None where nothing whole is there."""
        try:
            if not place.stat().st_size:
                return np.empty(0, np.int16)
            samples: Samples = soundfile.read(place, dtype="int16")[0]
            os.utime(place)
        except (OSError, RuntimeError):
            return None
        return samples

    def write(self, place: Path, samples: Samples) -> None:
        """Keep an utterance; an empty one too, as nothing is what the voice says. A full disk keeps none."""
        with contextlib.suppress(OSError, RuntimeError):
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(suffix=".part", dir=place.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    if len(samples):
                        soundfile.write(file, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
                os.replace(part, place)
            except BaseException:
                os.unlink(part)
                raise

    def trim(self) -> None:
        """Remove what was used the longest ago until the bound holds; others may be at it as well."""
        files = []
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        surplus = sum(size for _, size, _ in files) - self._bound
        for _, size, path in sorted(files):
            if surplus <= 0:
                return
            path.unlink(missing_ok=True)
            surplus -= size
