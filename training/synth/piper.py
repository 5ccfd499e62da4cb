"""Piper: neural voices on disk, NAME.onnx beside NAME.onnx.json; every speaker in it is one.

Looked for under KWS_PIPER_VOICES, ~/.local/share/piper-voices, /usr/share/piper-voices and
data/piper-libritts, where `kws download piper-libritts` puts one. The program `piper` speaks; every call
loads the network anew, about a second. A voice's licence stands in the MODEL_CARD it came with, in words
that no program reads, so none counts as shippable.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kws.types import Samples
from training.synth import Voice
from training.synth.program import spoken, stamp


def folders() -> list[Path]:
    """Where voices are looked for."""
    named = os.environ.get("KWS_PIPER_VOICES")
    usual = [
        Path.home() / ".local/share/piper-voices",
        Path("/usr/share/piper-voices"),
        Path("data/piper-libritts"),
    ]
    return [Path(named), *usual] if named else usual


def voices() -> list[Voice]:
    """Every speaker of every English voice on disk, or nothing without piper."""
    program = shutil.which("piper")
    if program is None:
        return []
    models = sorted(path for folder in folders() if folder.is_dir() for path in folder.rglob("*.onnx"))
    return [voice for model in models for voice in _speakers(program, model)]


def _speakers(program: str, model: Path) -> Iterator[Voice]:
    settings = _settings(model.with_name(model.name + ".json"))
    if settings is None or not str(settings.get("espeak", {}).get("voice", "")).startswith("en"):
        return
    for speaker in range(int(settings.get("num_speakers", 1))):
        speak = partial(_speak, program, str(model), speaker)
        name, found = f"piper:{model.stem}:{speaker}", stamp(program, model)
        yield Voice(name, speak, licence="see its MODEL_CARD", shippable=False, version=found)


def _settings(path: Path) -> dict[str, Any] | None:
    """What stands beside the network; None where that is missing or damaged, which makes it no voice."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return settings if isinstance(settings, dict) else None


def _speak(
    program: str, model: str, speaker: int, text: str, speed: float, pitch: float
) -> tuple[Samples, int]:
    """Pitch lies in the speaker; see `training.material.voice_change` for changing it afterwards."""
    settings = ["--model", model, "--speaker", str(speaker), "--length_scale", f"{1 / speed:.3f}"]
    return spoken(lambda path: [program, *settings, "--output_file", str(path)], text=text)
