"""Small changes that let more of a graph run on the Edge TPU, none of which changes what it computes.

* FULLY_CONNECTED whose weights have a scale for each output becomes CONV_2D with a window of one: when the
  compiler was made, LiteRT's specification of quantization had such scales for convolutions alone.
* SPLIT_V into equal parts becomes SPLIT, which the compiler has.
* int8 constants without dimensions get one: the compiler takes tensors of one to three dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from firmware_export.edgetpu.model import add_constant, listed, op_name, operator, values

_CONV_VERSION = 3
"""Of CONV_2D on int8."""
_SPLIT_VERSION = 2
"""Of SPLIT on int8."""


def fit(model: Any) -> None:
    """Change a model's objects in place."""
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        is_number = tensor.type == schema.TensorType.INT8 and not listed(tensor.shape)
        if is_number and values(model, tensor) is not None:
            tensor.shape = [1]
    graph.operators = [fitted for op in graph.operators for fitted in _fitted(model, graph, op)]


def _fitted(model: Any, graph: Any, op: Any) -> list[Any]:
    """What stands for an operator."""
    name = op_name(model, op)
    if name == "FULLY_CONNECTED" and _has_scales(graph.tensors[op.inputs[1]]):
        return _as_convolution(model, graph, op)
    if name == "SPLIT_V" and _is_even(values(model, graph.tensors[op.inputs[1]])):
        return [_as_split(model, op)]
    return [op]


def _is_even(sizes: npt.NDArray[Any] | None) -> bool:
    return sizes is not None and len(set(sizes.tolist())) == 1


def _as_split(model: Any, op: Any) -> Any:
    source, _, axis = op.inputs
    options = schema.SplitOptionsT()
    options.numSplits = len(op.outputs)
    return operator(model, "SPLIT", _SPLIT_VERSION, [axis, source], op.outputs, options)


def _has_scales(weights: Any) -> bool:
    return weights.quantization is not None and len(listed(weights.quantization.zeroPoint)) > 1


def _as_convolution(model: Any, graph: Any, op: Any) -> list[Any]:
    """(n, depth) x (channels, depth) -> RESHAPE to (1, 1, n, depth), CONV_2D, RESHAPE to what it was."""
    source, weights, output = (graph.tensors[index] for index in (op.inputs[0], op.inputs[1], op.outputs[0]))
    channels, depth = listed(weights.shape)
    rows = int(np.prod(listed(source.shape))) // depth
    weights.shape = [channels, 1, 1, depth]
    flat = _like(graph, source, [1, 1, rows, depth])
    made = _like(graph, output, [1, 1, rows, channels])
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    options.fusedActivationFunction = op.builtinOptions.fusedActivationFunction
    inputs = [flat, op.inputs[1], _bias(model, graph, op, channels)]
    return [
        _reshape(model, graph, op.inputs[0], flat),
        operator(model, "CONV_2D", _CONV_VERSION, inputs, [made], options),
        _reshape(model, graph, made, op.outputs[0]),
    ]


def _bias(model: Any, graph: Any, op: Any, channels: int) -> int:
    """The operator's, or one of zeros, which CONV_2D does not go without."""
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias: int = op.inputs[2]
        return bias
    source, weights = graph.tensors[op.inputs[0]], graph.tensors[op.inputs[1]]
    scales = np.float32(source.quantization.scale[0]) * np.asarray(weights.quantization.scale, np.float32)
    made = schema.TensorT()
    made.name, made.type, made.shape = b"zeros", schema.TensorType.INT32, [channels]
    made.buffer = add_constant(model, np.zeros(channels, np.int32))
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = scales.tolist(), [0] * channels
    return _add(graph, made)


def _reshape(model: Any, graph: Any, source: int, target: int) -> Any:
    shape = listed(graph.tensors[target].shape)
    constant = schema.TensorT()
    constant.name, constant.type, constant.shape = b"shape", schema.TensorType.INT32, [len(shape)]
    constant.buffer = add_constant(model, np.array(shape, np.int32))
    options = schema.ReshapeOptionsT()
    options.newShape = shape
    return operator(model, "RESHAPE", 1, [source, _add(graph, constant)], [target], options)


def _like(graph: Any, tensor: Any, shape: list[int]) -> int:
    """A new tensor of the same type and scale."""
    made = schema.TensorT()
    made.name, made.type, made.shape = (tensor.name or b"") + b"/reshaped", tensor.type, shape
    made.quantization = tensor.quantization
    return _add(graph, made)


def _add(graph: Any, tensor: Any) -> int:
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
