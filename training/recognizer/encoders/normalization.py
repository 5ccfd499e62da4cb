"""Batch normalization (Ioffe and Szegedy 2015), which folds into what is before it once it is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_MOMENTUM = 0.99
"""Of the running moments that are used after training."""
_EPSILON = 1e-3


class BatchNorm(tf.Module):
    """Over batch and time, channel by channel; `scale` is what gamma begins with."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.gamma = tf.Variable(tf.fill([channels], scale), name="gamma")
        self.beta = tf.Variable(tf.zeros(channels), name="beta")
        self.mean = tf.Variable(tf.zeros(channels), trainable=False, name="mean")
        self.variance = tf.Variable(tf.ones(channels), trainable=False, name="variance")

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self.gamma, self.beta]

    def __call__(self, y: tf.Tensor, *, training: bool) -> tf.Tensor:
        """(batch, 1, t, channels) by the batch's moments, which the running ones follow; later by those."""
        if not training:
            scale = self.gamma * tf.math.rsqrt(self.variance + _EPSILON)
            return y * scale + (self.beta - self.mean * scale)
        # One fused operation: the layers of Keras spend as much time on it as on the convolution.
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(y, self.gamma, self.beta, epsilon=_EPSILON)
        self.mean.assign(_MOMENTUM * self.mean + (1 - _MOMENTUM) * mean)
        self.variance.assign(_MOMENTUM * self.variance + (1 - _MOMENTUM) * variance)
        return y

    def folded(self, kernel: tf.Variable) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Kernel (..., channels) and bias that do the product and its normalization at once."""
        scale = self.gamma.numpy() / np.sqrt(self.variance.numpy() + _EPSILON)
        return kernel.numpy() * scale, self.beta.numpy() - self.mean.numpy() * scale


def moments_of(layers: Iterable[tf.Module]) -> list[tf.Variable]:
    """The running moments of all normalizations within them."""
    norms = [part for layer in layers for part in layer.submodules if isinstance(part, BatchNorm)]
    return [moment for norm in norms for moment in (norm.mean, norm.variance)]
