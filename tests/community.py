"""The four models that the package pymicro-wakeword carries: version 2 manifests by other hands, run unchanged."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_SPEC = find_spec("pymicro_wakeword")
MODELS = Path(_SPEC.origin).parent / "models" if _SPEC and _SPEC.origin else Path("pymicro_wakeword is missing")
NAMES = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
PHRASES = {"alexa": "alexa", "hey_jarvis": "hey jarvis", "hey_mycroft": "hey mycroft", "okay_nabu": "okay nabu"}


def manifest(name: str) -> Path:
    """The path of its .json."""
    return MODELS / f"{name}.json"


def tflite(name: str) -> Path:
    """The path of its .tflite."""
    return MODELS / f"{name}.tflite"
