"""Running a synthesizer that writes a WAV file, and telling one version of it from another."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from kws.types import Samples

_PATIENCE_SECONDS = 120


@lru_cache
def version(*command: str) -> str:
    """What a program says of itself; empty where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip()


def stamp(*paths: str | Path) -> str:
    """Sizes and times of files: a version for what has no other."""
    found = [Path(path).stat() for path in paths if Path(path).is_file()]
    return ",".join(f"{status.st_size}:{status.st_mtime_ns}" for status in found)


def spoken(command: Callable[[Path], list[str]], *, text: str = "") -> tuple[Samples, int]:
    """int16 samples (n,) and rate of what `command(path)` writes to path, `text` on its standard input.

    A program that fails, hangs or writes nothing has said nothing: an empty clip, which callers leave out.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        try:
            done = subprocess.run(
                command(path),
                input=text.encode(),
                capture_output=True,
                check=False,
                timeout=_PATIENCE_SECONDS,
            )
            if done.returncode == 0:
                samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
                return np.ascontiguousarray(samples[:, 0]), rate
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            pass
    return np.empty(0, np.int16), 16_000
