"""A causal convolution over time, for whole sequences and for one step.

Convolutions with residuals over time as in Wav2Letter (Collobert et al. 2016) and dilated as in WaveNet
(van den Oord et al. 2016), batch normalization after each as in Deep Speech 2 (Amodei et al. 2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

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
        self.taps, self.dilation, self.residual = taps, dilation, residual
        self.inputs, self.outputs = inputs, outputs
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
    def trainable_variables(self) -> Sequence[tf.Variable]:
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

    def streaming(self) -> ConvStep:
        """As it is now."""
        return ConvStep(self)

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
        stacked = [
            window[0, first : first + frames]
            for first in range(0, self._taps * self._dilation, self._dilation)
        ]
        y = (tf.concat(stacked, axis=1) @ self._kernel + self._bias)[None]
        return tf.nn.relu(x + y if self._residual else y)


def residual_convolutions(width: int, dilations: Sequence[int]) -> list[CausalConv]:
    """One for each dilation; it looks back twice as many frames."""
    return [residual(width, _BLOCK_TAPS, dilation) for dilation in dilations]


def residual(width: int, taps: int, dilation: int = 1) -> CausalConv:
    """With as many outputs as inputs, which are added to them."""
    return CausalConv(width, width, taps, dilation, residual=True)


def moments_of(layers: Iterable[tf.Module]) -> list[tf.Variable]:
    """The running moments of their normalizations, and of those within them."""
    parts = [part for layer in layers for part in (layer, *layer.submodules)]
    convolutions = [part for part in parts if isinstance(part, CausalConv)]
    return [moment for part in convolutions for moment in (part.mean, part.variance)]
