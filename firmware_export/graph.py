"""A .tflite file as plain data: operators in order, tensors with their quantization, initial variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export import schema
from firmware_export.errors import ExportError
from firmware_export.flatbuffer import Table
from kws.errors import KwsError

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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror}); give the path of a .tflite") from error
    try:
        return _Reader(path, Table.root(content, schema.IDENTIFIER)).graph()
    except KwsError:
        raise
    except Exception as error:  # a damaged file fails in whatever way the damage leads to
        raise ExportError(f"{path}: not a .tflite file; is it complete?") from error


def read_operators(content: bytes) -> tuple[Op, ...]:
    """The operators of a sound file's main graph, however many inputs and outputs that has."""
    return _Reader(Path(), Table.root(content, schema.IDENTIFIER)).operators()


class _Reader:
    """Turns the tables of the file into ours."""

    def __init__(self, path: Path, model: Table) -> None:
        self._path = path
        self._subgraphs = list(model.tables(schema.Model.SUBGRAPHS))
        self._buffers = list(model.tables(schema.Model.BUFFERS))
        self._names = [_op_name(code) for code in model.tables(schema.Model.OPERATOR_CODES)]

    def graph(self) -> Graph:
        main = self._subgraphs[0]
        tensors, ops = self._tensors(main), list(self._ops(main))
        inputs, outputs = (
            _indices(main, field) for field in (schema.SubGraph.INPUTS, schema.SubGraph.OUTPUTS)
        )
        if len(inputs) != 1 or len(outputs) != 1:
            raise ExportError(
                f"{self._path}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of "
                "each with the state inside the graph; export it as a streaming model"
            )
        return Graph(
            input=tensors[inputs[0]],
            output=tensors[outputs[0]],
            ops=tuple(op for op in ops if op.name not in ("VAR_HANDLE", "CALL_ONCE")),
            variables=_variables(ops),
            initial=self._initial(ops),
            op_names=self._all_names(),
        )

    def operators(self) -> tuple[Op, ...]:
        return tuple(self._ops(self._subgraphs[0]))

    def _all_names(self) -> tuple[str, ...]:
        return tuple(sorted({op.name for graph in self._subgraphs for op in self._ops(graph)}))

    def _initial(self, ops: list[Op]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for once in (op for op in ops if op.name == "CALL_ONCE"):
            inside = list(self._ops(self._subgraphs[once.options["initSubgraphIndex"]]))
            names = _variables(inside)
            for op in inside:
                if op.name == "ASSIGN_VARIABLE" and op.inputs[0] and op.inputs[1]:
                    found[names[op.inputs[0].index]] = op.inputs[1]
        return found

    def _ops(self, graph: Table) -> Iterator[Op]:
        tensors = self._tensors(graph)
        for op in graph.tables(schema.SubGraph.OPERATORS):
            name = self._names[op.number(schema.Operator.OPCODE_INDEX, "I")]
            yield Op(
                name=name,
                inputs=tuple(tensors[i] if i >= 0 else None for i in _indices(op, schema.Operator.INPUTS)),
                outputs=tuple(tensors[i] for i in _indices(op, schema.Operator.OUTPUTS)),
                options=_options(op.table(schema.Operator.OPTIONS), schema.OPTIONS.get(name, {})),
            )

    def _tensors(self, graph: Table) -> list[Tensor]:
        tables = graph.tables(schema.SubGraph.TENSORS)
        return [self._tensor(index, tensor) for index, tensor in enumerate(tables)]

    def _tensor(self, index: int, tensor: Table) -> Tensor:
        quantization = tensor.table(schema.Tensor.QUANTIZATION)
        zero = quantization.numbers(schema.Quantization.ZERO_POINT, "i8") if quantization else np.empty(0)
        scale = quantization.numbers(schema.Quantization.SCALE, "f4") if quantization else np.empty(0)
        kind = schema.TYPES[tensor.number(schema.Tensor.TYPE, "b")]
        shape = tuple(_indices(tensor, schema.Tensor.SHAPE))
        return Tensor(
            index=index,
            name=tensor.text(schema.Tensor.NAME),
            type=kind,
            shape=shape,
            scale=tuple(float(s) for s in scale),
            zero_point=int(zero[0]) if len(zero) else 0,
            values=self._values(tensor.number(schema.Tensor.BUFFER, "I"), kind, shape),
        )

    def _values(self, buffer: int, kind: str, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
        data = self._buffers[buffer].numbers(schema.BUFFER_DATA, "u1").tobytes()
        if not data:
            return None
        try:
            return np.frombuffer(data, np.dtype(kind).newbyteorder("<")).reshape(shape)
        except (TypeError, ValueError):
            return None  # a type or a packing that no kernel takes; whoever needs the values says so


def _op_name(code: Table) -> str:
    builtin = max(
        code.number(schema.OperatorCode.BUILTIN_CODE, "i"),
        code.number(schema.OperatorCode.DEPRECATED_BUILTIN_CODE, "b"),
    )
    name = schema.OPERATORS[builtin] if builtin < len(schema.OPERATORS) else f"operator {builtin}"
    return code.text(schema.OperatorCode.CUSTOM_CODE) or name if name == "CUSTOM" else name


def _options(table: Table | None, wanted: schema.Options) -> dict[str, Any]:
    if table is None:
        return {}
    return {
        name: table.text(field) if form == schema.STRING else table.number(field, form, default)
        for name, (field, form, default) in wanted.items()
    }


def _indices(table: Table, field: int) -> list[int]:
    return [int(number) for number in table.numbers(field, "i4")]


def _variables(ops: list[Op]) -> dict[int, str]:
    return {op.outputs[0].index: op.options["sharedName"] for op in ops if op.name == "VAR_HANDLE"}
