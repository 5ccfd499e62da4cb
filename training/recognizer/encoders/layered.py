"""Acoustic networks on the micro front end: all begin alike, then come layers of any kind.

rows (10 ms) -> frames of 2 rows -> conv -> frames of 2 -> conv -> layers -> phones | characters
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf

from kws.errors import KwsError
from kws.frontends import MICRO
from training.recognizer.encoders.convolution import CausalConv
from training.recognizer.encoders.normalization import moments_of
from training.recognizer.network import AcousticNetwork, Step

_FRONT_TAPS, _ENTRY_TAPS = 3, 2


class Layer(Protocol):
    """A layer over whole sequences that can be streamed."""

    trainable_variables: Sequence[tf.Variable]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, inputs) -> (batch, t, outputs)."""

    def streaming(self) -> Step:
        """As it is now; KwsError where a step needs what comes after it."""


def entry_of(channels: int, front: int, width: int) -> list[CausalConv]:
    """The first two layers behind rows of so many channels: so many at 20 ms a step, and at 40 ms."""
    return [CausalConv(2 * channels, front, _FRONT_TAPS), CausalConv(2 * front, width, _ENTRY_TAPS)]


def entered(entry: Sequence[CausalConv], rows: tf.Tensor, *, training: bool) -> tf.Tensor:
    """What an `entry_of` rows (batch, t, channels) makes of them, (batch, t / 4, width)."""
    front, rear = entry
    return rear(in_pairs(front(in_pairs(rows), training=training)), training=training)


class LayeredNetwork(AcousticNetwork):
    """`entry_of` some sizes, a body of layers as wide as that, and heads."""

    def __init__(self, entry: Sequence[CausalConv], body: Sequence[Layer], dropout: float = 0.0) -> None:
        super().__init__(MICRO, entry[-1].outputs, dropout)
        self.entry, self.body = list(entry), list(body)
        self._add_heads()

    @property
    def encoder_variables(self) -> Sequence[tf.Variable]:
        """Those of the entry first."""
        return [variable for layer in (*self.entry, *self.body) for variable in layer.trainable_variables]

    @property
    def moments(self) -> Sequence[tf.Variable]:
        """In the same order."""
        return moments_of([*self.entry, *self.body])

    def encode(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Real-valued rows (batch, t, 40), t a multiple of the stride -> features (batch, steps, width)."""
        x = self._dropped(entered(self.entry, rows, training=training), training=training)
        for layer in self.body:
            x = self._dropped(layer(x, training=training), training=training)
        return x

    def encoder_step(self) -> Step:
        """As it is now; KwsError where the body cannot stream."""
        return LayeredStep([layer.streaming() for layer in (*self.entry, *self.body)])


class LayeredStep(tf.Module):
    """One step of a trained LayeredNetwork's encoder."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self._front, *self._rest = steps

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """(1, stride, 40) -> (1, 1, width)."""
        x = tf.reshape(self._front(tf.reshape(rows, (1, 2, -1))), (1, 1, -1))
        for layer in self._rest:
            x = layer(x)
        return x


def in_pairs(x: tf.Tensor) -> tf.Tensor:
    """(batch, t, n) -> (batch, t / 2, 2 n)."""
    return tf.reshape(x, (tf.shape(x)[0], -1, 2 * x.shape[2]))


def needs_the_end(name: str) -> KwsError:
    """The error of a layer that cannot be streamed."""
    return KwsError(
        f"{name} layers need all of an utterance, so they cannot be streamed; choose another network"
    )
