"""Random int8 graphs that hold every operator with a C99 kernel, each in a branch of its own.

The branches start at the model's input and end side by side in its output, so that a wrong kernel shows by
itself and none is hidden by what follows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tflite_builder import GraphBuilder

ROW_SCALE = 0.10196078568696976
STRIDE, CHANNELS = 3, 40
END_SCALE, END_ZERO = 0.05, 0
"""Quantization in which all branches end."""

VALID, SAME = 1, 0
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3


class RandomGraph:
    """Draws scales, weights and activations; `branches` are what went in."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = GraphBuilder()
        self.input = self.graph.tensor("int8", (1, STRIDE, CHANNELS), ROW_SCALE, -128)
        self.ends: list[tuple[int, int]] = []  # tensors and their sizes
        self.width = 0
        for branch in BRANCHES:
            branch(self)

    def tflite(self) -> bytes:
        """The file."""
        joined = self.side_by_side(self.ends)
        # Real values from -6.4 on become those from 0 on, as the unsigned output has them.
        up = self.graph.constant(np.array(127, np.int8), END_SCALE, -1)
        raised = self.graph.tensor("int8", (1, self.width), END_SCALE, -128)
        self.graph.op("ADD", [joined, up], [raised], 2, "Add")
        output = self.graph.tensor("uint8", (1, self.width), END_SCALE)
        self.graph.op("QUANTIZE", [raised], [output], options="Quantize")
        return self.graph.tflite([self.input], [output])

    def side_by_side(self, ends: list[tuple[int, int]]) -> int:
        """One tensor of all; the microcontroller's CONCATENATION takes ten at most."""
        while len(ends) > 1:
            some, ends = ends[:10], ends[10:]
            width = sum(size for _, size in some)
            joined = self.graph.tensor("int8", (1, width), END_SCALE, END_ZERO)
            self.graph.op("CONCATENATION", [end for end, _ in some], [joined], 2, "Concatenation", axis=1)
            ends = [(joined, width), *ends]
        return ends[0][0]

    def end(self, shape: tuple[int, ...]) -> int:
        """An output of a branch, for an operator to make before `flatten`."""
        self.last = self.graph.tensor("int8", shape, END_SCALE, END_ZERO), int(np.prod(shape))
        return self.last[0]

    def flatten(self) -> None:
        """End the branch."""
        tensor, size = self.last
        flat = self.graph.tensor("int8", (1, size), END_SCALE, END_ZERO)
        shape = self.graph.constant(np.array([1, -1], np.int32))
        self.graph.op("RESHAPE", [tensor, shape], [flat], options="Reshape")
        self.ends.append((flat, size))
        self.width += size

    def image(self, height: int, width: int, channels: int) -> int:
        """The input in another shape, requantized to a random scale."""
        shape = (1, height, width, channels)
        view = self.graph.tensor("int8", shape, ROW_SCALE, -128)
        constant = self.graph.constant(np.array(shape, np.int32))
        self.graph.op("RESHAPE", [self.input, constant], [view], options="Reshape")
        made = self.graph.tensor("int8", shape, self.scale(), self.zero())
        self.graph.op("QUANTIZE", [view], [made], options="Quantize")
        return made

    def scale(self) -> float:
        return float(np.float32(self.rng.uniform(0.02, 0.2)))

    def zero(self) -> int:
        return int(self.rng.integers(-128, 128))

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[int, int]:
        """Weights and bias, one scale per channel."""
        channels, fan_in = shape[axis], int(np.prod(shape)) / shape[axis]
        scales = self.rng.uniform(0.002, 0.03, channels).astype(np.float32) / np.sqrt(fan_in).astype(
            np.float32
        )
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        bias = self.rng.integers(-4000, 4000, channels).astype(np.int32)
        return (
            self.graph.constant(values, scales.tolist(), axis=axis),
            self.graph.constant(bias, (scales * np.float32(0.1)).tolist()),
        )

    def activation(self) -> int:
        return int(self.rng.choice([NONE, RELU, RELU_N1_TO_1, RELU6]))


def fully_connected(g: RandomGraph) -> None:
    depth = STRIDE * CHANNELS
    source = g.image(1, 1, depth)
    weights, bias = g.weights((7, depth), 0)
    g.graph.op(
        "FULLY_CONNECTED",
        [source, weights, bias],
        [g.end((1, 7))],
        4,
        "FullyConnected",
        fusedActivationFunction=g.activation(),
    )
    g.flatten()


def fully_connected_of_one_scale(g: RandomGraph) -> None:
    source = g.image(1, 1, 120)
    weights = g.graph.constant(g.rng.integers(-127, 128, (5, 120)).astype(np.int8), 0.00123)
    g.graph.op("FULLY_CONNECTED", [source, weights, -1], [g.end((1, 5))], 4, "FullyConnected")
    g.flatten()


