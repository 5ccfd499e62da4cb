"""A trained network -> one int8 streaming .tflite with its state inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import tensorflow as tf

from kws.frontend import FrontendConfig
from kws.standard_error import silenced
from kws.types import Rows
from training.int8.delegable import delegable
from training.learning.row_values import real_valued

CALIBRATION_ROWS = 12_000
"""Rows streamed to find the range of every tensor, two minutes."""


def to_real(rows: Rows) -> np.ndarray:
    """int8 rows -> what they stand for, float32 from 0 to 26."""
    return real_valued(rows, FrontendConfig())


class Convertible(Protocol):
    """What can be quantized: a network with a streaming step."""

    stride: int
    """Rows per model step."""

    def streaming(self) -> tf.Module:
        """A module whose function `step` takes rows (1, stride, channels) and returns outputs (1, n)."""


def quantize(
    network: Convertible,
    calibration: Rows,
    *,
    first_step: Rows | None = None,
    to_real: Callable[[Rows], np.ndarray] = to_real,
) -> bytes:
    """Post-training int8 quantization, calibrated on streamed states.

    Args:
        network: trained; its `streaming` step is converted.
        calibration: int8 rows, shape (t, 40), of typical audio, with and without the word where there is
            one, fed in order, so that the ranges seen are those of states which the network reaches at work.
        first_step: int8 rows, shape (stride, 40), holding -128 and 127, fed before all: they fix the input's
            scale and zero point to the front end's. By default nothing but those two values; networks whose
            activations have no bound had better get a step that is no louder than speech.
        to_real: what the rows stand for, as the network takes it; by default those of the micro front end.

    Returns:
        The .tflite: int8 [1, stride, 40] in, uint8 [1, n] out, weights, activations and state int8.
    """
    module = network.streaming()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.step.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _calibration_steps(
        calibration, network.stride, first_step, to_real
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.uint8
    # Without it the state stays float inside an int8 graph.
    converter._experimental_variable_quantization = True
    with silenced():  # TensorFlow's C++ logs there; errors still come as exceptions
        return delegable(bytes(converter.convert()))


def _calibration_steps(
    rows: Rows, stride: int, first_step: Rows | None, to_real: Callable[[Rows], np.ndarray]
) -> Iterator[list[np.ndarray]]:
    if first_step is None:
        first_step = np.full((stride, rows.shape[1]), 127, np.int8)
        first_step[0] = -128
    yield [to_real(first_step[None])]
    steps = len(rows) // stride
    for step in to_real(rows[: steps * stride]).reshape(steps, 1, stride, -1):
        yield [step]
