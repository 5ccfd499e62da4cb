"""Models stepped by hand: with their state inside the graph, and with it carried from output to input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from firmware_export.edgetpu.states import State

RESOLVERS = {"default": OpResolverType.AUTO, "reference": OpResolverType.BUILTIN_REF}
"""LiteRT's kernels."""


def opened(model: bytes, kernels: str) -> Any:
    """An interpreter."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=RESOLVERS[kernels])
    interpreter.allocate_tensors()
    return interpreter


def inside(model: bytes, rows: np.ndarray, kernels: str = "default") -> np.ndarray:
    """Outputs (steps, labels) of a model that keeps its own state."""
    return by_hand(model, [], rows, kernels)


def by_hand(model: bytes, states: Sequence[State], rows: np.ndarray, kernels: str = "default") -> np.ndarray:
    """The same of one whose state the caller carries."""
    interpreter = opened(model, kernels)
    inputs = [tensor["index"] for tensor in interpreter.get_input_details()]
    outputs = [tensor["index"] for tensor in interpreter.get_output_details()]
    stride = int(interpreter.get_input_details()[0]["shape"][1])
    held, answers = [state.initial for state in states], []
    for start in range(0, len(rows) - stride + 1, stride):
        interpreter.set_tensor(inputs[0], rows[None, start : start + stride])
        for state, value in zip(states, held, strict=True):
            interpreter.set_tensor(inputs[state.input], value)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(outputs[0])[0])
        held = [interpreter.get_tensor(outputs[state.output]) for state in states]
    return np.array(answers)
