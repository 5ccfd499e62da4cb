"""FULLY_CONNECTED, CONV_2D, DEPTHWISE_CONV_2D and pooling in the terms of kernels.h."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_export.c99.activations import activation_range
from firmware_export.c99.arithmetic import fixed
from firmware_export.c99.lowering import Lowering, lowers
from firmware_export.c99.program import elements, int8_constant
from firmware_export.errors import ExportError
from firmware_export.graph import Op, Tensor

SAME = 0
"""Value of `padding` in the options."""


@lowers("FULLY_CONNECTED")
def fully_connected(lowering: Lowering, op: Op) -> None:
    """Rows times a matrix; per-tensor scales multiply in single precision, as the interpreter has it."""
    source, output = _first(op), op.outputs[0]
    weights = int8_constant(op.inputs[1], f"{op}: weights")
    depth = weights.shape[1]
    _matrix(lowering, op, weights, rows=source.size // depth, apart=depth)
    lowering.program.multiplications += output.size * depth


@lowers("CONV_2D")
def conv_2d(lowering: Lowering, op: Op) -> None:
    """Rows times a matrix: the windows, which are gathered first unless each is one stretch of the input."""
    source, output = _first(op), op.outputs[0]
    weights = int8_constant(op.inputs[1], f"{op}: weights")
    if weights.shape[3] != source.shape[3]:
        raise ExportError(f"{op}: grouped convolution is not supported; use DEPTHWISE_CONV_2D or a full one")
    _check_fit(op, output.shape[3] == weights.shape[0])
    window = _window(op, weights.shape[1], weights.shape[2])
    lowering.program.multiplications += output.size * elements(weights.shape[1:])
    if _is_one_stretch(window):
        _matrix(lowering, op, weights, rows=window["out_height"] * window["out_width"], apart=_apart(window))
        return
    _gathered(lowering, op, "kws_convolution", weights.reshape(weights.shape[0], -1), window)


@lowers("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(lowering: Lowering, op: Op) -> None:
    """Each channel on its own: columns of the windows, gathered like those of CONV_2D."""
    source, output = _first(op), op.outputs[0]
    weights = int8_constant(op.inputs[1], f"{op}: weights")
    _, height, width, channels = weights.shape
    _check_fit(op, output.shape[3] == channels and channels % source.shape[3] == 0)
    window = _window(op, height, width)
    lowering.program.multiplications += output.size * height * width
    if channels == source.shape[3] and _is_one_stretch(window):
        _columns(lowering, op, weights, window)
        return
    _gathered(lowering, op, "kws_depthwise", weights.reshape(-1, channels).T, window)


@lowers("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pool_2d(lowering: Lowering, op: Op) -> None:
    """Mean or maximum under a window."""
    limits = activation_range(op)
    _check_fit(op, op.outputs[0].shape[3] == _first(op).shape[3])
    members = {
        "window": _window(op, op.options["filterHeight"], op.options["filterWidth"]),
        "min": limits.low,
        "max": limits.high,
    }
    function = "kws_average_pool" if op.name == "AVERAGE_POOL_2D" else "kws_max_pool"
    lowering.call_layer(function, "kws_pool", members, op)


@lowers("MEAN")
def mean(lowering: Lowering, op: Op) -> None:
    """Over axes that follow one another; the division is in the multiplier."""
    source, output, axes = _first(op), op.outputs[0], op.inputs[1]
    if axes is None or axes.values is None:
        raise ExportError(f"{op}: its axes must be constants; convert the model with fixed shapes")
    chosen = sorted(int(axis) % len(source.shape) for axis in axes.values.ravel())
    first, last = chosen[0], chosen[-1] + 1
    count = elements(source.shape[first:last])
    if elements([source.shape[axis] for axis in chosen]) != count:
        raise ExportError(f"{op}: takes the mean over axes {chosen}; take it over neighbouring ones")
    _check_fit(op, output.size * count == source.size)
    factor = fixed(float(np.float64(np.float32(source.scale[0])) / np.float64(np.float32(output.scale[0]))))
    spare = min(count.bit_length() - 1, 31 + factor.shift)
    members = {
        "outer": elements(source.shape[:first]),
        "count": count,
        "inner": elements(source.shape[last:]),
        "zeros": source.zero_point * count,
        "multiplier": (factor.multiplier << spare) // count,
        "shift": factor.shift - spare,
        "offset": output.zero_point,
    }
    lowering.call_layer("kws_mean", "kws_mean", members, op)


def _first(op: Op) -> Tensor:
    source = op.inputs[0]
    assert source is not None
    return source


def _matrix(lowering: Lowering, op: Op, weights: npt.NDArray[np.int8], *, rows: int, apart: int) -> None:
    flat = weights.reshape(weights.shape[0], -1)
    _check_fit(op, op.outputs[0].size == rows * len(flat))
    _check_fit(op, (rows - 1) * apart + flat.shape[1] <= _first(op).size)
    members = _matrix_members(lowering, op, flat, flat, rows=rows, apart=apart)
    lowering.call_layer("kws_matrix", "kws_matrix", members, op)


def _columns(lowering: Lowering, op: Op, weights: npt.NDArray[np.int8], window: dict[str, int]) -> None:
    flat = weights.reshape(-1, weights.shape[3])
    rows, apart = window["out_height"] * window["out_width"], _apart(window)
    _check_fit(op, (rows - 1) * apart + flat.size <= _first(op).size)
    members = _matrix_members(lowering, op, flat.T, flat, rows=rows, apart=apart)
    lowering.call_layer("kws_columns", "kws_matrix", members, op)


def _gathered(
    lowering: Lowering, op: Op, function: str, weights: npt.NDArray[np.int8], window: dict[str, int]
) -> None:
    """Weights (channels, products), stored as the function takes them."""
    is_depthwise = function == "kws_depthwise"
    repeats = window["out_channels"] // window["in_channels"] if is_depthwise else 1
    stored = weights.T if is_depthwise else weights
    members = {
        "matrix": _matrix_members(lowering, op, weights, stored, rows=1, apart=0),
        "window": window,
        "repeats": repeats,
        "zero": _first(op).zero_point,
    }
    row = window["height"] * window["width"] * window["in_channels"] * repeats
    lowering.call_layer(function, "kws_gathered", members, op, scratch=row)


def _matrix_members(
    lowering: Lowering,
    op: Op,
    weights: npt.NDArray[np.int8],
    stored: npt.NDArray[np.int8],
    *,
    rows: int,
    apart: int,
) -> dict[str, Any]:
    """struct kws_matrix; weights (channels, products), and as they are stored."""
    return {
        "output": _output(lowering, op, weights),
        "weights": lowering.program.array("int8_t", stored),
        "depth": weights.shape[1],
        "channels": weights.shape[0],
        "rows": rows,
        "apart": apart,
    }


def _check_fit(op: Op, holds: bool) -> None:
    """The kernels trust these numbers: a file in which they disagree would lead them beyond their memory."""
    if not holds:
        raise ExportError(f"{op}: input, weights and output do not fit together; convert the model again")


def _apart(window: dict[str, int]) -> int:
    """Bytes from one window that is one stretch to the next."""
    if window["width"] == window["height"] == 1:
        return window["in_channels"]
    return window["step_y"] * window["in_width"] * window["in_channels"]


def _output(lowering: Lowering, op: Op, weights: npt.NDArray[np.int8]) -> dict[str, Any]:
    """struct kws_output; weights (channels, products). The bias takes in the input's offset."""
    source, output = _first(op), op.outputs[0]
    bias = _bias(op, len(weights)) - source.zero_point * weights.astype(np.int64).sum(axis=1)
    factors = [fixed(factor) for factor in _factors(op, len(weights))]
    _check_fit(op, len(factors) == len(weights) == len(bias))
    _check_range(op, bias, weights, max(0, *(f.shift for f in factors)))
    limits = activation_range(op)
    array = lowering.program.array
    return {
        "bias": array("int32_t", bias),
        "multiplier": array("int32_t", np.array([f.multiplier for f in factors])),
        "shift": array("int8_t", np.array([f.shift for f in factors])),
        "offset": output.zero_point,
        "min": limits.low,
        "max": limits.high,
    }


