"""The smallest .tflite files: an input, constant outputs and nothing between, in any shape and type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

ROW_SCALE = 0.10196078568696976
ROW_ZERO_POINT = -128

_TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "float32": schema.TensorType.FLOAT32,
}


@dataclass(frozen=True)
class Tensor:
    """One input or output; a float one is not quantized."""

    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0


ROWS = Tensor("int8", (1, 3, 40), ROW_SCALE, ROW_ZERO_POINT)
SCORE = Tensor("uint8", (1, 1), 1 / 256, 0)


def tiny_model(
    inputs: Sequence[Tensor] = (ROWS,), outputs: Sequence[Tensor] = (SCORE,), value: int = 0
) -> bytes:
    """A model that answers `value` in every place of its outputs, whatever it is given."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(t, 0) for t in inputs] + [_constant(t, value, model.buffers) for t in outputs]
    graph.inputs = list(range(len(inputs)))
    graph.outputs = list(range(len(inputs), len(inputs) + len(outputs)))
    graph.operators = []
    model.subgraphs = [graph]
    model.operatorCodes = []
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _constant(tensor: Tensor, value: int, buffers: list[schema.BufferT]) -> schema.TensorT:
    buffer = schema.BufferT()
    buffer.data = np.full(tensor.shape, value, tensor.dtype).view(np.uint8).ravel()
    buffers.append(buffer)
    return _tensor(tensor, len(buffers) - 1)


def _tensor(tensor: Tensor, buffer: int) -> schema.TensorT:
    made = schema.TensorT()
    made.name, made.type, made.buffer = "tensor", _TYPES[tensor.dtype], buffer
    made.shape = list(tensor.shape)
    if tensor.scale:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [tensor.scale], [tensor.zero_point]
    return made
