"""A model as C will run it: constant arrays, layers, and calls over places in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export.errors import ExportError
from firmware_export.graph import Tensor

CTYPES = {"int8_t": np.int8, "int32_t": np.int32}


@dataclass(eq=False)
class Buffer:
    """Bytes that live together: `region` is the name of a C pointer."""

    region: str
    bytes: int
    offset: int = 0
    """From the region's start; in the arena it is found last."""


@dataclass(frozen=True)
class Place:
    """Where a tensor's first element lies."""

    buffer: Buffer
    offset: int = 0

    @property
    def text(self) -> str:
        """As a C expression."""
        total = self.buffer.offset + self.offset
        return f"{self.buffer.region} + {total}" if total else self.buffer.region


@dataclass(frozen=True)
class Call:
    """One statement of the step; arguments are C text, or places that become it."""

    function: str
    arguments: tuple[str | Place, ...]
    note: str

    @property
    def touched(self) -> Iterator[Buffer]:
        """What it reads and writes."""
        return (argument.buffer for argument in self.arguments if isinstance(argument, Place))

    @property
    def text(self) -> str:
        """The statement."""
        words = [a if isinstance(a, str) else a.text for a in self.arguments]
        return f"{self.function}({', '.join(words)});"


@dataclass
class Program:
    """What the writer needs to know of a model."""

    arrays: dict[str, tuple[str, npt.NDArray[Any]]] = field(default_factory=dict)
    """Name -> C type and values."""
    layers: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Name -> struct and its members; nested mappings are nested structs."""
    calls: list[Call] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    """Those of the arena."""
    variables: dict[str, Buffer] = field(default_factory=dict)
    initial: dict[str, str] = field(default_factory=dict)
    """Variable -> name of the array it starts with."""
    multiplications: int = 0
    """In one step."""

    def array(self, ctype: str, values: npt.NDArray[Any]) -> str:
        """The name of a constant array; equal ones are stored once."""
        values = np.ascontiguousarray(values.ravel(), CTYPES[ctype])
        content = values.tobytes()
        for name, (kind, known) in self.arrays.items():
            if kind == ctype and known.tobytes() == content:
                return name
        name = f"constant_{len(self.arrays)}"
        self.arrays[name] = (ctype, values)
        return name

    def layer(self, struct: str, members: Mapping[str, Any]) -> str:
        """The address of a constant struct."""
        name = f"layer_{len(self.layers)}"
        self.layers[name] = (struct, members)
        return f"&{name}"

    def new(self, size: int) -> Place:
        """Room in the arena."""
        self.buffers.append(Buffer("arena", size))
        return Place(self.buffers[-1])

    def call(self, function: str, *arguments: str | Place, note: str) -> None:
        """The next statement."""
        self.calls.append(Call(function, arguments, note))

    @property
    def constant_bytes(self) -> int:
        """Of all arrays."""
        return sum(values.nbytes for _, values in self.arrays.values())

    @property
    def state_bytes(self) -> int:
        """Of all variables."""
        return sum(buffer.bytes for buffer in self.variables.values())


def int8_constant(tensor: Tensor | None, what: str) -> npt.NDArray[np.int8]:
    """The values of a constant int8 tensor; ExportError if it is another."""
    if tensor is None or tensor.values is None or tensor.type != "int8":
        found = "left out" if tensor is None else str(tensor)
        raise ExportError(f"{what} must be a constant of int8, not {found}; quantize the model to int8")
    values: npt.NDArray[np.int8] = tensor.values
    return values


def elements(shape: Sequence[int]) -> int:
    """Their product."""
    return math.prod(shape)
