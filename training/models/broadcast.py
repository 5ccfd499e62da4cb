"""The broadcast residual: 2-D features over frequency, and through time only their mean over frequency.

Kim, Chang, Lee, Sung 2021, "Broadcasted residual learning for efficient keyword spotting", in a causal form
whose state is small: what is carried through time has no frequency axis. Batch norm takes the place of
sub-spectral norm and ReLU that of swish, since int8 hardware has both at no cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from training.models.layers import Norm, Step, depthwise, depthwise_kernel, depthwise_step, glorot

TAPS = 3
"""Of both depthwise convolutions, over bands and over steps."""


class BroadcastResidual:
    """A block of bands x channels, channels innermost: y = relu(f2(x) + f1(mean over bands of f2(x)) + x).

    f2 is a depthwise convolution over bands; f1 is one over steps, causal and dilated, then 1 x 1, and its
    output is added to every band. Where channels or bands change, a 1 x 1 convolution comes first and the
    identity is left out. State: the means of the (TAPS - 1) * dilation steps before.
    """

    def __init__(self, bands: int, channels: int, out_channels: int, band_stride: int, dilation: int) -> None:
        self.bands, self.channels, self.out_channels = bands, channels, out_channels
        self.band_stride, self.dilation = band_stride, dilation
        self.out_bands = -(-bands // band_stride)
        self.is_transition = channels != out_channels or band_stride > 1
        self.entry = tf.Variable(glorot((channels, out_channels)))
        self.over_bands = tf.Variable(depthwise_kernel(TAPS, out_channels))
        self.over_steps = tf.Variable(depthwise_kernel(TAPS, out_channels))
        self.pointwise = tf.Variable(glorot((out_channels, out_channels)))
        self.norms = tuple(Norm(out_channels) for _ in range(3))

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """What the optimizer moves."""
        return [*self._kernels, *(v for norm in self._used_norms for v in norm.trainable_variables)]

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """Those and the averages of batch norms."""
        return [*self._kernels, *(v for norm in self._used_norms for v in norm.variables)]

    @property
    def _kernels(self) -> list[tf.Variable]:
        kernels = [self.over_bands, self.over_steps, self.pointwise]
        return [self.entry, *kernels] if self.is_transition else kernels

    @property
    def _used_norms(self) -> Sequence[Norm]:
        return self.norms if self.is_transition else self.norms[1:]

    def zero_state(self, batch: int) -> tf.Tensor:
        """Before any input."""
        return tf.zeros((batch, (TAPS - 1) * self.dilation, self.out_channels))

    def forward(self, x: tf.Tensor, state: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Layer.forward`; x (batch, t, bands * channels)."""
        steps = tf.shape(x)[1]
        x = tf.reshape(x, (-1, steps, self.bands, self.channels))
        if self.is_transition:
            x = tf.nn.relu(_normed(self.norms[0], x @ self.entry, training))
        y = _normed(self.norms[1], self._over_bands(x), training)
        window = tf.concat([state, tf.reduce_mean(y, axis=2)], axis=1)
        mean = depthwise(window, self.over_steps, self.dilation)
        mean = tf.nn.relu(self.norms[2](mean, training)) @ self.pointwise
        y += mean[:, :, None]
        y = tf.nn.relu(y if self.is_transition else x + y)
        return tf.reshape(y, (-1, steps, self.out_bands * self.out_channels)), window[:, steps:]

    def _over_bands(self, x: tf.Tensor) -> tf.Tensor:
        """Padded as TensorFlow's SAME: of an odd number of zeros more above than below."""
        padding = max(0, (self.out_bands - 1) * self.band_stride + TAPS - self.bands)
        below = padding // 2
        x = tf.pad(x, ((0, 0), (0, 0), (below, padding - below), (0, 0)))
        last = (self.out_bands - 1) * self.band_stride + 1
        taps = [x[:, :, k : k + last : self.band_stride] for k in range(TAPS)]
        return tf.add_n([tap * self.over_bands[k] for k, tap in enumerate(taps)])

    def frozen(self) -> Step:
        """As `Layer.frozen`."""
        (enter, enter_bias), (first, bias), (second, mean_bias) = (norm.folded() for norm in self.norms)
        entry = (self.entry.numpy() * enter)[None, None]
        over_bands = (self.over_bands.numpy() * first)[:, None, :, None]  # (taps, 1, channels, 1)
        over_steps = self.over_steps.numpy() * second
        pointwise, strides = self.pointwise.numpy(), (1, self.band_stride, self.band_stride, 1)
        shape = (1, self.bands, 1, self.channels)

        def step(x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            x = tf.reshape(x, shape)
            if self.is_transition:
                x = tf.nn.relu(tf.nn.conv2d(x, entry, 1, "VALID") + enter_bias)
            y = tf.nn.depthwise_conv2d(x, over_bands, strides, "SAME") + bias
            window = tf.concat([state, tf.reduce_mean(y, axis=1)], axis=1)
            mean = tf.nn.relu(depthwise_step(window, over_steps, self.dilation) + mean_bias)
            mean = tf.reshape(mean, (1, -1)) @ pointwise
            y += mean[:, None, None]
            y = tf.nn.relu(y if self.is_transition else x + y)
            return tf.reshape(y, (1, 1, -1)), window[:, 1:]

        return step


def _normed(norm: Norm, x: tf.Tensor, training: bool) -> tf.Tensor:
    """Over batch, time and bands, x (batch, t, bands, channels)."""
    flat = tf.reshape(x, (tf.shape(x)[0], -1, x.shape[3]))
    return tf.reshape(norm(flat, training), tf.shape(x))
