"""A small network as for pictures: every window has padding, one dilation too, so that none is one stretch of
the input. It has no training; what it costs to compute is the point.
"""

from __future__ import annotations

import numpy as np
from tflite_builder import GraphBuilder

ROW_SCALE = 0.10196078568696976
HEIGHT, WIDTH, CHANNELS = 6, 20, 16
"""Three rows of 40 channels, as a picture; filters."""
SAME = 0


def picture_network() -> bytes:
    """CONV_2D, DEPTHWISE_CONV_2D and a dilated CONV_2D, each 3 by 3 with padding -> one output."""
    rng, graph = np.random.default_rng(3), GraphBuilder()
    rows = graph.tensor("int8", (1, 3, 40), ROW_SCALE, -128)
    picture = graph.tensor("int8", (1, HEIGHT, WIDTH, 1), ROW_SCALE, -128)
    _reshape(graph, rows, picture, (1, HEIGHT, WIDTH, 1))
    wide = _layer(graph, rng, "CONV_2D", picture, (CHANNELS, 3, 3, 1), 0)
    mixed = _layer(graph, rng, "DEPTHWISE_CONV_2D", wide, (1, 3, 3, CHANNELS), 3, depthMultiplier=1)
    last = _layer(
        graph, rng, "CONV_2D", mixed, (CHANNELS, 3, 3, CHANNELS), 0, dilationHFactor=2, dilationWFactor=2
    )
    size = HEIGHT * WIDTH * CHANNELS
    flat = graph.tensor("int8", (1, size), ROW_SCALE, -10)
    _reshape(graph, last, flat, (1, size))
    weights = graph.constant(rng.integers(-127, 128, (1, size)).astype(np.int8), 0.0005)
    judged = graph.tensor("int8", (1, 1), 0.0125, -128)
    graph.op("FULLY_CONNECTED", [flat, weights, -1], [judged], 4, "FullyConnected")
    output = graph.tensor("uint8", (1, 1), 0.0125)
    graph.op("QUANTIZE", [judged], [output], options="Quantize")
    return graph.tflite([rows], [output])


def _reshape(graph: GraphBuilder, source: int, made: int, shape: tuple[int, ...]) -> None:
    graph.op("RESHAPE", [source, graph.constant(np.array(shape, np.int32))], [made], options="Reshape")


def _layer(
    graph: GraphBuilder,
    rng: np.random.Generator,
    name: str,
    source: int,
    shape: tuple[int, ...],
    axis: int,
    **options: int,
) -> int:
    """One operator with random weights of this shape, whose `axis` counts the outputs."""
    scales = rng.uniform(0.002, 0.03, CHANNELS) / np.sqrt(np.prod(shape) / CHANNELS)
    values = rng.integers(-127, 128, shape).astype(np.int8)
    bias = rng.integers(-4000, 4000, CHANNELS).astype(np.int32)
    weights = graph.constant(values, scales.tolist(), axis=axis)
    offsets = graph.constant(bias, (scales * ROW_SCALE).tolist())
    made = graph.tensor("int8", (1, HEIGHT, WIDTH, CHANNELS), ROW_SCALE, -10)
    kind = "Conv2D" if name == "CONV_2D" else "DepthwiseConv2D"
    options = {"strideH": 1, "strideW": 1, "padding": SAME, **options}
    graph.op(name, [source, weights, offsets], [made], 3, kind, **options)
    return made
