"""The trigger-word GRU: a convolution over spectrogram rows, GRU layers, one sigmoid per step.

GRU of Cho et al. 2014 in the form with the reset gate after the matrix product (Keras: reset_after), which
needs two products a layer instead of three.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from kws.frontend import FrontendConfig
from training.models.dropout import Dropout

CHANNELS = FrontendConfig().channels


class TriggerGru(tf.Module):
    """conv (kernel x 40 -> filters, stride, batch norm, ReLU) -> GRU -> ... -> GRU -> logit.

    States: the rows that the next convolution window still needs, (batch, kernel - stride, 40), then one
    hidden vector (batch, units) per GRU layer.
    """

    def __init__(
        self,
        filters: int = 64,
        kernel: int = 9,
        stride: int = 3,
        units: Sequence[int] = (64, 64),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.stride, self.kernel_rows, self.units = stride, kernel, tuple(units)
        self.dropout = Dropout(dropout)
        glorot, orthogonal = keras.initializers.GlorotUniform(), keras.initializers.Orthogonal()
        # Rows reach 26: a smaller start keeps the first gates out of saturation.
        self.kernel = tf.Variable(glorot((kernel, CHANNELS, filters)) / 8, name="kernel")
        self.norm = keras.layers.BatchNormalization(momentum=0.98)
        self.norm.build((None, None, filters))
        self.layers = []
        width = filters
        for n in self.units:
            # Gates side by side: update z, reset r, candidate c.
            recurrent = np.concatenate([orthogonal((n, n)) for _ in range(3)], axis=1)
            bias = np.concatenate([np.full(n, 1.0), np.zeros(2 * n)]).astype(
                np.float32
            )  # z near 1: remember first
            self.layers.append(
                (tf.Variable(glorot((width, 3 * n))), tf.Variable(recurrent), tf.Variable(bias))
            )
            width = n
        self.output_kernel = tf.Variable(glorot((width, 1)))
        self.output_bias = tf.Variable([-3.0])

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        flat = [variable for layer in self.layers for variable in layer]
        return [
            self.kernel,
            self.norm.gamma.value,
            self.norm.beta.value,
            *flat,
            self.output_kernel,
            self.output_bias,
        ]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint."""
        return [*self.trainable_variables, self.norm.moving_mean.value, self.norm.moving_variance.value]

    def zero_states(self, batch: int) -> list[tf.Tensor]:
        """Streaming state before any audio."""
        tail = tf.zeros((batch, self.kernel_rows - self.stride, CHANNELS))
        return [tail, *(tf.zeros((batch, n)) for n in self.units)]

    def forward(
        self, rows: tf.Tensor, states: Sequence[tf.Tensor], *, training: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """rows (batch, t, 40) -> logits (batch, t / stride) and the states to go on with."""
        rows = tf.concat([states[0], rows], axis=1)
        after = [rows[:, tf.shape(rows)[1] - (self.kernel_rows - self.stride) :]]
        x = tf.nn.conv1d(rows, self.kernel, self.stride, "VALID")
        x = tf.nn.relu(self.norm(x, training=training))
        for place, (layer, hidden) in enumerate(zip(self.layers, states[1:], strict=True)):
            if training:
                x = self.dropout(x, place)
            x, hidden = _gru(x, hidden, *layer, rounded=training)
            after.append(hidden)
        return tf.squeeze(x @ self.output_kernel + self.output_bias, axis=2), after

    def soften(self, temperature: float) -> None:
        """Divide all logits by `temperature` from now on."""
        self.output_kernel.assign(self.output_kernel / temperature)
        self.output_bias.assign(self.output_bias / temperature)

    def streaming(self) -> tf.Module:
        """One step with weights frozen as constants and the state in variables."""
        return StreamingGru(self)


def _gru(
    x: tf.Tensor,
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    *,
    rounded: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """x (batch, steps, width), hidden (batch, n) -> all hidden states (batch, steps, n) and the last one."""
    projected = tf.unstack(tf.transpose(x @ kernel + bias, (1, 0, 2)))
    outputs = []
    for gates in projected:
        hidden = gru_step(gates, hidden @ recurrent, hidden)
        hidden = int8_state(hidden) if rounded else hidden
        outputs.append(hidden)
    return tf.stack(outputs, axis=1), hidden


def gru_step(from_input: tf.Tensor, from_state: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    """z, r, c side by side in both products, (batch, 3 n); returns the next hidden state (batch, n).

        z = sigmoid(xz + hz);  r = sigmoid(xr + hr);  c = tanh(xc + r hc);  h' = z h + (1 - z) c

    Written with the operations of ESPHome's interpreter: tanh(a) = 2 sigmoid(2a) - 1, and no subtraction.
    """
    n = hidden.shape[-1]
    gates = tf.sigmoid(from_input[:, : 2 * n] + from_state[:, : 2 * n])
    z, r = gates[:, :n], gates[:, n:]
    candidate = tf.sigmoid((from_input[:, 2 * n :] + r * from_state[:, 2 * n :]) * 2.0) * 2.0 + (-1.0)
    return z * hidden + (z * (-1.0) + 1.0) * candidate


def int8_state(hidden: tf.Tensor) -> tf.Tensor:
    """Rounded to the grid that the int8 graph keeps its state on, gradient passed straight through.

    Trained so, the network does not rely on increments that int8 loses: h' = z h + (1 - z) c moves by
    less than half a unit (1/128) when z is near 1.
    """
    return tf.quantization.fake_quant_with_min_max_args(hidden, -1.0, 1.0, num_bits=8)


class StreamingGru(tf.Module):
    """The same arithmetic, one step at a time, batch norm folded into the convolution."""

    def __init__(self, trained: TriggerGru) -> None:
        super().__init__()
        self._stride = trained.stride
        scale = np.asarray(trained.norm.gamma) / np.sqrt(
            np.asarray(trained.norm.moving_variance) + trained.norm.epsilon
        )
        # Constants, not variables: those the converter would turn into resources and refuse to quantize.
        self._kernel = (trained.kernel.numpy() * scale)[:, None]  # (kernel, 1, 40, filters)
        self._bias = np.asarray(trained.norm.beta) - np.asarray(trained.norm.moving_mean) * scale
        self._layers = [[variable.numpy() for variable in layer] for layer in trained.layers]
        self._output_kernel, self._output_bias = trained.output_kernel.numpy(), trained.output_bias.numpy()
        self.tail, *self.hidden = (tf.Variable(state, trainable=False) for state in trained.zero_states(1))
        self.step = tf.function(
            self._step, input_signature=[tf.TensorSpec((1, self._stride, CHANNELS), tf.float32)]
        )

    def _step(self, rows: tf.Tensor) -> tf.Tensor:
        window = tf.concat([self.tail.read_value(), rows], axis=1)
        self.tail.assign(window[:, self._stride :])
        x = tf.nn.conv2d(window[:, :, None], self._kernel, 1, "VALID") + self._bias
        x = tf.reshape(tf.nn.relu(x), (1, -1))
        for (kernel, recurrent, bias), variable in zip(self._layers, self.hidden, strict=True):
            hidden = variable.read_value()
            x = gru_step(x @ kernel + bias, hidden @ recurrent, hidden)
            variable.assign(x)
        return tf.sigmoid(x @ self._output_kernel + self._output_bias)
