"""The acoustic network: causal convolutions with residuals, and two CTC heads on what they find.

    rows (10 ms) -> frames of 2 rows -> conv -> frames of 2 -> conv -> blocks -> phones | characters

Convolutions with residuals over time as in Wav2Letter (Collobert et al. 2016) and dilated as in WaveNet
(van den Oord et al. 2016), batch normalization after each as in Deep Speech 2 (Amodei et al. 2016). A step of
the network is 40 ms; it looks back some seconds and not ahead: CTC learns by itself to write a sound
down once enough of what follows has been heard, which is the network's look-ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.frontend import FrontendConfig
from kws.frontends import MICRO
from kws.recognition.tokens import CHARACTERS, PHONES, Kind

CHANNELS = FrontendConfig().channels
STRIDE = 4
"""Rows per step, 40 ms."""
OUTPUTS: dict[Kind, tuple[int, int]] = {
    "phones": (0, len(PHONES)),
    "characters": (len(PHONES), len(CHARACTERS)),
}
"""Token set -> its first output and how many it has."""

_FRONT_TAPS = 3
_ENTRY_TAPS = 2
_BLOCK_TAPS = 3
_MOMENTUM = 0.99
"""Of the running moments that batch normalization uses after training."""
_EPSILON = 1e-3


class CausalConv(tf.Module):
    """ReLU(batch norm(convolution)) over time; with `residual` the input is added before the ReLU."""

    def __init__(
        self, inputs: int, outputs: int, taps: int, dilation: int = 1, *, residual: bool = False
    ) -> None:
        super().__init__()
        self.taps, self.dilation, self.residual, self.inputs = taps, dilation, residual, inputs
        he = keras.initializers.HeNormal()
        self.kernel = tf.Variable(he((taps * inputs, outputs)), name="kernel")
        # Residual branches start small, so that a deep stack starts as a shallow one.
        self.gamma = tf.Variable(tf.fill([outputs], 0.3 if residual else 1.0), name="gamma")
        self.beta = tf.Variable(tf.zeros(outputs), name="beta")
        self.mean = tf.Variable(tf.zeros(outputs), trainable=False, name="mean")
        self.variance = tf.Variable(tf.ones(outputs), trainable=False, name="variance")

    @property
    def past(self) -> int:
        """Frames before the present one that it looks at."""
        return (self.taps - 1) * self.dilation

    @property
    def weights(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return [self.kernel, self.gamma, self.beta]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, inputs) -> (batch, t, outputs), nothing heard before the first frame."""
        padded = tf.pad(x, ((0, 0), (self.past, 0), (0, 0)))[:, None]
        kernel = tf.reshape(self.kernel, (1, self.taps, self.inputs, -1))
        y = tf.nn.conv2d(padded, kernel, 1, "VALID", dilations=(1, 1, self.dilation, 1))
        y = self._normalized(y, training=training)[:, 0]
        return tf.nn.relu(x + y if self.residual else y)

    def folded(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Kernel and bias that do convolution and normalization at once."""
        scale = self.gamma.numpy() / np.sqrt(self.variance.numpy() + _EPSILON)
        return self.kernel.numpy() * scale, self.beta.numpy() - self.mean.numpy() * scale

    def _normalized(self, y: tf.Tensor, *, training: bool) -> tf.Tensor:
        """By the batch's moments, which the running ones follow; after training by the running ones."""
        if not training:
            scale = self.gamma * tf.math.rsqrt(self.variance + _EPSILON)
            return y * scale + (self.beta - self.mean * scale)
        # One fused operation: the layers of Keras spend as much time on it as on the convolution.
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(y, self.gamma, self.beta, epsilon=_EPSILON)
        self.mean.assign(_MOMENTUM * self.mean + (1 - _MOMENTUM) * mean)
        self.variance.assign(_MOMENTUM * self.variance + (1 - _MOMENTUM) * variance)
        return y


class AcousticNetwork(tf.Module):
    """Encoder and heads; `forward` for whole batches, `streaming()` for one step at a time.

    `logits` is `forward` compiled, of int8 rows.
    """

    stride, encoder = STRIDE, MICRO

    def __init__(
        self,
        front: int = 96,
        width: int = 208,
        dilations: Sequence[int] = (1, 1, 2, 2, 4, 4, 8, 8),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dropout, self.width = dropout, width
        self.layers = [
            CausalConv(2 * CHANNELS, front, _FRONT_TAPS),
            CausalConv(2 * front, width, _ENTRY_TAPS),
            *(CausalConv(width, width, _BLOCK_TAPS, dilation, residual=True) for dilation in dilations),
        ]
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
        return [*(w for layer in self.layers for w in layer.weights), self.head_kernel, self.head_bias]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All that makes up a checkpoint, in a stable order."""
        moments = [moment for layer in self.layers for moment in (layer.mean, layer.variance)]
        return [*self.trainable_variables, *moments]

    def encode(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Real-valued rows (batch, t, 40), t a multiple of the stride -> features (batch, steps, width)."""
        x = in_pairs(rows)
        x = in_pairs(self.layers[0](x, training=training))
        for layer in self.layers[1:]:
            x = layer(x, training=training)
            if training and self.dropout:
                x = tf.nn.dropout(x, self.dropout)
        return x

    def forward(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Rows as `encode` takes them -> logits of both token sets side by side, (batch, steps, outputs)."""
        return self.encode(rows, training=training) @ self.head_kernel + self.head_bias

    def streaming(self, *, heads: bool = True) -> StreamingNetwork:
        """One step, weights frozen as constants, the state in variables; without heads it gives features."""
        return StreamingNetwork(self, heads=heads)


def real_valued(rows: tf.Tensor) -> tf.Tensor:
    """int8 rows -> what they stand for, float32 from 0 to 26."""
    config = FrontendConfig()
    return (tf.cast(rows, tf.float32) - config.row_zero_point) * config.row_scale


def in_pairs(x: tf.Tensor) -> tf.Tensor:
    """(batch, t, n) -> (batch, t / 2, 2 n)."""
    return tf.reshape(x, (tf.shape(x)[0], -1, 2 * x.shape[2]))


class StreamingNetwork(tf.Module):
    """The same arithmetic, one step at a time; what each convolution needs of the past is a variable."""

    def __init__(self, trained: AcousticNetwork, *, heads: bool) -> None:
        super().__init__()
        # Constants, not variables: those the converter would turn into resources and refuse to quantize.
        self._shapes = [(layer.taps, layer.dilation, layer.residual) for layer in trained.layers]
        self._weights = [layer.folded() for layer in trained.layers]
        self._head = (trained.head_kernel.numpy(), trained.head_bias.numpy()) if heads else None
        self.pasts = [
            tf.Variable(tf.zeros((1, layer.past, layer.inputs)), trainable=False) for layer in trained.layers
        ]
        self.step = tf.function(
            self._step, input_signature=[tf.TensorSpec((1, STRIDE, CHANNELS), tf.float32)]
        )

    def _step(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows (1, stride, 40) -> logits (1, outputs), or features (1, width)."""
        x = self._layer(0, tf.reshape(rows, (1, 2, -1)))
        x = tf.reshape(x, (1, 1, -1))
        for number in range(1, len(self._weights)):
            x = self._layer(number, x)
        x = tf.reshape(x, (1, -1))
        return x @ self._head[0] + self._head[1] if self._head else x

    def _layer(self, number: int, x: tf.Tensor) -> tf.Tensor:
        """One CausalConv on the newest frames, (1, n, inputs) -> (1, n, outputs)."""
        taps, dilation, residual = self._shapes[number]
        kernel, bias = self._weights[number]
        past, frames = self.pasts[number], x.shape[1]
        window = tf.concat([past.read_value(), x], axis=1)
        past.assign(window[:, frames:])
        stacked = [window[0, tap * dilation : tap * dilation + frames] for tap in range(taps)]
        y = tf.concat(stacked, axis=1) @ kernel + bias
        return tf.nn.relu(x + y[None] if residual else y[None])
