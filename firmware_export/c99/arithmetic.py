"""The interpreter's fixed-point arithmetic in NumPy: what C computes at run time, for tables made beforehand.

Real factors become `multiplier * 2 ** (shift - 31)` with a multiplier of 31 bits. After gemmlowp's
fixedpoint.h and TensorFlow Lite's kernels/internal/common.h, in the two-step rounding of microcontrollers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """A real factor in fixed point."""

    multiplier: int
    shift: int
    """To the left where positive."""


def fixed(factor: float) -> Factor:
    """The nearest Factor of a number from 0 on (TensorFlow Lite: QuantizeMultiplier)."""
    if factor == 0:
        return Factor(0, 0)
    fraction, shift = math.frexp(factor)
    multiplier = round_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return Factor(multiplier, shift) if shift >= -31 else Factor(0, 0)


def round_away(value: float) -> int:
    """To the nearest whole number, halves away from zero, as C's `round`."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def high_product(a: Integers, b: Integers | int) -> Integers:
    """a * b / 2**31 to the nearest, halves upwards, saturated (SaturatingRoundingDoublingHighMul)."""
    product = a * np.int64(b) if isinstance(b, int) else a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    towards_zero: Integers = np.sign(nudged) * (np.abs(nudged) >> 31)
    return np.minimum(towards_zero, (1 << 31) - 1)


def rounding_shift(value: Integers, bits: int) -> Integers:
    """value / 2**bits to the nearest, halves away from zero (RoundingDivideByPOT)."""
    mask = (1 << bits) - 1
    half = (mask >> 1) + (value < 0)
    shifted: Integers = (value >> bits) + ((value & mask) > half)
    return shifted


def scaled(value: Integers, by: Factor) -> Integers:
    """value * factor, rounded twice (MultiplyByQuantizedMultiplier)."""
    raised = value << max(by.shift, 0)
    return rounding_shift(high_product(raised, by.multiplier), max(-by.shift, 0))