def _convolution(
    g: RandomGraph, source: int, shape: tuple[int, ...], out: tuple[int, ...], **options: int
) -> None:
    weights, bias = g.weights(shape, 0)
    options = {"strideH": 1, "strideW": 1, "fusedActivationFunction": g.activation(), **options}
    g.graph.op("CONV_2D", [source, weights, bias], [g.end(out)], 3, "Conv2D", **options)
    g.flatten()


def convolution_over_rows(g: RandomGraph) -> None:
    _convolution(g, g.image(6, 1, 20), (4, 2, 1, 20), (1, 3, 1, 4), padding=VALID, strideH=2)


def convolution_of_points(g: RandomGraph) -> None:
    _convolution(g, g.image(3, 4, 10), (5, 1, 1, 10), (1, 3, 4, 5), padding=SAME)


def convolution_with_padding(g: RandomGraph) -> None:
    _convolution(g, g.image(6, 5, 4), (3, 3, 2, 4), (1, 3, 3, 3), padding=SAME, strideH=2, strideW=2)


def convolution_with_dilation(g: RandomGraph) -> None:
    _convolution(
        g, g.image(10, 3, 4), (3, 3, 2, 4), (1, 6, 2, 3), padding=VALID, dilationHFactor=2, dilationWFactor=1
    )


def convolution_with_padding_and_dilation(g: RandomGraph) -> None:
    options = {"padding": SAME, "dilationHFactor": 2, "dilationWFactor": 2}
    _convolution(g, g.image(5, 4, 6), (5, 3, 3, 6), (1, 5, 4, 5), **options)


def _depthwise(
    g: RandomGraph, source: int, shape: tuple[int, ...], out: tuple[int, ...], **options: int
) -> None:
    weights, bias = g.weights(shape, 3)
    options = {"strideH": 1, "strideW": 1, "fusedActivationFunction": g.activation(), **options}
    g.graph.op("DEPTHWISE_CONV_2D", [source, weights, bias], [g.end(out)], 3, "DepthwiseConv2D", **options)
    g.flatten()


def depthwise_over_time(g: RandomGraph) -> None:
    _depthwise(g, g.image(6, 1, 20), (1, 6, 1, 20), (1, 1, 1, 20), padding=VALID, depthMultiplier=1)


def depthwise_over_rows(g: RandomGraph) -> None:
    options = {"padding": VALID, "depthMultiplier": 1, "strideH": 2}
    _depthwise(g, g.image(10, 2, 6), (1, 3, 2, 6), (1, 4, 1, 6), **options)


def depthwise_with_padding_and_multiplier(g: RandomGraph) -> None:
    _depthwise(
        g, g.image(6, 5, 4), (1, 3, 3, 8), (1, 3, 3, 8), padding=SAME, depthMultiplier=2, strideH=2, strideW=2
    )


def depthwise_with_padding_and_dilation(g: RandomGraph) -> None:
    """As many channels as make two vectors and some more."""
    options = {"padding": SAME, "depthMultiplier": 1, "dilationHFactor": 2}
    _depthwise(g, g.image(3, 2, 20), (1, 3, 2, 20), (1, 3, 2, 20), **options)


def _pool(g: RandomGraph, name: str) -> None:
    """On the input as it is, whose numbers are of either sign; a pool keeps its input's scale."""
    view, made = (g.graph.tensor("int8", shape, ROW_SCALE, -128) for shape in ((1, 6, 5, 4), (1, 3, 3, 4)))
    shape = g.graph.constant(np.array([1, 6, 5, 4], np.int32))
    g.graph.op("RESHAPE", [g.input, shape], [view], options="Reshape")
    g.graph.op(
        name,
        [view],
        [made],
        2,
        "Pool2D",
        filterHeight=3,
        filterWidth=3,
        strideH=2,
        strideW=2,
        padding=SAME,
        fusedActivationFunction=g.activation(),
    )
    g.graph.op("QUANTIZE", [made], [g.end((1, 3, 3, 4))], options="Quantize")
    g.flatten()


def average_pool(g: RandomGraph) -> None:
    _pool(g, "AVERAGE_POOL_2D")


def max_pool(g: RandomGraph) -> None:
    _pool(g, "MAX_POOL_2D")


def _elementwise(name: str, options: str) -> Callable[[RandomGraph], None]:
    def branch(g: RandomGraph) -> None:
        shape = (1, 3, 4, 10)
        constant = g.graph.constant(g.rng.integers(-128, 128, (10,)).astype(np.int8), g.scale(), g.zero())
        for other in (g.image(*shape[1:]), constant):
            values = {"fusedActivationFunction": g.activation()}
            g.graph.op(name, [g.image(*shape[1:]), other], [g.end(shape)], 2, options, **values)
            g.flatten()

    return branch


