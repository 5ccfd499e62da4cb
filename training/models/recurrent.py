"""Recurrent streaming layers: the vanilla network, the LSTM, the GRU.

State: the hidden vector, and with the LSTM its cell. Written with the operations of ESPHome's interpreter:
tanh(a) = 2 sigmoid(2a) - 1, and no subtraction. In learning the state is rounded to the grid on which the
int8 graph keeps it, so that nothing is built on smaller changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from training.models.gru import gru_step
from training.models.layers import Step, glorot, orthogonal

Cell = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Products of input and of hidden vector, (batch, gates n) each, and the state (batch, m) -> next state."""


class Recurrent:
    """A cell stepped through time; what it outputs are the last `units` values of its state.

    Args:
        width: of the input.
        units: of the hidden vector.
        gates: products a step needs, side by side.
        cell: the arithmetic of one step.
        memory: values of the state beside the hidden vector.
        bias: of the gates at the start, shape (gates * units,).
        limits: range of the state's grid in learning, 256 values wide.
    """

    def __init__(
        self, width: int, units: int, gates: int, cell: Cell, *, memory: int, bias: np.ndarray, limits: float
    ) -> None:
        self.units, self.memory, self.cell, self.limits = units, memory, cell, limits
        recurrent = np.concatenate([orthogonal((units, units)) for _ in range(gates)], axis=1)
        self.kernel = tf.Variable(glorot((width, gates * units)))
        self.recurrent = tf.Variable(recurrent)
        self.bias = tf.Variable(bias.astype(np.float32))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self.kernel, self.recurrent, self.bias]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """The same: no averages."""
        return self.trainable_variables

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input."""
        return tf.zeros((batch, self.memory + self.units))

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`."""
        outputs = []
        for products in tf.unstack(tf.transpose(x @ self.kernel + self.bias, (1, 0, 2))):
            state = self.cell(products, state[:, self.memory :] @ self.recurrent, state)
            if training:
                state = tf.quantization.fake_quant_with_min_max_args(state, -self.limits, self.limits)
            outputs.append(state[:, self.memory :])
        return tf.stack(outputs, axis=1), state

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        kernel, recurrent, bias = (variable.numpy() for variable in self.trainable_variables)
        memory, cell = self.memory, self.cell

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            products = tf.reshape(x, (1, -1)) @ kernel + bias
            state = cell(products, state[:, memory:] @ recurrent, state)
            return state[:, None, memory:], state

        return step


def rnn(width: int, units: int) -> Recurrent:
    """h' = tanh(W x + U h + b) (Elman 1990)."""
    return Recurrent(width, units, 1, _rnn_step, memory=0, bias=np.zeros(units), limits=1.0)


def gru(width: int, units: int) -> Recurrent:
    """See `training.models.gru.gru_step`. The update gate starts near 1: remember first."""
    bias = np.repeat([1.0, 0.0, 0.0], units)
    return Recurrent(width, units, 3, gru_step, memory=0, bias=bias, limits=1.0)


def lstm(width: int, units: int) -> Recurrent:
    """i, f, o = sigmoid(.); c' = f c + i tanh(.); h' = o tanh(c'). State: c, then h.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
    return Recurrent(width, units, 4, _lstm_step, memory=units, bias=bias, limits=4.0)


def _tanh(a: tf.Tensor) -> tf.Tensor:
    return tf.sigmoid(a * 2.0) * 2.0 + (-1.0)


def _rnn_step(from_input: tf.Tensor, from_hidden: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    return _tanh(from_input + from_hidden)


def _lstm_step(from_input: tf.Tensor, from_hidden: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    n = state.shape[-1] // 2
    products = from_input + from_hidden
    gates = tf.sigmoid(products[:, : 3 * n])
    cell = gates[:, n : 2 * n] * state[:, :n] + gates[:, :n] * _tanh(products[:, 3 * n :])
    return tf.concat([cell, gates[:, 2 * n :] * _tanh(cell)], axis=1)
