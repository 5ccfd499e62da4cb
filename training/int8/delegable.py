"""Operators that XNNPACK leaves to slower code, written as ones that it takes, with the same values.

LiteRT hands a graph's operators to XNNPACK wherever it knows them, and computes the others itself. One that
it does not know costs little by itself, but cuts the graph in two, and every part that is handed over costs
as much as many operators. Two kinds that TensorFlow's converter writes are not known to it: slices that
drop a dimension, and the larger of an int8 tensor and a constant. The first are slices and another shape;
the second does nothing where the constant is the least value that an int8 holds, as quantization makes of a
lower bound.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from training.int8.compact import written

_Operator = schema.BuiltinOperator


def delegable(tflite: bytes) -> bytes:
    """The same model in such operators; the very same bytes where there is nothing to change."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite, 0))
    graph = model.subgraphs[0]
    rewriting = _Rewriting(model, graph)
    before = list(graph.operators)
    graph.operators = [new for operator in before for new in rewriting.of(operator)]
    return tflite if graph.operators == before else written(model, len(tflite))


class _Rewriting:
    """Of one subgraph's operators; what they need is added to its tensors and to the model."""

    def __init__(self, model: Any, graph: Any) -> None:
        self._model, self._tensors = model, graph.tensors
        self._outputs = set(graph.outputs)
        self._same: dict[int, int] = {}  # tensor that is no longer written -> the one that it is equal to

    def of(self, operator: Any) -> list[Any]:
        """What stands in its place."""
        operator.inputs = [self._same.get(int(place), int(place)) for place in operator.inputs]
        code = self._code(operator)
        if code == _Operator.STRIDED_SLICE and _drops_alone(operator.builtinOptions):
            return self._sliced(operator)
        if code == _Operator.MAXIMUM and (kept := self._bounded_already(operator)) is not None:
            self._same[int(operator.outputs[0])] = kept
            return []
        return [operator]

    def _sliced(self, operator: Any) -> list[Any]:
        source, begin, end, stride = (int(place) for place in operator.inputs)
        begins, ends, strides = self._values(begin), self._values(end), self._values(stride)
        if begins is None or ends is None or strides is None or np.any(strides != 1):
            return [operator]
        shape = [int(n) for n in self._tensors[source].shape]
        bounds = _bounds(operator.builtinOptions, shape, begins, ends)
        lengths = [last - first for first, last in bounds]
        target = int(operator.outputs[0])
        if lengths == shape:
            return [self._reshaped(source, target)]
        part = self._tensor_like(target, lengths)
        sliced = copy.copy(operator)
        sliced.inputs = [source, *(self._integers(side) for side in zip(*bounds, strict=True)), stride]
        sliced.outputs = [part]
        sliced.builtinOptions = schema.StridedSliceOptionsT()
        return [sliced, self._reshaped(part, target)]

    def _bounded_already(self, operator: Any) -> int | None:
        """The input that such an operator repeats; None where it does more, or its output is the graph's."""
        target = int(operator.outputs[0])
        for kept, bound in (operator.inputs, operator.inputs[::-1]):
            values = self._values(bound)
            if values is None or values.dtype != np.int8 or target in self._outputs:
                continue
            if np.all(values == -128) and self._alike(kept, bound) and self._alike(kept, target):
                return int(kept)
        return None

    def _alike(self, one: int, other: int) -> bool:
        """Whether a code stands for the same number in both."""
        here, there = (self._tensors[place].quantization for place in (one, other))
        return np.array_equal(here.scale, there.scale) and np.array_equal(here.zeroPoint, there.zeroPoint)

    def _reshaped(self, source: int, target: int) -> Any:
        shape = [int(n) for n in self._tensors[target].shape]
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code_index(_Operator.RESHAPE)
        operator.inputs, operator.outputs = [source, self._integers(shape)], [target]
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = shape
        return operator

    def _tensor_like(self, other: int, shape: list[int]) -> int:
        tensor = copy.copy(self._tensors[other])
        tensor.name = f"part_{len(self._tensors)}".encode()
        tensor.shape, tensor.shapeSignature = shape, None
        return self._added(tensor)

    def _integers(self, values: Any) -> int:
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.array(values, np.int32).view(np.uint8)
        self._model.buffers.append(buffer)
        tensor.name = f"integers_{len(self._tensors)}".encode()
        tensor.type, tensor.shape = schema.TensorType.INT32, [len(values)]
        tensor.buffer = len(self._model.buffers) - 1
        return self._added(tensor)

    def _added(self, tensor: Any) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _values(self, place: int) -> npt.NDArray[Any] | None:
        """Of a constant, int8 or int32."""
        tensor = self._tensors[place]
        types = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}
        data = self._model.buffers[tensor.buffer].data
        if data is None or tensor.type not in types:
            return None
        return np.asarray(data, np.uint8).view(types[tensor.type])

    def _code(self, operator: Any) -> int:
        return _builtin(self._model.operatorCodes[operator.opcodeIndex])

    def _code_index(self, code: int) -> int:
        codes = self._model.operatorCodes
        for index, known in enumerate(codes):
            if _builtin(known) == code:
                return index
        new = schema.OperatorCodeT()
        new.builtinCode = new.deprecatedBuiltinCode = code
        new.version = 1
        codes.append(new)
        return len(codes) - 1


def _builtin(code: Any) -> int:
    # The first 127 stand in a field of an older schema as well, and in files of that schema there alone.
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _drops_alone(options: Any) -> bool:
    """Whether it drops dimensions and does nothing else but take a part."""
    return bool(options.shrinkAxisMask) and not (options.ellipsisMask or options.newAxisMask)


def _bounds(
    options: Any, shape: list[int], begins: npt.NDArray[Any], ends: npt.NDArray[Any]
) -> list[tuple[int, int]]:
    """First row and the one behind the last, of every dimension, with dropped ones one row long."""
    bounds = []
    for axis, length in enumerate(shape):
        is_open = [bool(mask >> axis & 1) for mask in (options.beginMask, options.endMask)]
        first, last, _ = slice(
            None if is_open[0] else int(begins[axis]), None if is_open[1] else int(ends[axis])
        ).indices(length)
        if options.shrinkAxisMask >> axis & 1:
            last = first + 1  # whatever the end is: -1 up to 0 is the last row
        bounds.append((first, last))
    return bounds
