"""From a graph to a program, operator by operator.

Tensors that are a stretch of another one (RESHAPE, most slices, a variable that is read before it is
assigned) are no copies: they are places in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from firmware_export.c99.bytewise import FUNCTIONS, TABLE, with_tables
from firmware_export.c99.program import Buffer, Place, Program
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, Op, Tensor

Rule = Callable[["Lowering", Op], None]

RULES: dict[str, Rule] = {}
"""Operator -> what it becomes."""

MAY_BE_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "STRIDED_SLICE", "SPLIT", "SPLIT_V")
"""Operators whose outputs may lie within their input."""


def lowers(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule for these operators."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


def lower(graph: Graph) -> Program:
    """The program of a graph; raises ExportError naming the first operator it cannot express."""
    from firmware_export.c99 import layers, moves  # noqa: F401 (they register their rules)

    graph = with_tables(graph)
    _check_ops(graph)
    return Lowering(graph).program


def _check_ops(graph: Graph) -> None:
    for op in graph.ops:
        if op.name not in RULES:
            known = ", ".join(sorted({*RULES, *FUNCTIONS} - {TABLE}))
            raise ExportError(f"{op}: C99 has no kernel for {op.name}; build the model from {known}")
        for tensor in op.outputs:
            if tensor.type not in ("int8", "uint8"):
                raise ExportError(f"{op}: {tensor.type} is not supported; quantize the model to int8")
            if not tensor.scale and op.name != "ASSIGN_VARIABLE":
                raise ExportError(f"{op}: its output is not quantized; quantize the model to int8")


class Lowering:
    """The state of the walk: where each tensor lies."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.program = Program()
        self.position = 0
        """Index of the operator at hand."""
        self._places: dict[int, Place] = {
            graph.input.index: Place(Buffer("input", graph.input.size)),
            graph.output.index: Place(Buffer("(int8_t *)output", graph.output.size)),
        }
        self._lay_out_variables()
        for self.position, op in enumerate(graph.ops):
            RULES[op.name](self, op)

    def place(self, tensor: Tensor | None) -> Place:
        """Where a tensor that has been computed lies."""
        assert tensor is not None
        if tensor.index not in self._places:
            raise ExportError(f"{tensor}: no operator has computed it; convert the model again")
        return self._places[tensor.index]

    def source(self, tensor: Tensor | None) -> str | Place:
        """A tensor as an argument: its place, or the name of the array that holds the constant."""
        assert tensor is not None
        if tensor.values is not None:
            return self.program.array("int8_t", tensor.values)
        return self.place(tensor)

    def make(self, tensor: Tensor) -> Place:
        """Room for an output."""
        if tensor.index not in self._places:
            self._places[tensor.index] = self.program.new(tensor.size)
        return self._places[tensor.index]

    def view(self, tensor: Tensor, of: Place, offset: int = 0) -> None:
        """Let an output lie within another tensor; the model's own output has a place and gets a copy."""
        inside = Place(of.buffer, of.offset + offset)
        _check_within(inside, tensor.size, str(tensor))
        if tensor.index in self._places:
            self.copy_whole(inside, self._places[tensor.index], tensor.size, str(tensor))
        else:
            self._places[tensor.index] = inside

    def copy(
        self, blocks: int, size: int, apart: int, apart_to: int, source: str | Place, to: Place, note: str
    ) -> None:
        """Blocks of bytes."""
        for place, distance in ((source, apart), (to, apart_to)):
            if isinstance(place, Place):
                _check_within(place, (blocks - 1) * distance + size, note)
        numbers = tuple(str(n) for n in (blocks, size, apart, apart_to))
        self.program.call("kws_copy", *numbers, source, to, note=note)

    def copy_whole(self, source: str | Place, to: Place, size: int, note: str) -> None:
        """One block of bytes."""
        self.copy(1, size, size, size, source, to, note)

    def call_layer(
        self, function: str, struct: str, members: Mapping[str, Any], op: Op, scratch: int = 0
    ) -> None:
        """A kernel with constant parameters, the operator's non-constant inputs, bytes to work in, output."""
        layer = self.program.layer(struct, members)
        count = 2 if op.name in ("ADD", "SUB", "MUL") else 1
        sources = [self.source(tensor) for tensor in op.inputs[:count]]
        output = self.make(op.outputs[0])
        work = [self.program.new(scratch)] if scratch else []
        self.program.call(function, layer, *sources, *work, output, note=_note(op))

    def variable(self, op: Op) -> Buffer:
        """The memory of the variable that an operator reads or assigns."""
        handle = op.inputs[0]
        assert handle is not None
        return self.program.variables[self.graph.variables[handle.index]]

    def is_overwritten_in_use(self, value: Tensor, op: Op) -> bool:
        """Whether the variable that `op` reads is assigned before the last use of what was read."""
        held, last, assigned = {value.index}, self.position, len(self.graph.ops)
        for position, later in enumerate(self.graph.ops[self.position + 1 :], self.position + 1):
            indices = {tensor.index for tensor in later.inputs if tensor is not None}
            if held & indices:
                last = position
                if later.name in MAY_BE_VIEWS:
                    held |= {tensor.index for tensor in later.outputs}
            if later.name == "ASSIGN_VARIABLE" and self._same_variable(op, later):
                assigned = min(assigned, position)
        return last >= assigned

    def _same_variable(self, one: Op, other: Op) -> bool:
        return self.variable(one) is self.variable(other)

    def _lay_out_variables(self) -> None:
        offset = 0
        for name in sorted(set(self.graph.variables.values())):
            start = self.graph.initial.get(name)
            if start is None or start.values is None:
                raise ExportError(f"variable {name!r} has no initial value; assign a constant at the start")
            if start.type != "int8":
                raise ExportError(f"variable {name!r} is {start}; quantize the model's state to int8")
            self.program.variables[name] = Buffer("state", start.size, offset)
            self.program.initial[name] = self.program.array("int8_t", start.values)
            offset += start.size


@lowers(TABLE)
def table(lowering: Lowering, op: Op) -> None:
    """A looked-up function."""
    source, output = lowering.place(op.inputs[0]), lowering.make(op.outputs[0])
    values: np.ndarray[Any, np.dtype[np.int8]] = op.options["table"]
    _check_within(source, op.outputs[0].size, str(op))
    arguments = (lowering.program.array("int8_t", values), str(op.outputs[0].size), source, output)
    lowering.program.call("kws_lookup", *arguments, note=_note(op))


def _check_within(place: Place, size: int, what: str) -> None:
    """A damaged file may say of a tensor that it is larger than what it lies in."""
    if place.offset < 0 or place.offset + size > place.buffer.bytes:
        raise ExportError(f"{what}: reaches beyond the tensor that it lies in; convert the model again")


def _note(op: Op) -> str:
    shapes = [list(tensor.shape) for tensor in op.inputs[:1] if tensor is not None]
    return f"{op.name} {shapes[0] if shapes else ''} -> {list(op.outputs[0].shape)}"
