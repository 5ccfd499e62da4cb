"""A .tflite file as plain data: operators in order, tensors with their quantization, initial variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export.errors import ExportError

RESOURCE = "resource"
"""Type of the tensors that stand for a variable."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of the main graph, or a constant."""

    index: int
    name: str
    type: str
    """As NumPy calls it, or RESOURCE."""
    shape: tuple[int, ...]
    scale: tuple[float, ...]
    """One for the tensor, or one per channel; empty if not quantized. Single precision, as stored."""
    zero_point: int
    values: npt.NDArray[Any] | None
    """Of a constant, in its shape."""

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"tensor {self.index} {self.name!r} ({self.type} {list(self.shape)})"


@dataclass(frozen=True, eq=False)
class Op:
    """One operator; an input that is left out is None."""

    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]

    def __str__(self) -> str:
        place = f" that makes {self.outputs[0]}" if self.outputs else ""
        return f"{self.name}{place}"


@dataclass(frozen=True)
class Graph:
    """A model with one input and one output; `ops` are without VAR_HANDLE and CALL_ONCE, long resolved."""

    input: Tensor
    output: Tensor
    ops: tuple[Op, ...]
    variables: Mapping[int, str]
    """Index of a RESOURCE tensor -> name of its variable."""
    initial: Mapping[str, Tensor]
    """Name of a variable -> the constant it starts with."""
    op_names: tuple[str, ...]
    """Every operator of the file, those that start it too, sorted, each once."""


def read_graph(path: Path) -> Graph:
    """The model in a file; raises ExportError if it is not one of the form kws runs."""
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror}); give the path of a .tflite") from error
    except Exception as error:  # the flatbuffer reader fails in whatever way the damage leads to
        raise ExportError(f"{path}: not a .tflite file; is it complete?") from error
    return _Reader(path, model).graph()


class _Reader:
    """Turns the flatbuffer's objects into ours."""

    def __init__(self, path: Path, model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._path, self._model = path, model
        self._op_names = _names_of(schema.BuiltinOperator)
        self._type_names = {value: name.lower() for value, name in _names_of(schema.TensorType).items()}

    def graph(self) -> Graph:
        main = self._model.subgraphs[0]
        tensors = [self._tensor(index, tensor) for index, tensor in enumerate(main.tensors)]
        ops = list(self._ops(main, tensors))
        if len(main.inputs) != 1 or len(main.outputs) != 1:
            raise ExportError(
                f"{self._path}: {len(main.inputs)} inputs and {len(main.outputs)} outputs, expected one of "
                "each with the state inside the graph; export it as a streaming model"
            )
        return Graph(
            input=tensors[main.inputs[0]],
            output=tensors[main.outputs[0]],
            ops=tuple(op for op in ops if op.name not in ("VAR_HANDLE", "CALL_ONCE")),
            variables=_variables(ops),
            initial=self._initial(ops),
            op_names=self._all_names(),
        )

    def _all_names(self) -> tuple[str, ...]:
        return tuple(
            sorted({self._op_name(op) for g in self._model.subgraphs for op in _listed(g.operators)})
        )

    def _initial(self, ops: list[Op]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for once in (op for op in ops if op.name == "CALL_ONCE"):
            start = self._model.subgraphs[once.options["initSubgraphIndex"]]
            tensors = [self._tensor(index, tensor) for index, tensor in enumerate(start.tensors)]
            inside = list(self._ops(start, tensors))
            names = _variables(inside)
            for op in inside:
                if op.name == "ASSIGN_VARIABLE" and op.inputs[0] and op.inputs[1]:
                    found[names[op.inputs[0].index]] = op.inputs[1]
        return found

    def _ops(self, graph: Any, tensors: list[Tensor]) -> Iterator[Op]:
        for op in _listed(graph.operators):
            yield Op(
                name=self._op_name(op),
                inputs=tuple(tensors[i] if i >= 0 else None for i in _listed(op.inputs)),
                outputs=tuple(tensors[i] for i in _listed(op.outputs)),
                options=dict(vars(op.builtinOptions)) if op.builtinOptions else {},
            )

    def _op_name(self, op: Any) -> str:
        code = self._model.operatorCodes[op.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = self._op_names.get(builtin, f"operator {builtin}")
        return (code.customCode or b"").decode() or name if name == "CUSTOM" else name

    def _tensor(self, index: int, tensor: Any) -> Tensor:
        quantization = tensor.quantization
        zero = _listed(quantization.zeroPoint) if quantization else []
        kind, shape = self._type_names[tensor.type], tuple(int(n) for n in _listed(tensor.shape))
        return Tensor(
            index=index,
            name=(tensor.name or b"").decode(errors="replace"),
            type=kind,
            shape=shape,
            scale=tuple(float(s) for s in _listed(quantization.scale)) if quantization else (),
            zero_point=int(zero[0]) if len(zero) else 0,
            values=self._values(tensor.buffer, kind, shape),
        )

    def _values(self, buffer: int, kind: str, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
        data = self._model.buffers[buffer].data
        if data is None or len(data) == 0:
            return None
        try:
            return np.frombuffer(bytes(data), np.dtype(kind).newbyteorder("<")).reshape(shape)
        except (TypeError, ValueError):
            return None  # a type or a packing that no kernel takes; whoever needs the values says so


def _variables(ops: list[Op]) -> dict[int, str]:
    return {
        op.outputs[0].index: (op.options["sharedName"] or b"").decode()
        for op in ops
        if op.name == "VAR_HANDLE"
    }


def _names_of(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def _listed(values: Any) -> Any:
    return [] if values is None else values
