"""A convolutional network as one streaming graph: what it needs of the past is carried inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kws.encoders.graph import Graph, Tensor
from kws.encoders.network import LEAK, LEAST, Layer


def streaming_model(layers: Sequence[Layer], rows: int, columns: int) -> bytes:
    """A .tflite that takes float32 [1, rows, columns] a step and answers float32 [1, values].

    Step n answers what the whole network says of the rows up to and including those of step n, as many as it
    sees at once; the first answers, before there are as many, take zeros inside it for what was not heard.

    Args:
        layers: from `read_layers`.
        rows: of a step; as many as the pools of the network take to one.
        columns: of a row.
    """
    graph = Graph()
    x = graph.reshape(graph.input((1, rows, columns)), (1, rows, columns, 1))
    widths = _widths(layers, columns)
    pasts = [_past(graph, layer, width) for layer, width in zip(layers, widths, strict=True)]
    for layer, past in zip(layers, pasts, strict=True):
        x = _layer(graph, layer, past, x)
    graph.output(graph.reshape(x, (1, x.shape[-1])))
    return graph.tflite()


def _widths(layers: Sequence[Layer], columns: int) -> list[int]:
    """Columns that each layer is given."""
    widths = [columns]
    for layer in layers:
        width = widths[-1] + 2 * layer.padding - layer.kernel.shape[2] + 1
        widths.append(width // layer.pool[1] if layer.pool else width)
    return widths[:-1]


def _past(graph: Graph, layer: Layer, width: int) -> tuple[Tensor, Tensor] | None:
    if not layer.remembered:
        return None
    return graph.state(np.zeros((1, layer.remembered, width, layer.kernel.shape[3]), np.float32))


def _layer(graph: Graph, layer: Layer, past: tuple[Tensor, Tensor] | None, x: Tensor) -> Tensor:
    if past:
        handle, before = past
        x = graph.concatenate([before, x], axis=1)
        graph.assign(handle, graph.last(x, layer.remembered))
    if layer.padding:
        x = graph.pad_width(x, layer.padding)
    x = graph.convolve(x, graph.constant(layer.kernel), graph.constant(layer.bias))
    if layer.pool:
        x = graph.pool(x, *layer.pool)
    # The activation never falls, so it may come after the maximum, on fewer values.
    return graph.at_least(graph.leaky_relu(x, LEAK), LEAST) if layer.activated else x
