"""festival: the voices installed under /usr/share/festival/voices, spoken by text2wave."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken, stamp

_VOICES = Path("/usr/share/festival/voices")
# Diphone voices take pitch and speed from these; those of the HTS engine take speed as an option of its own,
# and keep the pitch of their model.
_PITCH = """(if (symbol-bound? 'int_lr_params) (set! int_lr_params (mapcar (lambda (pair)
    (if (eq? (car pair) 'target_f0_mean) (list (car pair) (* {pitch} (cadr pair))) pair)) int_lr_params)))"""
_HTS_SPEED = """(if (symbol-bound? 'hts_engine_params)
    (set! hts_engine_params (append hts_engine_params (list (list "-r" {speed})))))"""


def voices() -> list[Voice]:
    """Every voice that festival finds, or nothing when it is not installed."""
    program = shutil.which("text2wave")
    if program is None or not _VOICES.is_dir():
        return []
    return [
        Voice(f"festival:{path.name}", partial(_speak, program, path.name), "BSD", version=_version(path))
        for path in sorted(_VOICES.glob("*/*"), key=lambda path: path.name)
    ]


def _version(voice: Path) -> str:
    """Of its definition and its data; festival itself names its version only in a conversation."""
    return stamp(shutil.which("festival") or "", *sorted(voice.glob("*/*")))


def _speak(program: str, voice: str, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
    stretch = f"(Parameter.set 'Duration_Stretch {1 / speed:.3f})"
    changes = _PITCH.format(pitch=f"{pitch:.3f}") + _HTS_SPEED.format(speed=f"{speed:.3f}")
    settings = f"(begin (voice_{voice}) {stretch} {changes})"
    return spoken(lambda path: [program, "-o", str(path), "-eval", settings], text=text)
