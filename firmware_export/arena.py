"""How much memory TensorFlow Lite Micro needs for a model: found by trying, with the interpreter itself.

Each try is a process of its own, since too small an arena may end it.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from firmware_export.errors import ExportError

GRAIN = 64
"""Bytes to which the need is found."""
LARGEST = 1 << 22

_TRY = """
import sys
from tflite_micro import runtime
interpreter = runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2]))
interpreter.invoke()
"""


def measured(model: Path) -> int:
    """The smallest arena in which the model loads and runs, in bytes, a multiple of GRAIN.

    Measured where pointers have eight bytes; a microcontroller, where they have four, needs less.

    Raises:
        ExportError: the interpreter is not installed, or cannot run the model at all.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise ExportError(
            "the arena cannot be measured: tflite-micro is not installed; pip install tflite-micro "
            "(Linux on x86-64 only), or give --arena BYTES"
        )
    fails, works = 0, LARGEST
    if complaint := _complaint(model, works):
        raise ExportError(f"{model}: tflite-micro cannot run it ({complaint}); use other operators")
    while works - fails > GRAIN:
        middle = (works + fails) // 2 // GRAIN * GRAIN
        fails, works = (middle, works) if _complaint(model, middle) else (fails, middle)
    return works


def _complaint(model: Path, size: int) -> str:
    """What the interpreter says to an arena of this size; empty if it runs."""
    command = [sys.executable, "-c", _TRY, str(model), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines() or ["no message"]
    return lines[0] if done.returncode else ""
