"""The engine that a configuration asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kws.commands.options import quiet_runtime

if TYPE_CHECKING:
    from kws.config import ModelSettings
    from kws.engine import Engine


def engine_of(models: Sequence[ModelSettings]) -> Engine:
    """All these wake words on one front end, each with its own threshold; raises BundleError."""
    from kws.bundle import find_bundle
    from kws.engine import Engine, WakeWord

    with quiet_runtime():
        return Engine([WakeWord(find_bundle(model.name), threshold=model.threshold) for model in models])
