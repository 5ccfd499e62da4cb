"""A .tflite of named inputs and outputs, as rescorers are: called like a function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kws.errors import BundleError


def signature_runner(path: Path) -> Any:
    """The function of a file that has one; raises BundleError where it cannot be loaded."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
        return interpreter.get_signature_runner()
    except (OSError, ValueError, RuntimeError) as error:
        raise BundleError(f"{path}: cannot be loaded ({error}); train it again") from error
