"""The network: phones and rows attend to one another, and a recurrent network reads along the phones.

PhonMatchNet (Lee and Cho 2023): what is heard and what is asked for are projected to one width, joined along
time and go through self-attention together; the part of the phones is read by a GRU to one value, and each of
its phones by itself says whether it was heard as a part of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.recognition.tokens import PHONES
from kws.types import Rows
from training.matcher.hearing import HEARS
from training.matcher.phrases import LONGEST, WINDOW

MOST_PHONES = LONGEST + 8
"""Of a text that may be asked for; longer ones than LONGEST were not learned."""


@dataclass(frozen=True)
class MatcherConfig:
    """Sizes."""

    hears: str = "embedding"
    """Key of HEARS."""
    width: int = 64
    heads: int = 4
    blocks: int = 2
    inner: int = 128
    """Values within a block between its two last layers."""

    @property
    def columns(self) -> slice:
        """Of a row."""
        return HEARS[self.hears]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and standard deviation of each column, shape (columns,), float32."""

    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]


def scaling_of(rows: Rows) -> Scaling:
    """Of these rows, int8, shape (t, columns)."""
    some = rows[:: max(1, len(rows) // 100_000)].astype(np.float32)
    return Scaling(some.mean(axis=0), some.std(axis=0) + np.float32(0.1))


class Matcher:
    """Network and scaling; weights are those of keras layers."""

    def __init__(self, config: MatcherConfig, scaling: Scaling) -> None:
        self.config, self.scaling = config, scaling
        dense, width = keras.layers.Dense, config.width
        self._heard, self._phones = dense(width), keras.layers.Embedding(len(PHONES), width)
        self._when, self._where = (keras.layers.Embedding(n, width) for n in (WINDOW, MOST_PHONES))
        self._around, self._beside = (
            keras.layers.Conv1D(width, kernel, padding="same", activation="silu") for kernel in (5, 3)
        )
        self._blocks = [_Block(config) for _ in range(config.blocks)]
        self._reader = _Reader(width)
        self._matches, self._there, self._now = dense(1), dense(1), dense(len(PHONES))
        self._build()

    @property
    def layers(self) -> Sequence[keras.layers.Layer]:
        """All, in a fixed order."""
        parts = (part for block in self._blocks for part in block.layers)
        first = (self._heard, self._phones, self._when, self._where, self._around, self._beside)
        return [*first, *parts, *self._reader.layers, self._matches, self._there, self._now]

    @property
    def variables(self) -> list[keras.Variable]:
        """All weights, each of which learns."""
        return [variable for layer in self.layers for variable in layer.trainable_variables]

    @property
    def weights(self) -> int:
        """How many there are."""
        return sum(int(np.prod(variable.shape)) for variable in self.variables)

    def logits(
        self, windows: tf.Tensor, text: tf.Tensor, *, dropout: float = 0.0, jitter: float = 0.0
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """That a text is said at the end of a window, (n,), that each of its phones is, (n, phones), and the
        phone that is said in each row, whatever the text, (n, WINDOW, tokens).

        Args:
            windows: int8, (n, WINDOW, columns).
            text: int32, (n, phones), 0 past its end.
            dropout: share of what blocks add that is left out, in learning.
            jitter: standard deviation of noise on the scaled rows, in learning.
        """
        rows = (tf.cast(windows, tf.float32) - self.scaling.mean) / self.scaling.deviation
        if jitter:
            rows += jitter * tf.random.normal(tf.shape(rows))
        heard, asked = self._heard(rows), self._phones(text) + self._where(tf.range(text.shape[1]))
        heard += self._around(heard)
        asked += self._beside(asked)
        x = tf.concat([heard + self._when(tf.range(WINDOW)), asked], 1)
        there = tf.concat([tf.fill(tf.shape(heard)[:2], True), text > 0], 1)
        for block in self._blocks:
            x = block(x, there, dropout)
        phones = _normalized(x[:, WINDOW:])
        read = self._reader(phones, text > 0)
        return self._matches(read)[:, 0], self._there(phones)[..., 0], self._now(_normalized(heard))

    def _build(self) -> None:
        """Weights exist before the first batch."""
        columns = len(self.scaling.mean)
        self.logits(tf.zeros((1, WINDOW, columns), tf.int8), tf.ones((1, 4), tf.int32))


class _Block:
    """Attention of all to all, and a layer for each by itself; both are added."""

    def __init__(self, config: MatcherConfig) -> None:
        self._heads = config.heads
        self._asks = keras.layers.Dense(3 * config.width, use_bias=False)
        self._told = keras.layers.Dense(config.width)
        self._inner = keras.layers.Dense(config.inner, activation="silu")
        self._out = keras.layers.Dense(config.width)
        self.layers = (self._asks, self._told, self._inner, self._out)

    def __call__(self, x: tf.Tensor, there: tf.Tensor, dropout: float) -> tf.Tensor:
        x += _dropped(self._told(self._attended(_normalized(x), there)), dropout)
        return x + _dropped(self._out(self._inner(_normalized(x))), dropout)

    def _attended(self, x: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        count, time, width = tf.shape(x)[0], x.shape[1], x.shape[2]
        size = width // self._heads
        parts = tf.reshape(self._asks(x), (count, time, 3, self._heads, size))
        query, key, value = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))  # (n, heads, time, size)
        alike = tf.matmul(query, key, transpose_b=True) * size**-0.5
        alike = tf.where(there[:, None, None], alike, -1e9)
        found = tf.matmul(tf.nn.softmax(alike), value)
        return tf.reshape(tf.transpose(found, (0, 2, 1, 3)), (count, time, width))


class _Reader:
    """A GRU (Cho et al. 2014) along the phones; its state after the last one."""

    def __init__(self, width: int) -> None:
        self._inputs = keras.layers.Dense(3 * width)
        self._state = keras.layers.Dense(3 * width, use_bias=False)
        self.layers = (self._inputs, self._state)

    def __call__(self, x: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        inputs, state = self._inputs(x), tf.zeros_like(x[:, 0])
        for place in range(x.shape[1]):
            update, reset, new = tf.split(inputs[:, place], 3, 1)
            kept_update, kept_reset, kept_new = tf.split(self._state(state), 3, 1)
            update, reset = tf.sigmoid(update + kept_update), tf.sigmoid(reset + kept_reset)
            new = update * state + (1 - update) * tf.tanh(new + reset * kept_new)
            state = tf.where(there[:, place, None], new, state)
        return state


def _normalized(x: tf.Tensor) -> tf.Tensor:
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), 2, keepdims=True) + 1e-5)


def _dropped(x: tf.Tensor, share: float) -> tf.Tensor:
    return tf.nn.dropout(x, share) if share else x
