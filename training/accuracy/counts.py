"""What was counted in a measurement, kept so that a page of the documentation can be made again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

Counts = TypeVar("Counts")


def write_counts(path: Path, counts: Any) -> None:
    """A dataclass as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(counts), indent=1) + "\n", encoding="utf-8")


def read_counts(kind: type[Counts], path: Path) -> Counts:
    """Inverse of `write_counts`, for dataclasses of plain values, lists and tables."""
    return kind(**json.loads(path.read_text(encoding="utf-8")))
