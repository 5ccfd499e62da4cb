"""Dropout that depends on a counter: a training that was stopped goes on as if it had not been."""

from __future__ import annotations

import tensorflow as tf


class Dropout:
    """Zeroes a share of the values; which, the seed and the number of the step decide, and the place."""

    def __init__(self, share: float) -> None:
        self.share = share
        self._drawn = tf.Variable([0, 0], trainable=False, dtype=tf.int32)

    def begin(self, seed: int, step: int) -> None:
        """Before each step of learning."""
        self._drawn.assign([seed % (1 << 31), step])

    def __call__(self, x: tf.Tensor, place: int) -> tf.Tensor:
        """Of the dropouts in one network, each has a `place` of its own."""
        return tf.nn.experimental.stateless_dropout(x, self.share, tf.add(self._drawn, [place << 20, 0]))
