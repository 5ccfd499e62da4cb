"""Operators that move bytes, variables, and ADD, SUB, MUL."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export.c99.elementwise import Operand, parameters
from firmware_export.c99.lowering import Lowering, lowers
from firmware_export.c99.program import Place, elements
from firmware_export.errors import ExportError
from firmware_export.graph import Op, Tensor

MOST_RUNS = 16
"""Separate copies that one operator may become."""


@lowers("READ_VARIABLE")
def read_variable(lowering: Lowering, op: Op) -> None:
    """The state itself, or a copy if it is assigned while still needed."""
    place, output = Place(lowering.variable(op)), op.outputs[0]
    if lowering.is_overwritten_in_use(output, op):
        lowering.copy_whole(place, lowering.make(output), output.size, op.name)
    else:
        lowering.view(output, place)


@lowers("ASSIGN_VARIABLE")
def assign_variable(lowering: Lowering, op: Op) -> None:
    """A copy into the state."""
    value, buffer = op.inputs[1], lowering.variable(op)
    assert value is not None
    if value.size != buffer.bytes:
        raise ExportError(f"{op}: {value} does not fit a variable of {buffer.bytes} bytes; convert it again")
    lowering.copy_whole(lowering.source(value), Place(buffer), value.size, op.name)


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(lowering: Lowering, op: Op) -> None:
    """The same bytes."""
    lowering.view(op.outputs[0], lowering.place(op.inputs[0]))


@lowers("CONCATENATION", "PACK")
def concatenation(lowering: Lowering, op: Op) -> None:
    """Each input into its stretch of every block."""
    output = op.outputs[0]
    parts = [tensor for tensor in op.inputs if tensor is not None]
    axis = op.options["axis"] % len(output.shape)
    blocks = elements(output.shape[:axis])
    to, apart = lowering.make(output), output.size // blocks
    offset = 0
    for part in parts:
        _check_same_scale(op, part)
        size = part.size // blocks
        place = Place(to.buffer, to.offset + offset)
        lowering.copy(blocks, size, size, apart, lowering.source(part), place, op.name)
        offset += size


@lowers("STRIDED_SLICE")
def strided_slice(lowering: Lowering, op: Op) -> None:
    """By NumPy's slices, whose rules for negative and missing bounds are the same."""
    if op.options["ellipsisMask"] or op.options["newAxisMask"]:
        raise ExportError(f"{op}: an ellipsis or a new axis is not supported; use plain bounds and RESHAPE")
    begin, end, step = (_integers(op, tensor) for tensor in op.inputs[1:4])
    slices: list[Any] = []
    for axis, (first, last, stride) in enumerate(zip(begin, end, step, strict=True)):
        bit = 1 << axis
        if op.options["shrinkAxisMask"] & bit:
            slices.append(first)
            continue
        start = None if op.options["beginMask"] & bit else first
        stop = None if op.options["endMask"] & bit else last
        slices.append(slice(start, stop, stride))
    _pick(lowering, op, op.inputs[0], op.outputs[0], tuple(slices))


@lowers("SPLIT", "SPLIT_V")
def split(lowering: Lowering, op: Op) -> None:
    """One slice per output."""
    source, axes = (op.inputs[1], op.inputs[0]) if op.name == "SPLIT" else (op.inputs[0], op.inputs[2])
    assert source is not None
    axis = _integers(op, axes)[0] % len(source.shape)
    start = 0
    for output in op.outputs:
        stop = start + output.shape[axis]
        slices = (slice(None),) * axis + (slice(start, stop),)
        _pick(lowering, op, source, output, slices)
        start = stop


@lowers("PAD")
def pad(lowering: Lowering, op: Op) -> None:
    """Real zeros, and the input among them."""
    source, output = op.inputs[0], op.outputs[0]
    assert source is not None
    _check_same_scale(op, source)
    before = _integers(op, op.inputs[1])[::2]
    inside = tuple(slice(start, start + size) for start, size in zip(before, source.shape, strict=True))
    starts, length = _runs(np.arange(output.size).reshape(output.shape)[inside].ravel())
    place, to = lowering.source(source), lowering.make(output)
    lowering.program.call("memset", to, str(output.zero_point), str(output.size), note="PAD")
    for first, count, apart in _regular(op, starts):
        target = Place(to.buffer, to.offset + int(starts[first]))
        lowering.copy(count, length, length, apart, _further(place, first * length), target, "PAD")


