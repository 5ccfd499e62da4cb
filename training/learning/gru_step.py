"""One step of a GRU (Cho et al. 2014), its reset gate after the product, as in cuDNN and Keras."""

from __future__ import annotations

import tensorflow as tf


def gru_step(given: tf.Tensor, kept: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    """The next state: z h + (1 - z) tanh(given + r kept) with z, r = sigmoid(given + kept).

    Args:
        given: W x + b of update gate z, reset gate r and candidate side by side, (batch, 3 units).
        kept: the same of U h.
        state: h, (batch, units).
    """
    units = state.shape[-1]
    update = tf.sigmoid(given[:, :units] + kept[:, :units])
    reset = tf.sigmoid(given[:, units : 2 * units] + kept[:, units : 2 * units])
    new = tf.tanh(given[:, 2 * units :] + reset * kept[:, 2 * units :])
    return update * state + (1 - update) * new
