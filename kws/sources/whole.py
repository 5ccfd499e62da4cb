"""A recording, or a piece of one, at once, for those who need all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from kws.errors import SourceError
from kws.sources.file import FileSource, native_path
from kws.types import SAMPLE_RATE, Samples


def read_samples(path: Path) -> Samples:
    """Any readable recording as 16 kHz mono int16, shape (samples,); raises SourceError."""
    try:
        with soundfile.SoundFile(native_path(path)) as file:
            if _is_ours(file):
                return np.ascontiguousarray(file.read(dtype="int16"))
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path}: cannot be read as audio ({error})") from error
    with FileSource(str(path)) as blocks:
        return np.concatenate([block.pcm for block in blocks])


def read_excerpt(path: Path, start: float, end: float) -> Samples:
    """From one second to another, of a recording that may be too long to be held; raises SourceError."""
    first, last = max(0, round(start * SAMPLE_RATE)), round(end * SAMPLE_RATE)
    kept = [np.empty(0, np.int16)]
    position = 0
    with FileSource(str(path)) as blocks:
        for block in blocks:
            kept.append(block.pcm[max(0, first - position) : max(0, last - position)])
            position += len(block.pcm)
            if position >= last:
                break
    return np.concatenate(kept)


def _is_ours(file: soundfile.SoundFile) -> bool:
    """Whether libsndfile's int16 needs no conversion; of float files it would scale by their peak."""
    return (file.samplerate, file.channels) == (SAMPLE_RATE, 1) and file.subtype not in ("FLOAT", "DOUBLE")
