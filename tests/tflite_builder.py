"""int8 graphs of any operators, built by hand: what the tests of kernels feed to two interpreters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int32": schema.TensorType.INT32,
    "float32": schema.TensorType.FLOAT32,
}


class GraphBuilder:
    """One subgraph; tensors are numbers."""

    def __init__(self) -> None:
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._buffers = [schema.BufferT()]
        self._codes: list[tuple[int, int]] = []

    def tensor(
        self, dtype: str, shape: Sequence[int], scale: float | Sequence[float] = (), zero_point: int = 0
    ) -> int:
        """A tensor that is computed or given."""
        return self._tensor(dtype, shape, scale, zero_point, buffer=0)

    def constant(
        self, values: np.ndarray, scale: float | Sequence[float] = (), zero_point: int = 0, axis: int = 0
    ) -> int:
        """A tensor with values; several scales are one per index of `axis`."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._buffers.append(buffer)
        return self._tensor(str(values.dtype), values.shape, scale, zero_point, len(self._buffers) - 1, axis)

    def op(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        version: int = 1,
        options: str = "",
        **values: Any,
    ) -> None:
        """One operator; `options` is the class of its options, without Options."""
        code = (getattr(schema.BuiltinOperator, name), version)
        if code not in self._codes:
            self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.index(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptions = getattr(schema, f"{options}OptionsT")()
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            for key, value in values.items():
                assert hasattr(operator.builtinOptions, key), key
                setattr(operator.builtinOptions, key, value)
        self._graph.operators.append(operator)

    def tflite(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The finished file."""
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [self._graph], self._buffers
        model.operatorCodes = [_code(builtin, version) for builtin, version in self._codes]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(
        self,
        dtype: str,
        shape: Sequence[int],
        scale: float | Sequence[float],
        zero_point: int,
        buffer: int,
        axis: int = 0,
    ) -> int:
        scales = [scale] if isinstance(scale, float) else list(scale)
        made = schema.TensorT()
        made.name, made.type, made.shape = f"t{len(self._graph.tensors)}", _TYPES[dtype], list(shape)
        made.buffer = buffer
        if scales:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = scales
            made.quantization.zeroPoint = [zero_point] * len(scales)
            made.quantization.quantizedDimension = axis
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1


def _code(builtin: int, version: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = builtin, version
    code.deprecatedBuiltinCode = min(builtin, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return code
