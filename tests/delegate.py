"""A small real delegate, built with the system's compiler: what the tests of delegates load."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "delegate_library"


def build(library: Path, *, source: Path = SOURCES / "logistic.c") -> Path:
    """The shared library of a C file."""
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-shared", "-fPIC"]
    command = ["gcc", *flags, "-I", str(SOURCES), "-o", str(library), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library
