"""Layers one after the other, a sigmoid at the end: an architecture is a list of layers."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from kws.frontend import FrontendConfig
from training.models.dropout import Dropout
from training.models.layers import Layer, glorot

CHANNELS = FrontendConfig().channels


class Stack(tf.Module):
    """A Network of streaming layers; the first takes `stride` rows a step, the others one step a step.

    Args:
        layers: each with the width of the one before.
        width: of the last one's output.
        stride: rows per model step.
        dropout: between layers, in learning.
    """

    def __init__(self, layers: Sequence[Layer], width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.layers, self.stride, self.dropout = list(layers), stride, Dropout(dropout)
        self.output_kernel = tf.Variable(glorot((width, 1)))
        self.output_bias = tf.Variable([-3.0])

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        flat = [variable for layer in self.layers for variable in layer.trainable_variables]
        return [*flat, self.output_kernel, self.output_bias]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint."""
        flat = [variable for layer in self.layers for variable in layer.variables]
        return [*flat, self.output_kernel, self.output_bias]

    def zero_states(self, batch: int) -> list[tf.Tensor]:
        """Streaming state before any audio, one a layer."""
        return [layer.zero_state(batch) for layer in self.layers]

    def forward(
        self, rows: tf.Tensor, states: Sequence[tf.Tensor], *, training: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """rows (batch, t, 40) -> logits (batch, t / stride) and the states to go on with."""
        x, after = self.features(rows, states, training=training)
        return tf.squeeze(x @ self.output_kernel + self.output_bias, axis=2), after

    def features(
        self, rows: tf.Tensor, states: Sequence[tf.Tensor], *, training: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """What the last layer makes of rows, (batch, t / stride, width), and the states to go on with."""
        x, after = rows, []
        for index, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            if training and index:
                x = self.dropout(x, index)
            x, state = layer.forward(x, state, training=training)
            after.append(state)
        return x, after

    def soften(self, temperature: float) -> None:
        """Divide all logits by `temperature` from now on."""
        self.output_kernel.assign(self.output_kernel / temperature)
        self.output_bias.assign(self.output_bias / temperature)

    def streaming(self) -> tf.Module:
        """One step with weights frozen as constants and the state in variables."""
        return _Streaming(self)


class _Streaming(tf.Module):
    """Weights are constants: variables the converter would turn into resources and refuse to quantize."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._steps = [layer.frozen() for layer in stack.layers]
        self._output_kernel, self._output_bias = stack.output_kernel.numpy(), stack.output_bias.numpy()
        self.states = [tf.Variable(state, trainable=False) for state in stack.zero_states(1)]
        shape = (1, stack.stride, CHANNELS)
        self.step = tf.function(self._step, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def _step(self, rows: tf.Tensor) -> tf.Tensor:
        x = rows
        for step, variable in zip(self._steps, self.states, strict=True):
            x, state = step(x, variable.read_value())
            variable.assign(state)
        return tf.sigmoid(tf.reshape(x, (1, -1)) @ self._output_kernel + self._output_bias)
