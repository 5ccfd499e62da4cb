"""A causal convolution over time, for whole sequences and for one step.

Convolutions with residuals over time as in Wav2Letter (Collobert et al. 2016) and dilated as in WaveNet
(van den Oord et al. 2016), batch normalization after each as in Deep Speech 2 (Amodei et al. 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.recognizer.encoders.normalization import BatchNorm

_BLOCK_TAPS = 3


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
        self.norm = BatchNorm(outputs, scale=0.3 if residual else 1.0)

    @property
    def past(self) -> int:
        """Frames before the present one that it looks at."""
        return (self.taps - 1) * self.dilation

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self.kernel, *self.norm.trainable_variables]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, inputs) -> (batch, t, outputs), nothing heard before the first frame."""
        padded = tf.pad(x, ((0, 0), (self.past, 0), (0, 0)))[:, None]
        kernel = tf.reshape(self.kernel, (1, self.taps, self.inputs, -1))
        y = tf.nn.conv2d(padded, kernel, 1, "VALID", dilations=(1, 1, self.dilation, 1))
        y = self.norm(y, training=training)[:, 0]
        return tf.nn.relu(x + y if self.residual else y)

    def folded(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Kernel and bias that do convolution and normalization at once."""
        return self.norm.folded(self.kernel)

    def streaming(self) -> ConvStep:
        """As it is now."""
        return ConvStep(self)


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
