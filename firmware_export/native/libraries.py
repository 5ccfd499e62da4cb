"""Where the shared libraries lie: shipped beside Python, made earlier on this machine, or made now."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from firmware_export.errors import ExportError
from firmware_export.native.identity import digest, file_stem
from kws.checksum import checksum

SHIPPED = Path("share", "kws", "c99")
"""Below Python's prefix: libraries that an installation brings with it."""


class Shape(ctypes.Structure):
    """`struct kws_shape` of stages.h."""

    _fields_ = (
        ("input_scale", ctypes.c_double),
        ("output_scale", ctypes.c_double),
        ("input_zero", ctypes.c_int32),
        ("output_zero", ctypes.c_int32),
        ("rows", ctypes.c_uint32),
        ("channels", ctypes.c_uint32),
        ("labels", ctypes.c_uint32),
        ("state_bytes", ctypes.c_uint32),
        ("frontend_bytes", ctypes.c_uint32),
    )


class Library:
    """One that is loaded."""

    def __init__(self, path: Path) -> None:
        try:
            self.code = ctypes.CDLL(str(path))
        except OSError as error:
            raise ExportError(f"{path}: cannot be loaded ({error}); delete it, to make it anew") from error
        self.shape = Shape.in_dll(self.code, "kws_shape")
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        stretch = (pointer, pointer, size, pointer)
        self.code.kws_rows.argtypes, self.code.kws_rows.restype = stretch, size
        self.code.kws_outputs.argtypes, self.code.kws_outputs.restype = stretch, None
        for reset in (self.code.kws_frontend_reset, self.code.kws_model_reset):
            reset.argtypes, reset.restype = (pointer,), None


def library(model: Path | None) -> Library:
    """Of a model, or of the front end; compiled where there is none yet. Raises ExportError."""
    name = f"{file_stem(model)}-{digest(model)}"
    shipped = Path(sys.prefix) / SHIPPED / f"{name}.so"
    if shipped.is_file():
        return Library(shipped)
    made = cache_folder() / f"{name}-{_processor()}.so"
    return Library(made) if made.is_file() else _compiled(model, made)


def _compiled(model: Path | None, made: Path) -> Library:
    # Translator and compiler are imported when there is something to translate.
    import tempfile

    from firmware_export.native import project
    from firmware_export.native.compiler import compile_library, own_compiler, own_flags

    sources, compiler = project.sources(model), own_compiler()
    with suppress(OSError):
        made.parent.mkdir(parents=True, exist_ok=True)
        compile_library(sources, made, compiler, own_flags())
        return Library(made)
    # The cache cannot be written: made for this process alone, and again for the next.
    with tempfile.TemporaryDirectory() as folder:
        compile_library(sources, Path(folder, "made.so"), compiler, own_flags())
        return Library(Path(folder, "made.so"))


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/kws/c99, which need not be there."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given if os.path.isabs(given) else os.path.expanduser("~/.cache"), "kws", "c99")


@cache
def _processor() -> str:
    """Digest of what this processor is and has: a cache may be in a home directory that several share."""
    known = f"{platform.system()} {platform.machine()} {ctypes.sizeof(ctypes.c_void_p)}"
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = ("flags", "features", "cpu part", "model name")
        known += "".join(sorted({line for line in lines if line.lower().startswith(wanted)}))
    return checksum(known.encode())[:8]
