"""festival: the voices installed under /usr/share/festival/voices, spoken by text2wave."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import soundfile

from kws.types import Samples
from training.synth import Voice

_VOICES = Path("/usr/share/festival/voices")


def voices() -> list[Voice]:
    """Every English voice that festival finds, or nothing when it is not installed."""
    program = shutil.which("text2wave")
    if program is None or not _VOICES.is_dir():
        return []
    return [Voice(f"festival:{path.name}", partial(_speak, program, path.name)) for path in sorted(_VOICES.glob("*/*"))]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    # These voices take a stretch of duration but no pitch that works for all of them.
    settings = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {1 / speed:.3f}))"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run([program, "-o", str(path), "-eval", settings], input=text.encode(), check=True, capture_output=True)
        return soundfile.read(path, dtype="int16")
