"""A head as an int8 streaming .tflite: a row of the encoder in, the word's probability out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.encoders.graph import Graph, Scale, Tensor
from kws.encoders.micro_embedding import WEIGHTS, add_encoder
from kws.encoders.quantized import per_channel
from kws.encoders.rows import EmbeddingRowsConfig
from kws.types import Rows
from training.heads.head import Committee, Floats, Head

LOGITS = Scale([1 / 16])
"""Of logits: -8 to 7.9, more than a probability in steps of 1/256 tells apart."""

_COVERED = 0.9999
"""Share of the activations that an int8 scale must hold."""


def head_model(heads: Committee, calibration: Rows, *, whole: bool = False, weights: Path = WEIGHTS) -> bytes:
    """The .tflite: int8 [1, 1, 96] in, uint8 [1, 1] out, the past projections in a resource variable.

    Activations are ReLUs whose scale starts at 0, so that int8's lowest value cuts off below.

    Args:
        heads: their weights.
        calibration: rows (t, 96) of words and of other speech, by which activations get their scales.
        whole: with the micro embedding before it, which takes int8 [1, 8, 40] of the micro front end.
        weights: the file of that one.
    """
    hidden = _positive(np.concatenate([head.hidden_values(calibration) for head in heads.members], axis=1))
    graph = Graph()
    row = add_encoder(graph, weights) if whole else _input(graph)
    parts = [
        _hidden(graph, row, head, _positive(head.projections(calibration)), hidden) for head in heads.members
    ]
    x = graph.concatenate(parts, axis=3) if len(parts) > 1 else parts[0]
    out = np.concatenate([head.out for head in heads.members]) / len(parts)
    bias = np.mean([head.out_bias for head in heads.members], keepdims=True)
    x = _layer(graph, x, out[None, :, None], bias, LOGITS)
    score = graph.logistic(graph.reshape(x, (1, 1)))
    graph.output(graph.quantize(score, Scale([1 / 256]), np.uint8))
    return graph.tflite()


def _input(graph: Graph) -> Tensor:
    """An embedding, (1, 1, 1, 96)."""
    config = EmbeddingRowsConfig()
    row = graph.input((1, 1, config.channels), Scale([config.row_scale], config.row_zero_point))
    return graph.reshape(row, (1, 1, 1, config.channels))


def _hidden(graph: Graph, row: Tensor, head: Head, projected: Scale, hidden: Scale) -> Tensor:
    """The hidden values of one head, (1, 1, 1, hidden)."""
    x = _layer(graph, row, head.project[None], head.project_bias, projected)
    x = _remembered(graph, x, head, projected)
    return _layer(graph, x, head.hidden, head.hidden_bias, hidden)


def _remembered(graph: Graph, newest: Tensor, head: Head, scale: Scale) -> Tensor:
    """The last `context` projections, (1, context, 1, projected); at first those of rows of zeros."""
    nothing = np.maximum(0, head.project_bias)
    stored = np.clip(np.rint(nothing / scale.scale[0]) + scale.zero, -128, 127).astype(np.int8)
    past = np.broadcast_to(stored, (1, head.context - 1, 1, len(stored)))
    handle, before = graph.state(np.ascontiguousarray(past), scale)
    window = graph.concatenate([before, newest], axis=1)
    graph.assign(handle, graph.last(window, head.context - 1))
    return window


def _layer(graph: Graph, x: Tensor, weights: Floats, bias: Floats, scale: Scale) -> Tensor:
    """A dense layer over (rows, values) as a convolution; `weights` (rows, values, out)."""
    assert x.scale is not None
    kernel, scales = per_channel(np.ascontiguousarray(weights.transpose(2, 0, 1)[:, :, None]))
    products = scales * x.scale.scale[0]
    return graph.convolve(
        x,
        graph.constant(kernel, Scale(scales.tolist())),
        graph.constant(np.rint(bias / products).astype(np.int32), Scale(products.tolist())),
        scale,
    )


def _positive(activations: Floats) -> Scale:
    """int8 from 0 to nearly the largest."""
    return Scale([max(float(np.quantile(activations, _COVERED)), 1e-3) / 255], -128)
