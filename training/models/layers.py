"""Streaming layers, from which architectures are put together.

Each layer computes a stretch of steps at once for learning, with a state carried from stretch to stretch, and
can be frozen into one step for the device. All are causal. Batch norms are folded away when frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

Step = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""One frozen step: input (1, rows, width) and state -> output (1, 1, width) and the next state."""

glorot = keras.initializers.GlorotUniform()
orthogonal = keras.initializers.Orthogonal()


class Layer(Protocol):
    """What a stack needs of its layers."""

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Those and the averages of batch norms."""

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input, shape (batch, ...)."""

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """x (batch, t, width) -> (batch, t / stride, width'), and the state to go on with."""

    def frozen(self) -> Step:
        """One step with the weights as constants."""


class _Windowed:
    """What convolutions over `kernel` rows, one output every `stride`, have in common.

    State: the rows that the next window still needs.
    """

    def __init__(self, width: int, kernel: int, stride: int, weights: Sequence[int]) -> None:
        self.kernel_rows, self.stride, self.width = kernel, stride, width
        self.kernel = tf.Variable(glorot(weights))
        self.norm = Norm(weights[-1])

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self.kernel, *self.norm.trainable_variables]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Those and the averages of batch norms."""
        return [self.kernel, *self.norm.variables]

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input."""
        return tf.zeros((batch, self.kernel_rows - self.stride, self.width))

    def _behind(self, state: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """All rows of the windows, and the next state."""
        rows = tf.concat([state, x], axis=1)
        return rows, rows[:, tf.shape(rows)[1] - (self.kernel_rows - self.stride) :]


class Conv(_Windowed):
    """Convolution over rows; batch norm, ReLU."""

    def __init__(self, width: int, filters: int, kernel: int, stride: int) -> None:
        super().__init__(width, kernel, stride, (kernel, width, filters))

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`."""
        rows, after = self._behind(state, x)
        return tf.nn.relu(self.norm(tf.nn.conv1d(rows, self.kernel, self.stride, "VALID"), training)), after

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        scale, bias = self.norm.folded()
        kernel, stride = (self.kernel.numpy() * scale)[:, None], self.stride  # (kernel, 1, width, filters)

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            window = tf.concat([state, x], axis=1)
            y = tf.nn.relu(tf.nn.conv2d(window[:, :, None], kernel, 1, "VALID") + bias)
            return tf.reshape(y, (1, 1, -1)), window[:, stride:]

        return step


class PatchConv(_Windowed):
    """Convolution over patches in time and frequency, outputs side by side; batch norm, ReLU."""

    def __init__(
        self, width: int, filters: int, kernel: int, stride: int, patch: int, patch_stride: int
    ) -> None:
        super().__init__(width, kernel, stride, (kernel, patch, 1, filters))
        self.patch_stride = patch_stride
        self.out_width = ((width - patch) // patch_stride + 1) * filters

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`."""
        rows, after = self._behind(state, x)
        patches = tf.nn.conv2d(rows[..., None], self.kernel, (self.stride, self.patch_stride), "VALID")
        batch, steps, _, filters = tf.unstack(tf.shape(patches))
        y = tf.nn.relu(self.norm(tf.reshape(patches, (batch, -1, filters)), training))
        return tf.reshape(y, (batch, steps, self.out_width)), after

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        scale, bias = self.norm.folded()
        kernel, strides, stride = self.kernel.numpy() * scale, (1, self.patch_stride), self.stride

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            window = tf.concat([state, x], axis=1)
            y = tf.nn.relu(tf.nn.conv2d(window[..., None], kernel, strides, "VALID") + bias)
            return tf.reshape(y, (1, 1, -1)), window[:, stride:]

        return step


class Separable:
    """Depthwise convolution over `kernel` steps `dilation` apart, then 1 x 1, each with batch norm; residual.

    The block of MDTC (Wang et al., WeKws 2022) and of other depthwise-separable temporal networks. State: the
    (kernel - 1) * dilation steps before.
    """

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        self.width, self.kernel_steps, self.dilation = width, kernel, dilation
        self.depthwise = tf.Variable(depthwise_kernel(kernel, width))
        self.pointwise = tf.Variable(glorot((width, width)))
        self.norms = (Norm(width), Norm(width))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        norms = [variable for norm in self.norms for variable in norm.trainable_variables]
        return [self.depthwise, self.pointwise, *norms]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Those and the averages of batch norms."""
        return [self.depthwise, self.pointwise, *(v for norm in self.norms for v in norm.variables)]

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input."""
        return tf.zeros((batch, (self.kernel_steps - 1) * self.dilation, self.width))

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`."""
        window = tf.concat([state, x], axis=1)
        y = tf.nn.relu(self.norms[0](depthwise(window, self.depthwise, self.dilation), training))
        y = tf.nn.relu(x + self.norms[1](y @ self.pointwise, training))
        return y, window[:, tf.shape(x)[1] :]

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        (first, bias), (second, out_bias) = (norm.folded() for norm in self.norms)
        kernel, pointwise = self.depthwise.numpy() * first, self.pointwise.numpy() * second

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            window = tf.concat([state, x], axis=1)
            y = tf.nn.relu(depthwise_step(window, kernel, self.dilation) + bias)
            y = tf.reshape(y, (1, -1)) @ pointwise + out_bias
            return tf.nn.relu(x + y[:, None]), window[:, 1:]

        return step


def depthwise_kernel(taps: int, width: int) -> tf.Tensor:
    """To begin with, for a ReLU behind it (He et al. 2015); shape (taps, width)."""
    return tf.random.normal((taps, width), stddev=(2 / taps) ** 0.5)


def depthwise(window: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """Taps `dilation` steps apart, (batch, t, width) -> (batch, t - (taps - 1) * dilation, width).

    A sum over taps is several times as fast on a CPU as the depthwise operation and its gradient.
    """
    steps = tf.shape(window)[1] - (kernel.shape[0] - 1) * dilation
    taps = [window[:, k * dilation : k * dilation + steps] for k in range(kernel.shape[0])]
    return tf.add_n([tap * kernel[k] for k, tap in enumerate(taps)])


def depthwise_step(window: tf.Tensor, kernel: np.ndarray, dilation: int) -> tf.Tensor:
    """The one step that a window (1, 1 + (taps - 1) * dilation, width) is enough for, (1, 1, 1, width)."""
    taps = window[:, ::dilation][:, :, None]
    return tf.nn.depthwise_conv2d(taps, kernel[:, None, :, None], (1, 1, 1, 1), "VALID")


class Norm:
    """Batch normalization over batch and time."""

    def __init__(self, width: int) -> None:
        self._norm = keras.layers.BatchNormalization(momentum=0.98)
        self._norm.build((None, None, width))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [self._norm.gamma.value, self._norm.beta.value]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Those and the averages."""
        return [*self.trainable_variables, self._norm.moving_mean.value, self._norm.moving_variance.value]

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        """x (batch, t, width), by its own mean and variance in learning, else by the averages."""
        return self._norm(x, training=training)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale for the weights before it, and the bias that remains, each (width,)."""
        scale = np.asarray(self._norm.gamma) / np.sqrt(
            np.asarray(self._norm.moving_variance) + self._norm.epsilon
        )
        return scale, np.asarray(self._norm.beta) - np.asarray(self._norm.moving_mean) * scale
