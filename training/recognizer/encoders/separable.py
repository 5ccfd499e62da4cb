"""Depthwise-separable convolutions over time: each channel by itself, then all channels of one step.

A block of QuartzNet (Kriman et al. 2020) and MDTC (Wang et al. 2022), causal: width * taps + width^2 weights,
where a whole convolution has width^2 * taps, so that as many weights buy more blocks or wider ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from training.models.layers import depthwise, depthwise_kernel, depthwise_step
from training.recognizer.encoders.layered import Layer
from training.recognizer.encoders.normalization import BatchNorm
from training.recognizer.network import Step

TAPS = 5


class DepthwiseConv(tf.Module):
    """ReLU(batch norm(depthwise convolution)), causal."""

    def __init__(self, width: int, dilation: int, taps: int = TAPS) -> None:
        super().__init__()
        self.width, self.dilation, self.past = width, dilation, (taps - 1) * dilation
        self.kernel = tf.Variable(depthwise_kernel(taps, width), name="kernel")
        self.norm = BatchNorm(width)

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return [self.kernel, *self.norm.trainable_variables]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, width) -> the same shape, nothing heard before the first frame."""
        window = tf.pad(x, ((0, 0), (self.past, 0), (0, 0)))
        y = depthwise(window, self.kernel, self.dilation)
        return tf.nn.relu(self.norm(y[:, None], training=training)[:, 0])

    def streaming(self) -> Step:
        """As it is now."""
        return DepthwiseStep(self)


class DepthwiseStep(tf.Module):
    """A trained DepthwiseConv on the newest frame; what it needs of the past is a variable."""

    def __init__(self, trained: DepthwiseConv) -> None:
        super().__init__()
        self._dilation = trained.dilation
        self._kernel, self._bias = trained.norm.folded(trained.kernel)
        self._past = tf.Variable(tf.zeros((1, trained.past, trained.width)), trainable=False)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, 1, width) -> the same shape."""
        window = tf.concat([self._past.read_value(), x], axis=1)
        self._past.assign(window[:, 1:])
        return tf.nn.relu(depthwise_step(window, self._kernel, self._dilation)[:, 0] + self._bias)


class SeparableConv(tf.Module):
    """ReLU(x + batch norm(W depthwise(x)))."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.depthwise = DepthwiseConv(width, dilation)
        self.kernel = tf.Variable(keras.initializers.HeNormal()((width, width)), name="kernel")
        self.norm = BatchNorm(width, scale=0.3)  # small, as the residual branches of CausalConv

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """What the optimizer moves."""
        return [*self.depthwise.trainable_variables, self.kernel, *self.norm.trainable_variables]

    def __call__(self, x: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, t, width) -> the same shape."""
        y = self.depthwise(x, training=training) @ self.kernel
        return tf.nn.relu(x + self.norm(y[:, None], training=training)[:, 0])

    def streaming(self) -> Step:
        """As it is now."""
        return SeparableStep(self)


class SeparableStep(tf.Module):
    """One step of a trained SeparableConv."""

    def __init__(self, trained: SeparableConv) -> None:
        super().__init__()
        self._depthwise = trained.depthwise.streaming()
        self._kernel, self._bias = trained.norm.folded(trained.kernel)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, 1, width) -> the same shape."""
        y = self._depthwise(x)[:, 0] @ self._kernel + self._bias
        return tf.nn.relu(x + y[:, None])


def separable_convolutions(width: int, dilations: Sequence[int]) -> list[Layer]:
    """One for each dilation; it looks back four times as many frames."""
    return [SeparableConv(width, dilation) for dilation in dilations]