def elementwise_with_one_number(g: RandomGraph) -> None:
    """A function of one byte, in a chain of such."""
    shape = (1, 3, 4, 10)
    source = g.image(*shape[1:])
    for name, options in (("MUL", "Mul"), ("ADD", "Add"), ("SUB", "Sub")):
        constant = g.graph.constant(np.array(g.zero(), np.int8), g.scale(), g.zero())
        made = g.graph.tensor("int8", shape, g.scale(), g.zero())
        pair = [source, constant] if g.rng.random() < 0.5 else [constant, source]
        g.graph.op(name, pair, [made], 2, options)
        source = made
    g.graph.op("QUANTIZE", [source], [g.end(shape)], options="Quantize")
    g.flatten()


def _curve(name: str, out_scale: float, out_zero: int) -> Callable[[RandomGraph], None]:
    def branch(g: RandomGraph) -> None:
        shape = (1, 3, 4, 10)
        made = g.graph.tensor("int8", shape, out_scale, out_zero)
        g.graph.op(name, [g.image(*shape[1:])], [made], 2)
        g.graph.op("QUANTIZE", [made], [g.end(shape)], options="Quantize")
        g.flatten()

    return branch


def relu(g: RandomGraph) -> None:
    shape = (1, 3, 4, 10)
    g.graph.op("RELU", [g.image(*shape[1:])], [g.end(shape)])
    g.flatten()


def leaky_relu(g: RandomGraph) -> None:
    shape = (1, 3, 4, 10)
    g.graph.op("LEAKY_RELU", [g.image(*shape[1:])], [g.end(shape)], 2, "LeakyRelu", alpha=0.17)
    g.flatten()


def slices(g: RandomGraph) -> None:
    """A part in the middle, every other row, and halves."""
    shape = (1, 6, 4, 5)
    source = g.graph.tensor("int8", shape, END_SCALE, END_ZERO)
    g.graph.op("QUANTIZE", [g.image(*shape[1:])], [source], options="Quantize")
    for begin, end, step, out in (
        ((0, -4, 1, 0), (1, 6, 3, 5), (1, 2, 1, 1), (1, 2, 2, 5)),
        ((0, 2, 0, 1), (1, 4, 4, 3), (1, 1, 1, 1), (1, 2, 4, 2)),
    ):
        bounds = [g.graph.constant(np.array(v, np.int32)) for v in (begin, end, step)]
        g.graph.op("STRIDED_SLICE", [source, *bounds], [g.end(out)], 2, "StridedSlice")
        g.flatten()


def splits(g: RandomGraph) -> None:
    shape = (1, 6, 4, 5)
    source = g.graph.tensor("int8", shape, END_SCALE, END_ZERO)
    g.graph.op("QUANTIZE", [g.image(*shape[1:])], [source], options="Quantize")
    sizes, axis = g.graph.constant(np.array([1, 3], np.int32)), g.graph.constant(np.array(2, np.int32))
    parts = [g.graph.tensor("int8", (1, 6, n, 5), END_SCALE, END_ZERO) for n in (1, 3)]
    g.graph.op("SPLIT_V", [source, sizes, axis], parts, 2, "SplitV", numSplits=2)
    back = g.end(shape)
    g.graph.op("CONCATENATION", parts[::-1], [back], 2, "Concatenation", axis=2)
    g.flatten()


def means(g: RandomGraph) -> None:
    """Over two axes, and over one, kept and not."""
    for axes, out, keep in (([1, 2], (1, 1, 1, 4), True), ([1], (1, 5, 4), False), ([-1], (1, 6, 5), False)):
        source = g.image(6, 5, 4)
        axis = g.graph.constant(np.array(axes, np.int32))
        g.graph.op("MEAN", [source, axis], [g.end(out)], 2, "Reducer", keepDims=keep)
        g.flatten()


def padding(g: RandomGraph) -> None:
    shape = (1, 3, 4, 10)
    source = g.graph.tensor("int8", shape, END_SCALE, END_ZERO)
    g.graph.op("QUANTIZE", [g.image(*shape[1:])], [source], options="Quantize")
    around = g.graph.constant(np.array([[0, 0], [2, 1], [0, 1], [0, 0]], np.int32))
    g.graph.op("PAD", [source, around], [g.end((1, 6, 5, 10))], 2, "Pad")
    g.flatten()


BRANCHES: tuple[Callable[[RandomGraph], None], ...] = (
    fully_connected,
    fully_connected_of_one_scale,
    convolution_over_rows,
    convolution_of_points,
    convolution_with_padding,
    convolution_with_dilation,
    convolution_with_padding_and_dilation,
    depthwise_over_time,
    depthwise_over_rows,
    depthwise_with_padding_and_multiplier,
    depthwise_with_padding_and_dilation,
    average_pool,
    max_pool,
    _elementwise("ADD", "Add"),
    _elementwise("SUB", "Sub"),
    _elementwise("MUL", "Mul"),
    elementwise_with_one_number,
    _curve("LOGISTIC", 1 / 256, -128),
    _curve("TANH", 1 / 128, 0),
    relu,
    leaky_relu,
    slices,
    splits,
    means,
    padding,
)
