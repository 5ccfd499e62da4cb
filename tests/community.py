"""The four models in the package pymicro-wakeword: version 2 manifests by other hands, run unchanged."""

from __future__ import annotations

from pathlib import Path

import pymicro_wakeword

from kws.bundle import Bundle

MODELS = Path(pymicro_wakeword.__file__).parent / "models"
NAMES = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")


def manifest(name: str) -> Path:
    """The path of its .json."""
    return MODELS / f"{name}.json"


def tflite(name: str) -> Path:
    """The path of its .tflite."""
    return MODELS / f"{name}.tflite"


def title(bundle: Bundle) -> str:
    """What to call a model where bundled ones of the same name stand beside it."""
    return f"{bundle.name} (community)" if bundle.model_path.parent == MODELS else bundle.name


def phrase(name: str) -> str:
    """What one says to it."""
    return name.replace("_", " ")
