"""Recurrent layers after Deep Speech 2 (Amodei et al. 2016), and their bidirectional twin.

Each is a normalized product, a GRU (Cho et al. 2014) and a residual. Behind the last of the forward layers
stands a convolution over a few steps, Deep Speech 2's look-ahead: y_t is made of h_t, ..., h_(t + 2). As CTC
leaves the network free to be late, the steps are counted from the last of them, and the layer is causal.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from training.learning.gru_step import gru_step
from training.recognizer.encoders.convolution import CausalConv, residual
from training.recognizer.encoders.layered import Layer, needs_the_end
from training.recognizer.network import Step

LOOK_AHEAD_STEPS = 2


class RecurrentLayer(tf.Module):
    """x + GRU(ReLU(batch norm(W x))), forward in time; `bidirectional`: one GRU each way, half as wide."""

    def __init__(self, width: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.product = CausalConv(width, width, 1)
        units = width // 2 if bidirectional else width
        ways = (False, True) if bidirectional else (False,)
        self.cells = [
            keras.layers.GRU(units, return_sequences=True, reset_after=True, go_backwards=backwards)
            for backwards in ways
        ]
        for cell in self.cells:
            cell.build((None, None, width))

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        weights = [variable.value for cell in self.cells for variable in cell.trainable_variables]
        return [*self.product.trainable_variables, *weights]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, width) -> the same shape."""
        given = self.product(x, training=training)
        heard = [self.cells[0](given)]
        heard += [tf.reverse(cell(given), [1]) for cell in self.cells[1:]]
        return x + tf.concat(heard, axis=-1)

    def streaming(self) -> Step:
        """As it is now; KwsError for a bidirectional one."""
        if len(self.cells) > 1:
            raise needs_the_end("bidirectional")
        return RecurrentStep(self)


class RecurrentStep(tf.Module):
    """One step of a trained RecurrentLayer."""

    def __init__(self, trained: RecurrentLayer) -> None:
        super().__init__()
        self._product = trained.product.streaming()
        cell = trained.cells[0]
        self._input, self._recurrent, biases = (weight.numpy() for weight in cell.trainable_variables)
        self._given_bias, self._kept_bias = biases
        self._state = tf.Variable(tf.zeros((1, cell.units)), trainable=False)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, 1, width) -> the same shape."""
        given = self._product(x)[:, 0] @ self._input + self._given_bias
        state = self._state.read_value()
        after = gru_step(given, state @ self._recurrent + self._kept_bias, state)
        self._state.assign(after)
        return x + after[:, None]


def recurrent_layers(width: int, dilations: Sequence[int]) -> list[Layer]:
    """Forward in time, with a short look-ahead behind the last."""
    return [*(RecurrentLayer(width) for _ in dilations), residual(width, LOOK_AHEAD_STEPS + 1)]


def bidirectional_layers(width: int, dilations: Sequence[int]) -> list[Layer]:
    """Both ways in time: what the forward ones could do at best if they knew the future."""
    return [RecurrentLayer(width, bidirectional=True) for _ in dilations]
