"""A streaming attention layer: every step looks back over the last second with several heads.

After MHAtt-RNN (Rybakov et al. 2020) and Vaswani et al. 2017: the newest step asks, the steps before answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from training.models.layers import Step, glorot


class Attention:
    """softmax(q . k / sqrt(d)) v for each head, added to the input.

    State: keys and values of the steps before.
    """

    def __init__(self, width: int, heads: int = 4, steps: int = 32) -> None:
        self.width, self.heads, self.steps = width, heads, steps
        self.query, self.key, self.value, self.out = (tf.Variable(glorot((width, width))) for _ in range(4))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self.query, self.key, self.value, self.out]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """The same: no averages."""
        return self.trainable_variables

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input."""
        return tf.zeros((batch, self.steps - 1, 2 * self.width))

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`."""
        t = tf.shape(x)[1]
        held = tf.concat([state, tf.concat([x @ self.key, x @ self.value], axis=2)], axis=1)
        heard = tf.stack([held[:, k : k + t] for k in range(self.steps)], axis=2)
        query = (x @ self.query)[:, :, None]
        context = _attend(query, heard[..., : self.width], heard[..., self.width :], self.heads)
        return x + context @ self.out, held[:, t:]

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        query, key, value, out = (variable.numpy() for variable in self.trainable_variables)
        heads, width = self.heads, self.width

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            now = tf.reshape(x, (1, width))
            held = tf.concat([state, tf.concat([now @ key, now @ value], axis=1)[:, None]], axis=1)
            context = _attend((now @ query)[:, None], held[..., :width], held[..., width:], heads)
            return x + (context @ out)[:, None], held[:, 1:]

        return step


def _attend(query: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, heads: int) -> tf.Tensor:
    """query (..., 1, width), keys and values (..., steps, width) -> context (..., width)."""
    size = keys.shape[-1] // heads
    contexts = []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        match = tf.reduce_sum(query[..., own] * keys[..., own], axis=-1) * size**-0.5
        weights = tf.nn.softmax(match)[..., None]
        contexts.append(tf.reduce_sum(weights * values[..., own], axis=-2))
    return tf.concat(contexts, axis=-1)
