"""The arithmetic of an int8 encoder: weights per channel, activations on ranges measured on recordings.

The activation max(leaky ReLU, -0.4) needs no operator for its lower end: scales are chosen so that int8's
lowest value stands for exactly that bound, and saturation does the rest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.encoders.graph import Graph, Scale, Tensor
from kws.encoders.network import LEAK, LEAST, Layer
from kws.encoders.speech_embedding import SpeechEmbeddingConfig

OUTPUT = Scale([SpeechEmbeddingConfig().int8_scale])
"""Of embeddings."""


@dataclass(frozen=True)
class Ranges:
    """What was measured: `python -m training.encoder_ranges` writes it."""

    rows: tuple[float, float]
    """Log-mel values worth telling apart."""
    layers: tuple[float, ...]
    """The largest activation worth telling apart, by layer, the last one without."""

    def arithmetic(self) -> Int8:
        """On scales that hold them."""
        return Int8(between(*self.rows), self.layers)


def read_ranges(path: Path) -> Ranges:
    """As training.encoder_ranges stores them."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Ranges(tuple(stored["rows"]), tuple(stored["layers"]))


class Int8:
    """See kws.encoders.streaming.Arithmetic.

    Args:
        rows: scale of what the first layer is given.
        layers: the largest activation worth telling apart, by layer, the last one without.
        output: scale of what the last layer answers, which has no activation.
    """

    def __init__(self, rows: Scale, layers: Sequence[float], output: Scale = OUTPUT) -> None:
        self._inputs = [rows, *(between(LEAST, high) for high in layers)]
        """Scale of each layer's input."""
        self._sums = [between(LEAST / LEAK, high) for high in layers] + [output]
        """Scale of what each layer's convolution comes to: what is lower ends at LEAST all the same."""

    def enter(self, graph: Graph, x: Tensor) -> Tensor:
        """Rounded."""
        return graph.quantize(x, self._inputs[0])

    def past(self, graph: Graph, shape: tuple[int, ...], layer: int) -> tuple[Tensor, Tensor]:
        """Zeros of the scale."""
        scale = self._inputs[layer]
        return graph.state(np.full(shape, scale.zero, np.int8), scale)

    def convolve(self, graph: Graph, x: Tensor, layers: Sequence[Layer], layer: int) -> Tensor:
        """With weights of one scale per output channel."""
        one = layers[layer]
        kernel, scales = per_channel(one.kernel)
        products = scales * self._inputs[layer].scale[0]
        bias = np.rint(one.bias / products).astype(np.int32)
        return graph.convolve(
            x,
            graph.constant(kernel, Scale(scales.tolist())),
            graph.constant(bias, Scale(products.tolist())),
            self._sums[layer],
        )

    def activate(self, graph: Graph, x: Tensor, layer: int) -> Tensor:
        """One operator; its scale cuts off below."""
        return graph.leaky_relu(x, LEAK, self._inputs[layer + 1])


def per_channel(kernel: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """int8 of the same shape (out, ...), and the scale of each output channel, shape (out,)."""
    axes = tuple(range(1, kernel.ndim))
    scales = np.maximum(np.abs(kernel).max(axis=axes), 1e-9).astype(np.float64) / 127
    steps = np.rint(kernel / scales.reshape(-1, *[1] * len(axes)))
    return steps.astype(np.int8), scales


def between(low: float, high: float) -> Scale:
    """int8 from `low` < 0, which -128 stands for exactly, to `high` or more; zero is a whole step."""
    below = max(1, int(-low * 255 / (high - low)))
    return Scale([-low / below], below - 128)
