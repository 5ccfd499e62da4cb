"""How large the student's activations get, from which the scales of its int8 graph follow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from kws.encoders.layer_file import StudentRanges
from kws.encoders.speech_embedding import SpeechEmbeddingConfig
from training.encoder_ranges import Largest
from training.int8.quantize import to_real
from training.micro_encoder.pairs import Pairs
from training.micro_encoder.student import Student

_PER_STEP = SpeechEmbeddingConfig().rows
_ROWS = 96 * _PER_STEP
"""Of a stretch."""


def ranges_of(student: Student, pairs: Pairs, stretches: int = 400) -> StudentRanges:
    """Measured on stretches spread evenly over the pairs."""
    layers, lowest = [], Largest()
    starts = np.linspace(0, len(pairs.taught) - _ROWS // _PER_STEP, stretches).astype(int) * _PER_STEP
    for start in starts:
        rows = to_real(pairs.rows[start : start + _ROWS])
        for index, values in enumerate(student.activations(tf.constant(rows[None]))):
            if index == len(layers):
                layers.append(Largest())
            layers[index].push(values.numpy())
            if index == len(student.entry) - 1:
                lowest.push(-values.numpy())
    bounds = [round(layer.bound(), 2) for layer in layers]
    entry, bands = bounds[: len(student.entry) - 1], bounds[len(student.entry) - 1]
    return StudentRanges(tuple(entry), (-round(lowest.bound(), 2), bands), tuple(bounds[len(entry) + 1 : -1]))
