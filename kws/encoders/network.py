"""Reads a convolutional network of the speech embedding's form out of a .tflite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from kws.errors import KwsError

LEAK = 0.2
"""Slope of the activation below zero."""
LEAST = -0.4
"""Where the activation is cut off below."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution, no padding in time, zeros to the sides so that the width stays; what may follow it."""

    kernel: Floats
    """Shape (out, rows, columns, in)."""
    bias: Floats
    """Shape (out,)."""
    padding: int = 0
    """Columns of zeros on either side."""
    activated: bool = False
    """max(leaky ReLU, LEAST)."""
    pool: tuple[int, int] | None = None
    """Maximum over blocks of rows x columns."""

    @property
    def remembered(self) -> int:
        """Rows of its input that a step needs from the steps before."""
        return int(self.kernel.shape[1]) - 1


def read_layers(path: Path) -> list[Layer]:
    """The layers of a network, first to last.

    Raises:
        KwsError: an operator that this form has no place for.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    layers: list[Layer] = []
    padding = 0
    for operator in model.subgraphs[0].operators:
        name = _name(model, operator)
        if name == "PAD":
            padding = int(_values(model, operator.inputs[1], np.int32)[2, 0])
        elif name == "CONV_2D":
            layers.append(_convolution(model, operator, padding))
            padding = 0
        elif layers and name in _FOLLOWERS:
            layers[-1] = replace(layers[-1], **dict(_FOLLOWERS[name](model, operator)))
        else:
            raise KwsError(f"{path}: has a {name}; expected are convolutions, leaky ReLU, pooling")
    return layers


def _convolution(model: Any, operator: Any, padding: int) -> Layer:
    kernel = _values(model, operator.inputs[1], np.float32)
    if operator.builtinOptions.padding == schema.Padding.SAME:
        padding = kernel.shape[2] // 2
    return Layer(kernel, _values(model, operator.inputs[2], np.float32), padding)


def _activation(model: Any, operator: Any) -> Iterator[tuple[str, Any]]:
    if not np.isclose(operator.builtinOptions.alpha, LEAK):
        raise KwsError(f"a leaky ReLU of slope {operator.builtinOptions.alpha:g}, expected is {LEAK}")
    yield "activated", True


def _cut_off(model: Any, operator: Any) -> Iterator[tuple[str, Any]]:
    bound = _values(model, operator.inputs[1], np.float32)
    if not np.allclose(bound, LEAST):
        raise KwsError(f"an activation cut off at {bound:g}, expected is {LEAST}")
    yield "activated", True


def _pooling(model: Any, operator: Any) -> Iterator[tuple[str, Any]]:
    yield "pool", (operator.builtinOptions.filterHeight, operator.builtinOptions.filterWidth)


_FOLLOWERS = {"LEAKY_RELU": _activation, "MAXIMUM": _cut_off, "MAX_POOL_2D": _pooling}

_NAMES: dict[int, str] = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)
}


def _name(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


def _values(model: Any, tensor: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
    described = model.subgraphs[0].tensors[tensor]
    shape = () if described.shape is None else tuple(described.shape)
    values: npt.NDArray[Any] = model.buffers[described.buffer].data.view(dtype).reshape(shape)
    return values
