"""Running a synthesizer that writes a WAV file."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from kws.types import Samples

_PATIENCE_SECONDS = 120


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
