"""Writes a streaming .tflite without TensorFlow: tensors, operators, and state in resource variables.

The schema is LiteRT's own; this adds only what our encoders are made of. The state of a graph is assigned
once per interpreter by a second subgraph, as in the models that TensorFlow's converter writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

_TYPES = {
    np.dtype(name): getattr(schema.TensorType, name.upper()) for name in ("float32", "int8", "uint8", "int32")
}
_ALIGNMENT = 16
"""Bytes; the schema demands it of weights, which the generated code does not see to."""

Weights = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scale:
    """Quantization: real = (stored - zero) * scale, one scale or one per slice of the first dimension."""

    scale: Sequence[float]
    zero: int = 0


@dataclass(frozen=True, eq=False)
class Tensor:
    """One value in the graph."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: Scale | None = None


class Graph:
    """A graph under construction; each method appends one operator and returns its output."""

    def __init__(self) -> None:
        self._main, self._start = schema.SubGraphT(), schema.SubGraphT()
        for graph in (self._main, self._start):
            graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        self._buffers: dict[bytes, Any] = {b"": schema.BufferT()}  # by convention the first is empty
        self._codes: list[int] = []
        self._at_end: list[Any] = []
        self._variables = 0

    def input(self, shape: tuple[int, ...], scale: Scale | None = None) -> Tensor:
        """What a caller hands over: int8 of this scale, float32 without."""
        tensor = self._tensor(self._main, shape, np.int8 if scale else np.float32, scale)
        self._main.inputs.append(tensor.index)
        return tensor

    def output(self, tensor: Tensor) -> None:
        """What a caller gets."""
        self._main.outputs.append(tensor.index)

    def constant(self, values: Weights, scale: Scale | None = None) -> Tensor:
        """Weights."""
        return self._tensor(self._main, values.shape, values.dtype, scale, self._buffer(values))

    def state(self, initial: Weights, scale: Scale | None = None) -> tuple[Tensor, Tensor]:
        """A variable: its handle, for `assign`, and the value that the previous step left."""
        options = schema.VarHandleOptionsT()
        options.sharedName = f"state_{self._variables}"
        self._variables += 1
        first = self._tensor(self._start, initial.shape, initial.dtype, scale, self._buffer(initial))
        for graph in (self._start, self._main):
            handle = self._resource(graph)
            graph.operators.append(self._operator("VAR_HANDLE", [], [handle], options))
            if graph is self._start:
                graph.operators.append(self._operator("ASSIGN_VARIABLE", [handle, first], []))
        value = self._tensor(self._main, initial.shape, initial.dtype, scale)
        self._main.operators.append(self._operator("READ_VARIABLE", [handle], [value]))
        return handle, value

    def assign(self, handle: Tensor, value: Tensor) -> None:
        """Keep a value for the next step. Done after all else, so that the arithmetic is one unbroken run."""
        self._at_end.append(self._operator("ASSIGN_VARIABLE", [handle, value], []))

    def reshape(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The same values in another shape."""
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        return self._append("RESHAPE", [x, self._integers(shape)], shape, x, options)

    def pad_width(self, x: Tensor, columns: int) -> Tensor:
        """(1, t, w, c) -> (1, t, w + 2 * columns, c), zeros on both sides."""
        one, t, width, channels = x.shape
        sides = np.array([[0, 0], [0, 0], [columns, columns], [0, 0]], np.int32)
        shape = (one, t, width + 2 * columns, channels)
        return self._append("PAD", [x, self.constant(sides)], shape, x, schema.PadOptionsT())

    def concatenate(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Joined along one axis."""
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self._append("CONCATENATION", parts, tuple(shape), parts[0], options)

    def last(self, x: Tensor, rows: int) -> Tensor:
        """(1, t, ...) -> (1, rows, ...), the end of it.

        By STRIDED_SLICE, which engines for devices know, where not all know SLICE.
        """
        shape = (x.shape[0], rows, *x.shape[2:])
        begin = [0, x.shape[1] - rows, *([0] * (len(shape) - 2))]
        bounds = [self._integers(values) for values in (begin, x.shape, [1] * len(shape))]
        return self._append("STRIDED_SLICE", [x, *bounds], shape, x, schema.StridedSliceOptionsT())

    def convolve(self, x: Tensor, kernel: Tensor, bias: Tensor, scale: Scale | None = None) -> Tensor:
        """(1, t, w, c) with a kernel (out, kt, kw, c), no padding -> (1, t - kt + 1, w - kw + 1, out)."""
        options = schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
        out, rows, columns, _ = kernel.shape
        shape = (x.shape[0], x.shape[1] - rows + 1, x.shape[2] - columns + 1, out)
        result = self._tensor(self._main, shape, x.dtype, scale)
        self._main.operators.append(self._operator("CONV_2D", [x, kernel, bias], [result], options))
        return result

    def pool(self, x: Tensor, rows: int, columns: int) -> Tensor:
        """Maximum over blocks of rows x columns."""
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH = options.filterHeight = rows
        options.strideW = options.filterWidth = columns
        shape = (x.shape[0], x.shape[1] // rows, x.shape[2] // columns, x.shape[3])
        return self._append("MAX_POOL_2D", [x], shape, x, options)

    def leaky_relu(self, x: Tensor, slope: float, scale: Scale | None = None) -> Tensor:
        """x where positive, slope * x elsewhere."""
        options = schema.LeakyReluOptionsT()
        options.alpha = slope
        result = self._tensor(self._main, x.shape, x.dtype, scale)
        self._main.operators.append(self._operator("LEAKY_RELU", [x], [result], options))
        return result

    def at_least(self, x: Tensor, bound: float) -> Tensor:
        """The larger of x and the bound."""
        constant = self.constant(np.array(bound, np.float32))
        return self._append("MAXIMUM", [x, constant], x.shape, x, schema.MaximumMinimumOptionsT())

    def logistic(self, x: Tensor) -> Tensor:
        """int8 -> 1 / (1 + exp(-x)), int8 from 0 to 255 / 256, the only scale that LiteRT knows for it."""
        result = self._tensor(self._main, x.shape, np.int8, Scale([1 / 256], -128))
        self._main.operators.append(self._operator("LOGISTIC", [x], [result]))
        return result

    def quantize(self, x: Tensor, scale: Scale, dtype: Any = np.int8) -> Tensor:
        """float32 or int8 -> int8 or uint8 of this scale."""
        result = self._tensor(self._main, x.shape, dtype, scale)
        self._main.operators.append(self._operator("QUANTIZE", [x], [result], schema.QuantizeOptionsT()))
        return result

    def tflite(self) -> bytes:
        """The finished file."""
        model = schema.ModelT()
        model.version, model.description = 3, "kws"
        once = schema.CallOnceOptionsT()
        once.initSubgraphIndex = 1
        start = [self._operator("CALL_ONCE", [], [], once)] if self._variables else []
        self._main.operators = start + self._main.operators + self._at_end
        model.subgraphs = [self._main, self._start] if self._variables else [self._main]
        model.buffers = list(self._buffers.values())
        model.operatorCodes = [_code(builtin) for builtin in self._codes]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _append(
        self, name: str, operands: Sequence[Tensor], shape: tuple[int, ...], like: Tensor, options: Any
    ) -> Tensor:
        """An operator whose output has the type and scale of `like`."""
        result = self._tensor(self._main, shape, like.dtype, like.scale)
        self._main.operators.append(self._operator(name, operands, [result], options))
        return result

    def _operator(
        self, name: str, operands: Sequence[Tensor], results: Sequence[Tensor], options: Any = None
    ) -> Any:
        builtin = getattr(schema.BuiltinOperator, name)
        if builtin not in self._codes:
            self._codes.append(builtin)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.index(builtin)
        operator.inputs = [tensor.index for tensor in operands]
        operator.outputs = [tensor.index for tensor in results]
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__[:-1]  # Conv2DOptionsT -> Conv2DOptions
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        return operator

    def _integers(self, values: Sequence[int]) -> Tensor:
        return self.constant(np.array(values, np.int32))

    def _resource(self, graph: Any) -> Tensor:
        made = self._tensor(graph, (), np.int32)
        graph.tensors[made.index].type = schema.TensorType.RESOURCE
        return made

    def _tensor(
        self, graph: Any, shape: tuple[int, ...], dtype: Any, scale: Scale | None = None, buffer: int = 0
    ) -> Tensor:
        made = schema.TensorT()
        made.name, made.type, made.buffer = f"t{len(graph.tensors)}", _TYPES[np.dtype(dtype)], buffer
        made.shape = list(shape)
        if scale:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = list(scale.scale)
            made.quantization.zeroPoint = [scale.zero] * len(scale.scale)
        graph.tensors.append(made)
        return Tensor(len(graph.tensors) - 1, tuple(shape), np.dtype(dtype), scale)

    def _buffer(self, values: Weights) -> int:
        """Equal contents are stored once."""
        content = np.ascontiguousarray(values).tobytes()
        if content not in self._buffers:
            self._buffers[content] = AlignedBuffer()
            self._buffers[content].data = content
        return list(self._buffers).index(content)


class AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose contents start on a multiple of _ALIGNMENT."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 (the generated code calls it)
        """Write it; the place it was written to."""
        builder.StartVector(1, len(self.data), _ALIGNMENT)
        builder.head = builder.head - len(self.data)
        builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _code(builtin: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = builtin, 1
    code.deprecatedBuiltinCode = min(builtin, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return code
