"""Operators of one int8 argument as tables of all 256 answers.

The interpreter computes LOGISTIC and TANH by gemmlowp's fixed-point exponential; here that happens once, at
export, and a device looks up. A chain of such operators is one table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from firmware_export.c99.arithmetic import (
    Factor,
    Integers,
    fixed,
    high_product,
    round_away,
    rounding_shift,
    scaled,
)
from firmware_export.c99.elementwise import combined, parameters
from firmware_export.graph import Graph, Op, Tensor

TABLE = "TABLE"
"""Name of the operator that stands for a looked-up function; its option "table" has 256 bytes, the first of
which answers -128."""

Table = npt.NDArray[np.int8]

_BYTES: Integers = np.arange(-128, 128, dtype=np.int64)
_ONE = (1 << 31) - 1
_INTEGER_BITS = 4
"""Of the fixed-point argument of LOGISTIC and TANH: -16 to 16."""


def with_tables(graph: Graph) -> Graph:
    """The same graph, every operator of one int8 argument a TABLE, chains joined."""
    uses = _uses(graph)
    ops: list[Op] = []
    made: dict[int, Op] = {}  # by index of the output tensor
    for op in graph.ops:
        table = _table(op)
        if table is None:
            ops.append(op)
            continue
        source = _argument(op)
        before = made.get(source.index)
        if before is not None and uses[source.index] == 1:
            ops.remove(before)
            source, table = _argument(before), table[before.options["table"].astype(np.int64) + 128]
        made[op.outputs[0].index] = Op(TABLE, (source,), op.outputs, {"table": table})
        ops.append(made[op.outputs[0].index])
    return replace(graph, ops=tuple(ops))


def _uses(graph: Graph) -> dict[int, int]:
    uses = {graph.output.index: 1}
    for op in graph.ops:
        for tensor in op.inputs:
            if tensor is not None:
                uses[tensor.index] = uses.get(tensor.index, 0) + 1
    return uses


def _argument(op: Op) -> Tensor:
    """The input that is not constant."""
    return next(tensor for tensor in op.inputs if tensor is not None and tensor.values is None)


def _table(op: Op) -> Table | None:
    """The table of a function of one int8 argument, None for other operators."""
    if op.name in ("ADD", "SUB", "MUL"):
        return _with_constant(op)
    function = FUNCTIONS.get(op.name)
    if function is None or len(op.inputs) != 1:
        return None
    source, output = op.inputs[0], op.outputs[0]
    if source is None or source.type != "int8" or output.type not in ("int8", "uint8"):
        return None
    return function(op, source, output).astype(np.uint8).view(np.int8)


def _with_constant(op: Op) -> Table | None:
    a, b = op.inputs
    assert a is not None
    assert b is not None
    constants = [t for t in (a, b) if t.values is not None]
    if len(constants) != 1 or constants[0].size != 1 or {a.type, b.type} != {"int8"}:
        return None
    sides = [_BYTES if t.values is None else t.values.reshape(1).astype(np.int64) for t in (a, b)]
    return combined(parameters(op, a, b), *sides).astype(np.int8)


def _logistic(op: Op, source: Tensor, output: Tensor) -> Integers:
    return _saturating(source, fraction_bits=8, zero=-128, function=logistic)


def _tanh(op: Op, source: Tensor, output: Tensor) -> Integers:
    return _saturating(source, fraction_bits=7, zero=0, function=tanh)


def _saturating(
    source: Tensor, *, fraction_bits: int, zero: int, function: Callable[[Integers], Integers]
) -> Integers:
    """int8 outputs of an S-shaped function, the extremes where the argument is out of its range."""
    fraction, shift = math.frexp(float(np.float32(source.scale[0])) * (1 << 31 - _INTEGER_BITS))
    factor = Factor(round_away(fraction * (1 << 31)), shift)
    radius = ((1 << _INTEGER_BITS) - 1) * 2.0 ** (31 - _INTEGER_BITS) // 2.0**shift
    centred = _BYTES - source.zero_point
    inside = np.clip(centred, -radius + 1, radius - 1).astype(np.int64)
    value = rounding_shift(function(scaled(inside, factor)), 31 - fraction_bits) + zero
    value = np.where(centred <= -radius, -128, np.where(centred >= radius, 127, value))
    return np.clip(value, -128, 127)


def _quantize(op: Op, source: Tensor, output: Tensor) -> Integers:
    factor = fixed(float(np.float64(np.float32(source.scale[0])) / np.float64(np.float32(output.scale[0]))))
    low, high = (0, 255) if output.type == "uint8" else (-128, 127)
    return np.clip(scaled(_BYTES - source.zero_point, factor) + output.zero_point, low, high)


def _relu(op: Op, source: Tensor, output: Tensor) -> Integers:
    return np.maximum(_quantize(op, source, output), output.zero_point)


def _leaky_relu(op: Op, source: Tensor, output: Tensor) -> Integers:
    ratio = np.float64(np.float32(source.scale[0])) / np.float64(np.float32(output.scale[0]))
    slope = float(np.float64(np.float32(op.options["alpha"])) * ratio)
    centred = _BYTES - source.zero_point
    above, below = scaled(centred, fixed(float(ratio))), scaled(centred, fixed(slope))
    value: Integers = np.where(centred >= 0, above, below)
    return np.clip(value + output.zero_point, -128, 127)


FUNCTIONS: dict[str, Callable[[Op, Tensor, Tensor], Integers]] = {
    "LOGISTIC": _logistic,
    "TANH": _tanh,
    "QUANTIZE": _quantize,
    "RELU": _relu,
    "LEAKY_RELU": _leaky_relu,
}
"""Operators that are a table whatever their argument."""


# gemmlowp's fixed point: numbers of 32 bits, of which some, here named, stand before the binary point.


def logistic(x: Integers) -> Integers:
    """1 / (1 + exp(-x)), x with 4 integer bits -> 0 integer bits."""
    magnitude = np.abs(x)
    positive = _one_over_one_plus(_exp_of_negative(-magnitude))
    return np.where(x > 0, positive, np.where(x < 0, _ONE - positive, 1 << 30))


def tanh(x: Integers) -> Integers:
    """x with 4 integer bits -> 0 integer bits."""
    # tanh(|x|) = (1 - e) / (1 + e) with e = exp(-2 |x|); one integer bit more doubles the argument.
    magnitude = _one_minus_over_one_plus(_exp_of_negative(-np.abs(x), integer_bits=_INTEGER_BITS + 1))
    return np.where(x > 0, magnitude, np.where(x < 0, -magnitude, 0))


def _exp_of_negative(x: Integers, integer_bits: int = _INTEGER_BITS) -> Integers:
    """exp(x) for x <= 0 -> 0 integer bits: the fraction's series times exp(-1/4), exp(-1/2), exp(-1), ..."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << fraction_bits - 2
    remainder = (x & quarter - 1) - quarter  # from -1/4 to 0
    result = _exp_near_zero(remainder << integer_bits)
    whole = remainder - x
    for exponent in range(-2, integer_bits):
        power = round_away(math.exp(-(2.0**exponent)) * (1 << 31))
        result = np.where(whole & 1 << fraction_bits + exponent, high_product(result, power), result)
    return np.where(x == 0, _ONE, result)


