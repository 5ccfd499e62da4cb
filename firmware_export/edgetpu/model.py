"""A .tflite file as the schema's own objects, to be changed and written again."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from kws.encoders.graph import AlignedBuffer

NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
TYPES = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}

_NO_TENSOR = -1


def read(content: bytes) -> Any:
    """The model's objects; tensors and operators of its graphs are lists, inputs and outputs too."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        graph.inputs, graph.outputs = listed(graph.inputs), listed(graph.outputs)
        for op in graph.operators:
            op.inputs, op.outputs = listed(op.inputs), listed(op.outputs)
    return model


def written(model: Any) -> bytes:
    """The file, without the tensors, buffers and kinds of operator that nothing uses."""
    for graph in model.subgraphs:
        _drop_tensors(graph)
    _drop_buffers(model)
    _drop_codes(model)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def op_name(model: Any, op: Any) -> str:
    """ "CONV_2D"."""
    code = model.operatorCodes[op.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    name: str = NAMES.get(builtin, f"operator {builtin}")
    return name


def values(model: Any, tensor: Any) -> npt.NDArray[Any] | None:
    """Of a constant, in its shape; None where the tensor is computed."""
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0:
        return None
    dtype = np.dtype(TYPES[tensor.type]).newbyteorder("<")
    return np.frombuffer(bytes(data), dtype).reshape(listed(tensor.shape))


def add_constant(model: Any, content: npt.NDArray[Any]) -> int:
    """The number of a new buffer."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def operator(model: Any, name: str, version: int, inputs: list[int], outputs: list[int], options: Any) -> Any:
    """A new operator."""
    op = schema.OperatorT()
    op.opcodeIndex = _code(model, getattr(schema.BuiltinOperator, name), version)
    op.inputs, op.outputs = inputs, outputs
    op.builtinOptions = options
    op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    return op


def listed(numbers: Any) -> list[int]:
    """What the schema leaves out is empty here."""
    return [] if numbers is None else [int(number) for number in numbers]


def _code(model: Any, builtin: int, version: int) -> int:
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin and code.version == version:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = builtin, version
    code.deprecatedBuiltinCode = min(builtin, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _drop_tensors(graph: Any) -> None:
    used = {*graph.inputs, *graph.outputs}
    for op in graph.operators:
        used |= {*op.inputs, *op.outputs}
    kept = sorted(used - {_NO_TENSOR})
    place = {old: new for new, old in enumerate(kept)} | {_NO_TENSOR: _NO_TENSOR}
    graph.tensors = [graph.tensors[old] for old in kept]
    for holder in (graph, *graph.operators):
        holder.inputs = [place[old] for old in holder.inputs]
        holder.outputs = [place[old] for old in holder.outputs]


def _drop_buffers(model: Any) -> None:
    """By convention the first is empty; metadata and signatures, which name buffers and tensors, go."""
    model.metadata = model.metadataBuffer = model.signatureDefs = None
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    kept = sorted({tensor.buffer for tensor in tensors} | {0})
    place = {old: new for new, old in enumerate(kept)}
    model.buffers = [_aligned(model.buffers[old]) for old in kept]
    for tensor in tensors:
        tensor.buffer = place[tensor.buffer]


def _aligned(buffer: Any) -> Any:
    if buffer.data is None or len(buffer.data) == 0:
        return schema.BufferT()
    made = AlignedBuffer()
    made.data = bytes(buffer.data)
    return made


def _drop_codes(model: Any) -> None:
    operators = [op for graph in model.subgraphs for op in graph.operators]
    kept = sorted({op.opcodeIndex for op in operators})
    place = {old: new for new, old in enumerate(kept)}
    model.operatorCodes = [model.operatorCodes[old] for old in kept]
    for op in operators:
        op.opcodeIndex = place[op.opcodeIndex]
