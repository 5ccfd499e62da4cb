"""Blocks of a small Conformer (Gulati et al. 2020) that streams: self-attention looks back a limited time.

A block is a feed-forward layer, self-attention, a convolution over time and another feed-forward layer, each
with a residual. A step attends to itself and to the second and a half before it, a chunk that moves on with
every step; before the utterance stand steps that hold nothing. Batch normalization takes the place of the
original's layer normalization, as it costs nothing once trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from training.recognizer.encoders.convolution import residual
from training.recognizer.encoders.layered import Layer

CHUNK_STEPS = 38
"""Steps that can be attended to, the present one included: 1.5 s."""
HEADS = 4
TAPS = 7
"""Of the convolution."""


class SelfAttention(tf.Module):
    """x + heads of softmax(q K' / sqrt d + b) V, where b is learnt for each head and distance in time."""

    def __init__(self, width: int, heads: int = HEADS, chunk: int = CHUNK_STEPS) -> None:
        super().__init__()
        glorot = keras.initializers.GlorotUniform()
        self.heads, self.chunk, self.width = heads, chunk, width
        self.project = tf.Variable(glorot((width, 3 * width)))
        self.out = tf.Variable(0.3 * glorot((width, width)))
        self.distance = tf.Variable(tf.zeros((heads, chunk)))

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return [self.project, self.out, self.distance]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, width) -> the same shape."""
        query, key, value = tf.split(x @ self.project, 3, axis=-1)
        keys, values = (self._chunks(part) for part in (key, value))  # (batch, t, heads, chunk, d)
        query = tf.reshape(query, (*self._leading(query), self.heads, 1, -1))
        energies = tf.matmul(query, keys, transpose_b=True)[..., 0, :] / self._scale
        weights = tf.nn.softmax(energies + self.distance)
        seen = tf.matmul(weights[..., None, :], values)
        return x + tf.reshape(seen, tf.shape(x)) @ self.out

    def streaming(self) -> AttentionStep:
        """As it is now."""
        return AttentionStep(self)

    def _chunks(self, x: tf.Tensor) -> tf.Tensor:
        """For every step those that it can attend to, split among the heads."""
        padded = tf.pad(x, ((0, 0), (self.chunk - 1, 0), (0, 0)))
        chunks = tf.signal.frame(padded, self.chunk, 1, axis=1)
        split = tf.reshape(chunks, (*self._leading(x), self.chunk, self.heads, self.width // self.heads))
        return tf.transpose(split, (0, 1, 3, 2, 4))

    @staticmethod
    def _leading(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.shape(x)[0], tf.shape(x)[1]

    @property
    def _scale(self) -> float:
        return float(np.sqrt(self.width // self.heads))


class AttentionStep(tf.Module):
    """One step of a trained SelfAttention; the keys and values of a chunk are variables."""

    def __init__(self, trained: SelfAttention) -> None:
        super().__init__()
        self._heads, self._width = trained.heads, trained.width
        scale = np.sqrt(trained.width // trained.heads)
        query, key, value = np.split(trained.project.numpy(), 3, axis=1)
        self._query, self._key, self._value = query / scale, key, value
        self._out, self._distance = trained.out.numpy(), trained.distance.numpy()
        shape = (1, trained.chunk, trained.width)
        self._keys = tf.Variable(tf.zeros(shape), trainable=False)
        self._values = tf.Variable(tf.zeros(shape), trainable=False)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, 1, width) -> the same shape."""
        now = x[:, 0]
        keys, values = (
            self._moved_on(self._keys, now @ self._key),
            self._moved_on(self._values, now @ self._value),
        )
        query = now @ self._query
        size, seen = self._width // self._heads, []
        for head in range(self._heads):
            part = slice(head * size, (head + 1) * size)
            energies = tf.matmul(query[:, part], keys[0, :, part], transpose_b=True) + self._distance[head]
            seen.append(tf.matmul(tf.nn.softmax(energies), values[0, :, part]))
        return x + (tf.concat(seen, axis=1) @ self._out)[:, None]

    @staticmethod
    def _moved_on(kept: tf.Variable, newest: tf.Tensor) -> tf.Tensor:
        """The chunk with the newest step at its end."""
        chunk = tf.concat([kept.read_value()[:, 1:], newest[:, None]], axis=1)
        kept.assign(chunk)
        return chunk


def attention_blocks(width: int, dilations: Sequence[int]) -> list[Layer]:
    """So many blocks."""
    made: list[Layer] = []
    for _ in dilations:
        made += [residual(width, 1), SelfAttention(width), residual(width, TAPS), residual(width, 1)]
    return made