def _bias(op: Op, channels: int) -> npt.NDArray[np.int64]:
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is None:
        return np.zeros(channels, np.int64)
    if bias.values is None or bias.type != "int32":
        raise ExportError(f"{op}: bias must be a constant of int32, not {bias}; quantize the model to int8")
    return bias.values.astype(np.int64)


def _factors(op: Op, channels: int) -> list[float]:
    """Scale of a product over scale of the output, per channel."""
    source, weights, output = _first(op), op.inputs[1], op.outputs[0]
    assert weights is not None
    first, result = np.float32(source.scale[0]), np.float64(np.float32(output.scale[0]))
    if op.name == "FULLY_CONNECTED" and len(weights.scale) == 1:
        return [float(np.float64(first * np.float32(weights.scale[0])) / result)] * channels
    scales = weights.scale if len(weights.scale) > 1 else weights.scale * channels
    return [float(np.float64(first) * np.float64(np.float32(scale)) / result) for scale in scales]


def _check_range(op: Op, bias: npt.NDArray[np.int64], weights: npt.NDArray[np.int8], shift: int) -> None:
    """No sum of products, whatever the input, may leave 32 bits: C leaves what then happens undefined."""
    bound = np.abs(bias) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    if int(bound.max()) << shift >= 1 << 31:
        raise ExportError(
            f"{op}: its sums could leave 32 bits; make it narrower, or its bias or output scale smaller"
        )


def _window(op: Op, height: int, width: int) -> dict[str, int]:
    """struct kws_window2 of a kernel of this size."""
    source, output, options = _first(op), op.outputs[0], op.options
    dilation = options.get("dilationHFactor", 1), options.get("dilationWFactor", 1)
    steps = options["strideH"], options["strideW"]
    pads = [
        _padding(source.shape[1 + i], output.shape[1 + i], size, steps[i], dilation[i], options["padding"])
        for i, size in enumerate((height, width))
    ]
    return {
        **dict(zip(("in_height", "in_width", "in_channels"), source.shape[1:], strict=True)),
        **dict(zip(("out_height", "out_width", "out_channels"), output.shape[1:], strict=True)),
        "height": height,
        "width": width,
        "step_y": steps[0],
        "step_x": steps[1],
        "dilation_y": dilation[0],
        "dilation_x": dilation[1],
        "pad_top": pads[0],
        "pad_left": pads[1],
    }


def _padding(inputs: int, outputs: int, kernel: int, step: int, dilation: int, kind: int) -> int:
    """Zeros before the first input; those after it may be one more."""
    reach = (kernel - 1) * dilation + 1
    return max(0, (outputs - 1) * step + reach - inputs) // 2 if kind == SAME else 0


def _is_one_stretch(window: dict[str, int]) -> bool:
    if window["height"] == window["width"] == window["step_y"] == window["step_x"] == 1:
        return True
    padded = window["pad_top"] or window["pad_left"] or window["out_width"] != 1
    inside = (window["out_height"] - 1) * window["step_y"] + window["height"] <= window["in_height"]
    whole_rows = window["width"] == window["in_width"]
    return inside and whole_rows and not padded and window["dilation_y"] == window["dilation_x"] == 1
