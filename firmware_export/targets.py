"""What a bundle can be exported to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_export import arena, esphome, tflm
from firmware_export.boards import Board
from firmware_export.c99 import export as c99
from firmware_export.output import Report
from kws.bundle import Bundle

Target = Callable[[Bundle, Path, "Board | None", "int | None"], Report]
"""Bundle, directory, board to fit, arena of TensorFlow Lite Micro if it is not to be measured -> what was
written; raises BundleError or ExportError before anything is."""

Interpreted = Callable[[Bundle, Path, "Board | None", int], Report]


def _plain(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
    return c99.export(bundle, directory, board)


def _with_arena(export: Interpreted) -> Target:
    """A target whose interpreter needs an arena."""

    def measured(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
        size = arena.measured(bundle.model_path) if given is None else given
        return export(bundle, directory, board, size)

    return measured


TARGETS: dict[str, Target] = {
    "c99": _plain,
    "esphome": _with_arena(esphome.export),
    "tflm": _with_arena(tflm.export),
}
"""By the name a user gives."""
