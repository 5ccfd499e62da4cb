"""flite: small diphone and clustergen voices, five in the Debian package."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import soundfile

from kws.types import Samples
from training.synth import Voice

_VOICES = ("kal", "kal16", "awb", "rms", "slt")


def voices() -> list[Voice]:
    """The voices compiled into flite, or nothing when it is not installed."""
    program = shutil.which("flite")
    if program is None:
        return []
    return [Voice(f"flite:{name}", partial(_speak, program, name)) for name in _VOICES]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        settings = ["--setf", f"duration_stretch={1 / speed:.3f}", "--setf", f"int_f0_target_mean={120 * pitch:.0f}"]
        subprocess.run([program, "-voice", voice, *settings, "-t", text, "-o", str(path)], check=True, capture_output=True)
        return soundfile.read(path, dtype="int16")
