"""SVOX Pico: two English voices of one woman each, Android's first (Debian non-free: libttspico-utils)."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken, stamp

LANGUAGES = Path("/usr/share/pico/lang")


def voices() -> list[Voice]:
    """The English voices installed, or nothing without pico2wave."""
    program = shutil.which("pico2wave")
    if program is None:
        return []
    names = sorted({path.name.partition("_")[0] for path in LANGUAGES.glob("en-*.bin")})
    return [
        Voice(f"pico:{name}", partial(_speak, program, name), "Apache-2.0", version=_version(program, name))
        for name in names
    ]


def _version(program: str, name: str) -> str:
    return stamp(program, *sorted(LANGUAGES.glob(f"{name}_*.bin")))


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    """Levels are percent; Pico takes 20 to 500 for speed and 50 to 200 for pitch."""
    levels = f"<speed level='{100 * speed:.0f}'><pitch level='{100 * pitch:.0f}'>"
    marked = f"{levels}{escape(text)}</pitch></speed>"
    return spoken(lambda path: [program, "-l", voice, "-w", str(path), marked])
