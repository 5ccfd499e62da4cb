"""The activation that an operator ends with, as the range its int8 output is clamped to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_export.c99.arithmetic import round_away
from firmware_export.errors import ExportError
from firmware_export.graph import Op

_REAL_BOUNDS: dict[int, tuple[float | None, float | None]] = {
    0: (None, None),  # NONE
    1: (0.0, None),  # RELU
    2: (-1.0, 1.0),  # RELU_N1_TO_1
    3: (0.0, 6.0),  # RELU6
}
"""ActivationFunctionType -> lower and upper bound."""


@dataclass(frozen=True)
class Range:
    """Lowest and highest int8 output."""

    low: int = -128
    high: int = 127


def activation_range(op: Op) -> Range:
    """Raises ExportError for an activation that is not a clamp."""
    kind = op.options.get("fusedActivationFunction", 0)
    if kind not in _REAL_BOUNDS:
        raise ExportError(f"{op}: fused activation {kind} is not supported; use an operator of its own")
    low, high = _REAL_BOUNDS[kind]
    output = op.outputs[0]

    def quantized(real: float) -> int:
        return output.zero_point + round_away(float(np.float32(real) / np.float32(output.scale[0])))

    return Range(
        low=-128 if low is None else max(-128, quantized(low)),
        high=127 if high is None else min(127, quantized(high)),
    )
