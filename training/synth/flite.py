"""flite: small diphone and clustergen voices, five in the Debian package."""

from __future__ import annotations

import shutil
from functools import partial

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken, version

_VOICES = {"kal": 92, "kal16": 90, "awb": 125, "rms": 104, "slt": 170}
"""Voice -> the pitch it speaks with by itself, hertz, the median over a sentence."""


def voices() -> list[Voice]:
    """The voices compiled into flite, or nothing when it is not installed."""
    program = shutil.which("flite")
    if program is None:
        return []
    found = version(program, "--version")
    return [Voice(f"flite:{name}", partial(_speak, program, name), "BSD", version=found) for name in _VOICES]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    settings = [
        "--setf",
        f"duration_stretch={1 / speed:.3f}",
        "--setf",
        f"int_f0_target_mean={_VOICES[voice] * pitch:.0f}",
    ]
    return spoken(lambda path: [program, "-voice", voice, *settings, "-t", text, "-o", str(path)])
