"""An acoustic network of layers: the same entry and heads as the convolutional one, any body between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import keras
import tensorflow as tf

from kws.errors import KwsError
from kws.frontends import MICRO
from training.recognizer.network import CHANNELS, OUTPUTS, STRIDE, CausalConv, in_pairs, real_valued

_FRONT_TAPS, _ENTRY_TAPS = 3, 2


class Step(Protocol):
    """A trained layer, one step at a time: weights are constants, the state is in variables."""

    def __call__(self, x: tf.Tensor, /) -> tf.Tensor:
        """The newest frames, (1, n, inputs) -> (1, n, outputs)."""


class Layer(Protocol):
    """A layer over whole sequences that can be streamed."""

    trainable_variables: Sequence[tf.Variable]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, inputs) -> (batch, t, outputs)."""

    def streaming(self) -> Step:
        """As it is now; KwsError where a step needs what comes after it."""


class LayeredNetwork(tf.Module):
    """Entry, body and heads; to learning and publishing it looks like `AcousticNetwork`."""

    stride, encoder = STRIDE, MICRO

    def __init__(self, front: int, width: int, body: Sequence[Layer], dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.entry = [
            CausalConv(2 * CHANNELS, front, _FRONT_TAPS),
            CausalConv(2 * front, width, _ENTRY_TAPS),
        ]
        self.body = list(body)
        outputs = sum(size for _, size in OUTPUTS.values())
        self.head_kernel = tf.Variable(keras.initializers.GlorotUniform()((width, outputs)))
        self.head_bias = tf.Variable(tf.zeros(outputs))
        self.logits = tf.function(
            lambda rows: self.forward(real_valued(rows)),
            input_signature=[tf.TensorSpec((None, None, CHANNELS), tf.int8)],
        )

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        entry = [weight for layer in self.entry for weight in layer.weights]
        body = [variable for layer in self.body for variable in layer.trainable_variables]
        return [*entry, *body, self.head_kernel, self.head_bias]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint, in a stable order."""
        normalized = [module for module in self.submodules if isinstance(module, CausalConv)]
        moments = [moment for layer in normalized for moment in (layer.mean, layer.variance)]
        return [*self.trainable_variables, *moments]

    def encode(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Real-valued rows (batch, t, 40), t a multiple of the stride -> features (batch, steps, width)."""
        x = self.entry[0](in_pairs(rows), training=training)
        x = self.entry[1](in_pairs(x), training=training)
        for layer in self.body:
            x = layer(x, training=training)
            if training and self.dropout:
                x = tf.nn.dropout(x, self.dropout)
        return x

    def forward(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Rows as `encode` takes them -> logits of both token sets side by side, (batch, steps, outputs)."""
        return self.encode(rows, training=training) @ self.head_kernel + self.head_bias

    def streaming(self, *, heads: bool = True) -> StreamingLayers:
        """One step, weights frozen; raises KwsError where the body cannot stream."""
        return StreamingLayers(self, heads=heads)


class StreamingLayers(tf.Module):
    """The same arithmetic, one step at a time."""

    def __init__(self, trained: LayeredNetwork, *, heads: bool) -> None:
        super().__init__()
        self._front, self._entry = (ConvStep(layer) for layer in trained.entry)
        self._body = [layer.streaming() for layer in trained.body]
        self._head = (trained.head_kernel.numpy(), trained.head_bias.numpy()) if heads else None
        self.step = tf.function(
            self._step, input_signature=[tf.TensorSpec((1, STRIDE, CHANNELS), tf.float32)]
        )

    def _step(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows (1, stride, 40) -> logits (1, outputs), or features (1, width)."""
        x = self._front(tf.reshape(rows, (1, 2, -1)))
        x = self._entry(tf.reshape(x, (1, 1, -1)))
        for layer in self._body:
            x = layer(x)
        x = tf.reshape(x, (1, -1))
        return x @ self._head[0] + self._head[1] if self._head else x


class ConvStep(tf.Module):
    """A trained CausalConv on the newest frames; what it needs of the past is a variable."""

    def __init__(self, trained: CausalConv) -> None:
        super().__init__()
        self._taps, self._dilation, self._residual = trained.taps, trained.dilation, trained.residual
        self._kernel, self._bias = trained.folded()
        self._past = (
            tf.Variable(tf.zeros((1, trained.past, trained.inputs)), trainable=False)
            if trained.past
            else None
        )

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, n, inputs) -> (1, n, outputs)."""
        frames, window = x.shape[1], x
        if self._past is not None:
            window = tf.concat([self._past.read_value(), x], axis=1)
            self._past.assign(window[:, frames:])
        stacked = [window[0, tap * self._dilation :][:frames] for tap in range(self._taps)]
        y = (tf.concat(stacked, axis=1) @ self._kernel + self._bias)[None]
        return tf.nn.relu(x + y if self._residual else y)


class Convolution(tf.Module):
    """A CausalConv as a layer of a body."""

    def __init__(self, width: int, taps: int, *, residual: bool = True) -> None:
        super().__init__()
        self.conv = CausalConv(width, width, taps, residual=residual)

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return self.conv.weights

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, width) -> the same shape."""
        return self.conv(x, training=training)

    def streaming(self) -> ConvStep:
        """As it is now."""
        return ConvStep(self.conv)


def needs_the_end(name: str) -> KwsError:
    """The error of a layer that cannot be streamed."""
    return KwsError(
        f"{name} layers need all of an utterance, so they cannot be streamed; choose another network"
    )