def _exp_near_zero(x: Integers) -> Integers:
    """exp(x) for -1/4 <= x < 0, both with 0 integer bits: Taylor's series of degree 4 around -1/8."""
    eighth, third = 1895147668, 715827883  # exp(-1/8), 1/3
    y = x + (1 << 28)
    square = high_product(y, y)
    cube, fourth = high_product(square, y), high_product(square, square)
    quarter_of_fourth = rounding_shift(fourth, 2)
    higher = rounding_shift(high_product(quarter_of_fourth + cube, third) + square, 1)
    result: Integers = np.minimum(eighth + high_product(y + higher, eighth), _ONE)
    return result


def _one_over_one_plus(a: Integers) -> Integers:
    """1 / (1 + a) for 0 <= a <= 1, both with 0 integer bits."""
    result: Integers = np.minimum(_reciprocal(a) << 1, _ONE)
    return result


def _one_minus_over_one_plus(a: Integers) -> Integers:
    """(1 - a) / (1 + a) for 0 <= a <= 1, both with 0 integer bits."""
    result: Integers = np.minimum(_reciprocal(a) - (1 << 29) << 2, _ONE)
    return result


def _reciprocal(a: Integers) -> Integers:
    """1 / d with 2 integer bits for d = (1 + a) / 2: three Newton-Raphson steps from 48/17 - 32/17 d."""
    denominator = _half_sum(a, _ONE)  # (1 + a) / 2, 0 integer bits
    x: Integers = 1515870810 + high_product(denominator, -1010580540)  # 48/17 and -32/17
    for _ in range(3):
        error = (1 << 29) - high_product(denominator, x)
        x = x + np.clip(high_product(x, error) << 2, -(1 << 31), _ONE)
    return x


def _half_sum(a: Integers, b: int) -> Integers:
    """(a + b) / 2, halves away from zero."""
    total = a + b
    result: Integers = np.sign(total) * (np.abs(total) + 1 >> 1)
    return result
