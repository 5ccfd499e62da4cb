"""How far the runtime is from what the core could do: multiplications needed against its measured peak."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from kws.frontend import FrontendConfig

_SIZE = 384
"""Of the square matrices; three of them fit into a core's second cache."""
_BEST_OF = 20


def peak_macs() -> float:
    """Multiply-accumulates a second of float32, one thread: the best of several matrix products of numpy."""
    a = np.random.default_rng(0).standard_normal((_SIZE, _SIZE), np.float32)
    return _SIZE**3 / min(_seconds(a) for _ in range(_BEST_OF))


def _seconds(a: np.ndarray) -> float:
    began = time.thread_time()
    a @ a
    return time.thread_time() - began


def model_macs(path: Path) -> int:
    """Of one step of a .tflite: its convolutions and fully connected layers; all else is small."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    shapes = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    return sum(_operator_macs(op, shapes) for op in interpreter._get_ops_details())


def _operator_macs(op: dict[str, Any], shapes: dict[int, np.ndarray]) -> int:
    name = op["op_name"]
    if name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    output, weights = shapes[op["outputs"][0]], shapes[op["inputs"][1]]
    if name == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
        return int(np.prod(output) * np.prod(weights[1:3]))
    return int(np.prod(output) * np.prod(weights[1:]))  # [outputs, ...]


def front_end_macs(config: FrontendConfig) -> int:
    """Of one row: window, FFT, power of each bin, mel filters, and ten operations a channel after them.

    A real FFT of n points is a complex one of n / 2, with n / 4 log2(n / 2) butterflies of 4
    multiplications, and n more to take it apart. Each bin is in two mel filters.
    """
    n = config.fft_size
    transform = n // 4 * int(math.log2(n // 2)) * 4 + n
    return config.window_samples + transform + n + n + 10 * config.channels
