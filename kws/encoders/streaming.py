"""A convolutional network as one streaming graph: what it needs of the past is carried inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from kws.encoders.graph import Graph, Tensor
from kws.encoders.network import LEAK, LEAST, Layer


class Arithmetic(Protocol):
    """How a graph computes: in floating point as below, or as in kws.encoders.quantized."""

    def enter(self, graph: Graph, x: Tensor) -> Tensor:
        """From the caller's float32 to what the first layer takes."""

    def past(self, graph: Graph, shape: tuple[int, ...], layer: int) -> tuple[Tensor, Tensor]:
        """State for the input of a layer, zero at first: its handle and its value."""

    def convolve(self, graph: Graph, x: Tensor, layers: Sequence[Layer], layer: int) -> Tensor:
        """The convolution of one layer."""

    def activate(self, graph: Graph, x: Tensor, layer: int) -> Tensor:
        """Its activation."""


class Float32:
    """As the network was published."""

    def enter(self, graph: Graph, x: Tensor) -> Tensor:
        """Nothing to do."""
        return x

    def past(self, graph: Graph, shape: tuple[int, ...], layer: int) -> tuple[Tensor, Tensor]:
        """Zeros."""
        return graph.state(np.zeros(shape, np.float32))

    def convolve(self, graph: Graph, x: Tensor, layers: Sequence[Layer], layer: int) -> Tensor:
        """With the weights as they are."""
        one = layers[layer]
        return graph.convolve(x, graph.constant(one.kernel), graph.constant(one.bias))

    def activate(self, graph: Graph, x: Tensor, layer: int) -> Tensor:
        """Two operators."""
        return graph.at_least(graph.leaky_relu(x, LEAK), LEAST)


def streaming_model(layers: Sequence[Layer], rows: int, columns: int, arithmetic: Arithmetic) -> bytes:
    """A .tflite that takes float32 [1, rows, columns] a step and answers [1, values].

    Step n answers what the whole network says of the rows up to and including those of step n, as many as it
    sees at once; the first answers, before there are as many, take zeros inside it for what was not heard.

    Args:
        layers: from `read_layers`.
        rows: of a step; as many as the pools of the network take to one.
        columns: of a row.
        arithmetic: Float32 or Int8.
    """
    graph = Graph()
    heard = graph.input((1, rows, columns))
    x = arithmetic.enter(graph, graph.reshape(heard, (1, rows, columns, 1)))
    x = add_layers(graph, x, layers, arithmetic)
    graph.output(graph.reshape(x, (1, int(np.prod(x.shape)))))
    return graph.tflite()


def add_layers(graph: Graph, x: Tensor, layers: Sequence[Layer], arithmetic: Arithmetic) -> Tensor:
    """These layers behind `x`, (1, rows, columns, channels) of a step; returns what they answer."""
    pasts = [
        arithmetic.past(graph, (1, layer.remembered, width, layer.kernel.shape[3]), index)
        if layer.remembered
        else None
        for index, (layer, width) in enumerate(zip(layers, _widths(layers, x.shape[2]), strict=True))
    ]
    for index, past in enumerate(pasts):
        x = _layer(graph, arithmetic, layers, index, past, x)
    return x


def _widths(layers: Sequence[Layer], columns: int) -> list[int]:
    """Columns that each layer is given."""
    widths = [columns]
    for layer in layers:
        width = widths[-1] + 2 * layer.padding - layer.kernel.shape[2] + 1
        widths.append(width // layer.pool[1] if layer.pool else width)
    return widths[:-1]


def _layer(
    graph: Graph,
    arithmetic: Arithmetic,
    layers: Sequence[Layer],
    index: int,
    past: tuple[Tensor, Tensor] | None,
    x: Tensor,
) -> Tensor:
    layer = layers[index]
    if past:
        handle, before = past
        x = graph.concatenate([before, x], axis=1)
        graph.assign(handle, graph.last(x, layer.remembered))
    if layer.padding:
        x = graph.pad_width(x, layer.padding)
    x = arithmetic.convolve(graph, x, layers, index)
    if layer.pool:
        x = graph.pool(x, *layer.pool)
    # The activation never falls, so it may come after the maximum, on fewer values.
    return arithmetic.activate(graph, x, index) if layer.activated else x
