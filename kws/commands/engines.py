"""The engine that a configuration asks for, its runtime kept quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kws.commands.options import quiet_runtime

if TYPE_CHECKING:
    from kws.config import Config
    from kws.engine import Engine


def engine_of(config: Config) -> Engine:
    """Wake words, each with its own threshold, and the recognizer after them; raises KwsError."""
    from kws.assembly import build_engine

    with quiet_runtime():
        return build_engine(config)
