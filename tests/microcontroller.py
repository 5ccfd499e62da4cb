"""TensorFlow Lite Micro's own interpreter, the judge of what microcontrollers compute."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

ARENA_BYTES = 500_000


def interpreter(model: bytes, arena_bytes: int = ARENA_BYTES) -> Any:
    """A fresh one; its wheels are for Linux on x86-64 only, elsewhere the test is skipped."""
    try:
        from tflite_micro import runtime
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("pip install tflite-micro (Linux on x86-64 only)")
    return runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)


def outputs(model: bytes, rows: np.ndarray, stride: int = 3) -> np.ndarray:
    """The model's answers to int8 rows (t, channels), (steps, labels)."""
    micro = interpreter(model)
    answers = []
    for step in range(len(rows) // stride):
        micro.set_input(rows[None, stride * step : stride * (step + 1)], 0)
        micro.invoke()
        answers.append(micro.get_output(0)[0])
    return np.array(answers)
