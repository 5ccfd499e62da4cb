"""A trained network -> one int8 streaming .tflite with its state inside."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from kws.frontend import FrontendConfig
from kws.types import Rows
from training.models import Network

CALIBRATION_ROWS = 12_000
"""Rows streamed to find the range of every tensor, two minutes."""


def to_real(rows: Rows) -> np.ndarray:
    """int8 rows -> what they stand for, float32 from 0 to 26."""
    config = FrontendConfig()
    return (rows.astype(np.float32) - config.row_zero_point) * np.float32(config.row_scale)


def quantize(network: Network, calibration: Rows) -> bytes:
    """Post-training int8 quantization, calibrated on streamed states.

    Args:
        network: trained; its `streaming` step is converted.
        calibration: int8 rows, shape (t, 40), of typical audio with and without the word, fed in order, so
            that the ranges seen are those of states which the network reaches at work.

    Returns:
        The .tflite: int8 [1, stride, 40] in, uint8 [1, 1] out, weights, activations and state int8.
    """
    module = network.streaming()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.step.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _calibration_steps(calibration, network.stride)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.uint8
    # Without it the state stays float inside an int8 graph.
    converter._experimental_variable_quantization = True
    with _silenced_stderr():
        return bytes(converter.convert())


def _calibration_steps(rows: Rows, stride: int) -> Iterator[list[np.ndarray]]:
    # The first row spans all of int8, which fixes the input's scale and zero point to the front end's.
    extremes = np.full((1, stride, rows.shape[1]), 127, np.int8)
    extremes[:, 0] = -128
    yield [to_real(extremes)]
    steps = len(rows) // stride
    for step in to_real(rows[: steps * stride]).reshape(steps, 1, stride, -1):
        yield [step]


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    """The converter's C++ logs to file descriptor 2; errors still come as exceptions."""
    kept = os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
