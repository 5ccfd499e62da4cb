"""Which operators the Edge TPU computes: the compiler's documented list, with the limitations it names.

The list is "Supported operations" in Coral's documentation, "TensorFlow models on the Edge TPU"
(coral.ai/docs/edgetpu/models-intro), as of compiler 16 and runtime 14. From the first operator on that is not
mapped, in the file's order, the compiler leaves everything to the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from firmware_export.graph import Op, Tensor

Limit = Callable[[Op], str]
"""Why an operator is not mapped, "" where nothing stands against it."""

AFTER = "follows an operator that stays on the processor"

_INNERMOST = 3
"""Dimensions that may be longer than 1."""
_NONE = 0
"""Of fusedActivationFunction, and the weights' default format."""


@dataclass(frozen=True)
class Placement:
    """Where an operator is computed."""

    op: Op
    reason: str
    """Why by the processor; "" on the Edge TPU."""


def placements(ops: Sequence[Op]) -> list[Placement]:
    """Of each operator, by the documentation; the compiler itself has the last word."""
    found, is_split = [], False
    for op in ops:
        reason = limitation(op) or (AFTER if is_split else "")
        is_split = is_split or bool(reason)
        found.append(Placement(op, reason))
    return found


def limitation(op: Op) -> str:
    """What the documentation says against this operator, by itself."""
    if op.name not in LIMITS:
        return "is not in the compiler's list"
    return _tensors(op) or LIMITS[op.name](op)


def _tensors(op: Op) -> str:
    """What holds for every tensor that is computed, and for int8 constants."""
    for tensor in (*op.inputs, *op.outputs):
        if tensor is None or (tensor.values is not None and tensor.type != "int8"):
            continue
        if tensor.type not in ("int8", "uint8"):
            return f"works on {tensor.type}, not on 8-bit numbers"
        if not tensor.shape or 0 in tensor.shape:
            return f"{tensor} has no dimension of fixed size"
        if tensor.values is None and any(size > 1 for size in tensor.shape[:-_INNERMOST]):
            return f"{tensor} is longer than 1 in more than its {_INNERMOST} innermost dimensions"
    return ""


def _free(op: Op) -> str:
    return ""


def _no_activation(op: Op) -> str:
    return "has a fused activation" if op.options["fusedActivationFunction"] != _NONE else ""


def _concatenation(op: Op) -> str:
    constants = [tensor for tensor in op.inputs if tensor is not None and tensor.values is not None]
    is_padding = len(op.inputs) == 2 and all(_is_zero(tensor) for tensor in constants)
    if constants and not is_padding:
        return "joins constants other than zeros"
    return _no_activation(op)


def _is_zero(tensor: Tensor) -> bool:
    return tensor.values is not None and bool(np.all(tensor.values == tensor.zero_point))


def _convolution(op: Op) -> str:
    differ = op.options["dilationWFactor"] != op.options["dilationHFactor"]
    return "dilates height and width differently" if differ else ""


def _fully_connected(op: Op) -> str:
    weights = op.inputs[1]
    if op.options["weightsFormat"] != _NONE:
        return "has weights in another than the default format"
    if weights is None or weights.values is None:
        return "has weights that are computed"
    if len(weights.scale) > 1:
        return "has a scale for each output"
    return "has an output of more than one dimension" if any(n > 1 for n in op.outputs[0].shape[:-1]) else ""


def _mean(op: Op) -> str:
    source, axes = op.inputs[0], _constant(op, 1)
    if source is None or axes is None:
        return "has axes that are computed"
    chosen = {int(axis) % len(source.shape) for axis in axes}
    if 0 in chosen:
        return _batch(True)
    innermost = len(source.shape) - 1
    odd = innermost in chosen and source.shape[innermost] % 4
    return f"takes the mean over {source.shape[innermost]} channels, not a multiple of 4" if odd else ""


def _pack(op: Op) -> str:
    return _batch(op.options["axis"] % len(op.outputs[0].shape) == 0)


def _pad(op: Op) -> str:
    around = _constant(op, 1)
    return "has padding that is computed" if around is None else _batch(bool(np.any(around[:2])))


def _reduction(op: Op) -> str:
    source, axes = op.inputs[0], _constant(op, 1)
    if source is None or axes is None:
        return "has axes that are computed"
    return _batch(any(int(axis) % len(source.shape) == 0 for axis in axes))


def _split(op: Op) -> str:
    source, axis = op.inputs[1], _constant(op, 0)
    if source is None or axis is None:
        return "has an axis that is computed"
    return _batch(int(axis[0]) % len(source.shape) == 0)


def _strided_slice(op: Op) -> str:
    steps = _constant(op, 3)
    if steps is None or np.any(steps != 1):
        return "takes steps other than 1"
    return "adds or fills in dimensions" if op.options["ellipsisMask"] or op.options["newAxisMask"] else ""


def _softmax(op: Op) -> str:
    source = op.inputs[0]
    is_row = source is not None and source.size == source.shape[-1] and source.size <= 16_000
    return "" if is_row else "is not over one dimension of at most 16000 elements"


def _batch(works_on_it: bool) -> str:
    return "works along the batch dimension" if works_on_it else ""


def _constant(op: Op, place: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]] | None:
    """An operand's numbers in a row, None if it is computed."""
    operand = op.inputs[place] if place < len(op.inputs) else None
    return None if operand is None or operand.values is None else operand.values.ravel()


_UNLIMITED = """
ADD EXPAND_DIMS L2_NORMALIZATION LOGISTIC MAXIMUM MINIMUM MUL QUANTIZE RELU RELU6 RELU_N1_TO_1 RESHAPE RSQRT
SLICE SPACE_TO_DEPTH SQUARED_DIFFERENCE SQUEEZE SUB TANH TRANSPOSE
"""

LIMITS: dict[str, Limit] = {
    **dict.fromkeys(_UNLIMITED.split(), _free),
    "AVERAGE_POOL_2D": _no_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _no_activation,
    "MEAN": _mean,
    "PACK": _pack,
    "PAD": _pad,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _reduction,
}
"""Operator -> its limitation. Left out, as no streaming model has them: LSTM, PRELU, RESIZE_BILINEAR,
RESIZE_NEAREST_NEIGHBOR and TRANSPOSE_CONV."""
