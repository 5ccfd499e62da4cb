"""A network of the wake words with twelve outputs: the mean of its features over a second, then one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from training.models import build
from training.models.layers import Conv, glorot
from training.models.recurrent import gru
from training.models.stack import CHANNELS, Stack


class Classifier:
    """The layers of a stack, their mean over time, one logit a class."""

    def __init__(self, name: str, settings: Mapping[str, Any], classes: int) -> None:
        self.body = _gru_stack(**settings) if name == "gru" else _stack(name, settings)
        self.kernel = tf.Variable(glorot((self.body.output_kernel.shape[0], classes)))
        self.bias = tf.Variable(tf.zeros(classes))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        flat = [variable for layer in self.body.layers for variable in layer.trainable_variables]
        return [*flat, self.kernel, self.bias]

    @property
    def weights(self) -> int:
        """How many numbers are learned."""
        return sum(int(tf.size(variable)) for variable in self.trainable_variables)

    def logits(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """rows (batch, t, 40) -> (batch, classes); t a multiple of the stride, each row's start fresh."""
        states = self.body.zero_states(rows.shape[0])
        features, _ = self.body.features(rows, states, training=training)
        return tf.reduce_mean(features, axis=1) @ self.kernel + self.bias


def _stack(name: str, settings: Mapping[str, Any]) -> Stack:
    network = build(name, settings)
    assert isinstance(network, Stack)
    return network


def _gru_stack(
    filters: int = 64, kernel: int = 9, stride: int = 3, units: Sequence[int] = (64, 64), dropout: float = 0.1
) -> Stack:
    """The trigger-word GRU, put together from layers."""
    widths = (filters, *units)
    layers = [gru(width, n) for width, n in zip(widths, units, strict=False)]
    return Stack([Conv(CHANNELS, filters, kernel, stride), *layers], widths[-1], stride, dropout)
