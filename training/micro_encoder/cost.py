"""What a student costs a device: weights, multiplications, bytes of its graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from kws.encoders.layer_file import StudentLayers
from kws.encoders.micro_embedding import MicroEmbeddingConfig
from kws.encoders.network import Layer


@dataclass(frozen=True)
class Cost:
    """Of a network."""

    weights: int
    """In kernels, a byte each."""
    multiplications: int
    """A second of audio."""


def cost_of(layers: StudentLayers) -> Cost:
    """Of the streamed network, in which nothing is computed twice."""
    config = MicroEmbeddingConfig()
    entry = _multiplications(layers.entry, config.rows, 1)
    published = _multiplications(layers.published, config.rows, len(layers.entry[-1].bias))
    weights = sum(layer.kernel.size for layer in (*layers.entry, *layers.published))
    return Cost(weights, round((entry + published) / config.row_seconds))


def _multiplications(layers: Iterable[Layer], rows: int, columns: int) -> int:
    """In a step of so many rows and columns."""
    found = 0
    for layer in layers:
        columns += 2 * layer.padding - layer.kernel.shape[2] + 1
        found += rows * columns * prod(layer.kernel.shape)
        if layer.pool:
            rows, columns = rows // layer.pool[0], columns // layer.pool[1]
    return found
