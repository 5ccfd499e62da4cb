"""The network: conditional flow matching (Lipman et al. 2023; rectified flow, Liu et al. 2023).

From noise at time 0 to energies at time 1 leads, on average, a straight line; the network says in which
direction to go from any point on the way, given what is said and whose voice it is. What regression would
blur into a mean is drawn instead. Convolutions over steps of two frames, all conditions added at each block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from training.generator.energies import CONFIG
from training.generator.score import NOTHING

STACKED = 2
"""Frames in one step."""
_TIME_WIDTH = 64


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes."""

    width: int = 224
    blocks: int = 6
    kernel: int = 5
    """Steps; all blocks together see `blocks * (kernel - 1)` steps, half a second."""
    phone: int = 32
    """Values by which each phone is known."""
    voice: int = 32
    """Values by which a voice is known."""
    listening: int = 128
    """Width of what hears whose voice it is."""


class Generator:
    """Network and voice encoder; weights are those of keras layers."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        self.config = config or NetworkConfig()
        dense, width = keras.layers.Dense, self.config.width
        self._phones = [keras.layers.Embedding(NOTHING + 1, self.config.phone) for _ in range(3)]
        self._said, self._point = dense(width), dense(width)
        self._when = dense(128, activation="silu")
        self._blocks = [_Block(width, self.config.kernel) for _ in range(self.config.blocks)]
        self._direction = dense(STACKED * CONFIG.channels, kernel_initializer="zeros")
        self._listening = [dense(self.config.listening), *(
            keras.layers.Conv1D(self.config.listening, 3, padding="same", activation="silu") for _ in range(2)
        )]  # fmt: skip
        self._voice = dense(self.config.voice)
        self._build()

    @property
    def layers(self) -> Sequence[keras.layers.Layer]:
        """All, in a fixed order."""
        parts = (part for block in self._blocks for part in block.layers)
        alone = (self._said, self._point, self._when, self._direction, self._voice)
        return [*self._phones, *alone, *parts, *self._listening]

    @property
    def variables(self) -> list[keras.Variable]:
        """All weights, each of which learns."""
        return [variable for layer in self.layers for variable in layer.trainable_variables]

    def voice(self, energies: tf.Tensor) -> tf.Tensor:
        """Standardised energies (n, t, 40) of somebody -> (n, voice); about as long as learned from."""
        heard = self._listening[0](_stacked(energies))
        for layer in self._listening[1:]:
            heard = heard + layer(heard)
        mean, variance = tf.nn.moments(heard, 1)
        return tf.tanh(self._voice(tf.concat([mean, tf.sqrt(variance + 1e-3)], 1)))

    def direction(
        self,
        point: tf.Tensor,
        when: tf.Tensor,
        phones: tf.Tensor,
        place: tf.Tensor,
        voice: tf.Tensor,
    ) -> tf.Tensor:
        """Where to go from `point`.

        Args:
            point: (n, t, 40), t even; frames past the end of a score are 0 there.
            when: (n,), 0 to 1.
            phones: (n, t, 3), as in Score, NOTHING past the end or where it shall not be known.
            place: (n, t, 2).
            voice: (n, voice), zeros where it shall not be known.
        """
        known = [table(phones[..., n]) for n, table in enumerate(self._phones)]
        said = self._said(_stacked(tf.concat([*known, place], 2)))
        condition = self._when(tf.concat([_waves(when), voice], 1))
        x = self._point(_stacked(point)) + said
        for block in self._blocks:
            x = block(x, said, condition)
        return tf.reshape(self._direction(_normalized(x)), tf.shape(point))

    def _build(self) -> None:
        """Weights exist before the first batch."""
        frames = tf.zeros((1, 2 * STACKED, CONFIG.channels))
        voice = self.voice(frames)
        phones = tf.zeros((1, 2 * STACKED, 3), tf.int32)
        self.direction(frames, tf.zeros(1), phones, tf.zeros((1, 2 * STACKED, 2)), voice)


class _Block:
    """Normalized, scaled and moved by the condition, convolved, added."""

    def __init__(self, width: int, kernel: int) -> None:
        self._film = keras.layers.Dense(2 * width)
        self._convolved = keras.layers.Conv1D(width, kernel, padding="same", activation="silu")
        self._out = keras.layers.Dense(width, kernel_initializer="zeros")
        self.layers = (self._film, self._convolved, self._out)

    def __call__(self, x: tf.Tensor, said: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        scale, shift = tf.split(self._film(condition)[:, None], 2, axis=2)
        return x + self._out(self._convolved(_normalized(x + said) * (1 + scale) + shift))


def _normalized(x: tf.Tensor) -> tf.Tensor:
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), 2, keepdims=True) + 1e-5)


def _stacked(frames: tf.Tensor) -> tf.Tensor:
    """(n, t, width) -> (n, t / 2, 2 width)."""
    shape = tf.shape(frames)
    return tf.reshape(frames, (shape[0], shape[1] // STACKED, STACKED * frames.shape[2]))


def _waves(when: tf.Tensor) -> tf.Tensor:
    """Sines and cosines of the time, (n, 64), slow to fast."""
    rates = tf.exp(tf.linspace(0.0, 5.0, _TIME_WIDTH // 2))
    angles = when[:, None] * rates
    return tf.concat([tf.sin(angles), tf.cos(angles)], 1)
