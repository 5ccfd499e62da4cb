"""The engine "c99": front end and model in C, behind the same interfaces as kws's own."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from firmware_export.native.libraries import library
from kws.frontend import FrontendConfig
from kws.types import Outputs, Rows, Samples


class NativeFrontend:
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 40); the rows of kws.frontend."""

    def __init__(self) -> None:
        self.config = FrontendConfig()
        self._library = library(None)
        self._state = ctypes.create_string_buffer(self._library.shape.frontend_bytes)
        self.reset()

    def push(self, samples: Samples) -> Rows:
        """Rows completed by these samples; ValueError unless int16 of one dimension."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
        samples = np.ascontiguousarray(samples)
        most = len(samples) // self.config.step_samples + 1
        rows = np.empty((most, self.config.channels), np.int8)
        found = self._library.code.kws_rows(self._state, samples.ctypes.data, len(samples), rows.ctypes.data)
        return rows[:found]

    def flush(self) -> Rows:
        """Nothing: samples short of a whole step are not heard."""
        return np.empty((0, self.config.channels), np.int8)

    def reset(self) -> None:
        """Forget all audio."""
        self._library.code.kws_frontend_reset(self._state)


class NativeModel:
    """A streaming Stage: int8 rows (t, channels) -> uint8 outputs (steps, labels), as kws.model has it.

    The outputs are those of TensorFlow Lite Micro, bit for bit.
    """

    def __init__(self, path: Path) -> None:
        self._library = library(path)
        self.delegate = None
        shape = self._library.shape
        self.stride, self.channels, self.labels = int(shape.rows), int(shape.channels), int(shape.labels)
        self.input_quantization: tuple[float, int] = (shape.input_scale, shape.input_zero)
        self.output_quantization: tuple[float, int] = (shape.output_scale, shape.output_zero)
        self._state = ctypes.create_string_buffer(shape.state_bytes)
        self._pending: Rows
        self.reset()

    def push(self, rows: Rows) -> Outputs:
        """One row of outputs for every `stride` rows completed."""
        held = np.ascontiguousarray(np.concatenate([self._pending, rows]) if len(self._pending) else rows)
        steps = len(held) // self.stride
        outputs = np.empty((steps, self.labels), np.uint8)
        self._library.code.kws_outputs(self._state, held.ctypes.data, steps, outputs.ctypes.data)
        self._pending = held[steps * self.stride :].copy()
        return outputs

    def flush(self) -> Outputs:
        """Nothing: rows short of a stride are not judged."""
        return np.empty((0, self.labels), np.uint8)

    def reset(self) -> None:
        """As new, held rows forgotten."""
        self._library.code.kws_model_reset(self._state)
        self._pending = np.empty((0, self.channels), np.int8)


def new_front_end() -> NativeFrontend:
    """The micro front end; raises ExportError if it cannot be built here."""
    return NativeFrontend()


def open_model(path: Path) -> NativeModel:
    """The model in a .tflite; raises ExportError if it cannot be translated or built here."""
    return NativeModel(path)
