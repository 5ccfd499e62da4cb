"""State in resource variables -> state as inputs and outputs, which the caller carries from step to step.

A variable's value before the step becomes an input, its value after the step an output. Within the step, what
READ_VARIABLE makes is the tensor that holds the variable at that place: the input, or what was assigned last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export.edgetpu.model import TYPES, listed, op_name, values
from firmware_export.errors import ExportError


@dataclass(frozen=True, eq=False)
class State:
    """One variable of the original graph."""

    name: str
    input: int
    """Place among the inputs of its value before the step; the rows' place is 0."""
    output: int
    """Place among the outputs of its value after it; the score's place is 0. Equal for variables that become
    equal."""
    scale: float
    zero_point: int
    initial: npt.NDArray[Any]
    """Before the first step, in the state's shape and type."""


def carry_states(model: Any) -> list[State]:
    """Rewrite a model's objects in place, and say what its new inputs and outputs are.

    Raises:
        ExportError: a variable without a constant to begin with, or read in another type or scale than
            it is kept in.
    """
    return _Rewriting(model).states()


class _Rewriting:
    """The walk over the main graph, operator by operator."""

    def __init__(self, model: Any) -> None:
        self._model, self._main = model, model.subgraphs[0]
        self._handles = _handles(model, self._main)
        self._before: dict[str, int] = {}  # variable -> tensor that the caller gives
        self._now: dict[str, int] = {}  # variable -> tensor that holds it at this place
        self._instead: dict[int, int] = {}  # tensor that was read -> the one that stands for it
        for name in sorted(set(self._handles.values())):
            self._before[name] = self._now[name] = self._first_read(name)

    def states(self) -> list[State]:
        """The rewritten graph's."""
        initial = _initial(self._model)
        self._main.operators = [op for op in self._main.operators if self._stays(op)]
        self._main.outputs = [self._instead.get(tensor, tensor) for tensor in self._main.outputs]
        del self._model.subgraphs[1:]
        return [self._state(name, initial) for name in self._before]

    def _stays(self, op: Any) -> bool:
        name = op_name(self._model, op)
        op.inputs = [self._instead.get(tensor, tensor) for tensor in op.inputs]
        if name == "READ_VARIABLE":
            held = self._now[self._handles[op.inputs[0]]]
            self._check_alike(held, op.outputs[0])
            self._instead[op.outputs[0]] = held
        elif name == "ASSIGN_VARIABLE":
            variable = self._handles[op.inputs[0]]
            self._check_alike(self._before[variable], op.inputs[1])
            self._now[variable] = op.inputs[1]
        return name not in ("READ_VARIABLE", "ASSIGN_VARIABLE", "VAR_HANDLE", "CALL_ONCE")

    def _state(self, name: str, initial: Mapping[str, npt.NDArray[Any]]) -> State:
        tensor = self._main.tensors[self._before[name]]
        if name not in initial:
            raise ExportError(f"variable {name!r} has no initial value; assign a constant at the start")
        self._main.inputs.append(self._before[name])
        scale, zero_point = _quantization(tensor)
        return State(
            name=name,
            input=len(self._main.inputs) - 1,
            output=self._output(self._now[name]),
            scale=scale,
            zero_point=zero_point,
            initial=initial[name].reshape(listed(tensor.shape)),
        )

    def _output(self, tensor: int) -> int:
        if tensor not in self._main.outputs:
            self._main.outputs.append(tensor)
        place: int = self._main.outputs.index(tensor)
        return place

    def _first_read(self, variable: str) -> int:
        for op in self._main.operators:
            name = op_name(self._model, op)
            if name == "READ_VARIABLE" and self._handles[op.inputs[0]] == variable:
                tensor: int = op.outputs[0]
                return tensor
        raise ExportError(f"variable {variable!r} is never read; leave it out of the model")

    def _check_alike(self, one: int, other: int) -> None:
        """The bytes are handed on as they are, so both must mean the same by them."""
        first, second = self._main.tensors[one], self._main.tensors[other]
        if (first.type, _quantization(first)) != (second.type, _quantization(second)):
            raise ExportError(
                f"tensor {other} {(second.name or b'').decode(errors='replace')!r}: its variable is kept "
                f"as {TYPES[first.type]} of scale {_quantization(first)[0]:g}; quantize both alike"
            )


def _initial(model: Any) -> dict[str, npt.NDArray[Any]]:
    """The constants that CALL_ONCE assigns."""
    found: dict[str, npt.NDArray[Any]] = {}
    for op in model.subgraphs[0].operators:
        if op_name(model, op) != "CALL_ONCE":
            continue
        start = model.subgraphs[op.builtinOptions.initSubgraphIndex]
        handles = _handles(model, start)
        for assign in start.operators:
            if op_name(model, assign) == "ASSIGN_VARIABLE":
                constant = values(model, start.tensors[assign.inputs[1]])
                if constant is not None:
                    found[handles[assign.inputs[0]]] = constant
    return found


def _handles(model: Any, graph: Any) -> dict[int, str]:
    """Tensor that stands for a variable -> the variable's name."""
    return {
        op.outputs[0]: (op.builtinOptions.sharedName or b"").decode()
        for op in graph.operators
        if op_name(model, op) == "VAR_HANDLE"
    }


def _quantization(tensor: Any) -> tuple[float, int]:
    """Scale and zero point; 1 and 0 where there is none."""
    known = tensor.quantization
    if known is None or known.scale is None or not len(known.scale):
        return 1.0, 0
    return float(np.float32(known.scale[0])), int(known.zeroPoint[0]) if len(listed(known.zeroPoint)) else 0
