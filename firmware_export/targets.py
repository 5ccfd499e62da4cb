"""What a bundle can be exported to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_export.boards import Board
from firmware_export.c99 import export as c99
from firmware_export.output import Report
from kws.bundle import Bundle

Target = Callable[[Bundle, Path, "Board | None"], Report]
"""Writes a directory; raises BundleError or ExportError before anything is written."""

TARGETS: dict[str, Target] = {
    "c99": c99.export,
}
"""By the name a user gives."""
