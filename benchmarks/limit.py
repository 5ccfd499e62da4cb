"""How far the runtime is from what the core could do: multiplications needed against its measured peaks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from kws.encoders.graph import Graph, Scale

_SIZE = 384
"""Of the square matrices; three of them fit into a core's second cache."""
_BEST_OF = 20


class Spectral(Protocol):
    """What a front end that looks at spectra says of itself."""

    @property
    def window_samples(self) -> int:
        """Of a spectrum."""

    @property
    def fft_size(self) -> int:
        """Points of its transform."""

    @property
    def channels(self) -> int:
        """Mel filters."""


def peak_macs() -> float:
    """Multiply-accumulates a second of float32, one thread: the best of several matrix products of numpy."""
    a = np.random.default_rng(0).standard_normal((_SIZE, _SIZE), np.float32)
    return _peak(lambda: a @ a)


def peak_int8_macs() -> float:
    """The same of int8, one thread: of LiteRT, by one convolution that is such a matrix product."""
    interpreter = _opened(int8_product(_SIZE))
    return _peak(interpreter.invoke)


def _peak(product: Callable[[], object]) -> float:
    return _SIZE**3 / min(_seconds(product) for _ in range(_BEST_OF))


def _seconds(product: Callable[[], object]) -> float:
    began = time.thread_time()
    product()
    return time.thread_time() - began


def int8_product(size: int) -> bytes:
    """A .tflite: int8 [1, size, 1, size], as a matrix, times one of weights of the same size."""
    weights = np.random.default_rng(0).integers(-127, 128, (size, 1, 1, size), np.int8)
    graph = Graph()
    scales = [0.01] * size
    kernel = graph.constant(weights, Scale(scales))
    bias = graph.constant(np.zeros(size, np.int32), Scale(scales))
    graph.output(graph.convolve(graph.input((1, size, 1, size), Scale([1.0])), kernel, bias, Scale([1.0])))
    return graph.tflite()


def model_macs(content: bytes) -> int:
    """Of one step of a .tflite: its convolutions and fully connected layers; all else is small."""
    interpreter = _opened(content)
    shapes = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    return sum(_operator_macs(op, shapes) for op in interpreter._get_ops_details())


def _opened(content: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _operator_macs(op: dict[str, Any], shapes: dict[int, np.ndarray]) -> int:
    name = op["op_name"]
    if name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    output, weights = shapes[op["outputs"][0]], shapes[op["inputs"][1]]
    if name == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
        return int(np.prod(output) * np.prod(weights[1:3]))
    return int(np.prod(output) * np.prod(weights[1:]))  # [outputs, ...]


def spectral_macs(config: Spectral) -> int:
    """Of one row: window, FFT, power of each bin, mel filters, and ten operations a channel after them.

    A real FFT of n points is a complex one of n / 2, with n / 4 log2(n / 2) butterflies of 4
    multiplications, and n more to take it apart. Each bin is in two mel filters.
    """
    n = config.fft_size
    transform = n // 4 * int(math.log2(n // 2)) * 4 + n
    return config.window_samples + transform + n + n + 10 * config.channels
