"""From a configuration's words to the objects they ask for."""

from __future__ import annotations

from collections.abc import Sequence

from kws.bundle import find_bundle
from kws.config import ModelSettings
from kws.engine import Engine, WakeWord


def build_engine(models: Sequence[ModelSettings]) -> Engine:
    """All these wake words on one front end, each with its own threshold; raises BundleError."""
    return Engine([WakeWord(find_bundle(model.name), threshold=model.threshold) for model in models])
