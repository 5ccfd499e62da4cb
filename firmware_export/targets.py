"""What a bundle can be exported to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_export import arena, esphome, tflm
from firmware_export.boards import Board
from firmware_export.c99 import export as c99
from firmware_export.edgetpu import export as edgetpu
from firmware_export.errors import ExportError
from firmware_export.output import Report
from kws.bundle import Bundle
from kws.frontends import MICRO

Target = Callable[[Bundle, Path, "Board | None", "int | None"], Report]
"""Bundle, directory, board to fit, arena of TensorFlow Lite Micro if it is not to be measured -> what was
written; raises BundleError or ExportError before anything is."""

Interpreted = Callable[[Bundle, Path, "Board | None", int], Report]


def _plain(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
    return c99.export(bundle, directory, board)


def _edgetpu(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
    return edgetpu.export(bundle, directory)


def _with_arena(export: Interpreted) -> Target:
    """A target whose interpreter needs an arena."""

    def measured(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
        size = arena.measured(bundle.model_path) if given is None else given
        return export(bundle, directory, board, size)

    return measured


def _on_micro_rows(target: Target) -> Target:
    """Refuses what does not listen through the micro front end, the only one that devices have."""

    def checked(bundle: Bundle, directory: Path, board: Board | None, given: int | None) -> Report:
        if bundle.front_end != MICRO:
            raise ExportError(
                f"{bundle.manifest_path}: listens through {bundle.front_end}, which no device computes; "
                "train the word with --recipe gru"
            )
        return target(bundle, directory, board, given)

    return checked


TARGETS: dict[str, Target] = {
    "c99": _on_micro_rows(_plain),
    "edgetpu": _on_micro_rows(_edgetpu),
    "esphome": _on_micro_rows(_with_arena(esphome.export)),
    "tflm": _on_micro_rows(_with_arena(tflm.export)),
}
"""By the name a user gives."""
