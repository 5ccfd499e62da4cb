"""Graphs in the user's cache, so that each is built only once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from kws.checksum import checksum

_FORM = 1
"""Raise it when the graph is written in another way, so that those in caches are not taken for it."""


def kept_graph(name: str, depends: str, build: Callable[[], bytes]) -> bytes:
    """A graph from the user's cache; it is built where it is not there, or was made of something else."""
    key = checksum(json.dumps([_FORM, depends]).encode())[:16]
    cached = cache_folder() / f"{name}-{key}.tflite"
    if cached.is_file():
        return _once(cached.read_bytes())
    graph = build()
    _keep(cached, graph)
    return _once(graph)


@lru_cache(maxsize=4)
def _once(graph: bytes) -> bytes:
    """The same object for equal graphs, of which a process may run one for each of many streams."""
    return graph


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/kws, by default ~/.cache/kws."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "kws"


def _keep(path: Path, graph: bytes) -> None:
    """Whole or not at all; a home that cannot be written to only costs building it again."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(graph)
        partial.replace(path)
    except OSError:
        return
