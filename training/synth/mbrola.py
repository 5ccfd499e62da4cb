"""MBROLA voices through espeak-ng: diphones of real speakers, some of other languages, who speak English.

Debian has them in non-free: `apt install mbrola mbrola-us1 mbrola-de4` and so on. Their licences allow no
commercial use, so they speak only where that is asked for (`available_voices(shippable_only=False)`).
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken, stamp, version

DATABASES = (Path("/usr/share/mbrola"), Path("/usr/local/share/mbrola"))
_VOICES = (
    "mb-en1", "mb-us1", "mb-us2", "mb-us3", "mb-af1-en", "mb-de1-en", "mb-de2-en", "mb-de3-en", "mb-de4-en",
    "mb-de5-en", "mb-de6-en", "mb-fr1-en", "mb-fr4-en", "mb-gr2-en", "mb-hu1-en", "mb-nl2-en", "mb-pl1-en",
    "mb-ro1-en", "mb-sw1-en", "mb-sw2-en",
)  # fmt: skip


def voices() -> list[Voice]:
    """The voices whose database is installed, or nothing without espeak-ng and mbrola."""
    program = shutil.which("espeak-ng")
    if program is None or shutil.which("mbrola") is None:
        return []
    return [
        Voice(
            f"mbrola:{name}",
            partial(_speak, program, name),
            licence="MBROLA, non-commercial",
            shippable=False,
            version=version(program, "--version") + stamp(*_files(name)),
        )
        for name in _VOICES
        if _files(name)
    ]


def _files(voice: str) -> list[Path]:
    """Of its database, "us1" for mb-us1."""
    database = voice.split("-")[1]
    return [path for folder in DATABASES if (path := folder / database / database).is_file()]


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    settings = ["-v", voice, "-s", str(round(150 * speed)), "-p", str(round(min(99, 50 * pitch)))]
    return spoken(lambda path: [program, *settings, "-w", str(path), "--", text])