@lowers("ADD", "SUB", "MUL")
def elementwise(lowering: Lowering, op: Op) -> None:
    """Two tensors; a smaller one is repeated, as broadcasting over leading axes does."""
    a, b = op.inputs
    assert a is not None
    assert b is not None
    for side in (a, b):
        if side.type != "int8":
            raise ExportError(f"{op}: {side} is not int8; quantize the model to int8")
        if elements(op.outputs[0].shape[len(op.outputs[0].shape) - len(_trimmed(side)) :]) != side.size:
            raise ExportError(f"{op}: broadcasting of {side} is not supported; give both sides one shape")
    how = parameters(op, a, b)
    members = {
        "a": _operand(how.a, a.size),
        "b": _operand(how.b, b.size),
        "sign": how.sign,
        "offset": how.offset,
        "multiplier": how.factor.multiplier,
        "shift": how.factor.shift,
        "min": how.limits.low,
        "max": how.limits.high,
    }
    function = "kws_multiply" if op.name == "MUL" else "kws_add"
    lowering.call_layer(function, "kws_elementwise", members, op)


def _further(place: str | Place, offset: int) -> str | Place:
    return f"{place} + {offset}" if isinstance(place, str) else Place(place.buffer, place.offset + offset)


def _operand(operand: Operand, count: int) -> dict[str, int]:
    factor = operand.factor
    return {
        "count": count,
        "offset": operand.offset,
        "multiplier": factor.multiplier,
        "shift": factor.shift,
    }


def _trimmed(tensor: Tensor) -> tuple[int, ...]:
    """The shape without leading ones."""
    shape = tensor.shape
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def _integers(op: Op, tensor: Tensor | None) -> list[int]:
    if tensor is None or tensor.values is None:
        raise ExportError(f"{op}: its bounds must be constants; convert the model with fixed shapes")
    return [int(value) for value in tensor.values.ravel()]


def _check_same_scale(op: Op, tensor: Tensor) -> None:
    output = op.outputs[0]
    if (tensor.scale, tensor.zero_point) != (output.scale, output.zero_point):
        raise ExportError(f"{op}: {tensor} has another scale than the output; quantize it to the same one")


def _pick(lowering: Lowering, op: Op, source: Tensor | None, output: Tensor, slices: tuple[Any, ...]) -> None:
    """A part of a tensor: in place if it is one stretch, else copied run by run."""
    assert source is not None
    _check_same_scale(op, source)
    chosen = np.arange(source.size).reshape(source.shape)[slices].ravel()
    starts, length = _runs(chosen)
    place = lowering.place(source)
    if len(starts) == 1:
        lowering.view(output, place, int(starts[0]))
        return
    to = lowering.make(output)
    for first, count, apart in _regular(op, starts):
        piece = Place(place.buffer, place.offset + int(starts[first]))
        target = Place(to.buffer, to.offset + first * length)
        lowering.copy(count, length, apart, length, piece, target, op.name)


def _runs(indices: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], int]:
    """Starts of stretches of consecutive indices, all as long as the shortest one."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    lengths = np.diff(np.concatenate([[0], breaks, [len(indices)]]))
    length = int(np.gcd.reduce(lengths))
    return indices[::length], length


def _regular(op: Op, starts: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """First, count and distance of evenly spaced stretches; ExportError if they are too many."""
    found, first = [], 0
    while first < len(starts):
        apart = int(starts[first + 1] - starts[first]) if first + 1 < len(starts) else 0
        count = 1
        while first + count < len(starts) and starts[first + count] - starts[first + count - 1] == apart:
            count += 1
        found.append((first, count, apart))
        first += count
    if len(found) > MOST_RUNS or any(apart < 0 for _, _, apart in found):
        raise ExportError(f"{op}: takes its input in no regular order; slice whole rows")
    return found
