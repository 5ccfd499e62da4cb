"""flite: small diphone and clustergen voices, five in the Debian package."""

from __future__ import annotations

import shutil
from functools import partial

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken

_VOICES = ("kal", "kal16", "awb", "rms", "slt")


def voices() -> list[Voice]:
    """The voices compiled into flite, or nothing when it is not installed."""
    program = shutil.which("flite")
    if program is None:
        return []
    return [Voice(f"flite:{name}", partial(_speak, program, name), licence="BSD") for name in _VOICES]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    settings = [
        "--setf",
        f"duration_stretch={1 / speed:.3f}",
        "--setf",
        f"int_f0_target_mean={120 * pitch:.0f}",
    ]
    return spoken(lambda path: [program, "-voice", voice, *settings, "-t", text, "-o", str(path)])
