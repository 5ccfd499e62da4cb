"""What tells one shared library from another: a name, and a digest of all that it is made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kws.checksum import checksum
from kws.frontend import FrontendConfig

FRONT_END = "front-end"
"""Name of the project without a model."""

_PACKAGE = Path(__file__).parents[1]


def file_stem(model: Path | None) -> str:
    """Start of the file's name, for people; the digest tells libraries apart."""
    return FRONT_END if model is None else model.stem


def digest(model: Path | None) -> str:
    """Of all that a project depends on: the model, the front end's constants, and the exporter itself."""
    return checksum(_exporter() + (b"" if model is None else model.read_bytes()))[:16]


@cache
def _exporter() -> bytes:
    parts = [_PACKAGE / "graph.py", _PACKAGE / "flatbuffer.py", _PACKAGE / "schema.py"]
    for folder in (_PACKAGE / "c99", _PACKAGE / "native"):
        parts += (path for path in folder.rglob("*") if path.suffix in (".py", ".c", ".h"))
    content = b"".join(path.read_bytes() for path in sorted(parts))
    return checksum(FrontendConfig().digest.encode() + content).encode()
