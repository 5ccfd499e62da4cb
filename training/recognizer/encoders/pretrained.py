"""An acoustic network on the lower layers of Google's speech embedding, alone or with energies beside them.

    288 values (40 ms) -> the published upper layers, learning on -> 192 values
    both side by side -> 1x1 convolution -> layers of any kind -> phones | characters

Where the encoder gives energies of the whole band as well, what two convolutions make of them stands beside.

The upper layers, but for the last pooling over time and what follows it, start from the published weights
(Lin et al. 2020, arXiv 2002.01322; Apache-2.0), which the package `pyopen-wakeword` brings. They learn on
more slowly than what stands behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kws.encoders.full_band import FullBandConfig
from kws.encoders.lower_layers import LowerLayersConfig
from kws.encoders.network import Layer, read_layers
from kws.encoders.speech_embedding import published_network
from kws.frontends import FULL_BAND, LOWER_LAYERS
from training.learning.published_layer import PublishedLayer
from training.recognizer.encoders import BODIES
from training.recognizer.encoders.convolution import CausalConv
from training.recognizer.encoders.layered import LayeredStep, entered, entry_of
from training.recognizer.encoders.normalization import moments_of
from training.recognizer.network import AcousticNetwork, Step

_CONFIG = LowerLayersConfig()
_ENERGIES = FullBandConfig().log_mel.channels
_OF_ENERGIES = 128
"""Channels that the network makes of them."""
_LAST = 19
"""Published layers up to the one, excluded, that comes after the last pooling over time."""


class PretrainedNetwork(AcousticNetwork):
    """The upper layers beside what they are given, a body of `BODIES` as wide as `width`, and heads.

    `front` is how many channels are made of energies at 20 ms a step, where `encoder` gives any.
    """

    def __init__(
        self,
        width: int,
        dilations: Sequence[int],
        dropout: float = 0.0,
        body: str = "convolutions",
        *,
        encoder: str = LOWER_LAYERS,
        front: int = 96,
    ) -> None:
        super().__init__(encoder, width, dropout)
        published = read_layers(published_network(_CONFIG.embedding))[_CONFIG.layers : _LAST]
        self.upper = [PublishedLayer(layer, _over_bands(layer, published[-1])) for layer in published]
        self.front = entry_of(_ENERGIES, front, _OF_ENERGIES) if encoder == FULL_BAND else []
        of_energies = self.front[-1].outputs if self.front else 0
        self.entry = CausalConv(_CONFIG.values + _upper_values(self.upper) + of_energies, width, 1)
        self.body = list(BODIES[body](width, dilations))
        self._add_heads()

    @property
    def encoder_variables(self) -> Sequence[tf.Variable]:
        """All but the upper layers'."""
        layers = (*self.front, self.entry, *self.body)
        return [variable for layer in layers for variable in layer.trainable_variables]

    @property
    def pretrained_variables(self) -> Sequence[tf.Variable]:
        """Those of the upper layers."""
        return [weight for layer in self.upper for weight in (layer.kernel, layer.bias)]

    @property
    def moments(self) -> Sequence[tf.Variable]:
        """The upper layers have none."""
        return moments_of([*self.front, self.entry, *self.body])

    def encode(self, rows: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Real-valued rows (batch, steps, channels) -> features (batch, steps, width)."""
        said, energies = parted(rows)
        x = in_bands(said)
        for layer in self.upper:
            x = layer(x)
        parts = [said, flat(x)]
        if self.front:
            parts.append(entered(self.front, by_row(energies), training=training))
        x = self.entry(tf.concat(parts, axis=-1), training=training)
        for layer in self.body:
            x = self._dropped(layer(x, training=training), training=training)
        return x

    def encoder_step(self) -> Step:
        """As it is now; KwsError where the body cannot stream."""
        return PretrainedStep(self)


class PretrainedStep(tf.Module):
    """One step of a trained PretrainedNetwork's encoder."""

    def __init__(self, trained: PretrainedNetwork) -> None:
        super().__init__()
        self._upper = [UpperStep(layer, bands) for layer, bands in _with_bands(trained.upper)]
        self._front = LayeredStep([layer.streaming() for layer in trained.front]) if trained.front else None
        # A product of each instead of one of all side by side: int8 would give all the same scale.
        kernel, self._entry_bias = trained.entry.folded()
        ends = np.cumsum([_CONFIG.values, _upper_values(trained.upper)])
        self._entry = np.split(kernel, ends if trained.front else ends[:1])
        self._body = [layer.streaming() for layer in trained.body]

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """(1, 1, channels) -> (1, 1, width)."""
        said, energies = parted(rows)
        x = in_bands(said)
        for layer in self._upper:
            x = layer(x)
        parts = [said, x, *([self._front(by_row(energies))] if self._front else [])]
        pairs = zip(parts, self._entry, strict=True)
        products = [tf.reshape(part, (1, -1)) @ kernel for part, kernel in pairs]
        x = tf.nn.relu(sum(products[1:], products[0]) + self._entry_bias)[None]
        for layer in self._body:
            x = layer(x)
        return x


class UpperStep(tf.Module):
    """A trained PublishedLayer on the newest frame; what it needs of the past is a variable."""

    def __init__(self, trained: PublishedLayer, bands: int) -> None:
        super().__init__()
        self._apply, self._kernel, self._bias = trained.apply, trained.kernel.numpy(), trained.bias.numpy()
        shape = (1, trained.past, bands, trained.kernel.shape[2])
        self._past = tf.Variable(tf.zeros(shape), trainable=False) if trained.past else None

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """(1, 1, bands, inputs) -> (1, 1, fewer bands, outputs)."""
        if self._past is not None:
            x = tf.concat([self._past.read_value(), x], axis=1)
            self._past.assign(x[:, 1:])
        return self._apply(x, self._kernel, self._bias)


def _over_bands(layer: Layer, last: Layer) -> tuple[int, int]:
    """How it pools here: never over time, and the last not at all."""
    return (1, layer.pool[1]) if layer.pool and layer is not last else (1, 1)


def parted(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(batch, t, channels) -> what the lower layers say, (batch, t, 288), and energies, none or four rows."""
    return rows[..., : _CONFIG.values], rows[..., _CONFIG.values :]


def by_row(energies: tf.Tensor) -> tf.Tensor:
    """(batch, t, 160) -> (batch, 4 t, 40)."""
    return tf.reshape(energies, (tf.shape(energies)[0], -1, _ENERGIES))


def in_bands(rows: tf.Tensor) -> tf.Tensor:
    """(batch, t, 288) -> (batch, t, 4, 72)."""
    return tf.reshape(rows, (tf.shape(rows)[0], -1, _CONFIG.bands, _CONFIG.values // _CONFIG.bands))


def flat(x: tf.Tensor) -> tf.Tensor:
    """(batch, t, bands, channels) -> (batch, t, bands * channels)."""
    return tf.reshape(x, (tf.shape(x)[0], -1, x.shape[2] * x.shape[3]))


def _with_bands(layers: Sequence[PublishedLayer]) -> list[tuple[PublishedLayer, int]]:
    """Each with the bands that it is given."""
    found, bands = [], _CONFIG.bands
    for layer in layers:
        found.append((layer, bands))
        bands = _bands_after(layer, bands)
    return found


def _bands_after(layer: PublishedLayer, bands: int) -> int:
    return int(bands + 2 * layer.sides - layer.kernel.shape[1] + 1) // layer.pool[1]


def _upper_values(layers: Sequence[PublishedLayer]) -> int:
    last, bands = _with_bands(layers)[-1]
    return _bands_after(last, bands) * int(last.kernel.shape[3])
