"""Parameters of ADD, SUB and MUL, and their arithmetic in NumPy for tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_export.c99.activations import Range, activation_range
from firmware_export.c99.arithmetic import Factor, Integers, fixed, scaled
from firmware_export.graph import Op, Tensor

LEFT_SHIFT = 20
"""Extra bits in which ADD and SUB bring both sides to one scale."""


@dataclass(frozen=True)
class Operand:
    """One side."""

    offset: int
    factor: Factor


@dataclass(frozen=True)
class Elementwise:
    """Both sides and the result."""

    a: Operand
    b: Operand
    sign: int
    """-1 for SUB; 0 for MUL."""
    offset: int
    factor: Factor
    limits: Range


def parameters(op: Op, a: Tensor, b: Tensor) -> Elementwise:
    """As TensorFlow Lite prepares the operator."""
    output = op.outputs[0]
    first, second, result = (np.float64(np.float32(t.scale[0])) for t in (a, b, output))
    if op.name == "MUL":
        sides, sign, factor = (1.0, 1.0), 0, first * second / result
    else:
        twice = 2 * max(first, second)
        sides, sign = (first / twice, second / twice), -1 if op.name == "SUB" else 1
        factor = twice / ((1 << LEFT_SHIFT) * result)
    return Elementwise(
        a=Operand(-a.zero_point, fixed(float(sides[0]))),
        b=Operand(-b.zero_point, fixed(float(sides[1]))),
        sign=sign,
        offset=output.zero_point,
        factor=fixed(float(factor)),
        limits=activation_range(op),
    )


def combined(how: Elementwise, a: Integers, b: Integers) -> Integers:
    """int8 results of int8 sides."""
    first, second = a + how.a.offset, b + how.b.offset
    if how.sign == 0:
        value = first * second
    else:
        value = scaled(first << LEFT_SHIFT, how.a.factor)
        value = value + how.sign * scaled(second << LEFT_SHIFT, how.b.factor)
    return np.clip(scaled(value, how.factor) + how.offset, how.limits.low, how.limits.high)
