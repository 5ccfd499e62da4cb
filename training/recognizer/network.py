"""What all acoustic networks are: an encoder, and two CTC heads on what it finds.

    rows -> encoder -> features, every 40 ms -> phones | characters

A network looks back some seconds and not ahead: CTC learns by itself to write a sound down once enough of
what follows has been heard, which is the network's look-ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

from kws.recognition.tokens import CHARACTERS, PHONES, Kind
from training.recognizer.hearing import hearing

OUTPUTS: dict[Kind, tuple[int, int]] = {
    "phones": (0, len(PHONES)),
    "characters": (len(PHONES), len(CHARACTERS)),
}
"""Token set -> its first output and how many it has."""


class Step(Protocol):
    """Trained layers, one step at a time: weights are constants, the state is in variables."""

    def __call__(self, x: tf.Tensor, /) -> tf.Tensor:
        """The newest frames, (1, n, inputs) -> (1, m, outputs)."""


class AcousticNetwork(tf.Module):
    """Encoder and heads; `forward` for whole batches, `streaming()` for one step at a time.

    `logits` is `forward` compiled, of int8 rows. A subclass makes the encoder, then calls `_add_heads`.

    Args:
        encoder: what hears the audio for it, see training.recognizer.hearing.
        width: features of a step.
        dropout: of the features after every layer, in training.
    """

    def __init__(self, encoder: str, width: int, dropout: float) -> None:
        super().__init__()
        ear = hearing(encoder)
        self.encoder, self.stride, self.format = encoder, ear.stride, ear.format
        self.width, self.dropout = width, dropout

    def _add_heads(self) -> None:
        """After the encoder, so that a seed draws the weights in this order."""
        outputs = sum(size for _, size in OUTPUTS.values())
        self.head_kernel = tf.Variable(keras.initializers.GlorotUniform()((self.width, outputs)))
        self.head_bias = tf.Variable(tf.zeros(outputs))
        self.logits = tf.function(
            lambda rows: self.forward(self.real_valued(rows)),
            input_signature=[tf.TensorSpec((None, None, self.format.channels), tf.int8)],
        )

    @property
    def encoder_variables(self) -> Sequence[tf.Variable]:
        """What the optimizers move of the encoder, as far as it starts from nothing."""
        raise NotImplementedError

    @property
    def pretrained_variables(self) -> Sequence[tf.Variable]:
        """What starts from weights of others."""
        return []

    @property
    def moments(self) -> Sequence[tf.Variable]:
        """The running ones of all normalizations."""
        raise NotImplementedError

    @property
    def fresh_variables(self) -> Sequence[tf.Variable]:
        """All that starts from nothing."""
        return [*self.encoder_variables, self.head_kernel, self.head_bias]

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizers move, the pretrained last."""
        return [*self.fresh_variables, *self.pretrained_variables]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint, in a stable order."""
        return [*self.trainable_variables, *self.moments]

    def encode(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Real-valued rows (batch, t, channels), whole steps -> features (batch, steps, width)."""
        raise NotImplementedError

    def encoder_step(self) -> Step:
        """The encoder as it is now, rows (1, stride, channels) -> features; KwsError if it cannot stream."""
        raise NotImplementedError

    def forward(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Rows as `encode` takes them -> logits of both token sets side by side, (batch, steps, outputs)."""
        return self.encode(rows, training=training) @ self.head_kernel + self.head_bias

    def streaming(self, *, heads: bool = True) -> StreamingNetwork:
        """One step; without heads it gives features. Raises KwsError where the encoder cannot stream."""
        return StreamingNetwork(self, heads=heads)

    def real_valued(self, rows: Any) -> tf.Tensor:
        """int8 rows -> what they stand for."""
        return (tf.cast(rows, tf.float32) - self.format.row_zero_point) * self.format.row_scale

    def _dropped(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        return tf.nn.dropout(x, self.dropout) if training and self.dropout else x


class StreamingNetwork(tf.Module):
    """The same arithmetic, one step at a time: weights frozen as constants, the state in variables.

    Weights left as variables the converter would turn into resources and refuse to quantize.
    """

    def __init__(self, trained: AcousticNetwork, *, heads: bool) -> None:
        super().__init__()
        self._encode = trained.encoder_step()
        self._head = (trained.head_kernel.numpy(), trained.head_bias.numpy()) if heads else None
        shape = (1, trained.stride, trained.format.channels)
        self.step = tf.function(self._step, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def _step(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows (1, stride, channels) -> logits (1, outputs), or features (1, width)."""
        x = tf.reshape(self._encode(rows), (1, -1))
        return x @ self._head[0] + self._head[1] if self._head else x
