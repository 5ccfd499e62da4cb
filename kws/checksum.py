"""SHA-256 without OpenSSL, which takes 3 MB and as long to load as a model does."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import Any


def checksum(content: bytes) -> str:
    """SHA-256 in hex digits."""
    return str(_sha256(content).hexdigest())


def _plain() -> Any:
    """Python's own, as the standard library's `random` takes it; its module has had two names."""
    for name in ("_sha2", "_sha256"):
        with contextlib.suppress(ImportError):
            return import_module(name).sha256
    return import_module("hashlib").sha256


_sha256 = _plain()
