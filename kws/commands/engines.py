"""The engine that a configuration asks for, its runtime kept quiet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kws.commands.options import quiet_runtime

if TYPE_CHECKING:
    from kws.config import ModelSettings
    from kws.engine import Engine


def engine_of(models: Sequence[ModelSettings]) -> Engine:
    """All these wake words, each with its own threshold; raises BundleError."""
    from kws.assembly import build_engine

    with quiet_runtime():
        return build_engine(models)
