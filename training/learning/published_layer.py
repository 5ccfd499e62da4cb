"""A convolution of the speech embedding's form that learns on, over whole sequences or step by step."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from kws.encoders.network import LEAK, LEAST, Layer


class PublishedLayer(tf.Module):
    """One convolution over bands or over time, its activation, its pooling; zeros before the first frame.

    Args:
        published: the weights that it begins with, and its form.
        pool: frames and bands of which the largest value is kept; None: as published.
    """

    def __init__(self, published: Layer, pool: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.past, self.sides, self.activated = published.remembered, published.padding, published.activated
        self.pool = pool or published.pool or (1, 1)
        self.kernel = tf.Variable(np.transpose(published.kernel, (1, 2, 3, 0)))
        self.bias = tf.Variable(published.bias)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(batch, t, bands, inputs) -> (batch, t / pool, bands / pool, outputs)."""
        return self.apply(tf.pad(x, ((0, 0), (self.past, 0), (0, 0), (0, 0))), self.kernel, self.bias)

    def apply(self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        """The same, what came before being part of x."""
        x = tf.pad(x, ((0, 0), (0, 0), (self.sides, self.sides), (0, 0))) if self.sides else x
        x = tf.nn.conv2d(x, kernel, 1, "VALID") + bias
        if self.activated:
            x = tf.maximum(tf.nn.leaky_relu(x, LEAK), LEAST)
        return tf.nn.max_pool2d(x, self.pool, self.pool, "VALID") if self.pool != (1, 1) else x

    def learnt(self) -> Layer:
        """As it is now."""
        kernel = np.ascontiguousarray(np.transpose(self.kernel.numpy(), (3, 0, 1, 2)))
        pool = None if self.pool == (1, 1) else self.pool
        return Layer(kernel, self.bias.numpy(), self.sides, self.activated, pool)
